/* reference.h: carries out a graph in plain C and double, for tests.
 *
 * Every tensor is an array of doubles, u8 and i32 too.  With a memory plan tensors lie in arenas
 * where the plan puts them (one double for each float; in the ring one for each byte) and outputs
 * are written while inputs are read, so a plan that overlays what is still needed gives wrong
 * numbers.
 */
#ifndef MOT_TESTS_REFERENCE_H
#define MOT_TESTS_REFERENCE_H

#include "runtime/graph/graph.h"
#include "tests/unit/reference_ops.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

typedef struct reference {
    const mot_graph *graph;
    int64_t batch;
    double **data;               /* [n_tensors] */
    double *arena[MOT_N_ARENAS]; /* with a plan */
    double **owned;              /* [n_tensors] without one */
} reference;

static inline int64_t elements(const reference *r, int tensor)
{
    return mot_shape_elements(&r->graph->tensor[tensor].shape, r->batch);
}

static inline double *nan_array(size_t n)
{
    double *array = malloc((n + 1) * sizeof *array);
    ck_assert_ptr_nonnull(array);
    for (size_t i = 0; i < n; i++)
        array[i] = NAN;
    return array;
}

static inline void place_by_plan(reference *r, const mot_memory_plan *plan)
{
    for (int a = 0; a < MOT_N_ARENAS; a++)
        r->arena[a] = nan_array(plan->size_bytes[a]);
    for (int t = 0; t < r->graph->n_tensors; t++) {
        mot_place place = plan->place[t];
        size_t unit = place.arena == MOT_ARENA_RING ? 1 : 4;
        if (place.arena != MOT_ARENA_NONE)
            r->data[t] = r->arena[place.arena] + place.offset_bytes / unit;
    }
}

static inline void place_apart(reference *r)
{
    for (int t = 0; t < r->graph->n_tensors; t++)
        r->owned[t] = r->data[t] = nan_array((size_t)elements(r, t));
    for (int t = 0; t < r->graph->n_tensors; t++)
        if (r->graph->tensor[t].view_of >= 0)
            r->data[t] = r->data[r->graph->tensor[t].view_of];
}

/* `plan` NULL: every tensor has memory of its own.  Parameters, raw samples and labels are filled.
 */
static inline void reference_init(reference *r, const mot_graph *graph, int64_t batch,
                                  const mot_memory_plan *plan)
{
    *r = (reference){.graph = graph, .batch = batch};
    r->data = calloc((size_t)graph->n_tensors, sizeof *r->data);
    r->owned = calloc((size_t)graph->n_tensors, sizeof *r->owned);
    if (plan)
        place_by_plan(r, plan);
    else
        place_apart(r);
    int64_t n_classes = graph->tensor[graph->output].shape.dim[1];
    for (int64_t i = 0; i < elements(r, graph->raw); i++)
        r->data[graph->raw][i] = (double)(i * 37 % 101) / 50.0 - 1.0;
    const bool classes = graph->tensor[graph->label].dtype == MOT_I32;
    for (int64_t i = 0; i < elements(r, graph->label); i++) /* the second class does not count */
        r->data[graph->label][i] = classes && i % 3 == 1 ? -1 : (double)(i * 5 % n_classes);
    if (classes && graph->tensor[graph->label].shape.n_dims == 2) /* mixed */
        for (int64_t i = 0; i < batch; i++) {
            r->data[graph->label][3 * i] = i % 3 == 1 ? -1 : (double)(i * 5 % n_classes);
            r->data[graph->label][3 * i + 1] = (double)((i * 7 + 1) % n_classes);
            r->data[graph->label][3 * i + 2] = (double)(40000 + 5000 * (i % 5));
        }
    for (int t = 0; t < graph->n_tensors; t++)
        for (int64_t i = 0; graph->tensor[t].constant && i < elements(r, t); i++)
            r->data[t][i] = (double)graph->tensor[t].constant[i];
    for (int p = 0; p < graph->n_parameters; p++)
        for (int64_t i = 0; i < elements(r, graph->parameter[p]); i++)
            r->data[graph->parameter[p]][i] = sin(0.7 + 13.0 * (double)i + 5.0 * p) * 0.5;
    for (int p = 0; p < graph->n_buffers; p++)
        for (int64_t i = 0; i < elements(r, graph->buffer[p]); i++)
            r->data[graph->buffer[p]][i] = 0.1 + 0.01 * (double)i;
}

