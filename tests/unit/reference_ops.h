/* reference_ops.h: the mathematics of activations, losses and norms in plain C and double.  The gradients are
 * held against finite differences in test_graph_memory.c; tests/ops holds kernels against both. */
#ifndef MOT_TESTS_REFERENCE_OPS_H
#define MOT_TESTS_REFERENCE_OPS_H

#include "runtime/base/op.h"

#include <math.h>

static inline double ref_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static inline double ref_activation(const mot_attrs *attrs, double x)
{
    switch (attrs->activation) {
    case MOT_ACT_GELU:
        return 0.5 * x * erfc(-x / sqrt(2));
    case MOT_ACT_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    case MOT_ACT_SILU:
        return x * ref_sigmoid(x);
    case MOT_ACT_SIGMOID:
        return ref_sigmoid(x);
    case MOT_ACT_TANH:
        return tanh(x);
    default:
        return x > 0 ? x : (double)attrs->slope * x;
    }
}

/* The derivative; `v` is what the operator keeps, x or y. */
static inline double ref_derivative(const mot_attrs *attrs, double v)
{
    double s;
    switch (attrs->activation) {
    case MOT_ACT_GELU:
        return 0.5 * erfc(-v / sqrt(2)) + v * exp(-v * v / 2) / sqrt(2 * acos(-1));
    case MOT_ACT_GELU_TANH:
        s = tanh(sqrt(2 / acos(-1)) * (v + 0.044715 * v * v * v));
        return 0.5 * (1 + s) +
               0.5 * v * (1 - s * s) * sqrt(2 / acos(-1)) * (1 + 3 * 0.044715 * v * v);
    case MOT_ACT_SILU:
        s = ref_sigmoid(v);
        return s * (1 + v * (1 - s));
    case MOT_ACT_SIGMOID:
        return v * (1 - v);
    case MOT_ACT_TANH:
        return 1 - v * v;
    default:
        return v > 0 ? 1 : (double)attrs->slope;
    }
}

/* The slope of a loss at output x with target t; sums: the loss, and what else is summed. */
static inline double ref_pointwise_loss(const mot_attrs *attrs, double x, double t, double sums[3])
{
    const double d = x - t, p = ref_sigmoid(x), delta = (double)attrs->delta;
    const double sign = d > 0 ? 1 : d < 0 ? -1 : 0;
    sums[1] = d * d;
    sums[2] = fabs(d);
    switch (attrs->loss) {
    case MOT_LOSS_MSE:
        sums[0] = d * d;
        return 2 * d;
    case MOT_LOSS_L1:
        sums[0] = fabs(d);
        return sign;
    case MOT_LOSS_HUBER:
        sums[0] = fabs(d) > delta ? delta * (fabs(d) - delta / 2) : d * d / 2;
        return fabs(d) > delta ? delta * sign : d;
    default:
        sums[0] = fmax(x, 0) - x * t + log1p(exp(-fabs(x)));
        sums[1] = (p - t) * (p - t);
        sums[2] = (x > 0) == (t > 0.5);
        return p - t;
    }
}

/* Elements of x, of a sample, that are normalized together, weights: they make up the sizes. */
typedef struct ref_norm_sizes {
    int64_t elements, sample, group, n;
} ref_norm_sizes;

/* The weight of element i. */
static inline int64_t ref_norm_weight(const mot_attrs *attrs, const ref_norm_sizes *size, int64_t i)
{
    return attrs->norm == MOT_NORM_GROUP ? i % size->sample / (size->sample / size->n)
                                         : i % size->group;
}

/* w and b may be NULL.  stats: {mean, 1 / deviation} of each `group` elements. */
static inline void ref_norm(const mot_attrs *attrs, const ref_norm_sizes *size, double *y,
                            double *stats, const double *x, const double *w, const double *b)
{
    for (int64_t first = 0; first < size->elements; first += size->group, stats += 2) {
        double mean = 0, squares = 0;
        for (int64_t i = first; attrs->norm != MOT_NORM_RMS && i < first + size->group; i++)
            mean += x[i] / (double)size->group;
        for (int64_t i = first; i < first + size->group; i++)
            squares += (x[i] - mean) * (x[i] - mean) / (double)size->group;
        stats[0] = mean;
        stats[1] = 1 / sqrt(squares + attrs->eps);
        for (int64_t i = first; i < first + size->group; i++) {
            const int64_t p = ref_norm_weight(attrs, size, i);
            y[i] = (x[i] - mean) * stats[1] * (w ? w[p] : 1) + (b ? b[p] : 0);
        }
    }
}

/* w and dw, and db, may be NULL.  dx may be dy. */
static inline void ref_norm_grad(const mot_attrs *attrs, const ref_norm_sizes *size, double *dx,
                                 double *dw, double *db, const double *dy, const double *x,
                                 const double *stats, const double *w)
{
    for (int64_t p = 0; p < size->n; p++) {
        if (dw)
            dw[p] = 0;
        if (db)
            db[p] = 0;
    }
    for (int64_t first = 0; first < size->elements; first += size->group, stats += 2) {
        double sum = 0, slope = 0;
        for (int64_t i = first; i < first + size->group; i++) {
            const int64_t p = ref_norm_weight(attrs, size, i);
            const double n = (x[i] - stats[0]) * stats[1], g = dy[i] * (w ? w[p] : 1);
            sum += attrs->norm == MOT_NORM_RMS ? 0 : g / (double)size->group;
            slope += g * n / (double)size->group;
            if (dw)
                dw[p] += dy[i] * n;
            if (db)
                db[p] += dy[i];
        }
        for (int64_t i = first; i < first + size->group; i++) {
            const double n = (x[i] - stats[0]) * stats[1];
            const double g = dy[i] * (w ? w[ref_norm_weight(attrs, size, i)] : 1);
            dx[i] = stats[1] * (g - sum - n * slope);
        }
    }
}

