/* batch_norm: of x (samples, channels, plane), each channel over all samples; runtime/graph/op/batch_norm.c
 * has the formulas.  sums (2 C + 1) = {sum of d = x - mean, sum of d^2, elements of a channel}, and
 * grad_sums (2 C) = {sum of g, sum of g n} with g = dy, or 0 where the relu behind gave 0.
 * flags: 1 weight is there, 2 bias is there, 4 relu, 8 no sums: by running mean and variance, 16 r is
 * there, which is added before the relu.
 * plain     sums: one work-item a channel; others: one work-item an element.
 * channels  for CPUs: groups of one work-item, each with a range of channels, vectors along the plane.
 * parts     several groups a channel (batch_norm_channel.cl); sums of parts are added in a second launch,
 *           by a group for each channel. */
#include "batch_norm_channel.cl"

/* ---- sums ---- */

#define SUMS_PARAMETERS_IN                                                                         \
    __global const float *x, long x_at, __global const float *mean, long mean_at, long samples,    \
        long channels, long plane
#define SUMS_PARAMETERS __global float *sums, long sums_at, SUMS_PARAMETERS_IN

__kernel void batch_norm_sums_plain(SUMS_PARAMETERS)
{
    const long c = get_global_id(0);
    if (c >= channels)
        return;
    const float m = mean[mean_at + c];
    float first = 0.0f, second = 0.0f;
    for (long s = 0; s < samples; s++)
        for (long i = 0; i < plane; i++) {
            const float d = x[x_at + (s * channels + c) * plane + i] - m;
            first += d;
            second += d * d;
        }
    sums[sums_at + c] = first;
    sums[sums_at + channels + c] = second;
    if (c == 0)
        sums[sums_at + 2 * channels] = (float)(samples * plane);
}

__kernel void batch_norm_sums_channels(SUMS_PARAMETERS UNITS)
{
    const long unit = get_group_id(0), units = get_num_groups(0), whole = plane / VW * VW;
    for (long c = part_begin(channels, unit, units); c < part_begin(channels, unit + 1, units); c++) {
        const float m = mean[mean_at + c];
        VEC firsts = 0.0f, seconds = 0.0f;
        float first = 0.0f, second = 0.0f;
        for (long s = 0; s < samples; s++) {
            __global const float *from = x + x_at + (s * channels + c) * plane;
            VEC sum = 0.0f, squares = 0.0f; /* of a sample: short sums round less */
            for (long i = 0; i < whole; i += VW) {
                const VEC d = VLOAD(from + i) - m;
                sum += d;
                squares += d * d;
            }
            firsts += sum;
            seconds += squares;
            for (long i = whole; i < plane; i++) {
                const float d = from[i] - m;
                first += d;
                second += d * d;
            }
        }
        sums[sums_at + c] = first + vec_sum(firsts);
        sums[sums_at + channels + c] = second + vec_sum(seconds);
    }
    if (unit == 0)
        sums[sums_at + 2 * channels] = (float)(samples * plane);
}

__kernel void batch_norm_sums_parts(__global float *left, long left_at, SUMS_PARAMETERS_IN, int parts,
                                    __local float *scratch)
{
    CHANNEL_PART;
    const float m = mean[mean_at + c];
    PIECE first = 0.0f, second = 0.0f;
    x += x_at;
    EACH_PIECE(at) {
        const PIECE d = PIECE_AT(x + at) - m;
        first += d;
        second += d * d;
    }
    bn_leave_part(left + left_at, first, second, part, c, channels, scratch);
}

__kernel void batch_norm_sums_finish(__global float *sums, long sums_at, __global const float *left,
                                     long left_at, long samples, long channels, long plane,
                                     int parts, __local float *scratch)
{
    const long c = get_group_id(0);
    const float first = bn_add_parts(left + left_at, 0, c, channels, parts, scratch);
    const float second = bn_add_parts(left + left_at, 1, c, channels, parts, scratch);
    if (get_local_id(0) == 0) {
        sums[sums_at + c] = first;
        sums[sums_at + channels + c] = second;
        if (c == 0)
            sums[sums_at + 2 * channels] = (float)(samples * plane);
    }
}

/* ---- forward ---- */

#define FORWARD_PARAMETERS                                                                         \
    __global float *y, long y_at, __global const float *x, long x_at, __global const float *mean,  \
        long mean_at, __global const float *variance, long variance_at,                            \
        __global const float *sums, long sums_at, __global const float *weight, long weight_at,    \
        __global const float *bias, long bias_at, __global const float *r, long r_at,              \
        long samples, long channels, long plane, float eps, int flags

