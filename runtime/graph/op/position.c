/* position.c: y = x + w, a learnt w (T,C) added to every sample of x (B,T,C); dw is the sum of dy
 * over samples, dx is dy. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    const mot_shape *x = mot_rules_shape(graph, node, 0), *w = mot_rules_shape(graph, node, 1);
    (void)dtype;
    if (x->n_dims != 3 || !mot_shape_is_batched(x) || mot_rules_dtype(graph, node, 0) != MOT_F32)
        return mot_rules_fail(graph, node, "needs an input (B,T,C)");
    if (w->n_dims != 2 || w->dim[0] != x->dim[1] || w->dim[1] != x->dim[2])
        return mot_rules_fail(graph, node, "needs a weight (T,C) as its input's");
    shape[0] = *x;
    return MOT_OK;
}

static mot_status gradient(mot_graph *graph, int index, const int *d_out, const bool *needs,
                           int *d_in)
{
    const mot_node node = graph->node[index];
    if (needs[1])
        MOT_TRY(
            mot_graph_append(graph, MOT_OP_position_dweight, node.name, NULL, d_out, 1, &d_in[1]));
    d_in[0] = needs[0] ? d_out[0] : -1;
    return MOT_OK;
}

const mot_op_rules mot_rules_position = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .gradient = gradient,
    .cost = mot_rules_cost_elementwise,
    .in_place = true,
};

static mot_status infer_dweight(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                                mot_dtype *dtype)
{
    const mot_shape *dy = mot_rules_shape(graph, node, 0);
    (void)dtype;
    if (dy->n_dims != 3 || !mot_shape_is_batched(dy))
        return mot_rules_fail(graph, node, "needs dy (B,T,C)");
    shape[0] = (mot_shape){.n_dims = 2, .dim = {dy->dim[1], dy->dim[2]}};
    return MOT_OK;
}

const mot_op_rules mot_rules_position_dweight = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_dweight,
    .cost = mot_rules_cost_elementwise,
};
