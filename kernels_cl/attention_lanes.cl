/* attention_lanes: attention (attention.cl has the formulas) on CPUs, in groups of one work-item.
 *
 * A group has LANES = 2 VW neighbouring rows of one head: queries for y and dq, keys for dk and dv.
 * It holds them turned, element d of all rows side by side, and goes through the rows of the other
 * kind in blocks of `block`, as they lie in memory.  Then everything is made of two steps, both of
 * which multiply a vector of lanes with a single number, and sums and maxima need no shuffling:
 *
 *     score[j]  = sum_d turned[d] row[j][d]      attend_scores
 *     sum[d]   += sum_j weight[j] row[j][d]      attend_add
 *
 * The scores of a block stay in local memory; the maximum so far moves with the blocks (online
 * softmax).  Blocks that causality leaves no pair in are not visited.  Lanes beyond the last row
 * compute with zeros and are not stored.  Every sum is one work-item's, in the order of the rows.
 *
 * Backward goes over the lanes of queries, then over those of keys, which computes the scores and the
 * gradients of the probabilities twice, or, where heads are enough to keep all threads at work, over
 * all keys of a head in one group, which computes them once.
 * Source: Dao 2023, "FlashAttention-2"; Milakov & Gimelshein 2018 for the online softmax. */
#include "exp.cl"
#include "shuffle.cl"
#ifndef ATTENTION_LANES_CL
#define ATTENTION_LANES_CL
#define LANES (2 * VW)
#define TILE (VW >= 16 ? 8 : 6) /* rows, or elements, in registers at once */
/* Floats of `n` rows of lanes, and a tile more, where edges may write. */
#define LANE_ROWS(n) (((n) + TILE) * LANES)

/* to[d][lane] = factor * from[lane][d] */
void attend_turn_in(__local float *to, __global const float *from, long stride, int n,
                    int depth, float factor)
{
    for (int lane = 0; lane < LANES; lane += 8) {
        int d = 0;
        for (; lane + 8 <= n && d + 8 <= depth; d += 8) {
            float8 a[8];
#pragma unroll
            for (int i = 0; i < 8; i++)
                a[i] = vload8(0, from + (lane + i) * stride + d) * factor;
            transpose8(a);
#pragma unroll
            for (int i = 0; i < 8; i++)
                vstore8(a[i], 0, to + (d + i) * LANES + lane);
        }
        for (; d < depth; d++)
            for (int i = lane; i < lane + 8; i++)
                to[d * LANES + i] = i < n ? from[i * stride + d] * factor : 0.0f;
    }
}

/* to[lane][d] = factor * from[d][lane] */
void attend_turn_out(__global float *to, long stride, __local const float *from, int n,
                     int depth, float factor)
{
    for (int lane = 0; lane < n; lane += 8) {
        int d = 0;
        for (; lane + 8 <= n && d + 8 <= depth; d += 8) {
            float8 a[8];
#pragma unroll
            for (int i = 0; i < 8; i++)
                a[i] = vload8(0, from + (d + i) * LANES + lane) * factor;
            transpose8(a);
#pragma unroll
            for (int i = 0; i < 8; i++)
                vstore8(a[i], 0, to + (lane + i) * stride + d);
        }
        for (; d < depth; d++)
            for (int i = lane; i < n && i < lane + 8; i++)
                to[i * stride + d] = factor * from[d * LANES + i];
    }
}

void attend_zero(__local float *to, int depth)
{
    for (int d = 0; d < depth + TILE; d++) {
        VSTORE((VEC)0.0f, to + d * LANES);
        VSTORE((VEC)0.0f, to + d * LANES + VW);
    }
}

/* score[j] = sum_d turned[d] row[j][d] for n rows; in the last tile, rows beyond the last are the
 * last again. */
void attend_scores(__local float *score, __local const float *turned,
                   __global const float *rows, long stride, int n, int depth)
{
    for (int j = 0; j < n; j += TILE) {
        __global const float *row[TILE];
        VEC sum[TILE][2];
#pragma unroll
        for (int i = 0; i < TILE; i++) {
            row[i] = rows + min(j + i, n - 1) * stride;
            sum[i][0] = sum[i][1] = 0.0f;
        }
        for (int d = 0; d < depth; d++) {
            const VEC low = VLOAD(turned + d * LANES), high = VLOAD(turned + d * LANES + VW);
#pragma unroll
            for (int i = 0; i < TILE; i++) {
                sum[i][0] += low * row[i][d];
                sum[i][1] += high * row[i][d];
            }
        }
#pragma unroll
        for (int i = 0; i < TILE; i++) {
            VSTORE(sum[i][0], score + (j + i) * LANES);
            VSTORE(sum[i][1], score + (j + i) * LANES + VW);
        }
    }
}

