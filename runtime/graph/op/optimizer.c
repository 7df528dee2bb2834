/* optimizer.c: sgd and adam on the flat parameters, in place; one row here is one optimizer.
 * The node is appended by mot_graph_seal, which asks for the number of flat states. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    (void)graph, (void)shape, (void)dtype;
    return MOT_FAIL(MOT_ERR_ARGUMENT, "%s is an optimizer: mot_graph_seal appends it",
                    mot_op_name(node->op));
}

/* Parameters and states are read and written. */
static mot_cost cost_with(const mot_graph *graph, const mot_node *node, double flops)
{
    double n = (double)mot_shape_elements(mot_rules_shape(graph, node, 0), 1);
    return (mot_cost){
        .flops = flops * n,
        .bytes = mot_rules_bytes(graph, node, 1) + 4.0 * n * (double)node->n_out,
    };
}

/* ---- sgd: v = momentum v + g/n + decay w;  w -= lr v ---- */

static int n_states_sgd(const mot_attrs *attrs)
{
    return attrs->momentum != 0 ? 1 : 0;
}

static mot_cost cost_sgd(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    (void)batch;
    return cost_with(graph, node, 5.0 + 2.0 * (node->n_out - 1));
}

const mot_op_rules mot_rules_sgd = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 2,
    .infer = infer,
    .cost = cost_sgd,
    .n_states = n_states_sgd,
};

/* ---- adam: Kingma & Ba, ICLR 2015 ---- */

static int n_states_adam(const mot_attrs *attrs)
{
    (void)attrs;
    return 2;
}

static mot_cost cost_adam(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    (void)batch;
    return cost_with(graph, node, 16.0);
}

const mot_op_rules mot_rules_adam = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 3,
    .max_out = 3,
    .infer = infer,
    .cost = cost_adam,
    .n_states = n_states_adam,
};
