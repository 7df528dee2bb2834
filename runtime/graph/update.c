/* update.c: the nodes of the update, appended when a graph is sealed: adding up the parts of a
 * batch, which is still backward, taking off the loss's scale, clipping, the optimizer, the moving
 * average of the parameters, and
 * what single operators keep up to date.
 *
 * The optimizer goes over all parameters in one launch.  What differs between them, learning rate
 * and weight decay, is looked up by range of the flat layout: neighbours with equal rules are one
 * range, so without rules there is a single one.  An optimizer that works with norms of each
 * parameter gets pieces of parameters instead, short enough that many can be added up at a time.
 * The padding behind a parameter belongs to its range; it is zero and stays zero. */
#include "config.h"

#include "runtime/graph/internal.h"

#include "runtime/base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row of `ranges`; see kernels_cl/update.cl.  Pieces have SHORTEST elements or more, and there are
 * about MOST_PIECES of them at most. */
enum { ROW_WORDS = 4, UNIT = 16, SHORTEST = 1024, MOST_PIECES = 4096 };

typedef struct range {
    int64_t first, last;
    int parameter;
    float lr_scale, weight_decay;
} range;

static int by_first(const void *a, const void *b)
{
    const range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* One range for each parameter, in the order of the layout. */
static mot_status list_parameters(const mot_graph *graph, const mot_attrs *attrs, range **out)
{
    int n = graph->n_parameters;
    range *list;
    MOT_TRY(mot_alloc((size_t)n, sizeof *list, &list));
    for (int i = 0; i < n; i++) {
        const mot_tensor *t = &graph->tensor[graph->parameter[i]];
        double decay = isnan(t->rule.weight_decay) ? attrs->weight_decay : t->rule.weight_decay;
        list[i] = (range){.first = t->flat,
                          .parameter = i,
                          .lr_scale = (float)t->rule.lr_scale,
                          .weight_decay = (float)decay};
    }
    qsort(list, (size_t)n, sizeof *list, by_first);
    for (int i = 0; i < n; i++)
        list[i].last = i + 1 < n ? list[i + 1].first : graph->n_flat;
    *out = list;
    return MOT_OK;
}

typedef struct table {
    float *word; /* the rows' bits; whole numbers too */
    size_t n_rows, capacity;
} table;

static mot_status add_row(table *t, const range *r, int64_t first)
{
    if (first / UNIT > UINT32_MAX)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED,
                        "a range of parameters begins behind %" PRId64 " others; give all the same "
                        "learning rate and weight decay, or the model fewer",
                        first);
    MOT_TRY(mot_grow(&t->word, &t->capacity, ROW_WORDS * (t->n_rows + 1), sizeof *t->word));
    float *row = t->word + ROW_WORDS * t->n_rows++;
    const uint32_t unit = (uint32_t)(first / UNIT), parameter = (uint32_t)r->parameter;
    memcpy(&row[0], &unit, sizeof unit);
    row[1] = r->lr_scale;
    row[2] = r->weight_decay;
    memcpy(&row[3], &parameter, sizeof parameter);
    return MOT_OK;
}

static mot_status fill_table(const mot_graph *graph, const range *list, bool pieces, table *t)
{
    int64_t piece = (graph->n_flat / MOST_PIECES + UNIT - 1) / UNIT * UNIT;
    piece = piece < SHORTEST ? SHORTEST : piece;
    for (int i = 0; i < graph->n_parameters; i++) {
        const range *r = &list[i];
        bool joins =
            i > 0 && r->lr_scale == r[-1].lr_scale && r->weight_decay == r[-1].weight_decay;
        if (!pieces && !joins)
            MOT_TRY(add_row(t, r, r->first));
        for (int64_t at = r->first; pieces && at < r->last; at += piece)
            MOT_TRY(add_row(t, r, at));
    }
    return MOT_OK;
}

static mot_status add_ranges(mot_graph *graph, mot_op optimizer, const mot_attrs *attrs, int *out)
{
    range *list;
    table t = {0};
    MOT_TRY(list_parameters(graph, attrs, &list));
    mot_status status = fill_table(graph, list, mot_op_get_rules(optimizer)->per_parameter, &t);
    if (status == MOT_OK)
        status = mot_graph_constant(graph, "ranges", t.word, (int64_t)(ROW_WORDS * t.n_rows), out);
    free(t.word);
    free(list);
    return status;
}

static mot_status add_flat(mot_graph *graph, mot_tensor_kind kind, const char *name, int *out)
{
    mot_shape shape = {.n_dims = 1, .dim = {graph->n_flat}};
    return mot_graph_add_tensor(graph, kind, name, MOT_F32, &shape, out);
}

static mot_status add_state(mot_graph *graph, const char *name)
{
    MOT_TRY(add_flat(graph, MOT_TENSOR_STATE, name, &graph->state[graph->n_states]));
    graph->n_states++;
    return MOT_OK;
}

