/* embedding_rows: the gradient of embedding.cl on GPUs: a group has a row of the table, and the
 * positions of one part, `part` of them.
 *
 * It lists those that have the row's id, BLOCK positions at a time, in their order, and its
 * work-items, each with W neighbouring columns, add up their dy.  So each group reads all ids, but of
 * dy only what is its own.  Sums of several parts lie behind each other, in the order of parts.
 * Parameters: W (piece.cl). */
#include "embedding_row.cl"
#include "piece.cl"
#define ITEMS 128 /* a twin of that in devices/embedding.c */
#define EACH 16   /* positions that a work-item looks at, up to the bits of an int */
#define BLOCK (ITEMS * EACH)

__attribute__((reqd_work_group_size(ITEMS, 1, 1)))
__kernel void embedding_dweight_rows(__global float *dw, long dw_at, __global const float *dy,
                                     long dy_at, __global const uchar *ids, long ids_at,
                                     long positions, long vocabulary, long columns, int size,
                                     long part)
{
    __local int found[BLOCK];
    __local int count[ITEMS];
    const int me = (int)get_local_id(0);
    const long row = get_group_id(0), first = (long)get_group_id(1) * part;
    const long last = min(first + part, positions);
    dw += dw_at + ((long)get_group_id(1) * vocabulary + row) * columns;
    for (long block = first; block < last; block += BLOCK) {
        const long begin = block + me * EACH, end = min(begin + EACH, last);
        uint mine = 0;
        for (long p = begin; p < end; p++)
            if (embedding_row(ids, ids_at + p, size, vocabulary) == row)
                mine |= 1u << (int)(p - begin);
        count[me] = (int)popcount(mine);
        barrier(CLK_LOCAL_MEM_FENCE);
        int at = 0, n = 0;
#pragma unroll 8
        for (int i = 0; i < ITEMS; i++) {
            at += i < me ? count[i] : 0;
            n += count[i];
        }
        for (int k = 0; k < EACH; k++)
            if (mine >> k & 1)
                found[at++] = me * EACH + k;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (long c = (long)me * W; c < columns; c += ITEMS * W) {
            __global PIECE *to = (__global PIECE *)(dw + c);
            __global const float *from = dy + dy_at + block * columns + c;
            PIECE sum = 0.0f;
            if (block > first)
                sum = *to;
            for (int i = 0; i < n; i++)
                sum += *(__global const PIECE *)(from + found[i] * columns);
            *to = sum;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
