/* fuse.c: joining two nodes into one, so that a step has fewer launches and passes over memory.
 *
 * A rule is a row of the table: `second` reads the one output of `first`, and nobody else does; it is its
 * input 0, or, of a sum, either; `join` changes `first` so that it does the work of both, or says no.
 * Then `first` writes what `second` wrote, and stays at its place or, where that is too early for the
 * other inputs, goes to that of `second`.  Adding a fusion is adding a row.
 */
#include "config.h"

#include "runtime/graph/internal.h"

#include "runtime/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* A layer, then relu: the activation becomes the epilogue. */
static bool join_activation(const mot_graph *graph, mot_node *first, const mot_node *second)
{
    (void)graph, (void)second;
    if (first->attrs.activation != MOT_ACT_NONE || (first->op == MOT_OP_add && first->n_in > 2))
        return false;
    first->attrs.activation = MOT_ACT_RELU;
    return true;
}

/* Batch norm, then a sum: what it is added to becomes an input, which backward has to know. */
static bool join_residual(const mot_graph *graph, mot_node *first, const mot_node *second)
{
    (void)graph;
    if (first->attrs.activation != MOT_ACT_NONE || first->n_in > MOT_BATCH_NORM_RESIDUAL)
        return false;
    first->in[MOT_BATCH_NORM_RESIDUAL] = second->in[1];
    first->n_in = MOT_BATCH_NORM_RESIDUAL + 1;
    return true;
}

/* The gradient through such a layer, then through the relu before it: mask in the epilogue, by
 * the relu's output h, since relu'(x) = h > 0. */
static bool join_mask(const mot_graph *graph, mot_node *first, const mot_node *second)
{
    const mot_shape *h = &graph->tensor[second->in[1]].shape;
    if (first->n_in > 2 || first->attrs.activation != MOT_ACT_NONE ||
        !mot_shape_equal(h, &graph->tensor[first->out[0]].shape))
        return false;
    first->in[2] = second->in[1];
    first->n_in = 3;
    return true;
}

/* The gradient through max_pool2d, then through the relu before it, whose output h it reads. */
static bool join_pooled_mask(const mot_graph *graph, mot_node *first, const mot_node *second)
{
    if (first->attrs.activation != MOT_ACT_NONE ||
        mot_graph_root(graph, first->in[1]) != mot_graph_root(graph, second->in[1]))
        return false;
    first->attrs.activation = MOT_ACT_RELU;
    return true;
}

static const struct {
    mot_op first, second;
    bool (*join)(const mot_graph *graph, mot_node *first, const mot_node *second);
    bool before; /* backward is appended: the rules of `first` know the gradient of both */
} fusions[] = {
    {MOT_OP_linear, MOT_OP_relu, join_activation, false},
    {MOT_OP_conv2d, MOT_OP_relu, join_activation, false},
    {MOT_OP_conv2d_dinput, MOT_OP_relu, join_activation, false},
    {MOT_OP_batch_norm, MOT_OP_relu, join_activation, true},
    {MOT_OP_batch_norm, MOT_OP_add, join_residual, true},
    {MOT_OP_add, MOT_OP_relu, join_activation, false},
    {MOT_OP_linear_dinput, MOT_OP_relu_grad, join_mask, false},
    {MOT_OP_conv2d_dinput, MOT_OP_relu_grad, join_mask, false},
    {MOT_OP_add, MOT_OP_relu_grad, join_mask, false},
    {MOT_OP_max_pool2d_grad, MOT_OP_relu_grad, join_pooled_mask, false},
};

enum { DROPPED = -1 };

/* How often nodes that are still there read the memory of `tensor`, views included. */
static int n_uses(const mot_graph *graph, int tensor)
{
    int uses = mot_graph_root(graph, graph->output) == tensor;
    for (int i = 0; i < graph->n_nodes; i++) {
        const mot_node *node = &graph->node[i];
        for (int k = 0; k < node->n_in; k++)
            uses += node->in[k] >= 0 && mot_graph_root(graph, node->in[k]) == tensor;
    }
    return uses;
}

/* May `second`, the reader of `first`, run at the place of `first`? */
static bool others_are_ready(const mot_graph *graph, int first, const mot_node *second)
{
    for (int i = 1; i < second->n_in; i++)
        if (second->in[i] >= 0 && graph->tensor[second->in[i]].producer >= first)
            return false;
    return true;
}

/* `first` does the work of both now, at one of their places, which are the same to all others, for only
 * `second` read what it gave; nothing is left at the other place. */
static void leave_one(mot_graph *graph, int first, int second)
{
    int place = first, other = second;
    graph->node[first].out[0] = graph->node[second].out[0];
    if (!others_are_ready(graph, first, &graph->node[second])) {
        const mot_node joined = graph->node[first];
        graph->node[first] = graph->node[second];
        graph->node[second] = joined;
        place = second, other = first;
    }
    for (int t = 0; t < graph->n_tensors; t++)
        if (graph->tensor[t].producer == second)
            graph->tensor[t].producer = place;
    graph->node[other].n_in = 0;
    graph->node[other].n_out = DROPPED;
}

