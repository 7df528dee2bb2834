/* attention_blocks_grad: the gradients of attention (attention.cl has the formulas) on GPUs, in three
 * launches; attention_tile.cl and attention_blocks.cl say how.
 *
 * attention_blocks_deltas   delta of every row, QUADS work-items each.
 * attention_blocks_queries  a group has OWN queries: dq.
 * attention_blocks_keys     a group has OWN keys: dk and dv; the queries' rows are loaded twice.
 * What lies by the queries' side is added up in the order of the keys, and the other way round. */
#include "attention_tile.cl"

#define GRAD_PLACE                                                                                 \
    ATTENTION_PLACE;                                                                               \
    const int rows = (int)length, deep = (int)depth, blocks = (rows + OWN - 1) / OWN;              \
    const int width = (int)heads * deep, stride = 3 * width;                                       \
    const int group = (int)get_group_id(0), pair = group / blocks;                                 \
    const int sample = pair / (int)heads, column = pair % (int)heads * deep;                       \
    __global const float *q = qkv + qkv_at + (long)(sample * rows) * stride + column;              \
    __global const float *k = q + width, *v = k + width;                                           \
    dy += dy_at + (long)(sample * rows) * width + column;                                          \
    dqkv += dqkv_at + (long)(sample * rows) * stride + column;                                     \
    lse += lse_at + (long)pair * rows;                                                             \
    deltas += deltas_at + (long)pair * rows;                                                       \
    float4 held[HELD];                                                                             \
    float s[RO][RW], t[RO][RW]

/* Where weight (r, c) of a work-item is in x. */
#define WEIGHT(r, c) ((__local float *)x)[(theirs + r * TO) * (4 * X_PITCH) + mine + c * TW]

__attribute__((reqd_work_group_size(ITEMS, 1, 1)))
__kernel void attention_blocks_deltas(__global float *restrict deltas, long deltas_at,
                                      __global const float *restrict dy, long dy_at,
                                      __global const float *restrict y, long y_at, long samples,
                                      long length, long heads, long depth)
{
    __local float part[ITEMS];
    const int me = (int)get_local_id(0), d = me % QUADS * 4, n = (int)depth - d;
    const int row = (int)get_group_id(0) * (ITEMS / QUADS) + me / QUADS; /* (B,T,H) */
    const int there = row < (int)(samples * length * heads);
    const long at = (long)row * (int)depth + d;
    part[me] = dot(attend_load(dy + dy_at + at, there ? n : 0),
                   attend_load(y + y_at + at, there ? n : 0));
    barrier(CLK_LOCAL_MEM_FENCE);
    if (there && d == 0) {
        const int position = row / (int)heads, t = position % (int)length;
        const long pair = position / (int)length * heads + row % (int)heads;
        float sum = 0.0f;
        for (int i = 0; i < QUADS; i++)
            sum += part[me + i];
        deltas[deltas_at + pair * length + t] = sum;
    }
}

