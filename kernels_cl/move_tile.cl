/* move_tile: move.cl for devices with many work-items where what is side by side in x is not so in y:
 * squares of TILE by TILE go through local memory, so that both are read and written in runs, with a
 * whole square in flight.  `rows` elements lie side by side in x, `columns` in y; s1 and s2 are sizes of
 * the planes that turn. */
#include "inline.cl"
#define TILE 32   /* a twin of that in devices/move.c */
#define ITEMS 256 /* a twin of TILE_ITEMS there */
#define APART (ITEMS / TILE) /* rows from an item's element to its next */
#define WHOLE_GROUP __attribute__((reqd_work_group_size(ITEMS, 1, 1)))

WHOLE_GROUP __kernel void move_tile(__global float *y, long y_at, __global const float *x, long x_at,
                                    long s1, long s2, long rows, long columns, long y0, long y1,
                                    long y2, long y_row, long x0, long x1, long x2, long x_column)
{
    __local float tile[TILE * (TILE + 1)];
    const long across = (columns + TILE - 1) / TILE, down = (rows + TILE - 1) / TILE;
    const long t = (long)get_group_id(0), plane = t / across / down;
    const long c = t % across * TILE, r = t / across % down * TILE;
    const long k = plane % s2, j = plane / s2 % s1, i = plane / s2 / s1;
    const int me = (int)get_local_id(0) % TILE, first = (int)get_local_id(0) / TILE;
    const int n_rows = (int)min(rows - r, (long)TILE), n_columns = (int)min(columns - c, (long)TILE);
    __global const float *in = x + x_at + i * x0 + j * x1 + k * x2 + c * x_column + r + me;
    __global float *out = y + y_at + i * y0 + j * y1 + k * y2 + r * y_row + c + me;
    float v[TILE / APART];
    UNROLL
    for (int l = 0; l < TILE / APART; l++) {
        const int column = first + l * APART;
        v[l] = me < n_rows && column < n_columns ? in[column * x_column] : 0.0f;
    }
    UNROLL
    for (int l = 0; l < TILE / APART; l++)
        tile[(first + l * APART) * (TILE + 1) + me] = v[l];
    barrier(CLK_LOCAL_MEM_FENCE);
    UNROLL
    for (int l = 0; l < TILE / APART; l++) {
        const int row = first + l * APART;
        if (me < n_columns && row < n_rows)
            out[row * y_row] = tile[me * (TILE + 1) + row];
    }
}
