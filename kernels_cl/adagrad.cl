/* adagrad: one step of Adagrad over flat arrays, as PyTorch's: g = gradient + decay w;
 * s += g^2;  w -= lr g / (sqrt(s) + eps).
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (update.cl).
 * Source: Duchi et al. 2011. */
#include "update.cl"

__kernel void adagrad_plain(__global float *param, long param_at, __global float *square,
                            long square_at, UPDATE_INPUTS, float eps)
{
    EXACT
    const long i = get_global_id(0);
    if (i >= n)
        return;
    UPDATE_BEGIN;
    const long r = range_of(ranges, n_ranges, i);
    const float w = param[param_at + i];
    const float g = gradient_one(grad[i], factor, clip) + RANGE_DECAY(r) * w;
    const float s = square[square_at + i] + g * g;
    square[square_at + i] = s;
    param[param_at + i] = w - RANGE_LR(r) * g / (sqrt(s) + eps);
}

__kernel void adagrad_vector(__global float *restrict param, long param_at,
                             __global float *restrict square, long square_at, UPDATE_INPUTS,
                             float eps, long chunk UNITS)
{
    EXACT
    UPDATE_BEGIN;
    param += param_at;
    square += square_at;
    PART(n, chunk);
    EACH_RANGE (r) {
        const float lr = RANGE_LR(r), decay = RANGE_DECAY(r);
        EACH_OF_RANGE (i, r) {
            const VEC w = VLOAD(param + i);
            const VEC g = gradient_vec(VLOAD(grad + i), factor, clip) + decay * w;
            const VEC s = VLOAD(square + i) + g * g;
            VSTORE(s, square + i);
            VSTORE(w - lr * g / (sqrt(s) + eps), param + i);
        }
    }
}