/* Elements d .. d+TILE-1 of attend_add, or where not `full`, those below depth. */
INLINE void attend_add_tile(__local float *sums, __local const float *weight,
                            __global const float *rows, long stride, int n, int d, int depth,
                            int full)
{
    VEC sum[TILE][2];
#pragma unroll
    for (int i = 0; i < TILE; i++) {
        sum[i][0] = VLOAD(sums + (d + i) * LANES);
        sum[i][1] = VLOAD(sums + (d + i) * LANES + VW);
    }
    for (int j = 0; j < n; j++, rows += stride) {
        const VEC low = VLOAD(weight + j * LANES), high = VLOAD(weight + j * LANES + VW);
#pragma unroll
        for (int i = 0; i < TILE; i++) {
            const float element = rows[full ? d + i : min(d + i, depth - 1)];
            sum[i][0] += low * element;
            sum[i][1] += high * element;
        }
    }
#pragma unroll
    for (int i = 0; i < TILE; i++) {
        VSTORE(sum[i][0], sums + (d + i) * LANES);
        VSTORE(sum[i][1], sums + (d + i) * LANES + VW);
    }
}

/* sums[d] += sum_j weight[j] row[j][d] */
void attend_add(__local float *sums, __local const float *weight,
                __global const float *rows, long stride, int n, int depth)
{
    int d = 0;
    for (; d + TILE <= depth; d += TILE)
        attend_add_tile(sums, weight, rows, stride, n, d, depth, 1);
    if (d < depth)
        attend_add_tile(sums, weight, rows, stride, n, d, depth, 0);
}

/* Numbers of n rows as a vector of lanes, zero beyond. */
INLINE void attend_lanes(VEC out[2], __global const float *from, int n)
{
    float lane[LANES];
    for (int i = 0; i < LANES; i++)
        lane[i] = i < n ? from[i] : 0.0f;
    out[0] = VLOAD(lane);
    out[1] = VLOAD(lane + VW);
}

INLINE void attend_lanes_out(__global float *to, const VEC value[2], int n)
{
    float lane[LANES];
    VSTORE(value[0], lane);
    VSTORE(value[1], lane + VW);
    for (int i = 0; i < n; i++)
        to[i] = lane[i];
}

INLINE void attend_lane_numbers(VEC_INT out[2])
{
    int lane[LANES];
    for (int i = 0; i < LANES; i++)
        lane[i] = i;
    out[0] = VLOAD(lane);
    out[1] = VLOAD(lane + VW);
}

/* Scores of a block become exp(score - most), after `most` has taken them in; the sum and the sums
 * so far are scaled to the new maximum.  Lane l sees the rows up to `seen` + l. */
INLINE void attend_softmax(__local float *score, __local float *sums, VEC most[2], VEC total[2],
                           int n, int depth, int masked, int seen)
{
    VEC_INT lane[2];
    attend_lane_numbers(lane);
#pragma unroll
    for (int h = 0; h < 2; h++) {
        __local float *s = score + h * VW;
        const VEC before = most[h];
        VEC now = before;
        for (int j = 0; j < n; j++) {
            VEC x = VLOAD(s + j * LANES);
            if (masked) {
                x = lane[h] + seen < j ? (VEC)-INFINITY : x;
                VSTORE(x, s + j * LANES);
            }
            now = x > now ? x : now;
        }
        const VEC factor = exp_vector(before - now);
        VEC sum = 0.0f;
        for (int j = 0; j < n; j++) {
            const VEC e = exp_vector(VLOAD(s + j * LANES) - now);
            sum += e;
            VSTORE(e, s + j * LANES);
        }
        for (int d = 0; d < depth; d++)
            VSTORE(VLOAD(sums + d * LANES + h * VW) * factor, sums + d * LANES + h * VW);
        total[h] = total[h] * factor + sum;
        most[h] = now;
    }
}