/* `in` and `out` end with -1. */
static mot_status add_node(mot_graph *graph, mot_op op, const char *name, const mot_attrs *attrs,
                           const int *in, const int *out)
{
    mot_node node = {.op = op, .attrs = *attrs};
    memset(node.in, -1, sizeof node.in);
    memset(node.out, -1, sizeof node.out);
    for (; in[node.n_in] >= 0; node.n_in++)
        node.in[node.n_in] = in[node.n_in];
    for (; out[node.n_out] >= 0; node.n_out++)
        node.out[node.n_out] = out[node.n_out];
    return mot_graph_add_node(graph, &node, name);
}

static mot_status append_accumulate(mot_graph *graph, const mot_attrs *attrs)
{
    mot_shape shape = {.n_dims = 1, .dim = {graph->n_flat + 4}};
    MOT_TRY(mot_graph_add_tensor(graph, MOT_TENSOR_STATE, "accumulator", MOT_F32, &shape,
                                 &graph->accumulator));
    return add_node(graph, MOT_OP_accumulate, "accumulate", attrs, (int[]){-1},
                    (int[]){graph->flat_gradient, graph->sums, graph->accumulator, -1});
}

/* Is the gradient finite?  Else this step's update changes nothing but the scale
 * (and running statistics, which forward gives, in float32). */
static mot_status append_unscale(mot_graph *graph, const mot_attrs *attrs, int *divisor)
{
    const mot_shape four = {1, {4}}, words = {1, {MOT_N_SCALARS}};
    MOT_TRY(
        mot_graph_add_tensor(graph, MOT_TENSOR_ACTIVATION, "unscaled", MOT_F32, &four, divisor));
    MOT_TRY(mot_graph_add_tensor(graph, MOT_TENSOR_ACTIVATION, "scalars", MOT_F32, &words,
                                 &graph->scalars));
    graph->tensor[*divisor].producer = graph->tensor[graph->scalars].producer = graph->n_nodes;
    return add_node(graph, MOT_OP_unscale, "unscale", attrs,
                    (int[]){graph->flat_gradient, graph->sums, -1},
                    (int[]){*divisor, graph->loss_scale, graph->loss_steps, graph->scalars, -1});
}

/* What the gradient's sum is divided by: the number of samples, or more where the norm is too large. */
static mot_status append_clip(mot_graph *graph, const mot_attrs *attrs, int *divisor)
{
    const mot_shape shape = {.n_dims = 1, .dim = {4}};
    const int samples = *divisor;
    MOT_TRY(
        mot_graph_add_tensor(graph, MOT_TENSOR_ACTIVATION, "divisor", MOT_F32, &shape, divisor));
    graph->tensor[*divisor].producer = graph->n_nodes;
    return add_node(graph, MOT_OP_clip_norm, "clip", attrs,
                    (int[]){graph->flat_gradient, samples, -1}, (int[]){*divisor, -1});
}

static mot_status append_optimizer(mot_graph *graph, mot_op optimizer, const mot_attrs *attrs,
                                   int divisor)
{
    int ranges, out[MOT_NODE_OUTPUTS + 1] = {graph->flat_parameter, -1};
    int n_states = mot_op_get_rules(optimizer)->n_states(attrs);
    MOT_TRY(add_ranges(graph, optimizer, attrs, &ranges));
    for (int i = 0; i < n_states; i++) {
        char name[32];
        snprintf(name, sizeof name, "state%d", i + 1);
        MOT_TRY(add_state(graph, name));
        out[i + 1] = graph->state[i];
        out[i + 2] = -1;
    }
    return add_node(graph, optimizer, "update", attrs,
                    (int[]){graph->flat_gradient, divisor, ranges, -1}, out);
}

static mot_status append_average(mot_graph *graph, const mot_attrs *attrs)
{
    graph->average = graph->n_states;
    MOT_TRY(add_state(graph, "average"));
    return add_node(graph, MOT_OP_average, "average", attrs, (int[]){graph->flat_parameter, -1},
                    (int[]){graph->state[graph->average], -1});
}

/* What forward nodes want: running statistics. */
static mot_status append_nodes_updates(mot_graph *graph)
{
    const int n_nodes = graph->n_nodes;
    for (int i = 0; i < n_nodes; i++) {
        const mot_op_rules *rules = mot_op_get_rules(graph->node[i].op);
        if (graph->node[i].phase == MOT_PHASE_FORWARD && rules->update)
            MOT_TRY(rules->update(graph, i));
    }
    return MOT_OK;
}

mot_status mot_graph_append_update(mot_graph *graph, mot_op optimizer, const mot_attrs *attrs)
{
    int divisor = graph->sums;
    MOT_TRY(add_flat(graph, MOT_TENSOR_PARAMETER, "parameters", &graph->flat_parameter));
    MOT_TRY(add_flat(graph, MOT_TENSOR_GRADIENT, "gradients", &graph->flat_gradient));
    if (attrs->accumulate)
        MOT_TRY(append_accumulate(graph, attrs));
    graph->phase = MOT_PHASE_UPDATE;
    if (graph->loss_scale >= 0)
        MOT_TRY(append_unscale(graph, attrs, &divisor));
    if (attrs->clip_norm > 0)
        MOT_TRY(append_clip(graph, attrs, &divisor));
    MOT_TRY(append_optimizer(graph, optimizer, attrs, divisor));
    if (attrs->average > 0)
        MOT_TRY(append_average(graph, attrs));
    return append_nodes_updates(graph);
}