static inline void reference_fini(reference *r)
{
    for (int t = 0; t < r->graph->n_tensors; t++)
        free(r->owned[t]);
    for (int a = 0; a < MOT_N_ARENAS; a++)
        free(r->arena[a]);
    free(r->owned);
    free(r->data);
}

static inline double keep(int64_t i, double p)
{
    return (double)(i * 7919 % 1009) / 1009.0 < p ? 0 : 1 / (1 - p);
}

static inline void ref_linear(const mot_node *node, int64_t b, int64_t n, int64_t k, double *y,
                              const double *x, const double *w, const double *bias)
{
    for (int64_t i = 0; i < b; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = bias ? bias[j] : 0;
            for (int64_t l = 0; l < k; l++)
                sum += x[i * k + l] * w[j * k + l];
            y[i * n + j] = node->attrs.activation == MOT_ACT_RELU && sum < 0 ? 0 : sum;
        }
}

static inline void ref_dinput(int64_t b, int64_t n, int64_t k, double *dx, const double *dy,
                              const double *w, const double *h)
{
    for (int64_t i = 0; i < b; i++)
        for (int64_t l = 0; l < k; l++) {
            double sum = 0;
            for (int64_t j = 0; j < n; j++)
                sum += dy[i * n + j] * w[j * k + l];
            dx[i * k + l] = h && !(h[i * k + l] > 0) ? 0 : sum;
        }
}

static inline void ref_dweight(int64_t b, int64_t n, int64_t k, double *dw, double *db,
                               const double *dy, const double *x)
{
    for (int64_t j = 0; j < n; j++) {
        for (int64_t l = 0; l < k; l++) {
            dw[j * k + l] = 0;
            for (int64_t i = 0; i < b; i++)
                dw[j * k + l] += dy[i * n + j] * x[i * k + l];
        }
        if (db)
            db[j] = 0;
        for (int64_t i = 0; db && i < b; i++)
            db[j] += dy[i * n + j];
    }
}

/* `label`: a class of each row, or with `mixed` two classes and the part of the first in 1/65536. */
static inline void ref_xent(int64_t b, int64_t c, double smoothing, bool mixed, double *d,
                            double *sums, const double *z, const double *label)
{
    memset(sums, 0, 4 * sizeof *sums);
    for (int64_t i = 0; i < b; i++) {
        const double *l = label + (mixed ? 3 * i : i), part = mixed ? l[2] / 65536 : 1;
        double sum = 0;
        for (int64_t j = 0; j < c; j++)
            sum += exp(z[i * c + j]);
        sums[0] += *l >= 0;
        for (int64_t j = 0; j < c; j++) {
            const double own =
                (j == (int64_t)*l ? part : 0) + (mixed && j == (int64_t)l[1] ? 1 - part : 0);
            const double wanted = smoothing / (double)c + (1 - smoothing) * own;
            sums[1] += *l >= 0 ? wanted * (log(sum) - z[i * c + j]) : 0;
            sums[3] += *l >= 0 ? own * (log(sum) - z[i * c + j]) : 0;
            if (d)
                d[i * c + j] = *l >= 0 ? exp(z[i * c + j]) / sum - wanted : 0;
        }
    }
}

static inline void ref_pointwise(const mot_attrs *attrs, int64_t b, int64_t c, double *d,
                                 double *sums, const double *y, const double *target)
{
    memset(sums, 0, 4 * sizeof *sums);
    sums[0] = (double)b;
    for (int64_t i = 0; i < b * c; i++) {
        double part[3];
        const double slope = ref_pointwise_loss(attrs, y[i], target[i], part);
        for (int k = 0; k < 3; k++)
            sums[1 + k] += part[k] / (double)c;
        if (d)
            d[i] = slope / (double)c;
    }
}

/* The element of the larger tensor that element `e` of the smaller one is, for slice and pad; for
 * permute, the element of x that element `e` of y is. */
static inline int64_t ref_place(const mot_node *node, const mot_shape *small,
                                const mot_shape *large, int64_t e)
{
    int64_t at[MOT_MAX_DIMS], place = 0;
    for (int i = small->n_dims - 1; i >= 0; i--) {
        const int64_t index = i == 0 ? e : e % small->dim[i];
        const int to = node->op == MOT_OP_permute ? node->attrs.order[i] : i;
        const bool part = node->op != MOT_OP_permute && i > 0;
        at[to] = part ? node->attrs.start[i] + node->attrs.step[i] * index : index;
        e /= i == 0 ? 1 : small->dim[i];
    }
    for (int i = 0; i < large->n_dims; i++)
        place = i == 0 ? at[0] : place * large->dim[i] + at[i];
    return place;
}

