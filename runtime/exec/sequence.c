/* sequence.c: see sequence.h.  All tensors of forward lie side by side in one buffer, (T,...) each, since
 * there is one sequence; a run binds the rows [first, last) of them, and to those who look back the rows
 * [0, last) with attrs.first.  Commands are recorded for every run: their kernels are there already. */
#include "config.h"

#include "runtime/exec/sequence.h"

#include "devices/primitive.h"
#include "runtime/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct mot_sequence {
    const mot_graph *graph;
    mot_device *device;
    int64_t length;  /* T */
    bool whole;      /* positions cannot be computed one by one */
    int *home;       /* [n_tensors] the tensor in whose memory it is */
    int64_t *offset; /* [n_tensors] bytes */
    mot_buffer *parameters, *rows, *workspace;
};

/* ---- what can be gone through in steps ---- */

/* Does the node look at positions before its own, and at no others? */
static bool looks_back(const mot_node *node)
{
    return (node->op == MOT_OP_attention && node->attrs.causal) || node->op == MOT_OP_lstm ||
           node->op == MOT_OP_gru;
}

/* Does what the node gives for a position depend on that position alone? */
static bool is_local(const mot_graph *graph, const mot_node *node)
{
    switch (node->op) {
    case MOT_OP_linear:
    case MOT_OP_relu:
    case MOT_OP_activation:
    case MOT_OP_add:
    case MOT_OP_embedding:
    case MOT_OP_position:
    case MOT_OP_dropout:
        return true;
    case MOT_OP_norm:
        return (node->attrs.norm == MOT_NORM_LAYER || node->attrs.norm == MOT_NORM_RMS) &&
               node->attrs.group == mot_shape_last(&graph->tensor[node->in[0]].shape);
    case MOT_OP_concat:
        return node->attrs.axis == 2;
    default:
        return false;
    }
}

static bool can_step(const mot_sequence *s)
{
    const mot_graph *graph = s->graph;
    for (int n = 0; n < graph->loss_node; n++) {
        const mot_node *node = &graph->node[n];
        if (!looks_back(node) && !is_local(graph, node))
            return false;
        for (int i = 0; i < node->n_in; i++)
            if (node->in[i] >= 0 && graph->tensor[node->in[i]].view_of >= 0)
                return false;
    }
    return graph->tensor[graph->output].view_of < 0;
}

/* ---- memory ---- */

static bool is_parameter(const mot_graph *graph, int t)
{
    return graph->tensor[t].kind == MOT_TENSOR_PARAMETER;
}

/* A place for every tensor of forward.  Dropout does not run: its output is its input. */
static size_t place(mot_sequence *s)
{
    const mot_graph *graph = s->graph;
    size_t size = 0;
    for (int t = 0; t < graph->n_tensors; t++) {
        const mot_tensor *tensor = &graph->tensor[t];
        const mot_node *producer = tensor->producer < 0 ? NULL : &graph->node[tensor->producer];
        s->home[t] = tensor->view_of >= 0 ? tensor->view_of : t;
        if (producer && producer->op == MOT_OP_dropout && tensor->view_of < 0)
            s->home[t] = producer->in[0];
        if (is_parameter(graph, t) || tensor->producer >= graph->loss_node ||
            (!producer && t != graph->raw))
            continue;
        s->offset[t] = (int64_t)size;
        if (s->home[t] == t)
            size +=
                ((size_t)mot_shape_elements(&tensor->shape, 1) * mot_dtype_bytes(tensor->dtype) +
                 MOT_ALIGNMENT - 1) /
                MOT_ALIGNMENT * MOT_ALIGNMENT;
    }
    return size;
}

mot_status mot_sequence_open(const mot_graph *graph, mot_device *device, const float *flat,
                             mot_sequence **out)
{
    const mot_shape *in = &graph->tensor[graph->raw].shape;
    const mot_shape *y = &graph->tensor[graph->output].shape;
    const size_t flat_bytes = (size_t)graph->n_flat * sizeof *flat;
    mot_sequence *s;
    mot_status status;
    if (in->n_dims != 2 || y->n_dims != 3 || in->dim[1] != y->dim[1])
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "the network does not go from tokens (B,T) to outputs "
                                             "(B,T,N) at each of them");
    for (int i = 0; i < graph->n_buffers; i++)
        if (!graph->tensor[graph->buffer[i]].training_only)
            return MOT_FAIL(MOT_ERR_UNSUPPORTED,
                            "%s: batch norm has no place in a network that generates",
                            graph->tensor[graph->buffer[i]].name);
    MOT_TRY(mot_alloc(1, sizeof *s, &s));
    s->graph = graph;
    s->device = device;
    s->length = in->dim[1];
    s->whole = !can_step(s);
    MOT_TRY_GOTO(mot_alloc((size_t)graph->n_tensors, sizeof *s->home, &s->home));
    MOT_TRY_GOTO(mot_alloc((size_t)graph->n_tensors, sizeof *s->offset, &s->offset));
    MOT_TRY_GOTO(mot_buffer_new(device, place(s), &s->rows));
    MOT_TRY_GOTO(mot_buffer_new(device, flat_bytes, &s->parameters));
    MOT_TRY_GOTO(mot_buffer_write(s->parameters, 0, flat_bytes, flat));
    *out = s;
    s = NULL;
fail:
    mot_sequence_close(s);
    return status;
}

void mot_sequence_close(mot_sequence *s)
{
    if (!s)
        return;
    mot_buffer_free(s->parameters);
    mot_buffer_free(s->rows);
    mot_buffer_free(s->workspace);
    free(s->home);
    free(s->offset);
    free(s);
}

/* ---- a run ---- */

