/* attention_blocks_grad: the gradients of attention (attention.cl has the formulas) on GPUs, in two
 * launches; attention_tile.cl and attention_blocks.cl say how.
 *
 * attention_blocks_queries  a group has OWN queries: delta, which it leaves for the other, and dq.
 * attention_blocks_keys     a group has OWN keys: dk and dv; the queries' rows are loaded twice.
 * What lies by the queries' side is added up in the order of the keys, and the other way round. */
#include "attention_tile.cl"

#define GRAD_PLACE                                                                                 \
    ATTENTION_PLACE;                                                                               \
    const int blocks = (int)((length + OWN - 1) / OWN), deep = (int)depth;                         \
    const int width = (int)(heads * depth), stride = 3 * width, rows = (int)length;                \
    const long pair = (long)get_group_id(0) / blocks, sample = pair / heads, head = pair % heads;  \
    __global const float *q = qkv + qkv_at + sample * length * stride + head * depth;              \
    __global const float *k = q + width, *v = k + width;                                           \
    dy += dy_at + sample * length * width + head * depth;                                          \
    dqkv += dqkv_at + sample * length * stride + head * depth;                                     \
    lse += lse_at + pair * length;                                                                 \
    deltas += deltas_at + pair * length;                                                           \
    float4 held[HELD];                                                                             \
    float s[RO][RW], t[RO][RW]

INLINE void attend_weigh(__local float4 *x, float s[RO][RW], int theirs, int mine)
{
    EACH_SCORE(r, c)
        ((__local float *)x)[(theirs + r * TO) * (4 * X_PITCH) + mine + c * TW] = s[r][c];
}

__attribute__((reqd_work_group_size(ITEMS, 1, 1)))
__kernel void attention_blocks_queries(__global float *restrict dqkv, long dqkv_at,
                                       __global float *restrict deltas, long deltas_at,
                                       __global const float *restrict dy, long dy_at,
                                       __global const float *restrict qkv, long qkv_at,
                                       __global const float *restrict y, long y_at,
                                       __global const float *restrict lse, long lse_at, long length,
                                       long heads, long depth, int causal, float scale)
{
    __local float4 query[OWN * PITCH], slope[OWN * PITCH], other[OTHER * PITCH], x[OTHER * X_PITCH];
    __local float delta[OWN], level[OWN];
    GRAD_PLACE;
    const int w0 = (blocks - 1 - (int)((long)get_group_id(0) % blocks)) * OWN;
    const int n = min(OWN, rows - w0), keys = causal ? w0 + n : rows;
    float4 sum[RA];
    y += y_at + (sample * length + w0) * width + head * depth;
    for (int i = 0; i < RA; i++)
        sum[i] = 0.0f;
    attend_fetch(held, v, stride, keys, deep);
    /* 1. The queries' own: delta = dy . y of each. */
    attend_own(query, q + (long)w0 * stride, stride, n, deep, scale * LOG2E);
#pragma unroll 1
    for (int e = me; e < OWN * QUADS; e += ITEMS) {
        const float4 a = attend_vector(dy + (long)w0 * width, width, e, n, deep);
        slope[e / QUADS * PITCH + e % QUADS] = a;
        ((__local float *)x)[e] = dot(a, attend_vector(y, width, e, n, deep));
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (me < OWN) {
        float all = 0.0f;
        for (int i = 0; i < QUADS; i++)
            all += ((__local float *)x)[me * QUADS + i];
        delta[me] = all;
        level[me] = me < n ? lse[w0 + me] * LOG2E : 0.0f;
        if (me < n)
            deltas[w0 + me] = all;
    }
    for (int o = 0; o < keys; o += OTHER) {
        /* 2. dy . v */
        attend_put(other, held);
        barrier(CLK_LOCAL_MEM_FENCE);
        attend_fetch(held, k + (long)o * stride, stride, keys - o, deep);
        attend_scores(t, other, slope, theirs, mine);
        barrier(CLK_LOCAL_MEM_FENCE);
        /* 3. p, and with it ds. */
        attend_put(other, held);
        barrier(CLK_LOCAL_MEM_FENCE);
        attend_fetch(held, v + (long)(o + OTHER) * stride, stride, keys - o - OTHER, deep);
        attend_scores(s, other, query, theirs, mine);
        EACH_SCORE(r, c)
            s[r][c] = exp2(s[r][c] - level[mine + c * TW]) * (t[r][c] - delta[mine + c * TW]);
        if (HAS_EDGE(o, keys, o + OTHER - 1, w0))
            EACH_SCORE(r, c)
            {
                const int key = o + theirs + r * TO;
                if (key >= keys || (causal && key > w0 + mine + c * TW))
                    s[r][c] = 0.0f;
            }
        attend_weigh(x, s, theirs, mine);
        barrier(CLK_LOCAL_MEM_FENCE);
        attend_add(sum, x, other, first, quad);
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
    const int w0 = (int)((long)get_group_id(0) % blocks) * OWN, n = min(OWN, rows - w0);
    float4 dk[RA], dv[RA];
    float level[RO], delta[RO];
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
#pragma unroll
        for (int r = 0; r < RO; r++) {
            const int query = o + theirs + r * TO;
            level[r] = query < rows ? lse[query] * LOG2E : 0.0f;
            delta[r] = query < rows ? deltas[query] : 0.0f;
        }
        attend_scores(s, other, key, theirs, mine);
        EACH_SCORE(r, c)
            s[r][c] = exp2(s[r][c] - level[r]);
        if (HAS_EDGE(o, rows, w0 + OWN - 1, o))
            EACH_SCORE(r, c)
            {
                const int query = o + theirs + r * TO;
                if (query >= rows || (causal && w0 + mine + c * TW > query))
                    s[r][c] = 0.0f;
            }
        attend_weigh(x, s, theirs, mine);
        barrier(CLK_LOCAL_MEM_FENCE);
        /* 2. dv, and dy . v */
        attend_put(other, held);
        barrier(CLK_LOCAL_MEM_FENCE);
        attend_fetch(held, q + (long)o * stride, stride, rows - o, deep);
        attend_add(dv, x, other, first, quad);
        attend_scores(t, other, value, theirs, mine);
        barrier(CLK_LOCAL_MEM_FENCE);
        /* 3. ds, dk */
        attend_put(other, held);
        EACH_SCORE(r, c)
            s[r][c] *= t[r][c] - delta[r];
        attend_weigh(x, s, theirs, mine);
        barrier(CLK_LOCAL_MEM_FENCE);
        attend_fetch(held, q + (long)(o + OTHER) * stride, stride, rows - o - OTHER, deep);
        attend_add(dk, x, other, first, quad);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    dqkv += (long)w0 * stride;
    attend_leave(dqkv + width, stride, dk, first, quad, n, deep, scale);
    attend_leave(dqkv + 2 * width, stride, dv, first, quad, n, deep, 1.0f);
}
