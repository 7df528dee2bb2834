/* move.c: operators that only move elements: concat, permute, slice and pad.  Dimension 0 belongs to
 * the samples and stays as it is.  Slice and pad are each other's gradient, a permutation's is the
 * inverse one, and concat's are slices. */
#include "config.h"

#include "runtime/graph/op/rules.h"

#include <inttypes.h>
#include <string.h>

static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return (mot_cost){.flops = 0, .bytes = mot_rules_bytes(graph, node, batch)};
}

static mot_status check_samples(const mot_graph *graph, const mot_node *node)
{
    for (int i = 0; i < node->n_in; i++)
        if (mot_rules_dtype(graph, node, i) != MOT_F32 ||
            !mot_shape_is_batched(mot_rules_shape(graph, node, i)))
            return mot_rules_fail(graph, node, "needs floats (B,...)");
    return MOT_OK;
}

/* ---- concat ---- */

static mot_status infer_concat(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                               mot_dtype *dtype)
{
    const int axis = node->attrs.axis;
    (void)dtype;
    MOT_TRY(check_samples(graph, node));
    *shape = *mot_rules_shape(graph, node, 0);
    if (axis < 1 || axis >= shape->n_dims)
        return mot_rules_fail(graph, node, "needs a dimension behind that of the samples");
    for (int i = 1; i < node->n_in; i++) {
        mot_shape other = *mot_rules_shape(graph, node, i);
        int64_t more = axis < other.n_dims ? other.dim[axis] : 0;
        other.dim[axis] = shape->dim[axis];
        if (!mot_shape_equal(&other, shape) ||
            __builtin_add_overflow(shape->dim[axis], more, &shape->dim[axis]))
            return mot_rules_fail(graph, node,
                                  "needs inputs that differ in the joined dimension only");
    }
    return MOT_OK;
}

/* The part of x, along one dimension, that begins at `start`. */
static mot_attrs part_of(const mot_shape *part, int axis, int64_t start)
{
    mot_attrs attrs = {0};
    for (int i = 1; i < part->n_dims; i++) {
        attrs.step[i] = 1;
        attrs.size[i] = part->dim[i];
    }
    attrs.start[axis] = start;
    return attrs;
}

static mot_status gradient_concat(mot_graph *graph, int index, const int *d_out, const bool *needs,
                                  int *d_in)
{
    const mot_node node = graph->node[index];
    int64_t start = 0;
    for (int i = 0; i < node.n_in; i++) {
        const mot_shape shape = *mot_rules_shape(graph, &node, i);
        mot_attrs attrs = part_of(&shape, node.attrs.axis, start);
        if (needs[i])
            MOT_TRY(mot_graph_append(graph, MOT_OP_slice, node.name, &attrs, d_out, 1, &d_in[i]));
        start += shape.dim[node.attrs.axis];
    }
    return MOT_OK;
}

const mot_op_rules mot_rules_concat = {
    .min_in = 1,
    .max_in = MOT_NODE_INPUTS,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_concat,
    .gradient = gradient_concat,
    .cost = cost,
};

/* ---- permute ---- */

static mot_status infer_permute(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                                mot_dtype *dtype)
{
    const mot_shape *x = mot_rules_shape(graph, node, 0);
    unsigned seen = 0;
    (void)dtype;
    MOT_TRY(check_samples(graph, node));
    for (int i = 0; i < x->n_dims; i++)
        if (node->attrs.order[i] >= 0 && node->attrs.order[i] < x->n_dims)
            seen |= 1u << node->attrs.order[i];
    if (node->attrs.order[0] != 0 || seen != (1u << x->n_dims) - 1)
        return mot_rules_fail(graph, node, "needs each dimension once, that of the samples first");
    shape->n_dims = x->n_dims;
    for (int i = 0; i < x->n_dims; i++)
        shape->dim[i] = x->dim[node->attrs.order[i]];
    return MOT_OK;
}

static mot_status gradient_permute(mot_graph *graph, int index, const int *d_out, const bool *needs,
                                   int *d_in)
{
    const mot_node node = graph->node[index];
    mot_attrs attrs = {0};
    (void)needs;
    for (int i = 0; i < mot_rules_shape(graph, &node, 0)->n_dims; i++)
        attrs.order[node.attrs.order[i]] = i;
    return mot_graph_append(graph, MOT_OP_permute, node.name, &attrs, d_out, 1, d_in);
}

const mot_op_rules mot_rules_permute = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_permute,
    .gradient = gradient_permute,
    .cost = cost,
};

/* ---- slice and pad ---- */

/* Do `n` elements, from `start` in steps, lie in a dimension of `size`? */
static bool lie_within(int64_t n, int64_t start, int64_t step, int64_t size)
{
    return n >= 1 && start >= 0 && step >= 1 && start < size && (size - 1 - start) / step >= n - 1;
}

static mot_status infer_part(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                             mot_dtype *dtype)
{
    const mot_attrs *a = &node->attrs;
    const bool slice = node->op == MOT_OP_slice;
    (void)dtype;
    MOT_TRY(check_samples(graph, node));
    *shape = *mot_rules_shape(graph, node, 0);
    for (int i = 1; i < shape->n_dims; i++) {
        const int64_t n = slice ? a->size[i] : shape->dim[i];
        if (!lie_within(n, a->start[i], a->step[i], slice ? shape->dim[i] : a->size[i]))
            return mot_rules_fail(graph, node,
                                  slice ? "takes elements that are not there"
                                        : "puts elements where there are none");
        shape->dim[i] = a->size[i];
    }
    return MOT_OK;
}

static mot_status gradient_part(mot_graph *graph, int index, const int *d_out, const bool *needs,
                                int *d_in)
{
    const mot_node node = graph->node[index];
    mot_attrs attrs = node.attrs;
    (void)needs;
    memcpy(attrs.size, mot_rules_shape(graph, &node, 0)->dim, sizeof attrs.size);
    return mot_graph_append(graph, node.op == MOT_OP_slice ? MOT_OP_pad : MOT_OP_slice, node.name,
                            &attrs, d_out, 1, d_in);
}

const mot_op_rules mot_rules_slice = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_part,
    .gradient = gradient_part,
    .cost = cost,
};

const mot_op_rules mot_rules_pad = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_part,
    .gradient = gradient_part,
    .cost = cost,
};
