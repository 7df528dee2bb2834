/* sgd: one step of stochastic gradient descent over flat arrays, as PyTorch's SGD:
 * g = grad / sums[0] + weight_decay w;  v = momentum v + g;  w -= lr v.  Flag 1: there is a
 * velocity; without one v = g.  sums[0] is the number of samples.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (vector.cl). */
#include "vector.cl"

/* Position in the scalars; see runtime/base/op.h. */
#define LR 4

__kernel void sgd_plain(__global float *param, long param_at, __global float *velocity,
                        long velocity_at, __global const float *grad, long grad_at,
                        __global const float *sums, long sums_at, __global const uint *scalars,
                        long scalars_at, long n, float momentum, float weight_decay, int flags)
{
    const long i = get_global_id(0);
    if (i >= n)
        return;
    const float lr = as_float(scalars[scalars_at + LR]);
    float g = grad[grad_at + i] / sums[sums_at] + weight_decay * param[param_at + i];
    if (flags) {
        g += momentum * velocity[velocity_at + i];
        velocity[velocity_at + i] = g;
    }
    param[param_at + i] -= lr * g;
}

__kernel void sgd_vector(__global float *restrict param, long param_at,
                         __global float *restrict velocity, long velocity_at,
                         __global const float *restrict grad, long grad_at,
                         __global const float *restrict sums, long sums_at,
                         __global const uint *restrict scalars, long scalars_at, long n,
                         float momentum, float weight_decay, int flags, long chunk UNITS)
{
    const float lr = as_float(scalars[scalars_at + LR]), factor = 1.0f / sums[sums_at];
    param += param_at;
    velocity += velocity_at;
    grad += grad_at;
    PART(n, chunk);
    if (flags) {
        EACH_VECTOR (i) {
            const VEC w = VLOAD(param + i);
            const VEC g = VLOAD(grad + i) * factor + weight_decay * w;
            const VEC v = momentum * VLOAD(velocity + i) + g;
            VSTORE(v, velocity + i);
            VSTORE(w - lr * v, param + i);
        }
        EACH_SINGLE (i) {
            const float v = momentum * velocity[i] + (grad[i] * factor + weight_decay * param[i]);
            velocity[i] = v;
            param[i] -= lr * v;
        }
    } else {
        EACH_VECTOR (i) {
            const VEC w = VLOAD(param + i);
            VSTORE(w - lr * (VLOAD(grad + i) * factor + weight_decay * w), param + i);
        }
        EACH_SINGLE (i)
            param[i] -= lr * (grad[i] * factor + weight_decay * param[i]);
    }
}