/* Rows [first, last) of a tensor; of a parameter all, but of the table of positions the same rows. */
static mot_view bind(const mot_sequence *s, const mot_node *node, int t, int64_t first,
                     int64_t last)
{
    if (t < 0)
        return (mot_view){0};
    const mot_tensor *tensor = &s->graph->tensor[t];
    mot_view view = {.dtype = tensor->dtype, .shape = mot_shape_with_batch(tensor->shape, 1)};
    if (is_parameter(s->graph, t)) {
        view.buffer = s->parameters;
        view.offset = tensor->flat;
    } else {
        int home = t;
        while (s->home[home] != home)
            home = s->home[home];
        view.buffer = s->rows;
        view.offset = s->offset[home] / (int64_t)mot_dtype_bytes(tensor->dtype);
    }
    const int axis = is_parameter(s->graph, t) ? 0 : 1;
    if (s->whole || (axis == 0 && node->op != MOT_OP_position))
        return view;
    int64_t row = 1;
    for (int i = axis + 1; i < view.shape.n_dims; i++)
        row *= view.shape.dim[i];
    view.shape.dim[axis] = last - first;
    view.offset += first * row;
    return view;
}

static mot_operands operands_of(const mot_sequence *s, const mot_node *node, int64_t first,
                                int64_t last)
{
    mot_operands x = {.op = node->op,
                      .name = node->name,
                      .n_out = node->n_out,
                      .n_in = node->n_in,
                      .attrs = node->attrs};
    if (looks_back(node)) {
        x.attrs.first = first;
        first = 0;
    }
    for (int i = 0; i < node->n_in; i++)
        x.in[i] = bind(s, node, node->in[i], first, last);
    for (int i = 0; i < node->n_out; i++)
        x.out[i] = bind(s, node, node->out[i], first, last);
    if (node->op == MOT_OP_attention &&
        !s->whole) /* lse (B,H,T): for backward, which there is not */
        x.out[1].shape = (mot_shape){3, {1, node->attrs.heads, last}};
    return x;
}

static mot_status get_workspace(mot_sequence *s, int64_t first, int64_t last)
{
    size_t most = 0, bytes;
    for (int n = 0; n < s->graph->loss_node; n++) {
        const mot_operands x = operands_of(s, &s->graph->node[n], first, last);
        if (!mot_node_runs(s->graph, n, true))
            continue;
        MOT_TRY(mot_primitive_workspace(s->device, &x, &bytes));
        most = bytes > most ? bytes : most;
    }
    if (most == 0 || (s->workspace && mot_buffer_size_bytes(s->workspace) >= most))
        return MOT_OK;
    mot_buffer_free(s->workspace);
    s->workspace = NULL;
    return mot_buffer_new(s->device, most, &s->workspace);
}

static mot_status record(mot_sequence *s, int64_t first, int64_t last, mot_commands *commands)
{
    MOT_TRY(get_workspace(s, first, last));
    for (int n = 0; n < s->graph->loss_node; n++) {
        mot_operands x = operands_of(s, &s->graph->node[n], first, last);
        if (!mot_node_runs(s->graph, n, true))
            continue;
        x.workspace = (mot_view){.buffer = s->workspace, .dtype = MOT_F32, .shape = {1, {0}}};
        if (s->workspace)
            x.workspace.shape.dim[0] = (int64_t)(mot_buffer_size_bytes(s->workspace) / 4);
        MOT_TRY(mot_primitive_record(s->device, &x, commands));
    }
    return MOT_OK;
}

/* The tokens of the positions, as the network stores them; behind the last of a whole window, 0. */
static mot_status write_tokens(mot_sequence *s, const int32_t *token, int64_t first, int64_t last)
{
    const mot_dtype dtype = s->graph->tensor[s->graph->raw].dtype;
    const int64_t end = s->whole ? s->length : last;
    const size_t bytes = mot_dtype_bytes(dtype);
    char *raw;
    MOT_TRY(mot_alloc((size_t)(end - first), bytes, &raw));
    for (int64_t i = first; i < last; i++)
        if (dtype == MOT_U8)
            ((uint8_t *)raw)[i - first] = (uint8_t)token[i];
        else
            ((int32_t *)raw)[i - first] = token[i];
    mot_status status =
        mot_buffer_write(s->rows, (size_t)(s->offset[s->graph->raw]) + (size_t)first * bytes,
                         (size_t)(end - first) * bytes, raw);
    free(raw);
    return status;
}

mot_status mot_sequence_run(mot_sequence *s, const int32_t *token, int64_t first, int64_t last,
                            float *output)
{
    mot_commands *commands;
    assert(0 <= first && first < last && last <= s->length);
    if (s->whole)
        first = 0;
    MOT_TRY(write_tokens(s, token, first, last));
    MOT_TRY(mot_commands_new(s->device, &commands));
    mot_status status = record(s, first, last, commands);
    if (status == MOT_OK)
        status = mot_commands_run(commands, 0, mot_commands_count(commands), 0);
    if (status == MOT_OK) {
        const int64_t n = mot_shape_last(&s->graph->tensor[s->graph->output].shape);
        const mot_node *last_node = &s->graph->node[s->graph->loss_node - 1];
        const mot_view y = bind(s, last_node, s->graph->output, s->whole ? 0 : last - 1, last);
        const int64_t at = y.offset + (s->whole ? (last - 1) * n : 0);
        status = mot_buffer_read(s->rows, (size_t)at * sizeof *output, (size_t)n * sizeof *output,
                                 output);
    }
    if (status == MOT_OK)
        status = mot_device_finish(s->device);
    mot_commands_free(commands);
    return status;
}
