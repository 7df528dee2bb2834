/* graph.c: building a graph by appending.
 *
 * Tensors and nodes live in two growing arrays and name each other by index; pointers into the
 * arrays do not survive an append.  Names are owned strings.  A view is a tensor without a node: it
 * shares the memory of its root, and views of views point at the root at once, so that no chain has
 * to be followed anywhere.
 */
#include "config.h"

#include "runtime/graph/internal.h"

#include "runtime/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mot_status mot_graph_new(mot_graph **out)
{
    mot_graph *graph;
    MOT_TRY(mot_alloc(1, sizeof *graph, &graph));
    graph->raw = graph->label = graph->output = graph->loss_node = graph->sums = -1;
    graph->flat_parameter = graph->flat_gradient = -1;
    graph->accumulator = graph->average = -1;
    graph->loss_scale = graph->loss_steps = graph->scalars = -1;
    for (int i = 0; i < MOT_MAX_STATES; i++)
        graph->state[i] = -1;
    *out = graph;
    return MOT_OK;
}

void mot_graph_free(mot_graph *graph)
{
    if (!graph)
        return;
    for (int i = 0; i < graph->n_tensors; i++) {
        free(graph->tensor[i].name);
        free((void *)graph->tensor[i].constant);
    }
    for (int i = 0; i < graph->n_nodes; i++)
        free(graph->node[i].name);
    free(graph->tensor);
    free(graph->node);
    free(graph->parameter);
    free(graph->buffer);
    free(graph);
}

mot_status mot_graph_add_tensor(mot_graph *graph, mot_tensor_kind kind, const char *name,
                                mot_dtype dtype, const mot_shape *shape, int *out)
{
    MOT_TRY(mot_grow(&graph->tensor, &graph->tensor_capacity, (size_t)graph->n_tensors + 1,
                     sizeof *graph->tensor));
    char *copy;
    MOT_TRY(mot_strdup(name, &copy));
    graph->tensor[graph->n_tensors] = (mot_tensor){
        .name = copy,
        .kind = kind,
        .dtype = dtype,
        .shape = *shape,
        .producer = -1,
        .view_of = -1,
        .gradient = -1,
    };
    *out = graph->n_tensors++;
    return MOT_OK;
}

/* Sizes come from files: every later product of dimensions relies on this check. */
static mot_status check_shape(const char *name, const mot_shape *shape)
{
    int64_t elements = 1;
    for (int i = 0; i < shape->n_dims; i++) {
        bool batch = i == 0 && shape->dim[i] == MOT_BATCH;
        if (!batch &&
            (shape->dim[i] < 1 || __builtin_mul_overflow(elements, shape->dim[i], &elements) ||
             elements > INT64_MAX / 64)) {
            char text[MOT_SHAPE_TEXT];
            return MOT_FAIL(MOT_ERR_SHAPE, "%s: the shape %s is empty or too large", name,
                            mot_shape_print(shape, text));
        }
    }
    return MOT_OK;
}

mot_status mot_graph_source(mot_graph *graph, mot_tensor_kind kind, const char *name,
                            mot_dtype dtype, const mot_shape *shape, int *out)
{
    MOT_TRY(check_shape(name, shape));
    MOT_TRY(mot_graph_add_tensor(graph, kind, name, dtype, shape, out));
    if (kind == MOT_TENSOR_RAW)
        graph->raw = *out;
    if (kind == MOT_TENSOR_LABEL)
        graph->label = *out;
    return MOT_OK;
}

mot_status mot_graph_constant(mot_graph *graph, const char *name, const float *data, int64_t n,
                              int *out)
{
    mot_shape shape = {.n_dims = 1, .dim = {n}};
    float *copy;
    MOT_TRY(mot_alloc((size_t)n, sizeof *copy, &copy));
    memcpy(copy, data, (size_t)n * sizeof *copy);
    mot_status status = mot_graph_source(graph, MOT_TENSOR_CONSTANT, name, MOT_F32, &shape, out);
    if (status != MOT_OK) {
        free(copy);
        return status;
    }
    graph->tensor[*out].constant = copy;
    return MOT_OK;
}

/* A parameter or buffer, listed in list[*n]. */
static mot_status add_listed(mot_graph *graph, mot_tensor_kind kind, const char *name,
                             const mot_shape *shape, mot_init init, int **list, int *n, int *out)
{
    for (int i = 0; i < *n; i++)
        if (strcmp(graph->tensor[(*list)[i]].name, name) == 0)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "two parameters have the name %s", name);
    int *grown = realloc(*list, ((size_t)*n + 1) * sizeof *grown);
    if (!grown)
        return MOT_FAIL(MOT_ERR_MEMORY, "no host memory for the list of parameters");
    *list = grown;
    MOT_TRY(mot_graph_source(graph, kind, name, MOT_F32, shape, out));
    graph->tensor[*out].init = init;
    grown[(*n)++] = *out;
    return MOT_OK;
}

mot_status mot_graph_parameter(mot_graph *graph, const char *name, const mot_shape *shape,
                               mot_init init, int *out)
{
    MOT_TRY(add_listed(graph, MOT_TENSOR_PARAMETER, name, shape, init, &graph->parameter,
                       &graph->n_parameters, out));
    graph->tensor[*out].rule = (mot_update_rule){.lr_scale = 1, .weight_decay = NAN};
    return MOT_OK;
}

