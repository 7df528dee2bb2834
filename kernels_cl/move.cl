/* move: a box of elements from one tensor to another.  An element (i, j, k, l, m) of the box, of
 * sizes s0 to s3 and n, goes from x + i x0 + j x1 + k x2 + l x3 + m x_step to the same place of y by
 * the steps of y, times `factor`: permute, slice, concat, pad (into zeros) and spread (steps of 0).
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * rows    a group has `chunk` rows (the last index), or one of `parts` parts of `length` of them.
 * tile    what is side by side in x is not so in y: squares through local memory, so that
 *         both are read and written in runs.  `rows` elements lie side by side in x, `columns` in
 *         y; s0 to s2 such planes.
 * turn    the same for CPUs: squares of VW by VW in registers; a group has `chunk` bands of VW rows.
 * zero    n zeros, for pad. */
#include "vector.cl"
#define MOVE_TILE 16

__kernel void move_plain(__global float *y, long y_at, __global const float *x, long x_at, long s1,
                         long s2, long s3, long n, long y0, long y1, long y2, long y3, long y_step,
                         long x0, long x1, long x2, long x3, long x_step, float factor, long total)
{
    const long e = get_global_id(0);
    if (e >= total)
        return;
    const long m = e % n, row = e / n, l = row % s3, k = row / s3 % s2, j = row / s3 / s2 % s1,
               i = row / s3 / s2 / s1;
    y[y_at + i * y0 + j * y1 + k * y2 + l * y3 + m * y_step] =
        x[x_at + i * x0 + j * x1 + k * x2 + l * x3 + m * x_step] * factor;
}

__kernel void move_rows(__global float *y, long y_at, __global const float *x, long x_at, long s1,
                        long s2, long s3, long n, long y0, long y1, long y2, long y3, long y_step,
                        long x0, long x1, long x2, long x3, long x_step, float factor, long n_rows,
                        long chunk, long parts, long length UNITS)
{
    const long first = get_group_id(0) / parts * chunk, last = min(first + chunk, n_rows);
    const long from = get_group_id(0) % parts * length, to = min(from + length, n);
    const long me = get_local_id(0), items = get_local_size(0);
    const long whole = from + (to - from) / VW * VW;
    long l = first % s3, k = first / s3 % s2, j = first / s3 / s2 % s1, i = first / s3 / s2 / s1;
    for (long row = first; row < last; row++) {
        __global float *out = y + y_at + i * y0 + j * y1 + k * y2 + l * y3;
        __global const float *in = x + x_at + i * x0 + j * x1 + k * x2 + l * x3;
        if (y_step == 1 && x_step == 1) {
            for (long m = from + me * VW; m < whole; m += items * VW)
                VSTORE(VLOAD(in + m) * factor, out + m);
            for (long m = whole + me; m < to; m += items)
                out[m] = in[m] * factor;
        } else if (y_step == 1 && x_step == 0) {
            const float same = in[0] * factor;
            for (long m = from + me * VW; m < whole; m += items * VW)
                VSTORE((VEC)same, out + m);
            for (long m = whole + me; m < to; m += items)
                out[m] = same;
        } else {
            for (long m = from + me; m < to; m += items)
                out[m * y_step] = in[m * x_step] * factor;
        }
        /* The next row's indices. */
        if (++l == s3) {
            l = 0;
            if (++k == s2) {
                k = 0;
                if (++j == s1) {
                    j = 0;
                    i++;
                }
            }
        }
    }
}

__kernel void move_tile(__global float *y, long y_at, __global const float *x, long x_at, long s1,
                        long s2, long rows, long columns, long y0, long y1, long y2, long y_row,
                        long x0, long x1, long x2, long x_column, __local float *tile)
{
    const long across = (columns + MOVE_TILE - 1) / MOVE_TILE;
    const long down = (rows + MOVE_TILE - 1) / MOVE_TILE, t = get_group_id(0);
    const long c = t % across * MOVE_TILE, r = t / across % down * MOVE_TILE;
    const long plane = t / across / down;
    const long k = plane % s2, j = plane / s2 % s1, i = plane / s2 / s1;
    const int n_rows = (int)min(rows - r, (long)MOVE_TILE);
    const int n_columns = (int)min(columns - c, (long)MOVE_TILE);
    const int me = (int)get_local_id(0), items = (int)get_local_size(0);
    __global const float *in = x + x_at + i * x0 + j * x1 + k * x2 + c * x_column + r;
    __global float *out = y + y_at + i * y0 + j * y1 + k * y2 + r * y_row + c;
    for (int e = me; e < MOVE_TILE * MOVE_TILE; e += items) {
        const int row = e % MOVE_TILE, column = e / MOVE_TILE;
        if (row < n_rows && column < n_columns)
            tile[column * (MOVE_TILE + 1) + row] = in[column * x_column + row];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int e = me; e < MOVE_TILE * MOVE_TILE; e += items) {
        const int column = e % MOVE_TILE, row = e / MOVE_TILE;
        if (row < n_rows && column < n_columns)
            out[row * y_row + column] = tile[column * (MOVE_TILE + 1) + row];
    }
}

__kernel void move_turn(__global float *y, long y_at, __global const float *x, long x_at, long s1,
                        long s2, long rows, long columns, long y0, long y1, long y2, long y_row,
                        long x0, long x1, long x2, long x_column, long bands, long chunk UNITS)
{
    const long down = (rows + VW - 1) / VW;
    const long first = get_group_id(0) * chunk, last = min(first + chunk, bands);
    for (long b = first; b < last; b++) {
        const long r = b % down * VW, plane = b / down;
        const long k = plane % s2, j = plane / s2 % s1, i = plane / s2 / s1;
        const long n_rows = min(rows - r, (long)VW), whole = columns / VW * VW;
        __global const float *in = x + x_at + i * x0 + j * x1 + k * x2 + r;
        __global float *out = y + y_at + i * y0 + j * y1 + k * y2 + r * y_row;
        for (long c = 0; n_rows == VW && c < whole; c += VW) {
            float square[VW * VW], turned[VW * VW];
            for (int m = 0; m < VW; m++)
                VSTORE(VLOAD(in + (c + m) * x_column), square + m * VW);
            for (int m = 0; m < VW; m++)
                for (int l = 0; l < VW; l++)
                    turned[l * VW + m] = square[m * VW + l];
            for (int l = 0; l < VW; l++)
                VSTORE(VLOAD(turned + l * VW), out + l * y_row + c);
        }
        for (long l = 0; l < n_rows; l++)
            for (long c = n_rows == VW ? whole : 0; c < columns; c++)
                out[l * y_row + c] = in[c * x_column + l];
    }
}

__kernel void move_zero(__global float *y, long y_at, long n, long chunk UNITS)
{
    y += y_at;
    PART(n, chunk);
    EACH_VECTOR (i)
        VSTORE((VEC)0.0f, y + i);
    EACH_SINGLE (i)
        y[i] = 0.0f;
}
