/* softmax: p[r,:] = exp(x[r,:] - max) / sum, each of `rows` rows of `columns` columns.  In place is
 * allowed.
 * plain   one work-item a row; runs anywhere; what the others are tested against.
 * vector  one work-item for `chunk` rows, vectors of VW along the row (softmax_row.cl).
 * group   one work-group for `chunk` rows, tree in local memory.
 * lanes   on GPUs: softmax_lanes.cl. */
#include "softmax_row.cl"

__kernel void softmax_plain(__global float *p, long p_at, __global const float *x, long x_at,
                            long rows, long columns)
{
    const long r = get_global_id(0);
    if (r >= rows)
        return;
    p += p_at + r * columns;
    x += x_at + r * columns;
    float most = x[0], sum = 0.0f;
    for (long c = 1; c < columns; c++)
        most = fmax(most, x[c]);
    for (long c = 0; c < columns; c++)
        sum += exp(x[c] - most);
    for (long c = 0; c < columns; c++)
        p[c] = exp(x[c] - most) / sum;
}

__kernel void softmax_vector(__global float *p, long p_at, __global const float *x, long x_at,
                             long rows, long columns, long chunk UNITS)
{
    const long first = (long)get_global_id(0) * chunk, last = min(first + chunk, rows);
    for (long r = first; r < last; r++) {
        __global float *to = p + p_at + r * columns;
        __global const float *from = x + x_at + r * columns;
        const float most = row_max(from, columns);
        const float sum = row_exp_store(to, from, most, columns);
        row_scale(to, 1.0f / sum, 0.0f, columns);
    }
}

__kernel void softmax_group(__global float *p, long p_at, __global const float *x, long x_at,
                            long rows, long columns, long chunk, __local float *scratch)
{
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, rows);
    for (long r = first; r < last; r++) {
        __global float *to = p + p_at + r * columns;
        __global const float *from = x + x_at + r * columns;
        const float most = group_max(from, columns, scratch);
        const float sum = group_exp_sum(from, most, columns, scratch);
        for (long c = get_local_id(0); c < columns; c += (long)get_local_size(0))
            to[c] = exp_single(from[c] - most) / sum;
    }
}
