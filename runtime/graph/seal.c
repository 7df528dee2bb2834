/* seal.c: backward, fusion, the flat layout of the parameters, and the update. */
#include "config.h"

#include "runtime/graph/internal.h"

#include "runtime/base/memory.h"

#include <stdio.h>
#include <string.h>

enum { FLAT_ALIGNMENT = MOT_ALIGNMENT / 4 }; /* elements */

/* A parameter lies where its gradient does: in the order in which backward finishes them. */
static void lay_out_flat(mot_graph *graph)
{
    int64_t at = 0;
    for (int i = 0; i < graph->n_nodes; i++) {
        const mot_node *node = &graph->node[i];
        for (int k = 0; k < node->n_out; k++) {
            mot_tensor *gradient = &graph->tensor[node->out[k]];
            if (gradient->kind != MOT_TENSOR_GRADIENT || node->out[k] == graph->sums)
                continue;
            gradient->flat = at;
            int64_t n = mot_shape_elements(&gradient->shape, 1);
            at += (n + FLAT_ALIGNMENT - 1) / FLAT_ALIGNMENT * FLAT_ALIGNMENT;
        }
    }
    graph->n_flat = at;
    graph->tensor[graph->sums].flat = at;
    for (int i = 0; i < graph->n_parameters; i++) {
        mot_tensor *parameter = &graph->tensor[graph->parameter[i]];
        parameter->flat = graph->tensor[parameter->gradient].flat;
    }
}

static mot_status add_flat(mot_graph *graph, mot_tensor_kind kind, const char *name, int *out)
{
    mot_shape shape = {.n_dims = 1, .dim = {graph->n_flat}};
    return mot_graph_add_tensor(graph, kind, name, MOT_F32, &shape, out);
}

static mot_status append_update(mot_graph *graph, mot_op optimizer, const mot_attrs *attrs)
{
    MOT_TRY(add_flat(graph, MOT_TENSOR_PARAMETER, "parameters", &graph->flat_parameter));
    MOT_TRY(add_flat(graph, MOT_TENSOR_GRADIENT, "gradients", &graph->flat_gradient));
    graph->n_states = mot_op_get_rules(optimizer)->n_states(attrs);
    for (int i = 0; i < graph->n_states; i++) {
        char name[32];
        snprintf(name, sizeof name, "state%d", i + 1);
        MOT_TRY(add_flat(graph, MOT_TENSOR_STATE, name, &graph->state[i]));
    }
    mot_node node = {.op = optimizer, .n_in = 2, .n_out = 1 + graph->n_states, .attrs = *attrs};
    memset(node.in, -1, sizeof node.in);
    memset(node.out, -1, sizeof node.out);
    node.in[0] = graph->flat_gradient;
    node.in[1] = graph->sums;
    node.out[0] = graph->flat_parameter;
    memcpy(node.out + 1, graph->state, (size_t)graph->n_states * sizeof *graph->state);
    graph->phase = MOT_PHASE_UPDATE;
    return mot_graph_add_node(graph, &node, "update");
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
    MOT_TRY(mot_graph_differentiate(graph));
    MOT_TRY(mot_graph_fuse(graph));
    lay_out_flat(graph);
    MOT_TRY(append_update(graph, optimizer, attrs ? attrs : &none));
    graph->sealed = true;
    return MOT_OK;
}