mot_status mot_graph_buffer(mot_graph *graph, const char *name, const mot_shape *shape,
                            mot_init init, int *out)
{
    return add_listed(graph, MOT_TENSOR_BUFFER, name, shape, init, &graph->buffer,
                      &graph->n_buffers, out);
}

/* A loss ends the forward part: what it looks at is the network's output. */
static mot_status note_loss(mot_graph *graph, int node)
{
    if (graph->loss_node >= 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: the graph has a loss already, %s",
                        graph->node[node].name, graph->node[graph->loss_node].name);
    graph->loss_node = node;
    graph->node[node].checkpoint = 0; /* what it gives belongs to backward */
    graph->output = graph->node[node].in[0];
    graph->sums = graph->node[node].out[1];
    graph->tensor[graph->sums].kind = MOT_TENSOR_GRADIENT;
    return MOT_OK;
}

static mot_status add_outputs(mot_graph *graph, mot_node *node, const mot_shape *shape,
                              const mot_dtype *dtype)
{
    for (int i = 0; i < node->n_out; i++) {
        const mot_tensor_kind kind = i == 0 && mot_op_get_rules(node->op)->exchanged
                                         ? MOT_TENSOR_EXCHANGED
                                         : MOT_TENSOR_ACTIVATION;
        char name[256];
        if (kind == MOT_TENSOR_EXCHANGED)
            snprintf(name, sizeof name, "%s%s.sums", graph->phase == MOT_PHASE_FORWARD ? "" : "d_",
                     node->name);
        else if (i == 0)
            snprintf(name, sizeof name, "%s", node->name);
        else if (mot_op_get_rules(node->op)->loss)
            snprintf(name, sizeof name, "%s.sums", node->name);
        else
            snprintf(name, sizeof name, "%s.%d", node->name, i);
        MOT_TRY(check_shape(node->name, &shape[i]));
        MOT_TRY(mot_graph_add_tensor(graph, kind, name, dtype[i], &shape[i], &node->out[i]));
        graph->tensor[node->out[i]].producer = graph->n_nodes;
    }
    return MOT_OK;
}

mot_status mot_graph_add_node(mot_graph *graph, const mot_node *node, const char *name)
{
    MOT_TRY(mot_grow(&graph->node, &graph->node_capacity, (size_t)graph->n_nodes + 1,
                     sizeof *graph->node));
    mot_node *added = &graph->node[graph->n_nodes];
    *added = *node;
    added->phase = graph->phase;
    added->checkpoint = graph->checkpoint;
    MOT_TRY(mot_strdup(name, &added->name));
    graph->n_nodes++;
    return MOT_OK;
}

mot_status mot_graph_append_n(mot_graph *graph, mot_op op, const char *name, const mot_attrs *attrs,
                              const int *in, int n_in, int n_out, int *out)
{
    const mot_op_rules *rules = mot_op_get_rules(op);
    while (n_in > rules->min_in && in[n_in - 1] < 0)
        n_in--;
    if (n_in < rules->min_in || n_in > rules->max_in)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s takes %d to %d inputs, not %d", mot_op_name(op),
                        name, rules->min_in, rules->max_in, n_in);
    mot_node node = {.op = op, .n_in = n_in, .n_out = n_out, .name = (char *)name};
    if (attrs)
        node.attrs = *attrs;
    memset(node.in, -1, sizeof node.in);
    memset(node.out, -1, sizeof node.out);
    memcpy(node.in, in, (size_t)n_in * sizeof *in);
    mot_shape shape[MOT_NODE_OUTPUTS] = {0};
    mot_dtype dtype[MOT_NODE_OUTPUTS] = {MOT_F32, MOT_F32, MOT_F32, MOT_F32};
    MOT_TRY(rules->infer(graph, &node, shape, dtype));
    MOT_TRY(add_outputs(graph, &node, shape, dtype));
    MOT_TRY(mot_graph_add_node(graph, &node, name));
    if (rules->loss)
        MOT_TRY(note_loss(graph, graph->n_nodes - 1));
    memcpy(out, node.out, (size_t)n_out * sizeof *out);
    return MOT_OK;
}

mot_status mot_graph_append(mot_graph *graph, mot_op op, const char *name, const mot_attrs *attrs,
                            const int *in, int n_in, int *out)
{
    return mot_graph_append_n(graph, op, name, attrs, in, n_in, mot_op_get_rules(op)->max_out, out);
}

mot_status mot_graph_reshape(mot_graph *graph, int x, const char *name, const mot_shape *shape,
                             int *out)
{
    const mot_tensor from = graph->tensor[x];
    MOT_TRY(check_shape(name, shape));
    bool batched = mot_shape_is_batched(shape);
    if (batched != mot_shape_is_batched(&from.shape) ||
        mot_shape_elements(shape, 1) != mot_shape_elements(&from.shape, 1)) {
        char a[MOT_SHAPE_TEXT], b[MOT_SHAPE_TEXT];
        return MOT_FAIL(MOT_ERR_SHAPE, "reshape %s: %s %s cannot become %s", name, from.name,
                        mot_shape_print(&from.shape, a), mot_shape_print(shape, b));
    }
    int view;
    MOT_TRY(mot_graph_add_tensor(graph, from.kind, name, from.dtype, shape, &view));
    graph->tensor[view].view_of = mot_graph_root(graph, x);
    graph->tensor[view].producer = from.producer;
    *out = view;
    return MOT_OK;
}
