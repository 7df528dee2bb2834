/* dropout.c: y = keep ? x/(1-p) : 0, keep drawn by (seed, step, layer, global sample, element), so
 * the same operator on dy is the gradient.  It runs in training only. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    if (!(node->attrs.p >= 0 && node->attrs.p < 1))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "dropout %s: p is %g, not in 0 <= p < 1", node->name,
                        (double)node->attrs.p);
    if (!mot_shape_is_batched(mot_rules_shape(graph, node, 0)))
        return mot_rules_fail(graph, node, "needs samples (B,...)");
    return mot_rules_infer_same(graph, node, shape, dtype);
}

static mot_status gradient(mot_graph *graph, int index, const int *d_out, const bool *needs,
                           int *d_in)
{
    const mot_node node = graph->node[index];
    (void)needs;
    return mot_graph_append(graph, MOT_OP_dropout, node.name, &node.attrs, d_out, 1, d_in);
}

/* Philox4x32-10 gives four words for about 80 integer operations. */
static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch, 20);
}

const mot_op_rules mot_rules_dropout = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .gradient = gradient,
    .cost = cost,
    .in_place = true,
    .training_only = true,
};
