/* relu.c: y = max(x,0); dx = y > 0 ? dy : 0, by the output, so that x need not be kept. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status gradient(mot_graph *graph, int index, const int *d_out, const bool *needs,
                           int *d_in)
{
    const mot_node node = graph->node[index];
    (void)needs;
    return mot_graph_append(graph, MOT_OP_relu_grad, node.name, NULL,
                            (int[]){d_out[0], node.out[0]}, 2, d_in);
}

const mot_op_rules mot_rules_relu = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = mot_rules_infer_same,
    .gradient = gradient,
    .cost = mot_rules_cost_elementwise,
    .in_place = true,
};

const mot_op_rules mot_rules_relu_grad = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = mot_rules_infer_same,
    .cost = mot_rules_cost_elementwise,
    .in_place = true,
};
