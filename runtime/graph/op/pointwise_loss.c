/* pointwise_loss.c: what each output costs by itself, a function of it and its target (attrs.loss).
 * The loss of a sample is the mean over its C outputs; gives the gradient, and the sums over samples
 * {samples, losses, squares, magnitudes}: of means over C of d^2 and |d|, d = output - target, from
 * which R2 and the mean absolute error follow, whatever the loss.  For bce d is sigmoid(output) -
 * target, and the last is the part of outputs on the right side of 0 for targets of 0 and 1. */
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
    if (node->attrs.loss == MOT_LOSS_HUBER && !(node->attrs.delta > 0))
        return mot_rules_fail(graph, node, "needs a delta above 0");
    shape[0] = *pred;
    shape[1] = (mot_shape){.n_dims = 1, .dim = {4}};
    dtype[0] = dtype[1] = MOT_F32;
    return MOT_OK;
}

/* A difference, its square and magnitude, their sums, the gradient. */
static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch, 6);
}

const mot_op_rules mot_rules_pointwise_loss = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 2,
    .max_out = 2,
    .infer = infer,
    .cost = cost,
    .loss = true,
};
