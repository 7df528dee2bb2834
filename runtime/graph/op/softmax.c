/* softmax.c: probabilities from logits, row by row; for prediction, so without a gradient. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    const mot_shape *logits = mot_rules_shape(graph, node, 0);
    if (logits->n_dims < 2 || logits->n_dims > 3 || !mot_shape_is_batched(logits))
        return mot_rules_fail(graph, node, "needs logits (B,C) or (B,T,C)");
    return mot_rules_infer_same(graph, node, shape, dtype);
}

static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch, 5);
}

const mot_op_rules mot_rules_softmax = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .cost = cost,
};
