/* batch_norm_grad_sums and batch_norm_grad; names, flags and variants as in batch_norm.cl. */
#include "batch_norm_channel.cl"

#define CHANNEL_PARAMETERS                                                                         \
    __global const float *dy, long dy_at, __global const float *x, long x_at,                      \
        __global const float *sums, long sums_at, __global const float *mean, long mean_at,        \
        __global const float *weight, long weight_at, __global const float *bias, long bias_at,    \
        long samples, long channels, long plane, float eps, int flags
#define CHANNEL(c)                                                                                 \
    bn_channel ch = bn_by_sums(sums + sums_at, mean[mean_at + (c)], c, channels, eps);             \
    bn_set_parameters(&ch, weight + weight_at, bias + bias_at, c, flags)

/* ---- sums ---- */

#define GRAD_SUMS_PARAMETERS                                                                       \
    __global float *grad_sums, long grad_sums_at, __global float *dw, long dw_at,                  \
        __global float *db, long db_at, CHANNEL_PARAMETERS
#define LEAVE_SUMS(c)                                                                              \
    second *= ch.factor; /* so far of g d */                                                       \
    grad_sums[grad_sums_at + (c)] = first;                                                         \
    grad_sums[grad_sums_at + channels + (c)] = second;                                             \
    if (flags & BATCH_NORM_WEIGHT)                                                                 \
        dw[dw_at + (c)] = second;                                                                  \
    if (flags & BATCH_NORM_BIAS)                                                                   \
        db[db_at + (c)] = first

__kernel void batch_norm_grad_sums_plain(GRAD_SUMS_PARAMETERS)
{
    const long c = get_global_id(0);
    if (c >= channels)
        return;
    CHANNEL(c);
    float first = 0.0f, second = 0.0f;
    for (long s = 0; s < samples; s++)
        for (long i = (s * channels + c) * plane; i < (s * channels + c + 1) * plane; i++) {
            const float d = x[x_at + i] - ch.mean;
            const float g = bn_passed(dy[dy_at + i], d, ch, flags);
            first += g;
            second += g * d;
        }
    LEAVE_SUMS(c);
}

/* g of several elements; plain arithmetic, so that no branch is in the loop. */
#define BN_PASSED(name, type)                                                                      \
    type name(type dy, type d, bn_channel ch, int flags)                                           \
    {                                                                                              \
        const type y = d * (ch.factor * ch.weight) + ch.bias;                                      \
        return flags & BATCH_NORM_RELU ? select((type)0.0f, dy, y > 0.0f) : dy;                    \
    }
BN_PASSED(bn_passed_vec, VEC)
BN_PASSED(bn_passed_piece, PIECE)

__kernel void batch_norm_grad_sums_channels(GRAD_SUMS_PARAMETERS UNITS)
{
    const long unit = get_group_id(0), units = get_num_groups(0), whole = plane / VW * VW;
    const long last = part_begin(channels, unit + 1, units);
    for (long c = part_begin(channels, unit, units); c < last; c++) {
        CHANNEL(c);
        VEC firsts = 0.0f, seconds = 0.0f;
        float first = 0.0f, second = 0.0f;
        for (long s = 0; s < samples; s++) {
            __global const float *from = x + x_at + (s * channels + c) * plane;
            __global const float *gradient = dy + dy_at + (s * channels + c) * plane;
            VEC sum = 0.0f, products = 0.0f;
            for (long i = 0; i < whole; i += VW) {
                const VEC d = VLOAD(from + i) - ch.mean;
                const VEC g = bn_passed_vec(VLOAD(gradient + i), d, ch, flags);
                sum += g;
                products += g * d;
            }
            firsts += sum;
            seconds += products;
            for (long i = whole; i < plane; i++) {
                const float d = from[i] - ch.mean;
                const float g = bn_passed(gradient[i], d, ch, flags);
                first += g;
                second += g * d;
            }
        }
        first += vec_sum(firsts);
        second += vec_sum(seconds);
        LEAVE_SUMS(c);
    }
}