/* Elements behind dimension `axis`. */
static inline int64_t ref_inner(const mot_shape *shape, int axis)
{
    int64_t n = 1;
    for (int i = axis; i < shape->n_dims; i++)
        n *= shape->dim[i];
    return n;
}

static inline void ref_concat(const reference *r, const mot_node *node, double *y,
                              const double *const *x)
{
    const int64_t whole = ref_inner(&r->graph->tensor[node->out[0]].shape, node->attrs.axis);
    int64_t start = 0;
    for (int k = 0; k < node->n_in; k++) {
        const int64_t n = ref_inner(&r->graph->tensor[node->in[k]].shape, node->attrs.axis);
        for (int64_t i = 0; i < elements(r, node->in[k]); i++)
            y[i / n * whole + start + i % n] = x[k][i];
        start += n;
    }
}

/* For sum `whole` is x, for spread y: the element of the other that element `e` belongs to. */
static inline int64_t ref_summed(const mot_node *node, const mot_shape *whole, int64_t e)
{
    const int64_t inner = ref_inner(whole, node->attrs.axis + node->attrs.n_axes);
    return e / ref_inner(whole, node->attrs.axis) * inner + e % inner;
}

/* A norm of x, or the gradient where dy is given. */
static inline void ref_any_norm(const reference *r, const mot_node *node, double *const *out,
                                const double *const *in)
{
    const bool grad = node->op == MOT_OP_norm_grad;
    const int x = node->in[grad ? 1 : 0],
              w = node->n_in > (grad ? 3 : 1) ? node->in[grad ? 3 : 1] : -1;
    const ref_norm_sizes size = {elements(r, x), elements(r, x) / r->batch, node->attrs.group,
                                 w < 0 ? node->attrs.group : elements(r, w)};
    if (grad)
        ref_norm_grad(&node->attrs, &size, out[0], out[1], out[2], in[0], in[1], in[2], in[3]);
    else
        ref_norm(&node->attrs, &size, out[0], out[1], in[0], in[1], in[2]);
}

/* An operator of batch norm. */
static inline void ref_any_batch_norm(const reference *r, const mot_node *node, double *const *out,
                                      const double *const *in)
{
    const bool grad = node->op == MOT_OP_batch_norm_grad || node->op == MOT_OP_batch_norm_grad_sums;
    const mot_shape *x = &r->graph->tensor[node->in[grad ? 1 : 0]].shape;
    const ref_channels size = {r->batch, x->dim[1], ref_inner(x, 2)};
    switch (node->op) {
    case MOT_OP_batch_norm_sums:
        ref_batch_norm_sums(&size, out[0], in[0], in[1]);
        break;
    case MOT_OP_batch_norm:
        ref_batch_norm(&node->attrs, &size, out[0], in[0], in[1], in[2], in[3], in[4], in[5],
                       in[MOT_BATCH_NORM_RESIDUAL]);
        break;
    case MOT_OP_batch_norm_grad_sums:
        ref_batch_norm_grad_sums(&node->attrs, &size, out[0], out[1], out[2], in[0], in[1], in[2],
                                 in[3], in[4], in[5]);
        break;
    default:
        ref_batch_norm_grad(&node->attrs, &size, out[0], in[0], in[1], in[2], in[3], in[4], in[5],
                            in[6]);
        break;
    }
}

