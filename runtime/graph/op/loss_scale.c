/* loss_scale.c: gradients in fp16 are multiplied by a scale where backward begins (scale_gradient), and
 * the sum over all devices is divided by it again (unscale).  A sum that is not finite makes the step
 * be skipped; how the scale moves is in kernels_cl/loss_scale.cl. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status infer_scale(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                              mot_dtype *dtype)
{
    (void)dtype;
    if (mot_shape_elements(mot_rules_shape(graph, node, 1), 1) != 1)
        return mot_rules_fail(graph, node, "needs a scale of one number");
    shape[0] = *mot_rules_shape(graph, node, 0);
    return MOT_OK;
}

const mot_op_rules mot_rules_scale_gradient = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_scale,
    .cost = mot_rules_cost_elementwise,
    .in_place = true,
};

static mot_status infer_unscale(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                                mot_dtype *dtype)
{
    (void)graph, (void)shape, (void)dtype;
    return MOT_FAIL(MOT_ERR_ARGUMENT, "%s is of the update: mot_graph_seal appends it",
                    mot_op_name(node->op));
}

static mot_cost cost_unscale(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    (void)batch;
    return (mot_cost){
        .flops = (double)mot_shape_elements(mot_rules_shape(graph, node, 0), 1),
        .bytes = mot_rules_bytes(graph, node, 1),
    };
}

const mot_op_rules mot_rules_unscale = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 4,
    .max_out = 4,
    .infer = infer_unscale,
    .cost = cost_unscale,
};
