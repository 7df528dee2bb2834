/* lion: one step of Lion over flat arrays: w -= lr (sign(beta1 m + (1-beta1) g) + decay w);
 * m = beta2 m + (1-beta2) g, with rest_i = 1 - beta_i from the host.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (update.cl).
 * Source: Chen et al. 2023, "Symbolic discovery of optimization algorithms". */
#include "update.cl"

__kernel void lion_plain(__global float *param, long param_at, __global float *m, long m_at,
                         UPDATE_INPUTS, float beta1, float rest1, float beta2, float rest2)
{
    EXACT
    const long i = get_global_id(0);
    if (i >= n)
        return;
    UPDATE_BEGIN;
    const long r = range_of(ranges, n_ranges, i);
    const float w = param[param_at + i], m0 = m[m_at + i];
    const float g = gradient_one(grad[i], factor, clip);
    param[param_at + i] = w - RANGE_LR(r) * (sign(beta1 * m0 + rest1 * g) + RANGE_DECAY(r) * w);
    m[m_at + i] = beta2 * m0 + rest2 * g;
}

__kernel void lion_vector(__global float *restrict param, long param_at, __global float *restrict m,
                          long m_at, UPDATE_INPUTS, float beta1, float rest1, float beta2,
                          float rest2, long chunk UNITS)
{
    EXACT
    UPDATE_BEGIN;
    param += param_at;
    m += m_at;
    PART(n, chunk);
    EACH_RANGE (r) {
        const float lr = RANGE_LR(r), decay = RANGE_DECAY(r);
        EACH_OF_RANGE (i, r) {
            const VEC w = VLOAD(param + i), m0 = VLOAD(m + i);
            const VEC g = gradient_vec(VLOAD(grad + i), factor, clip);
            VSTORE(w - lr * (sign(beta1 * m0 + rest1 * g) + decay * w), param + i);
            VSTORE(beta2 * m0 + rest2 * g, m + i);
        }
    }
}