static bool try_to_join(mot_graph *graph, int index, bool before)
{
    mot_node *second = &graph->node[index];
    int between = second->n_in > 0 ? second->in[0] : -1;
    int producer = between < 0 ? -1 : graph->tensor[between].producer;
    if (producer < 0)
        return false;
    mot_node *first = &graph->node[producer];
    for (size_t i = 0; i < sizeof fusions / sizeof *fusions; i++) {
        if (fusions[i].before != before || fusions[i].first != first->op ||
            fusions[i].second != second->op || first->out[0] != between ||
            first->phase != second->phase || first->checkpoint != second->checkpoint ||
            graph->tensor[between].kind != MOT_TENSOR_ACTIVATION)
            continue;
        if (n_uses(graph, between) != 1 || !fusions[i].join(graph, first, second))
            continue;
        leave_one(graph, producer, index);
        return true;
    }
    return false;
}

/* A sum may be joined by either of what it adds. */
static void swap_terms(mot_node *node)
{
    const int term = node->in[0];
    node->in[0] = node->in[1];
    node->in[1] = term;
}

static void join(mot_graph *graph, int index, bool before)
{
    mot_node *node = &graph->node[index];
    if (try_to_join(graph, index, before) || node->op != MOT_OP_add)
        return;
    swap_terms(node);
    if (!try_to_join(graph, index, before))
        swap_terms(node);
}

/* ---- numbering anew ---- */

static int renamed(const int *number, int old)
{
    return old < 0 ? old : number[old];
}

void mot_graph_renumber_nodes(mot_graph *graph, const int *number)
{
    for (int t = 0; t < graph->n_tensors; t++)
        graph->tensor[t].producer = renamed(number, graph->tensor[t].producer);
    graph->loss_node = renamed(number, graph->loss_node);
}

static void drop_nodes(mot_graph *graph, int *number)
{
    int kept = 0;
    for (int i = 0; i < graph->n_nodes; i++) {
        if (graph->node[i].n_out == DROPPED) {
            free(graph->node[i].name);
            continue;
        }
        number[i] = kept;
        graph->node[kept++] = graph->node[i];
    }
    graph->n_nodes = kept;
    mot_graph_renumber_nodes(graph, number);
}

static void mark_used(const mot_graph *graph, int *number)
{
    for (int t = 0; t < graph->n_tensors; t++) {
        mot_tensor_kind kind = graph->tensor[t].kind;
        bool source = graph->tensor[t].producer < 0 && graph->tensor[t].view_of < 0;
        number[t] = source && kind != MOT_TENSOR_ACTIVATION;
    }
    number[graph->output] = number[graph->sums] = 1;
    for (int i = 0; i < graph->n_nodes; i++) {
        const mot_node *node = &graph->node[i];
        for (int k = 0; k < node->n_in; k++)
            if (node->in[k] >= 0)
                number[node->in[k]] = 1;
        for (int k = 0; k < node->n_out; k++)
            number[node->out[k]] = 1;
    }
    for (int t = 0; t < graph->n_tensors; t++)
        if (number[t] && graph->tensor[t].view_of >= 0)
            number[graph->tensor[t].view_of] = 1;
}

static void drop_tensors(mot_graph *graph, int *number)
{
    int kept = 0;
    mark_used(graph, number);
    for (int t = 0; t < graph->n_tensors; t++) {
        if (!number[t]) {
            free(graph->tensor[t].name);
            free((void *)graph->tensor[t].constant);
            continue;
        }
        number[t] = kept;
        graph->tensor[kept++] = graph->tensor[t];
    }
    graph->n_tensors = kept;
    for (int t = 0; t < graph->n_tensors; t++) {
        mot_tensor *tensor = &graph->tensor[t];
        tensor->view_of = renamed(number, tensor->view_of);
        tensor->gradient = renamed(number, tensor->gradient);
    }
    for (int i = 0; i < graph->n_nodes; i++) {
        mot_node *node = &graph->node[i];
        for (int k = 0; k < node->n_in; k++)
            node->in[k] = renamed(number, node->in[k]);
        for (int k = 0; k < node->n_out; k++)
            node->out[k] = renamed(number, node->out[k]);
    }
    for (int i = 0; i < graph->n_parameters; i++)
        graph->parameter[i] = number[graph->parameter[i]];
    for (int i = 0; i < graph->n_buffers; i++)
        graph->buffer[i] = number[graph->buffer[i]];
    graph->raw = renamed(number, graph->raw);
    graph->label = renamed(number, graph->label);
    graph->loss_scale = renamed(number, graph->loss_scale);
    graph->loss_steps = renamed(number, graph->loss_steps);
    graph->output = number[graph->output];
    graph->sums = number[graph->sums];
}

mot_status mot_graph_fuse(mot_graph *graph, bool before)
{
    for (int i = 0; i < graph->n_nodes; i++)
        join(graph, i, before);
    int n = graph->n_nodes > graph->n_tensors ? graph->n_nodes : graph->n_tensors, *number;
    MOT_TRY(mot_alloc((size_t)n, sizeof *number, &number));
    drop_nodes(graph, number);
    drop_tensors(graph, number);
    free(number);
    return MOT_OK;
}
