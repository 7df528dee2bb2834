/* ingest.c: raw samples (u8 pixels, f32 columns, i32 tokens) to floats, normalized by channel in the
 * same pass. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    const mot_shape *raw = mot_rules_shape(graph, node, 0);
    if (!mot_shape_is_batched(raw))
        return mot_rules_fail(graph, node, "needs samples (B,...)");
    if (node->n_in == 2)
        return mot_rules_fail(graph, node, "needs scale and shift, or neither");
    if (node->n_in == 3) {
        const mot_shape *scale = mot_rules_shape(graph, node, 1);
        if (scale->n_dims != 1 || !mot_shape_equal(scale, mot_rules_shape(graph, node, 2)))
            return mot_rules_fail(graph, node, "needs scale (C) and shift (C)");
        if (node->attrs.group < 1 ||
            scale->dim[0] > mot_shape_elements(raw, 1) / node->attrs.group ||
            scale->dim[0] * node->attrs.group != mot_shape_elements(raw, 1))
            return mot_rules_fail(graph, node, "needs channels times group to be a sample's size");
    }
    shape[0] = *raw;
    dtype[0] = MOT_F32;
    return MOT_OK;
}

static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch, 2);
}

const mot_op_rules mot_rules_ingest = {
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .cost = cost,
};
