/* norm_lanes: norm.cl and norm_grad.cl on GPUs, where each element of a row has a weight of its own
 * or none has one (layer and RMS norm): a team of lanes has a row (lanes.cl), which is read once.
 *
 * A group has `chunk` rows.  Backward its lanes keep the sums for their parameters in registers over
 * all of these, add up those of the teams, and leave them in `parts`, dweight and dbias behind each
 * other; norm_finish_lanes.cl adds the groups'. */
#include "lanes.cl"
#include "norm_flags.cl"

WHOLE_GROUP __kernel void norm_lanes(__global float *y, long y_at, __global float *stats,
                                     long stats_at, __global const float *x, long x_at,
                                     __global const float *weight, long weight_at,
                                     __global const float *bias, long bias_at, long rows,
                                     long columns, long groups, long run, float eps, int flags,
                                     long chunk)
{
    __local float scratch[ITEMS];
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, rows);
    const int all = (int)columns;
    PIECE w[PIECES], b[PIECES];
    pieces_load(w, weight + weight_at, flags & NORM_WEIGHT ? all : 0, 1.0f);
    pieces_load(b, bias + bias_at, flags & NORM_BIAS ? all : 0, 0.0f);
    for (long step = first; step < last; step += TEAMS) {
        const long r = step + TEAM;
        const int n = r < last ? all : 0;
        PIECE v[PIECES], sum = 0.0f, squares = 0.0f;
        pieces_load(v, x + x_at + r * columns, n, 0.0f);
        UNROLL
        for (int k = 0; k < PIECES; k++)
            sum += v[k];
        float mean = 0.0f;
        if (!(flags & NORM_RMS))
            mean = team_sum(piece_sum(sum), scratch) / (float)all;
        EACH_PIECE (k, at, n) {
            v[k] -= mean;
            squares += v[k] * v[k];
        }
        const float variance = team_sum(piece_sum(squares), scratch) / (float)all;
        const float factor = 1.0f / sqrt(variance + eps);
        UNROLL
        for (int k = 0; k < PIECES; k++)
            v[k] = v[k] * factor * w[k] + b[k];
        pieces_store(y + y_at + r * columns, v, n);
        if (LANE == 0 && r < last) {
            stats[stats_at + 2 * r] = mean;
            stats[stats_at + 2 * r + 1] = factor;
        }
    }
}

/* Add up one piece of every team, in their order, and leave it at `to` for an array of n. */
INLINE void teams_leave(__global float *to, PIECE mine, int at, int n, __local PIECE *scratch)
{
    scratch[get_local_id(0)] = mine;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (TEAM == 0 && at < n) {
        for (int team = 1; team < TEAMS; team++)
            mine += scratch[team * LANES + LANE];
        *(__global PIECE *)(to + at) = mine;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
}

WHOLE_GROUP __kernel void norm_grad_lanes(__global float *dx, long dx_at, __global float *parts,
                                          long parts_at, __global const float *dy, long dy_at,
                                          __global const float *x, long x_at,
                                          __global const float *stats, long stats_at,
                                          __global const float *weight, long weight_at, long rows,
                                          long columns, long groups, long run, int flags,
                                          long chunk)
{
    __local float2 scratch[ITEMS];
    __local PIECE gather[ITEMS];
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, rows);
    const int all = (int)columns;
    PIECE w[PIECES], dw[PIECES], db[PIECES];
    pieces_load(w, weight + weight_at, flags & NORM_WEIGHT ? all : 0, 1.0f);
    UNROLL
    for (int k = 0; k < PIECES; k++)
        dw[k] = db[k] = 0.0f;
    for (long step = first; step < last; step += TEAMS) {
        const long r = step + TEAM;
        const int n = r < last ? all : 0;
        const float mean = n > 0 ? stats[stats_at + 2 * r] : 0.0f;
        const float factor = n > 0 ? stats[stats_at + 2 * r + 1] : 0.0f;
        PIECE d[PIECES], v[PIECES], sum = 0.0f, slope = 0.0f;
        pieces_load(d, dy + dy_at + r * columns, n, 0.0f);
        pieces_load(v, x + x_at + r * columns, n, 0.0f);
        UNROLL
        for (int k = 0; k < PIECES; k++) {
            v[k] = (v[k] - mean) * factor;
            dw[k] += d[k] * v[k];
            db[k] += d[k];
            d[k] *= w[k];
            sum += d[k];
            slope += d[k] * v[k];
        }
        float2 means =
            team_sums2((float2)(piece_sum(sum), piece_sum(slope)), scratch) / (float)all;
        if (flags & NORM_RMS)
            means.x = 0.0f;
        UNROLL
        for (int k = 0; k < PIECES; k++)
            d[k] = factor * (d[k] - means.x - v[k] * means.y);
        pieces_store(dx + dx_at + r * columns, d, n);
    }
    /* All wait, also where there are no parameters; see matmul_tiled.cl. */
    const int left = flags & NORM_WEIGHT ? all : 0;
    parts += parts_at + 2 * (long)get_group_id(0) * columns;
    UNROLL
    for (int k = 0; k < PIECES; k++) {
        const int at = (k * LANES + LANE) * W;
        teams_leave(parts, dw[k], at, left, gather);
        teams_leave(parts + columns, db[k], at, left, gather);
    }
}
