/* seal.c: backward, recomputation, fusion, the flat layout of the parameters, and the update (update.c). */
#include "config.h"

#include "runtime/graph/internal.h"

#include "runtime/base/memory.h"

enum { FLAT_ALIGNMENT = MOT_ALIGNMENT / 4 }; /* elements */

/* Behind *at, where the next of its like begins. */
static void put_flat(mot_tensor *tensor, int64_t *at)
{
    const int64_t n = mot_shape_elements(&tensor->shape, 1);
    tensor->flat = *at;
    *at += (n + FLAT_ALIGNMENT - 1) / FLAT_ALIGNMENT * FLAT_ALIGNMENT;
}

/* A parameter lies where its gradient does: in the order in which backward finishes them. */
static void lay_out_flat(mot_graph *graph)
{
    for (int i = 0; i < graph->n_nodes; i++) {
        const mot_node *node = &graph->node[i];
        for (int k = 0; k < node->n_out; k++) {
            mot_tensor *tensor = &graph->tensor[node->out[k]];
            if (tensor->kind == MOT_TENSOR_EXCHANGED)
                put_flat(tensor, &graph->n_exchanged);
            else if (tensor->kind == MOT_TENSOR_GRADIENT && node->out[k] != graph->sums)
                put_flat(tensor, &graph->n_flat);
        }
    }
    graph->tensor[graph->sums].flat = graph->n_flat;
    for (int i = 0; i < graph->n_parameters; i++) {
        mot_tensor *parameter = &graph->tensor[graph->parameter[i]];
        parameter->flat = graph->tensor[parameter->gradient].flat;
    }
    for (int i = 0; i < graph->n_buffers; i++)
        put_flat(&graph->tensor[graph->buffer[i]], &graph->n_flat_buffers);
}

/* What keeps small gradients from becoming 0 in 16 bits: kept like running statistics. */
static mot_status add_loss_scale(mot_graph *graph, const mot_attrs *attrs)
{
    const mot_init start = {MOT_INIT_CONSTANT, (float)attrs->loss_scale};
    MOT_TRY(mot_graph_buffer(graph, "loss_scale", &(mot_shape){1, {1}}, start, &graph->loss_scale));
    MOT_TRY(mot_graph_buffer(graph, "loss_scale.steps", &(mot_shape){1, {MOT_LOSS_STEPS}},
                             (mot_init){MOT_INIT_ZERO, 0}, &graph->loss_steps));
    graph->tensor[graph->loss_scale].training_only = true;
    graph->tensor[graph->loss_steps].training_only = true;
    return MOT_OK;
}

mot_status mot_graph_seal(mot_graph *graph, mot_op optimizer, const mot_attrs *attrs)
{
    static const mot_attrs none;
    if (graph->sealed)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "the graph is sealed already");
    if (graph->loss_node < 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "the graph has no loss");
    if (graph->n_parameters == 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "the model has no parameters to train");
    if (!mot_op_get_rules(optimizer)->n_states)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s is not an optimizer", mot_op_name(optimizer));
    if (!attrs)
        attrs = &none;
    if (attrs->storage == MOT_F16)
        MOT_TRY(add_loss_scale(graph, attrs));
    MOT_TRY(mot_graph_fuse(graph, true));
    MOT_TRY(mot_graph_differentiate(graph));
    MOT_TRY(mot_graph_recompute(graph));
    MOT_TRY(mot_graph_fuse(graph, false));
    if (mot_dtype_is_16_bits(attrs->storage))
        MOT_TRY(mot_graph_narrow(graph, attrs->storage));
    lay_out_flat(graph);
    MOT_TRY(mot_graph_append_update(graph, optimizer, attrs));
    graph->sealed = true;
    return MOT_OK;
}