/* What of a sum is left by a relu, or by the mask of one; h may be NULL. */
static inline double ref_added(mot_activation activation, double sum, const double *h)
{
    return (activation == MOT_ACT_RELU && sum < 0) || (h && !(*h > 0)) ? 0 : sum;
}

/* ---- batch norm of x (samples, channels, plane); formulas in runtime/graph/op/batch_norm.c ---- */

typedef struct ref_channels {
    int64_t samples, channels, plane;
} ref_channels;

static inline int64_t ref_channel(const ref_channels *size, int64_t i)
{
    return i / size->plane % size->channels;
}

static inline int64_t ref_channels_elements(const ref_channels *size)
{
    return size->samples * size->channels * size->plane;
}

static inline void ref_batch_norm_sums(const ref_channels *size, double *sums, const double *x,
                                       const double *mean)
{
    const int64_t n = size->channels;
    for (int64_t i = 0; i < 2 * n; i++)
        sums[i] = 0;
    for (int64_t i = 0; i < ref_channels_elements(size); i++) {
        const double d = x[i] - mean[ref_channel(size, i)];
        sums[ref_channel(size, i)] += d;
        sums[n + ref_channel(size, i)] += d * d;
    }
    sums[2 * n] = (double)(size->samples * size->plane);
}

/* Of the channel of element i: (x - mean) / deviation. */
static inline double ref_normalized(const mot_attrs *attrs, const ref_channels *size, int64_t i,
                                    const double *x, const double *mean, const double *variance,
                                    const double *sums)
{
    const int64_t c = ref_channel(size, i), n = size->channels;
    if (!sums)
        return (x[i] - mean[c]) / sqrt(variance[c] + attrs->eps);
    const double d = sums[c] / sums[2 * n], v = sums[n + c] / sums[2 * n] - d * d;
    return (x[i] - mean[c] - d) / sqrt(v + attrs->eps);
}

static inline void ref_batch_norm(const mot_attrs *attrs, const ref_channels *size, double *y,
                                  const double *x, const double *mean, const double *variance,
                                  const double *sums, const double *w, const double *b,
                                  const double *r)
{
    for (int64_t i = 0; i < ref_channels_elements(size); i++) {
        const int64_t c = ref_channel(size, i);
        const double v = ref_normalized(attrs, size, i, x, mean, variance, sums) * (w ? w[c] : 1) +
                         (b ? b[c] : 0) + (r ? r[i] : 0);
        y[i] = attrs->activation == MOT_ACT_RELU && v < 0 ? 0 : v;
    }
}

/* What of dy passes the activation at element i, whose normalized value is n. */
static inline double ref_passed(const mot_attrs *attrs, double dy, double n, int64_t c,
                                const double *w, const double *b)
{
    const bool relu = attrs->activation == MOT_ACT_RELU;
    return relu && !(n * (w ? w[c] : 1) + (b ? b[c] : 0) > 0) ? 0 : dy;
}

static inline void ref_batch_norm_grad_sums(const mot_attrs *attrs, const ref_channels *size,
                                            double *sum, double *dw, double *db, const double *dy,
                                            const double *x, const double *sums, const double *mean,
                                            const double *w, const double *b)
{
    const int64_t n = size->channels;
    for (int64_t i = 0; i < 2 * n; i++)
        sum[i] = 0;
    for (int64_t i = 0; i < ref_channels_elements(size); i++) {
        const int64_t c = ref_channel(size, i);
        const double v = ref_normalized(attrs, size, i, x, mean, NULL, sums);
        const double g = ref_passed(attrs, dy[i], v, c, w, b);
        sum[c] += g;
        sum[n + c] += g * v;
    }
    for (int64_t c = 0; c < n; c++) {
        if (dw)
            dw[c] = sum[n + c];
        if (db)
            db[c] = sum[c];
    }
}

/* dx may be dy. */
static inline void ref_batch_norm_grad(const mot_attrs *attrs, const ref_channels *size, double *dx,
                                       const double *dy, const double *x, const double *sums,
                                       const double *mean, const double *grad_sums, const double *w,
                                       const double *b)
{
    const int64_t n = size->channels;
    for (int64_t i = 0; i < ref_channels_elements(size); i++) {
        const int64_t c = ref_channel(size, i);
        const double d = sums[c] / sums[2 * n], all = sums[2 * n];
        const double deviation = sqrt(sums[n + c] / all - d * d + attrs->eps);
        const double v = ref_normalized(attrs, size, i, x, mean, NULL, sums);
        const double g = ref_passed(attrs, dy[i], v, c, w, b);
        dx[i] = (w ? w[c] : 1) / deviation * (g - (grad_sums[c] + v * grad_sums[n + c]) / all);
    }
}

static inline void ref_batch_norm_update(const mot_attrs *attrs, int64_t n, double *mean,
                                         double *variance, const double *sums)
{
    for (int64_t c = 0; c < n; c++) {
        const double all = sums[2 * n], d = sums[c] / all;
        const double unbiased = (sums[n + c] - all * d * d) / (all > 1 ? all - 1 : 1);
        mean[c] += attrs->momentum * d;
        variance[c] += attrs->momentum * (unbiased - variance[c]);
    }
}

#endif
