/* narrow.c: what is kept for backward is stored in 16 bits, so that it takes half of the memory.
 *
 * A tensor is stored so if it waits: a value of forward that backward reads, or a gradient that is
 * read once more when several layers have been passed, as those of skip connections are.  `narrow`
 * writes it in 16 bits, right behind its producer; who reads it late reads that, directly where the
 * operator can (narrow_in of its rules), else what `widen` makes of it just before, which the memory
 * plan lets go at once.  Who reads it early, all of forward, reads the floats, so forward, and with
 * it evaluation, is that of float32, and the floats are let go when forward is past them.
 *
 * Float stays: parameters and their gradients, what is exchanged, statistics (exact_out), and all that
 * is computed.  Of what checkpointed blocks compute again, what they begin with was stored in 16 bits.
 * Source: Micikevicius et al. 2018, "Mixed precision training". */
#include "config.h"

#include "runtime/graph/internal.h"

#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nodes between which a gradient does not wait; those between which widened values are read again. */
enum { NEAR_GRADIENT = 4, NEAR_WIDENED = 2 };

typedef struct stored {
    int first_reader, narrow; /* node; tensor in 16 bits, -1: none */
    int widened, widened_at;  /* tensor in floats again, and before which node */
} stored;

typedef struct narrowing {
    mot_graph *graph;
    mot_dtype storage;
    int n_nodes, n_tensors; /* without what is added */
    stored *of;             /* [n_tensors] of roots */
    int *before;            /* [n_added] node before which the added node n_nodes + i lies */
    size_t n_added, capacity;
} narrowing;

/* May the tensor, a root, be stored in 16 bits? */
static bool may_be_narrow(const mot_graph *graph, int tensor)
{
    const mot_tensor *t = &graph->tensor[tensor];
    if (t->kind != MOT_TENSOR_ACTIVATION || t->dtype != MOT_F32 || t->producer < 0 ||
        !mot_shape_is_batched(&t->shape))
        return false;
    const mot_node *node = &graph->node[t->producer];
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k] == tensor)
            return !(mot_op_get_rules(node->op)->exact_out >> k & 1);
    return false;
}

/* Is it a gradient, and no value of forward? */
static bool is_gradient(const mot_graph *graph, int tensor)
{
    const int producer = graph->tensor[tensor].producer;
    return producer == graph->loss_node || graph->node[producer].phase == MOT_PHASE_BACKWARD;
}

/* Does the tensor wait for this reader? */
static bool waits(const narrowing *n, int tensor, int reader)
{
    if (is_gradient(n->graph, tensor))
        return reader - n->of[tensor].first_reader > NEAR_GRADIENT;
    return n->graph->node[reader].phase == MOT_PHASE_BACKWARD;
}

/* Append narrow or widen of `x`, to lie before node `before`. */
static mot_status add(narrowing *n, mot_op op, int x, int before, int *out)
{
    mot_graph *graph = n->graph;
    const mot_tensor from = graph->tensor[x];
    const mot_dtype dtype = op == MOT_OP_narrow ? n->storage : MOT_F32;
    mot_node node = {.op = op, .n_in = 1, .n_out = 1, .attrs = {.storage = n->storage}};
    char name[256];
    snprintf(name, sizeof name, "%s.%s", from.name, mot_dtype_name(dtype));
    memset(node.in, -1, sizeof node.in);
    memset(node.out, -1, sizeof node.out);
    MOT_TRY(mot_grow(&n->before, &n->capacity, n->n_added + 1, sizeof *n->before));
    MOT_TRY(mot_graph_add_tensor(graph, MOT_TENSOR_ACTIVATION, name, dtype, &from.shape, out));
    graph->tensor[*out].producer = graph->n_nodes;
    node.in[0] = x;
    node.out[0] = *out;
    const mot_node *producer = &graph->node[from.producer];
    graph->phase = op == MOT_OP_widen ? MOT_PHASE_BACKWARD : producer->phase;
    MOT_TRY(mot_graph_add_node(graph, &node, producer->name));
    n->before[n->n_added++] = before;
    return MOT_OK;
}

