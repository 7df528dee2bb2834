/* rmsprop: one step of RMSProp over flat arrays, as PyTorch's RMSprop: g = gradient + decay w;
 * s = alpha s + (1-alpha) g^2;  mean = alpha mean + (1-alpha) g;
 * d = g / (sqrt(s [- mean^2]) + eps);  [u = momentum u + d;]  w -= lr u or lr d.
 * Flags: 1 centered, with a mean.  2 with momentum.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (update.cl).
 * Source: Tieleman & Hinton 2012; centered: Graves 2013. */
#include "update.cl"

__kernel void rmsprop_plain(__global float *param, long param_at, __global float *square,
                            long square_at, __global float *mean, long mean_at,
                            __global float *velocity, long velocity_at, UPDATE_INPUTS, float alpha,
                            float rest, float eps, float momentum, int flags)
{
    EXACT
    const long i = get_global_id(0);
    if (i >= n)
        return;
    UPDATE_BEGIN;
    const long r = range_of(ranges, n_ranges, i);
    const float w = param[param_at + i];
    const float g = gradient_one(grad[i], factor, clip) + RANGE_DECAY(r) * w;
    const float s = alpha * square[square_at + i] + rest * g * g;
    float spread = s;
    square[square_at + i] = s;
    if (flags & 1) {
        const float a = alpha * mean[mean_at + i] + rest * g;
        mean[mean_at + i] = a;
        spread = fmax(s - a * a, 0.0f);
    }
    float d = g / (sqrt(spread) + eps);
    if (flags & 2)
        velocity[velocity_at + i] = d = momentum * velocity[velocity_at + i] + d;
    param[param_at + i] = w - RANGE_LR(r) * d;
}

__kernel void rmsprop_vector(__global float *restrict param, long param_at,
                             __global float *restrict square, long square_at,
                             __global float *restrict mean, long mean_at,
                             __global float *restrict velocity, long velocity_at, UPDATE_INPUTS,
                             float alpha, float rest, float eps, float momentum, int flags,
                             long chunk UNITS)
{
    EXACT
    UPDATE_BEGIN;
    param += param_at;
    square += square_at;
    mean += mean_at;
    velocity += velocity_at;
    PART(n, chunk);
    EACH_RANGE (r) {
        const float lr = RANGE_LR(r), decay = RANGE_DECAY(r);
        EACH_OF_RANGE (i, r) {
            const VEC w = VLOAD(param + i);
            const VEC g = gradient_vec(VLOAD(grad + i), factor, clip) + decay * w;
            const VEC s = alpha * VLOAD(square + i) + rest * (g * g);
            VEC spread = s;
            VSTORE(s, square + i);
            if (flags & 1) {
                const VEC a = alpha * VLOAD(mean + i) + rest * g;
                VSTORE(a, mean + i);
                spread = fmax(s - a * a, (VEC)0.0f);
            }
            VEC d = g / (sqrt(spread) + eps);
            if (flags & 2) {
                d = momentum * VLOAD(velocity + i) + d;
                VSTORE(d, velocity + i);
            }
            VSTORE(w - lr * d, param + i);
        }
    }
}
