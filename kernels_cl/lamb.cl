/* lamb: one step of LAMB over flat arrays:  m, v as in Adam;
 * d = m / bias1 / (sqrt(v / bias2) + eps) + decay w;  w -= lr |w| / |d| d, with the norms of each
 * parameter by itself, and 1 for their ratio where one of them is 0.
 * Here a range of update.cl is a piece of one parameter, the pieces of a parameter are neighbours.
 *   1. lamb_norms: parts[piece] = {sum of w^2, sum of d^2}; the new m and v are not kept
 *   2. lamb_trust: trust[piece] = |w| / |d| of its parameter
 *   3. the update:
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (update.cl).
 * Source: You et al. 2020, "Large batch optimization for deep learning", algorithm 2. */
#include "squares.cl"
#include "update.cl"

#define LAMB_BEGIN                                                                                 \
    UPDATE_BEGIN;                                                                                  \
    const float whole1 = 1.0f / as_float(scalars[SCALAR_BIAS1]);                                   \
    const float whole2 = 1.0f / as_float(scalars[SCALAR_BIAS2])
#define LAMB_CHANGE(w, m1, v1, decay)                                                              \
    (whole1 * m1 / (sqrt(whole2 * v1) + eps) + decay * w)

__kernel void lamb_norms(__global float *restrict parts, long parts_at,
                         __global const float *restrict param, long param_at,
                         __global const float *restrict m, long m_at,
                         __global const float *restrict v, long v_at, UPDATE_INPUTS, float beta1,
                         float rest1, float beta2, float rest2, float eps, long chunk UNITS)
{
    EXACT
    LAMB_BEGIN;
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, n_ranges);
#if CLIPS
    const float8 most = clip;
#endif
    for (long r = first + (long)get_local_id(0); r < last; r += (long)get_local_size(0)) {
        const float decay = RANGE_DECAY(r);
        const long end = RANGE_FIRST(r + 1);
        float8 sum_w = 0.0f, sum_d = 0.0f;
        for (long i = RANGE_FIRST(r); i < end; i += 8) {
            const float8 w = vload8(0, param + param_at + i);
            float8 g = vload8(0, grad + i) * factor;
#if CLIPS
            g = g > most ? most : g;
            g = g < -most ? -most : g;
#endif
            const float8 m1 = beta1 * vload8(0, m + m_at + i) + rest1 * g;
            const float8 v1 = beta2 * vload8(0, v + v_at + i) + rest2 * (g * g);
            sum_w = add_square8(sum_w, w);
            sum_d = add_square8(sum_d, LAMB_CHANGE(w, m1, v1, decay));
        }
        parts[parts_at + 2 * r] = fold8(sum_w);
        parts[parts_at + 2 * r + 1] = fold8(sum_d);
    }
}

__kernel void lamb_trust(__global float *restrict trust, long trust_at,
                         __global const float *restrict parts, long parts_at,
                         __global const uint *restrict ranges, long ranges_at, long n_ranges,
                         long chunk UNITS)
{
    EXACT
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, n_ranges);
    ranges += ranges_at;
    for (long r = first + (long)get_local_id(0); r < last; r += (long)get_local_size(0)) {
        const uint tensor = ranges[4 * r + 3];
        float sum_w = 0.0f, sum_d = 0.0f;
        if (r > 0 && ranges[4 * (r - 1) + 3] == tensor)
            continue; /* whoever has the parameter's first piece does it for all */
        long end = r;
        for (; end < n_ranges && ranges[4 * end + 3] == tensor; end++) {
            sum_w += parts[parts_at + 2 * end];
            sum_d += parts[parts_at + 2 * end + 1];
        }
        const float ratio = sum_w > 0.0f && sum_d > 0.0f ? sqrt(sum_w) / sqrt(sum_d) : 1.0f;
        for (long k = r; k < end; k++)
            trust[trust_at + k] = ratio;
    }
}

__kernel void lamb_plain(__global float *param, long param_at, __global float *m, long m_at,
                         __global float *v, long v_at, __global const float *trust, long trust_at,
                         UPDATE_INPUTS, float beta1, float rest1, float beta2, float rest2,
                         float eps)
{
    EXACT
    const long i = get_global_id(0);
    if (i >= n)
        return;
    LAMB_BEGIN;
    const long r = range_of(ranges, n_ranges, i);
    const float w = param[param_at + i], g = gradient_one(grad[i], factor, clip);
    const float m1 = beta1 * m[m_at + i] + rest1 * g;
    const float v1 = beta2 * v[v_at + i] + rest2 * g * g;
    m[m_at + i] = m1;
    v[v_at + i] = v1;
    param[param_at + i] =
        w - RANGE_LR(r) * trust[trust_at + r] * (LAMB_CHANGE(w, m1, v1, RANGE_DECAY(r)));
}

__kernel void lamb_vector(__global float *restrict param, long param_at, __global float *restrict m,
                          long m_at, __global float *restrict v, long v_at,
                          __global const float *restrict trust, long trust_at, UPDATE_INPUTS,
                          float beta1, float rest1, float beta2, float rest2, float eps,
                          long chunk UNITS)
{
    EXACT
    LAMB_BEGIN;
    param += param_at;
    m += m_at;
    v += v_at;
    PART(n, chunk);
    EACH_RANGE (r) {
        const float lr = RANGE_LR(r) * trust[trust_at + r], decay = RANGE_DECAY(r);
        EACH_OF_RANGE (i, r) {
            const VEC w = VLOAD(param + i);
            const VEC g = gradient_vec(VLOAD(grad + i), factor, clip);
            const VEC m1 = beta1 * VLOAD(m + i) + rest1 * g;
            const VEC v1 = beta2 * VLOAD(v + i) + rest2 * (g * g);
            VSTORE(m1, m + i);
            VSTORE(v1, v + i);
            VSTORE(w - lr * (LAMB_CHANGE(w, m1, v1, decay)), param + i);
        }
    }
}
