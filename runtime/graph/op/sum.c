/* sum.c: sums over dimensions, times a factor (1, or 1/n for a mean), and spread, the same number
 * along dimensions; each is the other's gradient.  Samples are never summed: any share of a batch
 * gives the same. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status infer_sum(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                            mot_dtype *dtype)
{
    const mot_shape *x = mot_rules_shape(graph, node, 0);
    const int axis = node->attrs.axis, n_axes = node->attrs.n_axes;
    (void)dtype;
    if (mot_rules_dtype(graph, node, 0) != MOT_F32 || !mot_shape_is_batched(x))
        return mot_rules_fail(graph, node, "needs floats (B,...)");
    if (axis < 1 || n_axes < 1 || n_axes > x->n_dims - axis)
        return mot_rules_fail(graph, node, "needs dimensions behind that of the samples");
    for (int i = 0; i < x->n_dims; i++)
        if (i < axis || i >= axis + n_axes)
            shape->dim[shape->n_dims++] = x->dim[i];
    return MOT_OK;
}

static mot_status gradient_sum(mot_graph *graph, int index, const int *d_out, const bool *needs,
                               int *d_in)
{
    const mot_node node = graph->node[index];
    const mot_shape *x = mot_rules_shape(graph, &node, 0);
    mot_attrs attrs = node.attrs;
    (void)needs;
    for (int i = 0; i < x->n_dims; i++)
        attrs.size[i] = x->dim[i];
    return mot_graph_append(graph, MOT_OP_spread, node.name, &attrs, d_out, 1, d_in);
}

const mot_op_rules mot_rules_sum = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_sum,
    .gradient = gradient_sum,
    .cost = mot_rules_cost_elementwise,
};

static mot_status infer_spread(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                               mot_dtype *dtype)
{
    const mot_shape *x = mot_rules_shape(graph, node, 0);
    const int axis = node->attrs.axis, n_axes = node->attrs.n_axes;
    (void)dtype;
    if (mot_rules_dtype(graph, node, 0) != MOT_F32 || !mot_shape_is_batched(x))
        return mot_rules_fail(graph, node, "needs floats (B,...)");
    if (axis < 1 || axis > x->n_dims || n_axes < 1 || n_axes > MOT_MAX_DIMS - x->n_dims)
        return mot_rules_fail(graph, node, "needs room for dimensions behind that of the samples");
    for (int i = 0; i < x->n_dims; i++)
        shape->dim[i < axis ? i : i + n_axes] = x->dim[i];
    for (int i = axis; i < axis + n_axes; i++)
        shape->dim[i] = node->attrs.size[i];
    shape->n_dims = x->n_dims + n_axes;
    return MOT_OK;
}

static mot_status gradient_spread(mot_graph *graph, int index, const int *d_out, const bool *needs,
                                  int *d_in)
{
    const mot_node node = graph->node[index];
    (void)needs;
    return mot_graph_append(graph, MOT_OP_sum, node.name, &node.attrs, d_out, 1, d_in);
}

static mot_cost cost_spread(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return (mot_cost){.flops = 0, .bytes = mot_rules_bytes(graph, node, batch)};
}

const mot_op_rules mot_rules_spread = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_spread,
    .gradient = gradient_spread,
    .cost = cost_spread,
};
