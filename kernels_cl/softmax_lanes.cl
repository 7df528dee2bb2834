/* softmax_lanes: softmax.cl and softmax_xent.cl on GPUs: a team of lanes has a row (lanes.cl), which
 * is read once; a group has `chunk` rows.  In place is allowed. */
#include "lanes.cl"
#include "sums.cl"
#include "xent_label.cl"

/* e = exp(row - its largest element), which is returned; 0 behind its n elements. */
INLINE float row_exp(PIECE e[PIECES], __local float *scratch)
{
    PIECE most = e[0];
    UNROLL
    for (int k = 1; k < PIECES; k++)
        most = fmax(most, e[k]);
    const float largest = team_max(piece_max(most), scratch);
    UNROLL
    for (int k = 0; k < PIECES; k++)
        e[k] = PIECE_EXP(e[k] - largest);
    return largest;
}

WHOLE_GROUP __kernel void softmax_lanes(__global float *p, long p_at, __global const float *x,
                                        long x_at, long rows, long columns, long chunk)
{
    __local float scratch[ITEMS];
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, rows);
    for (long step = first; step < last; step += TEAMS) {
        const long r = step + TEAM;
        const int n = r < last ? (int)columns : 0;
        PIECE e[PIECES], sum = 0.0f;
        pieces_load(e, x + x_at + r * columns, n, n > 0 ? -INFINITY : 0.0f);
        row_exp(e, scratch);
        UNROLL
        for (int k = 0; k < PIECES; k++)
            sum += e[k];
        const float factor = 1.0f / team_sum(piece_sum(sum), scratch);
        UNROLL
        for (int k = 0; k < PIECES; k++)
            e[k] *= factor;
        pieces_store(p + p_at + r * columns, e, n);
    }
}

WHOLE_GROUP __kernel void softmax_xent_lanes(__global float *dlogits, long dlogits_at,
                                             __global float *sums, long sums_at,
                                             __global float *parts, long parts_at,
                                             __global const float *logits, long logits_at,
                                             __global const int *label, long label_at, long rows,
                                             long columns, float smoothing, int flags, long chunk)
{
    __local float4 scratch[ITEMS];
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, rows);
    const float share = smoothing / (float)columns;
    const PIECE none = 0.0f, one = 1.0f;
    float4 all = 0.0f;
    for (long step = first; step < last; step += TEAMS) {
        const long r = step + TEAM;
        const int n = r < last ? (int)columns : 0;
        row_label l = {-1, -1, 1.0f};
        if (n > 0)
            l = label_at_row(label + label_at, r, columns, flags);
        const int own = (int)l.own, other = (int)l.other;
        __global const float *row = logits + logits_at + r * columns;
        const float own_logit = own >= 0 ? row[own] : 0.0f;
        const float wanted = own >= 0 ? label_logit(row, l) : 0.0f;
        PIECE v[PIECES], e[PIECES], sum = 0.0f, before = 0.0f, total = 0.0f;
        pieces_load(v, row, n, n > 0 ? -INFINITY : 0.0f);
        UNROLL
        for (int k = 0; k < PIECES; k++)
            e[k] = v[k];
        const float most = row_exp(e, (__local float *)scratch);
        EACH_PIECE (k, at, n) {
            sum += e[k];
            before += v[k] == most && PIECE_INDEX(at) < own ? one : none;
            total += v[k];
        }
        /* {exponentials, as large ones before its own, logits} */
        const float4 of_row = team_sums4(
            (float4)(piece_sum(sum), piece_sum(before), piece_sum(total), 0.0f), scratch);
        if (LANE == 0 && own >= 0) {
            const float lost = log(of_row.x) + most - wanted;
            const float above = wanted - of_row.z / (float)columns;
            all += (float4)(1.0f, smoothing > 0.0f ? lost + smoothing * above : lost,
                            own_logit == most && of_row.y == 0.0f ? 1.0f : 0.0f, lost);
        }
        const float factor = own >= 0 ? 1.0f / of_row.x : 0.0f, less = own >= 0 ? share : 0.0f;
        const PIECE of_own = (1.0f - smoothing) * l.part, of_other = 1.0f - smoothing - of_own;
        EACH_PIECE (k, at, flags & GRADIENT ? n : 0)
            e[k] = e[k] * factor - less - (PIECE_INDEX(at) == own ? of_own : none) -
                   (PIECE_INDEX(at) == other ? of_other : none);
        pieces_store(dlogits + dlogits_at + r * columns, e, flags & GRADIENT ? n : 0);
    }
    sums_leave(sums + sums_at, parts + parts_at, (__local float *)scratch, all, get_group_id(0),
               get_num_groups(0));
}
