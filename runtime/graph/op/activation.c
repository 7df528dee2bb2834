/* activation.c: y = f(x), elementwise; the family of activations behind one name, `attrs.activation`
 * says which.  dx = dy f'(x), from y where that is enough (sigmoid: y (1 - y)), so that x need not be
 * kept: what comes behind keeps y in any case. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    const mot_attrs *a = &node->attrs;
    if (a->activation < MOT_ACT_GELU || a->activation >= MOT_N_ACTIVATIONS)
        return mot_rules_fail(graph, node, "needs an activation from gelu on");
    if (!(a->slope >= 0 && a->slope <= 1))
        return mot_rules_fail(graph, node, "needs a slope between 0 and 1");
    return mot_rules_infer_same(graph, node, shape, dtype);
}

static mot_status gradient(mot_graph *graph, int index, const int *d_out, const bool *needs,
                           int *d_in)
{
    const mot_node node = graph->node[index];
    const int kept = mot_activation_keeps_output(node.attrs.activation) ? node.out[0] : node.in[0];
    (void)needs;
    return mot_graph_append(graph, MOT_OP_activation_grad, node.name, &node.attrs,
                            (int[]){d_out[0], kept}, 2, d_in);
}

/* About so many operations with an exponential; leaky relu has one. */
static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch,
                               node->attrs.activation == MOT_ACT_LEAKY_RELU ? 1 : 20);
}

const mot_op_rules mot_rules_activation = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .gradient = gradient,
    .cost = cost,
    .in_place = true,
};

const mot_op_rules mot_rules_activation_grad = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .cost = cost,
    .in_place = true,
};
