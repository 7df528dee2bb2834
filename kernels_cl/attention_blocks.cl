/* attention_blocks: attention (attention.cl has the formulas) on GPUs: a group has OWN queries of one
 * head and goes over the keys and values in blocks (attention_tile.cl).
 *
 * Scores stay in registers until they are weights, exp2(s - maximum so far): q comes with the scale
 * and log2 e.  The maxima are of the group, in local memory; the sums are the work-items' own until
 * the end.  Loads of the next block run during the products.  Blocks that causality leaves no pair in
 * are not visited.  Every sum is in the order of the keys, then of the work-items.
 * Source: Dao 2023, "FlashAttention-2"; Milakov & Gimelshein 2018 for the online softmax. */
#include "attention_tile.cl"

__attribute__((reqd_work_group_size(ITEMS, 1, 1)))
__kernel void attention_blocks(__global float *restrict y, long y_at, __global float *restrict lse,
                               long lse_at, __global const float *restrict qkv, long qkv_at,
                               long length, long heads, long depth, int causal, float scale,
                               long begin)
{
    __local float4 own[OWN * PITCH], other[OTHER * PITCH], x[OTHER * X_PITCH];
    __local float part[TO * OWN], most[OWN], factor[OWN];
    ATTENTION_PLACE;
    const int rows = (int)length, deep = (int)depth;
    const int blocks = (rows - (int)begin + OWN - 1) / OWN;
    const int width = (int)heads * deep, stride = 3 * width;
    const int group = (int)get_group_id(0), pair = group / blocks;
    const int sample = pair / (int)heads, column = pair % (int)heads * deep;
    /* The longest first. */
    const int w0 = (int)begin + (blocks - 1 - group % blocks) * OWN;
    const int n = min(OWN, rows - w0), keys = causal ? w0 + n : rows;
    __global const float *q = qkv + qkv_at + (long)(sample * rows) * stride + column;
    __global const float *k = q + width, *v = k + width;
    float4 sum[RA], held[HELD];
    float s[RO][RW], total[RW];
    for (int i = 0; i < RA; i++)
        sum[i] = 0.0f;
    for (int c = 0; c < RW; c++)
        total[c] = 0.0f;
    attend_own(own, q + (long)w0 * stride, stride, n, deep, scale * LOG2E);
    if (me < OWN)
        most[me] = -INFINITY;
    attend_fetch(held, k, stride, keys, deep);
    for (int o = 0; o < keys; o += OTHER) {
        /* 1. Scores, and their maxima by work-item. */
        attend_put(other, held);
        barrier(CLK_LOCAL_MEM_FENCE);
        attend_fetch(held, v + (long)o * stride, stride, keys - o, deep);
        block_scores(s, other, own, theirs, mine);
        if (HAS_EDGE(o, keys, o + OTHER - 1, w0))
            EACH_SCORE(r, c)
                s[r][c] = o + theirs + r * TO < KEYS_OF(w0 + mine + c * TW) ? s[r][c] : -INFINITY;
        UNROLL_MORE
        for (int c = 0; c < RW; c++) {
            float largest = s[0][c];
            UNROLL_MORE
            for (int r = 1; r < RO; r++)
                largest = fmax(largest, s[r][c]);
            part[theirs * OWN + mine + c * TW] = largest;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        /* 2. Maxima of the rows so far; key 0 counts for every query, so they are finite. */
        attend_put(other, held);
        if (me < OWN) {
            const float before = most[me];
            float now = before;
            for (int i = 0; i < TO; i++)
                now = fmax(now, part[i * OWN + me]);
            factor[me] = exp2(before - now);
            most[me] = now;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        /* 3. Weights. */
        attend_fetch(held, k + (long)(o + OTHER) * stride, stride, keys - o - OTHER, deep);
        UNROLL_MORE
        for (int c = 0; c < RW; c++) {
            const int w = mine + c * TW;
            const float top = most[w];
            total[c] *= factor[w];
            UNROLL_MORE
            for (int r = 0; r < RO; r++) {
                const float p = exp2(s[r][c] - top);
                total[c] += p;
                ((__local float *)x)[(theirs + r * TO) * (4 * X_PITCH) + w] = p;
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        /* 4. Values. */
        UNROLL_MORE
        for (int i = 0; i < RA; i++)
            sum[i] *= factor[first + i];
        block_add(sum, x, other, first, quad);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int c = 0; c < RW; c++)
        part[theirs * OWN + mine + c * TW] = total[c];
    barrier(CLK_LOCAL_MEM_FENCE);
    if (me < OWN) {
        float all = 0.0f;
        for (int i = 0; i < TO; i++)
            all += part[i * OWN + me];
        factor[me] = 1.0f / all;
        if (me < n)
            lse[lse_at + (long)pair * rows + w0 + me] = (most[me] + log2(all)) * LN2;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    UNROLL_MORE
    for (int i = 0; i < RA; i++)
        sum[i] *= factor[first + i];
    attend_leave(y + y_at + (long)(sample * rows + w0) * width + column, width, sum, first, quad, n,
                 deep, 1.0f);
}
