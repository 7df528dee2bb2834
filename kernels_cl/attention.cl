/* attention: of every head of every sample, with queries q, keys k and values v (T,D),
 *
 *     s[i,j] = scale q[i] . k[j]                    j <= i where causal
 *     lse[i] = log sum_j exp(s[i,j])
 *     y[i]   = sum_j p[i,j] v[j],                   p[i,j] = exp(s[i,j] - lse[i])
 *
 * and its gradients, which compute p again rather than keep it:
 *
 *     ds[i,j] = p[i,j] (dy[i] . v[j] - delta[i]),   delta[i] = dy[i] . y[i]
 *     dq[i] = scale sum_j ds[i,j] k[j],  dk[j] = scale sum_i ds[i,j] q[i],  dv[j] = sum_i p[i,j] dy[i]
 *
 * A row of qkv (B,T,3,H,D) has queries, keys and values of all heads; y is (B,T,H,D), lse (B,H,T).
 * plain   one work-item a row; runs anywhere; what the others are tested against.
 * The fast ones are in attention_lanes.cl for CPUs, in attention_blocks.cl for GPUs.
 * Source: Dao 2023, "FlashAttention-2", sections 2.3 and 3.1. */

/* The row of work-item `id`, from row `begin` on, and where its vectors are. */
#define ATTENTION_ROW(id, begin)                                                                   \
    const long rest = length - (begin), t = (begin) + (id) % rest;                                 \
    const long head = (id) / rest % heads, sample = (id) / rest / heads;                           \
    const long width = heads * depth;                                                              \
    __global const float *q = qkv + qkv_at + sample * length * 3 * width + head * depth;           \
    __global const float *k = q + width, *v = k + width

float attention_dot(__global const float *a, __global const float *b, long n)
{
    float sum = 0.0f;
    for (long i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

__kernel void attention_plain(__global float *y, long y_at, __global float *lse, long lse_at,
                              __global const float *qkv, long qkv_at, long samples, long length,
                              long heads, long depth, int causal, float scale, long begin)
{
    const long id = get_global_id(0);
    if (id >= samples * heads * (length - begin))
        return;
    ATTENTION_ROW(id, begin);
    __global const float *own = q + t * 3 * width;
    __global float *to = y + y_at + (sample * length + t) * width + head * depth;
    const long n = causal ? t + 1 : length;
    float most = -INFINITY, sum = 0.0f;
    for (long d = 0; d < depth; d++)
        to[d] = 0.0f;
    for (long j = 0; j < n; j++)
        most = fmax(most, scale * attention_dot(own, k + j * 3 * width, depth));
    for (long j = 0; j < n; j++) {
        const float e = exp(scale * attention_dot(own, k + j * 3 * width, depth) - most);
        sum += e;
        for (long d = 0; d < depth; d++)
            to[d] += e * v[j * 3 * width + d];
    }
    for (long d = 0; d < depth; d++)
        to[d] /= sum;
    lse[lse_at + (sample * heads + head) * length + t] = most + log(sum);
}

/* dq of its row, then dk and dv of the same. */
__kernel void attention_grad_plain(__global float *dqkv, long dqkv_at, __global const float *dy,
                                   long dy_at, __global const float *qkv, long qkv_at,
                                   __global const float *y, long y_at, __global const float *lse,
                                   long lse_at, long samples, long length, long heads, long depth,
                                   int causal, float scale)
{
    const long id = get_global_id(0);
    if (id >= samples * heads * length)
        return;
    ATTENTION_ROW(id, 0);
    __global float *dq = dqkv + dqkv_at + (sample * length + t) * 3 * width + head * depth;
    __global float *dk = dq + width, *dv = dk + width;
    dy += dy_at + sample * length * width + head * depth;
    y += y_at + sample * length * width + head * depth;
    lse += lse_at + (sample * heads + head) * length;
    for (long d = 0; d < depth; d++)
        dq[d] = dk[d] = dv[d] = 0.0f;
    const float delta = attention_dot(dy + t * width, y + t * width, depth);
    for (long j = 0; j < (causal ? t + 1 : length); j++) {
        __global const float *kj = k + j * 3 * width;
        const float p = exp(scale * attention_dot(q + t * 3 * width, kj, depth) - lse[t]);
        const float ds =
            scale * p * (attention_dot(dy + t * width, v + j * 3 * width, depth) - delta);
        for (long d = 0; d < depth; d++)
            dq[d] += ds * kj[d];
    }
    for (long i = causal ? t : 0; i < length; i++) {
        __global const float *qi = q + i * 3 * width, *dyi = dy + i * width;
        const float p = exp(scale * attention_dot(qi, k + t * 3 * width, depth) - lse[i]);
        const float ds = scale * p *
                         (attention_dot(dyi, v + t * 3 * width, depth) -
                          attention_dot(dyi, y + i * width, depth));
        for (long d = 0; d < depth; d++) {
            dk[d] += ds * qi[d];
            dv[d] += p * dyi[d];
        }
    }
}