/* The first row of this group, how many there are, and where its head lies; from row `begin` on. */
#define ATTEND_GROUP(begin)                                                                        \
    const long done = (begin) / LANES, parts = (length + LANES - 1) / LANES - done;                \
    const long part = done + (long)get_group_id(0) % parts, pair = (long)get_group_id(0) / parts;  \
    const long first = part * LANES, width = heads * depth, stride = 3 * width;                    \
    const long sample = pair / heads, head = pair - sample * heads;                                \
    const int n = (int)min((long)LANES, length - first), deep = (int)depth;                        \
    __global const float *q = qkv + qkv_at + sample * length * stride + head * depth;              \
    __global const float *k = q + width, *v = k + width

GROUPS_OF_ONE
__kernel void attention_lanes(__global float *y, long y_at, __global float *lse, long lse_at,
                              __global const float *qkv, long qkv_at, long length, long heads,
                              long depth, int causal, float scale, long begin,
                              int block, __local float *scratch UNITS)
{
    ATTEND_GROUP(begin);
    __local float *queries = scratch, *sums = queries + LANE_ROWS(depth);
    __local float *score = sums + LANE_ROWS(depth);
    VEC most[2] = {-INFINITY, -INFINITY}, total[2] = {0.0f, 0.0f};
    attend_turn_in(queries, q + first * stride, stride, n, deep, scale);
    attend_zero(sums, deep);
    const long end = causal ? first + n : length;
    for (long j = 0; j < end; j += block) {
        const int m = (int)min((long)block, end - j);
        attend_scores(score, queries, k + j * stride, stride, m, deep);
        attend_softmax(score, sums, most, total, m, deep, causal && j + m - 1 > first,
                       (int)(first - j));
        attend_add(sums, score, v + j * stride, stride, m, deep);
    }
    const VEC factor[2] = {1.0f / total[0], 1.0f / total[1]};
    for (int d = 0; d < deep; d++) {
        VSTORE(VLOAD(sums + d * LANES) * factor[0], sums + d * LANES);
        VSTORE(VLOAD(sums + d * LANES + VW) * factor[1], sums + d * LANES + VW);
    }
    attend_turn_out(y + y_at + (sample * length + first) * width + head * depth, width, sums, n,
                    deep, 1.0f);
    most[0] += log(total[0]);
    most[1] += log(total[1]);
    attend_lanes_out(lse + lse_at + pair * length + first, most, n);
}

/* delta of each lane, from dy turned and y as it lies. */
INLINE void attend_delta(VEC delta[2], __local const float *dy, __local float *turned,
                         __global const float *y, long stride, int n, int depth)
{
    attend_turn_in(turned, y, stride, n, depth, 1.0f);
    delta[0] = delta[1] = 0.0f;
    for (int d = 0; d < depth; d++) {
        delta[0] += VLOAD(dy + d * LANES) * VLOAD(turned + d * LANES);
        delta[1] += VLOAD(dy + d * LANES + VW) * VLOAD(turned + d * LANES + VW);
    }
}

/* dq; leaves delta (B,H,T) for attention_grad_keys. */
GROUPS_OF_ONE
__kernel void attention_grad_queries(__global float *dqkv, long dqkv_at, __global float *deltas,
                                     long deltas_at, __global const float *dy, long dy_at,
                                     __global const float *qkv, long qkv_at,
                                     __global const float *y, long y_at, __global const float *lse,
                                     long lse_at, long length, long heads, long depth, int causal,
                                     float scale, int block, __local float *scratch UNITS)
{
    ATTEND_GROUP(0);
    __local float *queries = scratch, *dys = queries + LANE_ROWS(depth);
    __local float *sums = dys + LANE_ROWS(depth), *score = sums + LANE_ROWS(depth);
    __local float *slope = score + LANE_ROWS(block);
    const long at = (sample * length + first) * width + head * depth;
    VEC delta[2], log_sum[2];
    VEC_INT lane[2];
    attend_lane_numbers(lane);
    attend_turn_in(queries, q + first * stride, stride, n, deep, scale);
    attend_turn_in(dys, dy + dy_at + at, width, n, deep, 1.0f);
    attend_delta(delta, dys, sums, y + y_at + at, width, n, deep);
    attend_lanes_out(deltas + deltas_at + pair * length + first, delta, n);
    attend_lanes(log_sum, lse + lse_at + pair * length + first, n);
    attend_zero(sums, deep);
    const long end = causal ? first + n : length;
    for (long j = 0; j < end; j += block) {
        const int m = (int)min((long)block, end - j), seen = (int)(first - j);
        attend_scores(score, queries, k + j * stride, stride, m, deep);
        attend_scores(slope, dys, v + j * stride, stride, m, deep);
        for (int i = 0; i < m; i++)
#pragma unroll
            for (int h = 0; h < 2; h++) {
                __local float *s = score + i * LANES + h * VW;
                const VEC p = exp_vector(VLOAD(s) - log_sum[h]);
                const VEC ds = p * (VLOAD(slope + i * LANES + h * VW) - delta[h]);
                VSTORE(causal && i > seen && lane[h] + seen < i ? (VEC)0.0f : ds, s);
            }
        attend_add(sums, score, k + j * stride, stride, m, deep);
    }
    attend_turn_out(dqkv + dqkv_at + (sample * length + first) * stride + head * depth, stride,
                    sums, n, deep, scale);
}

