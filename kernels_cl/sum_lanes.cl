/* sum_lanes: sum.cl on GPUs, for rows that fit in the registers of a team of lanes (lanes.cl); a group has
 * `chunk` of `rows` rows of n. */
#include "lanes.cl"

WHOLE_GROUP __kernel void sum_lanes(__global float *y, long y_at, __global const float *x, long x_at,
                                    long n, float factor, long rows, long chunk)
{
    __local float scratch[ITEMS];
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, rows);
    for (long step = first; step < last; step += TEAMS) {
        const long r = step + TEAM;
        PIECE v[PIECES], sum = 0.0f;
        pieces_load(v, x + x_at + r * n, r < last ? (int)n : 0, 0.0f);
        UNROLL
        for (int k = 0; k < PIECES; k++)
            sum += v[k];
        const float all = team_sum(piece_sum(sum), scratch);
        if (LANE == 0 && r < last)
            y[y_at + r] = all * factor;
    }
}
