/* move: a box of elements from one tensor to another.  An element (i, j, k, l, m) of the box, of
 * sizes s0 to s3 and n, goes from x + i x0 + j x1 + k x2 + l x3 + m x_step to the same place of y by
 * the steps of y, times `factor`: permute, slice, concat, pad (into zeros) and spread (steps of 0).
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * rows    a group has `chunk` rows (the last index), or one of `parts` parts of `length` of them.
 * tile    what is side by side in x is not so in y: move_tile.cl.
 * turn    the same for CPUs: squares of SIDE by SIDE in registers; `rows` elements lie side by side in x,
 *         `columns` in y; s0 to s2 such planes; a group has `chunk` bands of `band` rows.
 * zero    n zeros, for pad. */
#include "shuffle.cl"
#include "vector.cl"
#define TURN_AHEAD 16 /* columns */
#if VW >= 8
#define SIDE 8
#else
#define SIDE VW
#endif

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
            for (long m = from + me * VW; m < whole;
                 m += items * VW) { /* the next row is asked for */
                PREFETCH(out + y3 + m);
                PREFETCH(in + x3 + m);
                VSTORE(VLOAD(in + m) * factor, out + m);
            }
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

/* SIDE elements of SIDE columns of x become SIDE rows of y. */
INLINE void turn_square(__global float *out, long y_row, __global const float *in, long x_column)
{
#if SIDE == 8
    TURN8(out, y_row, in, x_column);
#else
    float square[SIDE * SIDE];
    for (int i = 0; i < SIDE; i++)
        VSTORE(VLOAD(in + i * x_column), square + i * SIDE);
    for (int l = 0; l < SIDE; l++)
        for (int i = 0; i < SIDE; i++)
            out[l * y_row + i] = square[i * SIDE + l];
#endif
}

/* `rows` rows of y that begin at y[out] and in x at x[in]; the next ones follow at
 * y[next_out] and x[next_in], which are asked for. */
INLINE void turn_band(__global float *y, long out, long next_out, long y_row,
                      __global const float *x, long in, long next_in, long x_column, long rows,
                      long columns)
{
    const long whole = columns / SIDE * SIDE, squares = rows / SIDE * SIDE;
    for (long c = 0; c < whole; c += 2 * SIDE) {
        const bool here = c + TURN_AHEAD < whole;
        const long soon = here ? c + TURN_AHEAD : c + TURN_AHEAD - whole;
        for (long l = 0; l < squares; l += SIDE) {
            for (long i = 0; i < SIDE; i++) {
                PREFETCH(x + (here ? in : next_in) + (soon + i + l % 16) * x_column + l / 16 * 16);
                PREFETCH(y + (here ? out : next_out) + soon + (l + i) * y_row);
            }
            turn_square(y + out + l * y_row + c, y_row, x + in + c * x_column + l, x_column);
            if (c + SIDE < whole)
                turn_square(y + out + l * y_row + c + SIDE, y_row,
                            x + in + (c + SIDE) * x_column + l, x_column);
        }
    }
    for (long l = 0; l < rows; l++)
        for (long c = l < squares ? whole : 0; c < columns; c++)
            y[out + l * y_row + c] = x[in + c * x_column + l];
}

__kernel void move_turn(__global float *y, long y_at, __global const float *x, long x_at, long s1,
                        long s2, long rows, long columns, long y0, long y1, long y2, long y_row,
                        long x0, long x1, long x2, long x_column, long band, long bands,
                        long chunk UNITS)
{
    const long down = (rows + band - 1) / band;
    const long first = get_group_id(0) * chunk, last = min(first + chunk, bands);
    long r = 0, in = 0, out = 0;
    for (long b = first; b <= last; b++) {
        const long r_was = r, in_was = in, out_was = out, plane = b / down;
        const long k = plane % s2, j = plane / s2 % s1, i = plane / s2 / s1;
        r = b % down * band;
        in = x_at + i * x0 + j * x1 + k * x2 + r;
        out = y_at + i * y0 + j * y1 + k * y2 + r * y_row;
        if (b > first)
            turn_band(y, out_was, out, y_row, x, in_was, in, x_column, min(rows - r_was, band),
                      columns);
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