bn_channel bn_forward_channel(__global const float *mean, __global const float *variance,
                              __global const float *sums, __global const float *weight,
                              __global const float *bias, long c, long channels, float eps,
                              int flags)
{
    bn_channel ch;
    if (flags & BATCH_NORM_RUNNING) {
        const bn_channel running = {mean[c], 1.0f / sqrt(variance[c] + eps), 1.0f, 0.0f};
        ch = running;
    } else {
        ch = bn_by_sums(sums, mean[c], c, channels, eps);
    }
    bn_set_parameters(&ch, weight, bias, c, flags);
    return ch;
}

__kernel void batch_norm_plain(FORWARD_PARAMETERS)
{
    const long i = get_global_id(0);
    if (i >= samples * channels * plane)
        return;
    const bn_channel ch =
        bn_forward_channel(mean + mean_at, variance + variance_at, sums + sums_at,
                           weight + weight_at, bias + bias_at, i / plane % channels, channels, eps,
                           flags);
    float v = (x[x_at + i] - ch.mean) * (ch.factor * ch.weight) + ch.bias;
    if (flags & BATCH_NORM_RESIDUAL)
        v += r[r_at + i];
    y[y_at + i] = flags & BATCH_NORM_RELU && v < 0.0f ? 0.0f : v;
}

/* A sample's plane of a channel; `added` is a constant, so that the loop has no condition in it. */
#define BATCH_NORM_PLANE(added)                                                                    \
    for (long i = 0; i < whole; i += VW) {                                                         \
        VEC v = (VLOAD(x + at + i) - ch.mean) * scale + ch.bias;                                   \
        if (added)                                                                                 \
            v += VLOAD(r + at + i);                                                                \
        VSTORE(v < least ? (VEC)least : v, y + at + i);                                            \
    }                                                                                              \
    for (long i = whole; i < plane; i++) {                                                         \
        float v = (x[at + i] - ch.mean) * scale + ch.bias;                                         \
        if (added)                                                                                 \
            v += r[at + i];                                                                        \
        y[at + i] = v < least ? least : v;                                                         \
    }

__kernel void batch_norm_channels(FORWARD_PARAMETERS UNITS)
{
    const long unit = get_group_id(0), units = get_num_groups(0), whole = plane / VW * VW;
    const float least = flags & BATCH_NORM_RELU ? 0.0f : -INFINITY;
    x += x_at;
    y += y_at;
    r += r_at;
    for (long c = part_begin(channels, unit, units); c < part_begin(channels, unit + 1, units); c++) {
        const bn_channel ch =
            bn_forward_channel(mean + mean_at, variance + variance_at, sums + sums_at,
                               weight + weight_at, bias + bias_at, c, channels, eps, flags);
        const float scale = ch.factor * ch.weight;
        for (long s = 0; s < samples; s++) {
            const long at = (s * channels + c) * plane;
            if (flags & BATCH_NORM_RESIDUAL) {
                BATCH_NORM_PLANE(true)
            } else {
                BATCH_NORM_PLANE(false)
            }
        }
    }
}

__kernel void batch_norm_parts(FORWARD_PARAMETERS, int parts)
{
    CHANNEL_PART;
    const float least = flags & BATCH_NORM_RELU ? 0.0f : -INFINITY;
    const bn_channel ch =
        bn_forward_channel(mean + mean_at, variance + variance_at, sums + sums_at,
                           weight + weight_at, bias + bias_at, c, channels, eps, flags);
    const float scale = ch.factor * ch.weight;
    x += x_at;
    y += y_at;
    r += r_at;
    EACH_PIECE(at) {
        PIECE v = (PIECE_AT(x + at) - ch.mean) * scale + ch.bias;
        if (flags & BATCH_NORM_RESIDUAL)
            v += PIECE_AT(r + at);
        *(__global PIECE *)(y + at) = v < least ? (PIECE)least : v;
    }
}

/* ---- update ---- */

__kernel void batch_norm_update(__global float *mean, long mean_at, __global float *variance,
                                long variance_at, __global const float *sums, long sums_at,
                                long channels, float momentum UNITS)
{
    EXACT
    const long c = get_global_id(0);
    if (c >= channels)
        return;
    const float n = fmax(sums[sums_at + 2 * channels], 1.0f), d = sums[sums_at + c] / n;
    const float squares = fmax(sums[sums_at + channels + c] - n * d * d, 0.0f);
    mean[mean_at + c] += momentum * d;
    variance[variance_at + c] +=
        momentum * (squares / fmax(n - 1.0f, 1.0f) - variance[variance_at + c]);
}
