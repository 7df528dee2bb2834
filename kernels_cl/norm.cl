/* norm: y = (x - mean) / sqrt(variance + eps) * weight + bias in each of `rows` rows of `columns`
 * consecutive elements; stats[2 r] = mean, stats[2 r + 1] = 1 / sqrt(...).  In place is allowed.
 * flags: 1 weight is there, 2 bias is there, 4 the mean is 0 (RMS norm).
 * Parameters are shared by `run` consecutive elements: a row has columns / run of them, its element c
 * the one numbered r % groups * (columns / run) + c / run.  So layer norm has 1 group and runs of 1,
 * group norm runs that are channels.
 * Means are over a row that is in the cache: first the mean, then the squares of what is left.
 * plain   one work-item a row; runs anywhere; what the others are tested against.
 * vector  one work-item for `chunk` rows, vectors of VW along the row.
 * group   one work-group for `chunk` rows, trees in local memory.
 * lanes   on GPUs: norm_lanes.cl. */
#include "norm_flags.cl"
#include "tree.cl"
#include "vector.cl"

__kernel void norm_plain(__global float *y, long y_at, __global float *stats, long stats_at,
                         __global const float *x, long x_at, __global const float *weight,
                         long weight_at, __global const float *bias, long bias_at, long rows,
                         long columns, long groups, long run, float eps, int flags)
{
    const long r = get_global_id(0);
    if (r >= rows)
        return;
    const long first = r % groups * (columns / run);
    float mean = 0.0f, squares = 0.0f;
    y += y_at + r * columns;
    x += x_at + r * columns;
    for (long c = 0; c < columns && !(flags & NORM_RMS); c++)
        mean += x[c];
    mean /= (float)columns;
    for (long c = 0; c < columns; c++)
        squares += (x[c] - mean) * (x[c] - mean);
    const float factor = 1.0f / sqrt(squares / (float)columns + eps);
    for (long c = 0; c < columns; c++) {
        const float w = flags & NORM_WEIGHT ? weight[weight_at + first + c / run] : 1.0f;
        const float b = flags & NORM_BIAS ? bias[bias_at + first + c / run] : 0.0f;
        y[c] = (x[c] - mean) * factor * w + b;
    }
    stats[stats_at + 2 * r] = mean;
    stats[stats_at + 2 * r + 1] = factor;
}

/* ---- vector ---- */

/* Two sums at a time: one addition waits for the one before it. */
float norm_row_sum(__global const float *x, long n)
{
    const long pairs = n / (2 * VW) * (2 * VW), whole = n / VW * VW;
    VEC sum = 0.0f, other = 0.0f;
    for (long i = 0; i < pairs; i += 2 * VW) {
        sum += VLOAD(x + i);
        other += VLOAD(x + i + VW);
    }
    if (pairs < whole)
        sum += VLOAD(x + pairs);
    float result = vec_sum(sum + other);
    for (long i = whole; i < n; i++)
        result += x[i];
    return result;
}

float norm_row_squares(__global const float *x, float mean, long n)
{
    const long pairs = n / (2 * VW) * (2 * VW), whole = n / VW * VW;
    VEC sum = 0.0f, other = 0.0f;
    for (long i = 0; i < pairs; i += 2 * VW) {
        const VEC d = VLOAD(x + i) - mean, e = VLOAD(x + i + VW) - mean;
        sum += d * d;
        other += e * e;
    }
    if (pairs < whole) {
        const VEC d = VLOAD(x + pairs) - mean;
        sum += d * d;
    }
    float result = vec_sum(sum + other);
    for (long i = whole; i < n; i++)
        result += (x[i] - mean) * (x[i] - mean);
    return result;
}

/* A weight for each element. */
void norm_row_each(__global float *y, __global const float *x, __global const float *weight,
                   __global const float *bias, float mean, float factor, long n, int flags)
{
    const long whole = n / VW * VW;
    for (long i = 0; i < whole; i += VW) {
        VEC v = (VLOAD(x + i) - mean) * factor * VLOAD(weight + i);
        if (flags & NORM_BIAS)
            v += VLOAD(bias + i);
        PREFETCH(x + i + n);
        VSTORE(v, y + i);
    }
    for (long i = whole; i < n; i++)
        y[i] = (x[i] - mean) * factor * weight[i] + (flags & NORM_BIAS ? bias[i] : 0.0f);
}

/* One weight for all. */
void norm_row_all(__global float *y, __global const float *x, float mean, float factor, float shift,
                  long n)
{
    const long whole = n / VW * VW;
    for (long i = 0; i < whole; i += VW)
        VSTORE((VLOAD(x + i) - mean) * factor + shift, y + i);
    for (long i = whole; i < n; i++)
        y[i] = (x[i] - mean) * factor + shift;
}

__kernel void norm_vector(__global float *y, long y_at, __global float *stats, long stats_at,
                          __global const float *x, long x_at, __global const float *weight,
                          long weight_at, __global const float *bias, long bias_at, long rows,
                          long columns, long groups, long run, float eps, int flags,
                          long chunk UNITS)
{
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, rows);
    for (long r = first; r < last; r++) {
        __global float *to = y + y_at + r * columns;
        __global const float *from = x + x_at + r * columns;
        __global const float *w = weight + weight_at + r % groups * (columns / run);
        __global const float *b = bias + bias_at + r % groups * (columns / run);
        const float mean =
            flags & NORM_RMS ? 0.0f : norm_row_sum(from, columns) / (float)columns;
        const float factor =
            1.0f / sqrt(norm_row_squares(from, mean, columns) / (float)columns + eps);
        if (!(flags & NORM_WEIGHT))
            norm_row_all(to, from, mean, factor, 0.0f, columns);
        else if (run == 1)
            norm_row_each(to, from, w, b, mean, factor, columns, flags);
        else
            for (long c = 0; c < columns; c += run, w++, b++)
                norm_row_all(to + c, from + c, mean, factor * *w, flags & NORM_BIAS ? *b : 0.0f,
                             run);
        stats[stats_at + 2 * r] = mean;
        stats[stats_at + 2 * r + 1] = factor;
    }
}

/* ---- group ---- */

__kernel void norm_group(__global float *y, long y_at, __global float *stats, long stats_at,
                         __global const float *x, long x_at, __global const float *weight,
                         long weight_at, __global const float *bias, long bias_at, long rows,
                         long columns, long groups, long run, float eps, int flags, long chunk,
                         __local float *scratch)
{
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, rows);
    const long me = get_local_id(0), all = get_local_size(0);
    for (long r = first; r < last; r++) {
        __global float *to = y + y_at + r * columns;
        __global const float *from = x + x_at + r * columns;
        const long own = r % groups * (columns / run);
        float mean = 0.0f, squares = 0.0f;
        for (long c = me; c < columns && !(flags & NORM_RMS); c += all)
            mean += from[c];
        mean = group_tree(mean, 0, scratch) / (float)columns;
        for (long c = me; c < columns; c += all)
            squares += (from[c] - mean) * (from[c] - mean);
        const float factor =
            1.0f / sqrt(group_tree(squares, 0, scratch) / (float)columns + eps);
        for (long c = me; c < columns; c += all) {
            const long p = own + (run == 1 ? c : c / run);
            const float w = flags & NORM_WEIGHT ? weight[weight_at + p] : 1.0f;
            const float b = flags & NORM_BIAS ? bias[bias_at + p] : 0.0f;
            to[c] = (from[c] - mean) * factor * w + b;
        }
        if (me == 0) {
            stats[stats_at + 2 * r] = mean;
            stats[stats_at + 2 * r + 1] = factor;
        }
    }
}