INLINE float attend_dot(__global const float *a, __global const float *b, int n)
{
    VEC sum = 0.0f;
    int d = 0;
    for (; d + VW <= n; d += VW)
        sum += VLOAD(a + d) * VLOAD(b + d);
    float dot = vec_sum(sum);
    for (; d < n; d++)
        dot += a[d] * b[d];
    return dot;
}

/* Rows i .. i+TILE-1 of attend_give, one or, where `two`, two vectors of their elements. */
INLINE void attend_give_tile(__global float *to, __local const float *weight,
                             __global const float *rows, long stride, int lanes, int n, int i,
                             int fresh, int two)
{
    VEC sum[TILE][2];
#pragma unroll
    for (int t = 0; t < TILE; t++) {
        __global const float *before = to + min(i + t, n - 1) * stride;
        sum[t][0] = fresh ? (VEC)0.0f : VLOAD(before);
        sum[t][1] = fresh || !two ? (VEC)0.0f : VLOAD(before + VW);
    }
    weight += i * LANES;
    for (int lane = 0; lane < lanes; lane++, rows += stride) {
        const VEC low = VLOAD(rows), high = two ? VLOAD(rows + VW) : (VEC)0.0f;
#pragma unroll
        for (int t = 0; t < TILE; t++) {
            sum[t][0] += low * weight[t * LANES + lane];
            if (two)
                sum[t][1] += high * weight[t * LANES + lane];
        }
    }
#pragma unroll
    for (int t = 0; t < TILE; t++) {
        if (i + t < n)
            VSTORE(sum[t][0], to + (i + t) * stride);
        if (i + t < n && two)
            VSTORE(sum[t][1], to + (i + t) * stride + VW);
    }
}

/* What lanes give to the rows that they were multiplied with: to[i][d] += sum_lane weight[i][lane]
 * rows[lane][d] for n rows `to`, which hold nothing yet where `fresh`.  `turned` are the rows turned:
 * elements behind the last whole vector are summed by it. */
void attend_give(__global float *to, __local const float *weight, __global const float *rows,
                 __local const float *turned, long stride, int lanes, int n, int depth, int fresh)
{
    int d = 0;
    for (; d + 2 * VW <= depth; d += 2 * VW)
        for (int i = 0; i < n; i += TILE)
            attend_give_tile(to + d, weight, rows + d, stride, lanes, n, i, fresh, 1);
    for (; d + VW <= depth; d += VW)
        for (int i = 0; i < n; i += TILE)
            attend_give_tile(to + d, weight, rows + d, stride, lanes, n, i, fresh, 0);
    for (; d < depth; d++)
        for (int i = 0; i < n; i++) {
            const VEC sum = VLOAD(weight + i * LANES) * VLOAD(turned + d * LANES) +
                            VLOAD(weight + i * LANES + VW) * VLOAD(turned + d * LANES + VW);
            to[i * stride + d] = (fresh ? 0.0f : to[i * stride + d]) + vec_sum(sum);
        }
}

/* dk and dv of the keys from `first` on, and where `gives` what these add to dq: lanes are keys, the
 * rows that it goes through queries.  The pointers are those of the head. */
