/* narrow.c: the same values in 16 bits, and back; mot_graph_narrow appends them where backward is known,
 * so they have no gradient. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status infer_narrow(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                               mot_dtype *dtype)
{
    MOT_TRY(mot_rules_infer_same(graph, node, shape, dtype));
    if (!mot_dtype_is_16_bits(node->attrs.storage))
        return mot_rules_fail(graph, node, "needs bf16 or f16 to store its input");
    dtype[0] = node->attrs.storage;
    return MOT_OK;
}

static mot_status infer_widen(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                              mot_dtype *dtype)
{
    (void)dtype;
    if (!mot_dtype_is_16_bits(mot_rules_dtype(graph, node, 0)))
        return mot_rules_fail(graph, node, "needs an input of 16 bits");
    shape[0] = *mot_rules_shape(graph, node, 0);
    return MOT_OK;
}

const mot_op_rules mot_rules_narrow = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_narrow,
    .cost = mot_rules_cost_elementwise,
    .for_backward = true,
};

const mot_op_rules mot_rules_widen = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_widen,
    .cost = mot_rules_cost_elementwise,
};