__attribute__((reqd_work_group_size(ITEMS, 1, 1)))
__kernel void attention_blocks_queries(__global float *restrict dqkv, long dqkv_at,
                                       __global const float *restrict deltas, long deltas_at,
                                       __global const float *restrict dy, long dy_at,
                                       __global const float *restrict qkv, long qkv_at,
                                       __global const float *restrict lse, long lse_at, long length,
                                       long heads, long depth, int causal, float scale)
{
    __local float4 query[OWN * PITCH], gradient[OWN * PITCH];
    __local float4 other[OTHER * PITCH], x[OTHER * X_PITCH];
    __local float delta[OWN], lse2[OWN];
    GRAD_PLACE;
    const int w0 = (blocks - 1 - group % blocks) * OWN;
    const int n = min(OWN, rows - w0), keys = causal ? w0 + n : rows;
    float4 sum[RA];
    for (int i = 0; i < RA; i++)
        sum[i] = 0.0f;
    attend_fetch(held, v, stride, keys, deep);
    attend_own(query, q + (long)w0 * stride, stride, n, deep, scale * LOG2E);
    attend_own(gradient, dy + (long)w0 * width, width, n, deep, 1.0f);
    if (me < OWN) {
        delta[me] = me < n ? deltas[w0 + me] : 0.0f;
        lse2[me] = me < n ? lse[w0 + me] * LOG2E : 0.0f;
    }
    for (int o = 0; o < keys; o += OTHER) {
        /* 1. dy . v */
        attend_put(other, held);
        barrier(CLK_LOCAL_MEM_FENCE);
        attend_fetch(held, k + (long)o * stride, stride, keys - o, deep);
        block_scores(t, other, gradient, theirs, mine);
        barrier(CLK_LOCAL_MEM_FENCE);
        /* 2. p, and with it ds. */
        attend_put(other, held);
        barrier(CLK_LOCAL_MEM_FENCE);
        attend_fetch(held, v + (long)(o + OTHER) * stride, stride, keys - o - OTHER, deep);
        block_scores(s, other, query, theirs, mine);
        if (HAS_EDGE(o, keys, o + OTHER - 1, w0))
            EACH_SCORE(r, c)
                s[r][c] = o + theirs + r * TO < KEYS_OF(w0 + mine + c * TW) ? s[r][c] : -INFINITY;
        EACH_SCORE(r, c)
            WEIGHT(r, c) = exp2(s[r][c] - lse2[mine + c * TW]) * (t[r][c] - delta[mine + c * TW]);
        barrier(CLK_LOCAL_MEM_FENCE);
        block_add(sum, x, other, first, quad);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    attend_leave(dqkv + (long)w0 * stride, stride, sum, first, quad, n, deep, scale);
}

__attribute__((reqd_work_group_size(ITEMS, 1, 1)))
__kernel void attention_blocks_keys(__global float *restrict dqkv, long dqkv_at,
                                    __global const float *restrict deltas, long deltas_at,
                                    __global const float *restrict dy, long dy_at,
                                    __global const float *restrict qkv, long qkv_at,
                                    __global const float *restrict lse, long lse_at, long length,
                                    long heads, long depth, int causal, float scale)
{
    __local float4 key[OWN * PITCH], value[OWN * PITCH], other[OTHER * PITCH], x[OTHER * X_PITCH];
    GRAD_PLACE;
    const int w0 = group % blocks * OWN, n = min(OWN, rows - w0);
    float4 dk[RA], dv[RA];
    float lse2[RO], delta[RO];
    for (int i = 0; i < RA; i++)
        dk[i] = dv[i] = 0.0f;
    int o = causal ? w0 / OTHER * OTHER : 0;
    attend_own(key, k + (long)w0 * stride, stride, n, deep, scale * LOG2E);
    attend_own(value, v + (long)w0 * stride, stride, n, deep, 1.0f);
    attend_fetch(held, q + (long)o * stride, stride, rows - o, deep);
    for (; o < rows; o += OTHER) {
        /* 1. p */
        attend_put(other, held);
        barrier(CLK_LOCAL_MEM_FENCE);
        attend_fetch(held, dy + (long)o * width, width, rows - o, deep);
        UNROLL_MORE
        for (int r = 0; r < RO; r++) {
            const int query = o + theirs + r * TO;
            lse2[r] = query < rows ? lse[query] * LOG2E : 0.0f;
            delta[r] = query < rows ? deltas[query] : 0.0f;
        }
        block_scores(s, other, key, theirs, mine);
        if (HAS_EDGE(o, rows, w0 + OWN - 1, o))
            EACH_SCORE(r, c)
            {
                const int behind = causal ? w0 + mine + c * TW : 0, query = o + theirs + r * TO;
                s[r][c] = (uint)(query - behind) < (uint)(rows - behind) ? s[r][c] : -INFINITY;
            }
        EACH_SCORE(r, c)
            WEIGHT(r, c) = s[r][c] = exp2(s[r][c] - lse2[r]);
        barrier(CLK_LOCAL_MEM_FENCE);
        /* 2. dv, and dy . v */
        attend_put(other, held);
        barrier(CLK_LOCAL_MEM_FENCE);
        attend_fetch(held, q + (long)o * stride, stride, rows - o, deep);
        block_add(dv, x, other, first, quad);
        block_scores(t, other, value, theirs, mine);
        barrier(CLK_LOCAL_MEM_FENCE);
        /* 3. ds, dk */
        attend_put(other, held);
        EACH_SCORE(r, c)
            WEIGHT(r, c) = s[r][c] * (t[r][c] - delta[r]);
        barrier(CLK_LOCAL_MEM_FENCE);
        attend_fetch(held, q + (long)(o + OTHER) * stride, stride, rows - o - OTHER, deep);
        block_add(dk, x, other, first, quad);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    dqkv += (long)w0 * stride;
    attend_leave(dqkv + width, stride, dk, first, quad, n, deep, scale);
    attend_leave(dqkv + 2 * width, stride, dv, first, quad, n, deep, 1.0f);
}