INLINE void attend_keys(__global float *dqkv, __global const float *deltas,
                        __global const float *dy, __global const float *qkv,
                        __global const float *lse, long first, long length, long width, int depth,
                        int causal, float scale, int block, int gives, __local float *scratch)
{
    __local float *keys = scratch, *values = keys + LANE_ROWS(depth);
    __local float *dk = values + LANE_ROWS(depth), *dv = dk + LANE_ROWS(depth);
    __local float *score = dv + LANE_ROWS(depth), *slope = score + LANE_ROWS(block);
    const long stride = 3 * width;
    const int n = (int)min((long)LANES, length - first);
    __global const float *k = qkv + width + first * stride;
    VEC_INT lane[2];
    attend_lane_numbers(lane);
    attend_turn_in(keys, k, stride, n, depth, 1.0f);
    attend_turn_in(values, k + width, stride, n, depth, 1.0f);
    attend_zero(dk, depth);
    attend_zero(dv, depth);
    for (long i = causal ? first : 0; i < length; i += block) {
        const int m = (int)min((long)block, length - i);
        attend_scores(score, keys, qkv + i * stride, stride, m, depth);
        attend_scores(slope, values, dy + i * width, width, m, depth);
        for (int r = 0; r < m; r++) {
            const float log_sum = lse[i + r], delta = deltas[i + r];
            /* Lanes up to this one are keys that the query sees. */
            const int seen = causal ? (int)min((long)n - 1, i - first + r) : n - 1;
#pragma unroll
            for (int h = 0; h < 2; h++) {
                __local float *s = score + r * LANES + h * VW, *t = slope + r * LANES + h * VW;
                VEC p = exp_vector(VLOAD(s) * scale - log_sum);
                if (seen < LANES - 1)
                    p = lane[h] > seen ? (VEC)0.0f : p;
                VSTORE(p, s);
                VSTORE(scale * p * (VLOAD(t) - delta), t);
            }
        }
        attend_add(dv, score, dy + i * width, width, m, depth);
        attend_add(dk, slope, qkv + i * stride, stride, m, depth);
        if (gives)
            attend_give(dqkv + i * stride, slope, k, keys, stride, n, m, depth, first == 0);
    }
    dqkv += first * stride + width;
    attend_turn_out(dqkv, stride, dk, n, depth, 1.0f);
    attend_turn_out(dqkv + width, stride, dv, n, depth, 1.0f);
}

GROUPS_OF_ONE
__kernel void attention_grad_keys(__global float *dqkv, long dqkv_at, __global const float *deltas,
                                  long deltas_at, __global const float *dy, long dy_at,
                                  __global const float *qkv, long qkv_at,
                                  __global const float *lse, long lse_at, long length, long heads,
                                  long depth, int causal, float scale,
                                  int block, __local float *scratch UNITS)
{
    const long parts = (length + LANES - 1) / LANES, part = (long)get_group_id(0) % parts;
    const long pair = (long)get_group_id(0) / parts, sample = pair / heads;
    const long width = heads * depth, at = (pair - sample * heads) * depth;
    attend_keys(dqkv + dqkv_at + sample * length * 3 * width + at,
                deltas + deltas_at + pair * length, dy + dy_at + sample * length * width + at,
                qkv + qkv_at + sample * length * 3 * width + at, lse + lse_at + pair * length,
                part * LANES, length, width, (int)depth, causal, scale, block, 0, scratch);
}

/* All of a head's gradients by one group, which computes the probabilities once: the keys' lanes, one
 * after the other, give to dq. */
GROUPS_OF_ONE
__kernel void attention_grad_heads(__global float *dqkv, long dqkv_at, __global float *deltas,
                                   long deltas_at, __global const float *dy, long dy_at,
                                   __global const float *qkv, long qkv_at,
                                   __global const float *y, long y_at, __global const float *lse,
                                   long lse_at, long length, long heads, long depth, int causal,
                                   float scale, int block, __local float *scratch UNITS)
{
    const long pair = get_group_id(0), sample = pair / heads, width = heads * depth;
    const long at = (pair - sample * heads) * depth;
    dqkv += dqkv_at + sample * length * 3 * width + at;
    deltas += deltas_at + pair * length;
    dy += dy_at + sample * length * width + at;
    qkv += qkv_at + sample * length * 3 * width + at;
    y += y_at + sample * length * width + at;
    for (long i = 0; i < length; i++)
        deltas[i] = attend_dot(dy + i * width, y + i * width, (int)depth);
    for (long first = 0; first < length; first += LANES)
        attend_keys(dqkv, deltas, dy, qkv, lse + lse_at + pair * length, first, length, width,
                    (int)depth, causal, scale, block, 1, scratch);
}
#endif