__kernel void batch_norm_grad_sums_parts(__global float *left, long left_at, CHANNEL_PARAMETERS,
                                         int parts, __local float *scratch)
{
    CHANNEL_PART;
    CHANNEL(c);
    PIECE first = 0.0f, second = 0.0f;
    x += x_at;
    dy += dy_at;
    EACH_PIECE(at) {
        const PIECE d = PIECE_AT(x + at) - ch.mean;
        const PIECE g = bn_passed_piece(PIECE_AT(dy + at), d, ch, flags);
        first += g;
        second += g * d;
    }
    bn_leave_part(left + left_at, first, second, part, c, channels, scratch);
}

__kernel void batch_norm_grad_sums_finish(GRAD_SUMS_PARAMETERS, __global const float *left,
                                          long left_at, int parts, __local float *scratch)
{
    const long c = get_group_id(0);
    CHANNEL(c);
    float first = bn_add_parts(left + left_at, 0, c, channels, parts, scratch);
    float second = bn_add_parts(left + left_at, 1, c, channels, parts, scratch);
    if (get_local_id(0) == 0) {
        LEAVE_SUMS(c);
    }
}

/* ---- dx ---- */

#define GRAD_PARAMETERS                                                                            \
    __global float *dx, long dx_at, __global const float *grad_sums, long grad_sums_at,            \
        CHANNEL_PARAMETERS
/* Means of g and, times 1 / deviation, of g n over the batch; what all is multiplied with. */
#define MEANS(c)                                                                                   \
    const float count = fmax(sums[sums_at + 2 * channels], 1.0f);                                  \
    const float mean_g = grad_sums[grad_sums_at + (c)] / count;                                    \
    const float slope = grad_sums[grad_sums_at + channels + (c)] / count * ch.factor;              \
    const float scale = ch.factor * ch.weight

__kernel void batch_norm_grad_plain(GRAD_PARAMETERS)
{
    const long i = get_global_id(0), c = i / plane % channels;
    if (i >= samples * channels * plane)
        return;
    CHANNEL(c);
    MEANS(c);
    const float d = x[x_at + i] - ch.mean;
    dx[dx_at + i] = scale * (bn_passed(dy[dy_at + i], d, ch, flags) - mean_g - d * slope);
}

__kernel void batch_norm_grad_channels(GRAD_PARAMETERS UNITS)
{
    const long unit = get_group_id(0), units = get_num_groups(0), whole = plane / VW * VW;
    const long last = part_begin(channels, unit + 1, units);
    for (long c = part_begin(channels, unit, units); c < last; c++) {
        CHANNEL(c);
        MEANS(c);
        for (long s = 0; s < samples; s++) {
            const long at = (s * channels + c) * plane;
            __global const float *from = x + x_at + at, *gradient = dy + dy_at + at;
            __global float *to = dx + dx_at + at;
            for (long i = 0; i < whole; i += VW) {
                const VEC d = VLOAD(from + i) - ch.mean;
                const VEC g = bn_passed_vec(VLOAD(gradient + i), d, ch, flags);
                VSTORE((g - mean_g - d * slope) * scale, to + i);
            }
            for (long i = whole; i < plane; i++) {
                const float d = from[i] - ch.mean;
                to[i] = scale * (bn_passed(gradient[i], d, ch, flags) - mean_g - d * slope);
            }
        }
    }
}

__kernel void batch_norm_grad_parts(GRAD_PARAMETERS, int parts)
{
    CHANNEL_PART;
    CHANNEL(c);
    MEANS(c);
    x += x_at;
    dy += dy_at;
    dx += dx_at;
    EACH_PIECE(at) {
        const PIECE d = PIECE_AT(x + at) - ch.mean;
        const PIECE g = bn_passed_piece(PIECE_AT(dy + at), d, ch, flags);
        *(__global PIECE *)(dx + at) = (g - mean_g - d * slope) * scale;
    }
}
