/* sgd: one step of stochastic gradient descent over flat arrays, as PyTorch's SGD:
 * g = gradient + decay w;  v = momentum v + g;  w -= lr v, or lr (g + momentum v) with Nesterov's
 * momentum.  Flags: 1 there is a velocity; without one v = g.  2 Nesterov.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (update.cl). */
#include "update.cl"

__kernel void sgd_plain(__global float *param, long param_at, __global float *velocity,
                        long velocity_at, UPDATE_INPUTS, float momentum, int flags)
{
    EXACT
    const long i = get_global_id(0);
    if (i >= n)
        return;
    UPDATE_BEGIN;
    const long r = range_of(ranges, n_ranges, i);
    float g = gradient_one(grad[i], factor, clip) + RANGE_DECAY(r) * param[param_at + i];
    if (flags & 1) {
        const float v = momentum * velocity[velocity_at + i] + g;
        velocity[velocity_at + i] = v;
        g = flags & 2 ? g + momentum * v : v;
    }
    param[param_at + i] -= RANGE_LR(r) * g;
}

/* The vectors of range r, which move by lr times `change`; pocl leaves conditions in loops. */
#define WITH_VELOCITY(r, change)                                                                   \
    EACH_OF_RANGE (i, r) {                                                                         \
        const VEC w = VLOAD(param + i);                                                            \
        const VEC g = gradient_vec(VLOAD(grad + i), factor, clip) + decay * w;                     \
        const VEC v = momentum * VLOAD(velocity + i) + g;                                          \
        VSTORE(v, velocity + i);                                                                   \
        VSTORE(w - lr * (change), param + i);                                                      \
    }

__kernel void sgd_vector(__global float *restrict param, long param_at,
                         __global float *restrict velocity, long velocity_at, UPDATE_INPUTS,
                         float momentum, int flags, long chunk UNITS)
{
    EXACT
    UPDATE_BEGIN;
    param += param_at;
    velocity += velocity_at;
    PART(n, chunk);
    EACH_RANGE (r) {
        const float lr = RANGE_LR(r), decay = RANGE_DECAY(r);
        if (flags & 2) {
            WITH_VELOCITY (r, g + momentum * v)
        } else if (flags & 1) {
            WITH_VELOCITY (r, v)
        } else {
            EACH_OF_RANGE (i, r) {
                const VEC w = VLOAD(param + i);
                const VEC g = gradient_vec(VLOAD(grad + i), factor, clip) + decay * w;
                VSTORE(w - lr * g, param + i);
            }
        }
    }
}
