/* optimizer.c: the update of the flat parameters, in place: clipping, the optimizers, and the moving
 * average; one row here is one optimizer.  The nodes are appended by mot_graph_seal (update.c), which
 * asks for the number of flat states. */
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

/* An optimizer: its number of states, and operations for each element. */
#define OPTIMIZER(name, states, most_states, operations, by_parameter)                             \
    static int n_states_##name(const mot_attrs *attrs)                                             \
    {                                                                                              \
        (void)attrs;                                                                               \
        return states;                                                                             \
    }                                                                                              \
    static mot_cost cost_##name(const mot_graph *graph, const mot_node *node, int64_t batch)       \
    {                                                                                              \
        (void)batch;                                                                               \
        return cost_with(graph, node, operations);                                                 \
    }                                                                                              \
    const mot_op_rules mot_rules_##name = {                                                        \
        .min_in = 3,                                                                               \
        .max_in = 3,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1 + (most_states),                                                              \
        .infer = infer,                                                                            \
        .cost = cost_##name,                                                                       \
        .n_states = n_states_##name,                                                               \
        .per_parameter = by_parameter,                                                             \
    };

OPTIMIZER(sgd, attrs->momentum != 0 ? 1 : 0, 1, 5.0 + 2.0 * (node->n_out - 1), false)
OPTIMIZER(adam, 2, 2, 16.0, false)
OPTIMIZER(adamw, 2, 2, 16.0, false)
OPTIMIZER(rmsprop, 1 + attrs->centered + (attrs->momentum != 0), 3, 8.0 + 4.0 * node->n_out, false)
OPTIMIZER(adagrad, 1, 1, 10.0, false)
OPTIMIZER(lion, 1, 1, 12.0, false)
OPTIMIZER(lamb, 2, 2, 38.0, true) /* the change is computed twice, for its norm and to be made */

/* ---- around the optimizer ---- */

static mot_cost cost_accumulate(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    (void)batch;
    double n = (double)mot_shape_elements(&graph->tensor[node->out[0]].shape, 1);
    return (mot_cost){.flops = n, .bytes = 12.0 * n};
}

const mot_op_rules mot_rules_accumulate = {
    .min_out = 3, .max_out = 3, .infer = infer, .cost = cost_accumulate};

static mot_cost cost_clip_norm(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    (void)batch;
    return (mot_cost){
        .flops = 2.0 * (double)mot_shape_elements(mot_rules_shape(graph, node, 0), 1),
        .bytes = mot_rules_bytes(graph, node, 1),
    };
}

const mot_op_rules mot_rules_clip_norm = {
    .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1, .infer = infer, .cost = cost_clip_norm};

static mot_cost cost_average(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    (void)batch;
    return cost_with(graph, node, 3.0);
}

const mot_op_rules mot_rules_average = {
    .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 1, .infer = infer, .cost = cost_average};