/* `root` in the shape of `like`. */
static mot_status view_of(narrowing *n, int root, int like, int *out)
{
    const mot_shape shape = n->graph->tensor[like].shape;
    *out = root;
    if (mot_shape_equal(&n->graph->tensor[root].shape, &shape))
        return MOT_OK;
    char name[256];
    snprintf(name, sizeof name, "%s", n->graph->tensor[root].name);
    return mot_graph_reshape(n->graph, root, name, &shape, out);
}

/* Have input k of node `reader` read what was stored. */
static mot_status redirect(narrowing *n, int reader, int k)
{
    mot_graph *graph = n->graph;
    const int tensor = graph->node[reader].in[k], root = mot_graph_root(graph, tensor);
    stored *s = &n->of[root];
    if (s->narrow < 0)
        MOT_TRY(add(n, MOT_OP_narrow, root, graph->tensor[root].producer + 1, &s->narrow));
    int from = s->narrow;
    if (!(mot_op_get_rules(graph->node[reader].op)->narrow_in >> k & 1)) {
        if (s->widened < 0 || reader - s->widened_at > NEAR_WIDENED) {
            MOT_TRY(add(n, MOT_OP_widen, s->narrow, reader, &s->widened));
            s->widened_at = reader;
        }
        from = s->widened;
    }
    MOT_TRY(view_of(n, from, tensor, &from));
    graph->node[reader].in[k] = from;
    return MOT_OK;
}

static mot_status redirect_all(narrowing *n)
{
    for (int i = 0; i < n->n_nodes; i++)
        for (int k = 0; k < n->graph->node[i].n_in; k++) {
            const int tensor = n->graph->node[i].in[k];
            const int root = tensor < 0 ? -1 : mot_graph_root(n->graph, tensor);
            if (root < 0 || root >= n->n_tensors || !may_be_narrow(n->graph, root))
                continue;
            if (n->of[root].first_reader < 0)
                n->of[root].first_reader = i;
            if (waits(n, root, i))
                MOT_TRY(redirect(n, i, k));
        }
    return MOT_OK;
}

/* Added nodes move to where they belong, those of one place in the order in which they were added. */
static mot_status put_in_order(narrowing *n)
{
    mot_graph *graph = n->graph;
    const size_t n_all = (size_t)graph->n_nodes;
    mot_node *node = NULL;
    int *number = NULL, done = 0;
    mot_status status;
    MOT_TRY_GOTO(mot_alloc(n_all, sizeof *number, &number));
    MOT_TRY_GOTO(mot_alloc(n_all, sizeof *node, &node));
    for (int i = 0; i < n->n_nodes; i++) {
        for (size_t a = 0; a < n->n_added; a++)
            if (n->before[a] == i) {
                number[n->n_nodes + (int)a] = done;
                node[done++] = graph->node[n->n_nodes + (int)a];
            }
        number[i] = done;
        node[done++] = graph->node[i];
    }
    free(graph->node);
    graph->node = node;
    graph->node_capacity = n_all;
    mot_graph_renumber_nodes(graph, number);
fail:
    free(number);
    return status;
}

mot_status mot_graph_narrow(mot_graph *graph, mot_dtype storage)
{
    narrowing n = {.graph = graph,
                   .storage = storage,
                   .n_nodes = graph->n_nodes,
                   .n_tensors = graph->n_tensors};
    mot_status status;
    MOT_TRY_GOTO(mot_alloc((size_t)n.n_tensors, sizeof *n.of, &n.of));
    for (int t = 0; t < n.n_tensors; t++)
        n.of[t] = (stored){.first_reader = -1, .narrow = -1, .widened = -1};
    MOT_TRY_GOTO(redirect_all(&n));
    MOT_TRY_GOTO(put_in_order(&n));
fail:
    graph->phase = MOT_PHASE_BACKWARD;
    free(n.of);
    free(n.before);
    return status;
}
