/* recompute.c: what a checkpointed block computes is not kept for backward but computed again.
 *
 * A block is the forward nodes with one number `checkpoint`.  What nodes outside of the block read,
 * what the block gives, is kept; so is all else that the node of such a value gives, for example the
 * statistics of a norm, so that the last node of a block is never computed twice.  What is exchanged
 * over devices is kept as well: it is small, and nobody should wait for it twice.  Of the rest, those
 * nodes that backward needs, directly or for another of them, get a copy.  The copies of a block come
 * before the first node of backward that reads one of them, and backward reads them in place of the
 * originals, which the memory plan then lets go as soon as forward is past them.
 *
 * A copy is a node of backward like any other: it is fused as its original is, its cost counts, and it
 * does not run when evaluating.  Its attributes are those of its original, with the layer's number by
 * which dropout draws, so it gives the same bits.
 * Source: Chen et al. 2016, "Training deep nets with sublinear memory cost".
 */
#include "config.h"

#include "runtime/graph/internal.h"

#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct recompute {
    mot_graph *graph;
    int n_nodes; /* without copies */
    bool *gives; /* [n_nodes] of forward: what it gives is kept */
    bool *again; /* [n_nodes] has a copy */
    int *copy;   /* of each tensor; -1 */
} recompute;

static int producer_of(const mot_graph *graph, int tensor)
{
    return tensor < 0 ? -1 : graph->tensor[tensor].producer;
}

/* ---- which ---- */

static void find_givers(recompute *r)
{
    const mot_graph *graph = r->graph;
    for (int i = 0; i <= graph->loss_node; i++) {
        const mot_node *node = &graph->node[i];
        r->gives[i] = mot_op_get_rules(node->op)->exchanged;
        for (int k = 0; k < node->n_in; k++) {
            int p = producer_of(graph, node->in[k]);
            if (p >= 0 && graph->node[p].checkpoint != node->checkpoint)
                r->gives[p] = true;
        }
    }
}

/* Whoever reads comes later, so all its readers are known when a node is reached.  How many there are. */
static int find_again(recompute *r)
{
    const mot_graph *graph = r->graph;
    int n = 0;
    for (int i = graph->n_nodes - 1; i >= 0; i--) {
        const mot_node *node = &graph->node[i];
        for (int k = 0; k < node->n_in; k++) {
            int p = producer_of(graph, node->in[k]);
            bool needed = node->phase == MOT_PHASE_BACKWARD || r->again[i];
            if (!needed || p < 0 || graph->node[p].checkpoint == 0 || r->gives[p] || r->again[p])
                continue;
            r->again[p] = true;
            n++;
        }
    }
    return n;
}

/* ---- copies ---- */

static mot_status copy_tensor(recompute *r, int tensor, int producer)
{
    const mot_tensor from = r->graph->tensor[tensor];
    char name[256];
    int copy;
    snprintf(name, sizeof name, "again_%s", from.name);
    MOT_TRY(mot_graph_add_tensor(r->graph, from.kind, name, from.dtype, &from.shape, &copy));
    r->graph->tensor[copy].producer = producer;
    r->copy[tensor] = copy;
    return MOT_OK;
}

/* Read the copy, where there is one; its views are made when they are met. */
static mot_status redirect(recompute *r, int *tensor)
{
    int p = producer_of(r->graph, *tensor), t = *tensor;
    if (p < 0 || p >= r->n_nodes || !r->again[p])
        return MOT_OK;
    if (r->copy[t] < 0) {
        int root = r->copy[mot_graph_root(r->graph, t)];
        MOT_TRY(copy_tensor(r, t, r->graph->tensor[root].producer));
        r->graph->tensor[r->copy[t]].view_of = root;
    }
    *tensor = r->copy[t];
    return MOT_OK;
}

/* Copies lie behind all other nodes until put_in_order. */
static mot_status copy_node(recompute *r, int index)
{
    mot_graph *graph = r->graph;
    mot_node node = graph->node[index];
    for (int k = 0; k < node.n_in; k++)
        MOT_TRY(redirect(r, &node.in[k]));
    for (int k = 0; k < node.n_out; k++) {
        MOT_TRY(copy_tensor(r, node.out[k], graph->n_nodes));
        node.out[k] = r->copy[node.out[k]];
    }
    MOT_TRY(mot_graph_add_node(graph, &node, node.name));
    graph->node[graph->n_nodes - 1].checkpoint = node.checkpoint;
    return MOT_OK;
}

static mot_status copy_nodes(recompute *r)
{
    for (int i = 0; i < r->n_nodes; i++)
        if (r->again[i])
            MOT_TRY(copy_node(r, i));
    for (int i = 0; i < r->n_nodes; i++) {
        mot_node *node = &r->graph->node[i];
        for (int k = 0; node->phase == MOT_PHASE_BACKWARD && k < node->n_in; k++)
            MOT_TRY(redirect(r, &node->in[k]));
    }
    return MOT_OK;
}

/* ---- order ---- */

typedef struct order {
    mot_node *node; /* [n] as they will be */
    int *number;    /* [n_nodes] place of each in that; -1: has none yet */
    int n;
} order;

static void put(const mot_graph *graph, order *o, int index)
{
    o->number[index] = o->n;
    o->node[o->n++] = graph->node[index];
}

/* The copies of a block, before the first who reads one. */
static void put_block(const recompute *r, order *o, int checkpoint)
{
    for (int i = r->n_nodes; i < r->graph->n_nodes; i++)
        if (r->graph->node[i].checkpoint == checkpoint)
            put(r->graph, o, i);
}

static mot_status put_in_order(recompute *r)
{
    mot_graph *graph = r->graph;
    const size_t n = (size_t)graph->n_nodes;
    order o = {0};
    MOT_TRY(mot_alloc(n, sizeof *o.number, &o.number));
    mot_status status = mot_alloc(n, sizeof *o.node, &o.node);
    for (size_t i = 0; i < n; i++)
        o.number[i] = -1;
    for (int i = 0; status == MOT_OK && i < r->n_nodes; i++) {
        for (int k = 0; k < graph->node[i].n_in; k++) {
            int p = producer_of(graph, graph->node[i].in[k]);
            if (p >= r->n_nodes && o.number[p] < 0)
                put_block(r, &o, graph->node[p].checkpoint);
        }
        put(graph, &o, i);
    }
    if (status == MOT_OK) {
        free(graph->node);
        graph->node = o.node;
        graph->node_capacity = n;
        mot_graph_renumber_nodes(graph, o.number);
    }
    free(o.number);
    return status;
}

mot_status mot_graph_recompute(mot_graph *graph)
{
    recompute r = {.graph = graph, .n_nodes = graph->n_nodes};
    mot_status status;
    const int n_tensors = graph->n_tensors;
    MOT_TRY_GOTO(mot_alloc((size_t)r.n_nodes, sizeof *r.gives, &r.gives));
    MOT_TRY_GOTO(mot_alloc((size_t)r.n_nodes, sizeof *r.again, &r.again));
    MOT_TRY_GOTO(mot_alloc((size_t)n_tensors, sizeof *r.copy, &r.copy));
    for (int t = 0; t < n_tensors; t++)
        r.copy[t] = -1;
    find_givers(&r);
    if (find_again(&r) == 0)
        goto fail;
    MOT_TRY_GOTO(copy_nodes(&r));
    MOT_TRY_GOTO(put_in_order(&r));
fail:
    free(r.gives);
    free(r.again);
    free(r.copy);
    return status;
}