static inline void run_node(const reference *r, const mot_node *node)
{
    double *out[MOT_NODE_OUTPUTS] = {NULL};
    const double *in[MOT_NODE_INPUTS] = {NULL};
    for (int i = 0; i < node->n_out; i++)
        out[i] = r->data[node->out[i]];
    for (int i = 0; i < node->n_in; i++)
        in[i] = node->in[i] < 0 ? NULL : r->data[node->in[i]];
    const mot_shape *a = &r->graph->tensor[node->in[0]].shape;
    const mot_shape *y = &r->graph->tensor[node->out[0]].shape;
    const mot_shape *b = node->n_in > 1 ? &r->graph->tensor[node->in[1]].shape : NULL;
    int64_t n = elements(r, node->in[0]);
    switch (node->op) {
    case MOT_OP_ingest:
        for (int64_t i = 0; i < n; i++) {
            int64_t c = b ? i / node->attrs.group % b->dim[0] : 0;
            out[0][i] = in[0][i] * (in[1] ? in[1][c] : 1) + (in[2] ? in[2][c] : 0);
        }
        break;
    case MOT_OP_linear:
        ref_linear(node, r->batch, b->dim[0], b->dim[1], out[0], in[0], in[1], in[2]);
        break;
    case MOT_OP_linear_dinput:
        ref_dinput(r->batch, b->dim[0], b->dim[1], out[0], in[0], in[1], in[2]);
        break;
    case MOT_OP_linear_dweight:
        ref_dweight(r->batch, a->dim[1], b->dim[1], out[0], out[1], in[0], in[1]);
        break;
    case MOT_OP_relu:
        for (int64_t i = 0; i < n; i++)
            out[0][i] = in[0][i] > 0 ? in[0][i] : 0;
        break;
    case MOT_OP_relu_grad:
        for (int64_t i = 0; i < n; i++)
            out[0][i] = in[1][i] > 0 ? in[0][i] : 0;
        break;
    case MOT_OP_activation:
        for (int64_t i = 0; i < n; i++)
            out[0][i] = ref_activation(&node->attrs, in[0][i]);
        break;
    case MOT_OP_activation_grad:
        for (int64_t i = 0; i < n; i++)
            out[0][i] = in[0][i] * ref_derivative(&node->attrs, in[1][i]);
        break;
    case MOT_OP_norm:
    case MOT_OP_norm_grad:
        ref_any_norm(r, node, out, in);
        break;
    case MOT_OP_batch_norm_sums:
    case MOT_OP_batch_norm:
    case MOT_OP_batch_norm_grad_sums:
    case MOT_OP_batch_norm_grad:
        ref_any_batch_norm(r, node, out, in);
        break;
    case MOT_OP_batch_norm_update:
        ref_batch_norm_update(&node->attrs, elements(r, node->out[0]), out[0], out[1], in[0]);
        break;
    case MOT_OP_add:
        for (int64_t i = 0; i < n; i++)
            out[0][i] =
                ref_added(node->attrs.activation, in[0][i] + in[1][i], in[2] ? &in[2][i] : NULL);
        break;
    case MOT_OP_concat:
        ref_concat(r, node, out[0], in);
        break;
    case MOT_OP_permute:
    case MOT_OP_slice:
        for (int64_t i = 0; i < elements(r, node->out[0]); i++)
            out[0][i] = in[0][ref_place(node, y, a, i)];
        break;
    case MOT_OP_pad:
        for (int64_t i = 0; i < elements(r, node->out[0]); i++)
            out[0][i] = 0;
        for (int64_t i = 0; i < n; i++)
            out[0][ref_place(node, a, y, i)] = in[0][i];
        break;
    case MOT_OP_sum:
        for (int64_t i = 0; i < elements(r, node->out[0]); i++)
            out[0][i] = 0;
        for (int64_t i = 0; i < n; i++)
            out[0][ref_summed(node, a, i)] += (double)node->attrs.factor * in[0][i];
        break;
    case MOT_OP_spread:
        for (int64_t i = 0; i < elements(r, node->out[0]); i++)
            out[0][i] = (double)node->attrs.factor * in[0][ref_summed(node, y, i)];
        break;
    case MOT_OP_dropout:
        for (int64_t i = 0; i < n; i++)
            out[0][i] = in[0][i] * keep(i + node->attrs.layer, (double)node->attrs.p);
        break;
    case MOT_OP_softmax_xent:
        ref_xent(r->batch, a->dim[1], (double)node->attrs.smoothing,
                 r->graph->tensor[node->in[1]].shape.n_dims == 2, out[0], out[1], in[0], in[1]);
        break;
    case MOT_OP_pointwise_loss:
        ref_pointwise(&node->attrs, r->batch, a->dim[1], out[0], out[1], in[0], in[1]);
        break;
    default:
        break; /* the update */
    }
}

/* Run the step (or, for `inference`, what of it evaluates) and return the loss. */
static inline double reference_run(const reference *r, bool inference)
{
    for (int i = 0; i < r->graph->n_nodes; i++)
        if (mot_node_runs(r->graph, i, inference))
            run_node(r, &r->graph->node[i]);
    return r->data[r->graph->sums][1];
}

#endif
