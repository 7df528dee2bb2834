/* embedding: y = w[ids], rows of the table w (vocabulary, columns) for each of `positions` ids; and
 * its gradient dw, where row v is the sum of dy over the positions whose id is v, in their order,
 * and zero where there are none.  Ids are bytes or ints, of `size`
 * bytes; one out of range is clamped, so that nothing outside is touched.
 * plain    one work-item an element of the result; runs anywhere; what the others are tested
 *          against.  The gradient reads all ids for each element, and no sum is shared.
 * vector   embedding: `chunk` positions a group, whose work-items go along the row by vectors of VW.
 * columns  gradient: a group has `chunk` columns of the whole table, and walks the positions once:
 *          no sum is shared, all groups have the same work whatever the ids.
 * rows     gradient on GPUs: embedding_rows.cl. */
#include "embedding_row.cl"
#include "vector.cl"

__kernel void embedding_plain(__global float *y, long y_at, __global const uchar *ids, long ids_at,
                              __global const float *w, long w_at, long positions, long vocabulary,
                              long columns, int size)
{
    const long i = get_global_id(0), position = i / columns, c = i - position * columns;
    if (position < positions)
        y[y_at + i] = w[w_at + embedding_row(ids, ids_at + position, size, vocabulary) * columns + c];
}

__kernel void embedding_vector(__global float *y, long y_at, __global const uchar *ids, long ids_at,
                               __global const float *w, long w_at, long positions, long vocabulary,
                               long columns, int size, long chunk UNITS)
{
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, positions);
    const long whole = columns / VW * VW;
    for (long position = first; position < last; position++) {
        __global float *to = y + y_at + position * columns;
        __global const float *from =
            w + w_at + embedding_row(ids, ids_at + position, size, vocabulary) * columns;
        for (long c = (long)get_local_id(0) * VW; c < whole; c += (long)get_local_size(0) * VW)
            VSTORE(VLOAD(from + c), to + c);
        for (long c = whole + (long)get_local_id(0); c < columns; c += (long)get_local_size(0))
            to[c] = from[c];
    }
}

__kernel void embedding_dweight_plain(__global float *dw, long dw_at, __global const float *dy,
                                      long dy_at, __global const uchar *ids, long ids_at,
                                      long positions, long vocabulary, long columns, int size)
{
    const long i = get_global_id(0), row = i / columns, c = i - row * columns;
    float sum = 0.0f;
    if (row >= vocabulary)
        return;
    for (long position = 0; position < positions; position++)
        if (embedding_row(ids, ids_at + position, size, vocabulary) == row)
            sum += dy[dy_at + position * columns + c];
    dw[dw_at + i] = sum;
}

__kernel void embedding_dweight_columns(__global float *dw, long dw_at, __global const float *dy,
                                        long dy_at, __global const uchar *ids, long ids_at,
                                        long positions, long vocabulary, long columns, int size,
                                        long chunk UNITS)
{
    const long first = (long)get_group_id(0) * chunk;
    const long n = min(chunk, columns - first), whole = n / VW * VW;
    dw += dw_at + first;
    dy += dy_at + first;
    for (long row = 0; row < vocabulary; row++)
        for (long c = 0; c < n; c++)
            dw[row * columns + c] = 0.0f;
    for (long position = 0; position < positions; position++) {
        __global const float *from = dy + position * columns;
        __global float *to = dw + embedding_row(ids, ids_at + position, size, vocabulary) * columns;
        for (long c = 0; c < whole; c += VW)
            VSTORE(VLOAD(to + c) + VLOAD(from + c), to + c);
        for (long c = whole; c < n; c++)
            to[c] += from[c];
    }
}
