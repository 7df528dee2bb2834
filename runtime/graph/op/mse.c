/* mse.c: mean over the C outputs of the squared error; gives the gradient 2 (pred - target) / C and
 * the sums {samples, loss, 0, squared target deviation or 0}. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    const mot_shape *pred = mot_rules_shape(graph, node, 0);
    if (pred->n_dims != 2 || !mot_shape_is_batched(pred) ||
        !mot_shape_equal(pred, mot_rules_shape(graph, node, 1)) ||
        mot_rules_dtype(graph, node, 0) != MOT_F32 || mot_rules_dtype(graph, node, 1) != MOT_F32)
        return mot_rules_fail(graph, node, "needs predictions (B,C) and targets (B,C)");
    shape[0] = *pred;
    shape[1] = (mot_shape){.n_dims = 1, .dim = {4}};
    dtype[0] = dtype[1] = MOT_F32;
    return MOT_OK;
}

static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    mot_cost result = mot_rules_cost_elementwise(graph, node, batch);
    result.flops *= 4;
    return result;
}

const mot_op_rules mot_rules_mse = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 2,
    .max_out = 2,
    .infer = infer,
    .cost = cost,
    .loss = true,
};
