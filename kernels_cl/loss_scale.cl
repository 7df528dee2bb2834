/* loss_scale: scale_gradient, dx = dy scale[0], n elements, in place too; and unscale: is the summed
 * gradient finite, and how does the scale go on (scale_move.cl)?
 * plain   one work-item does everything, of scale_gradient one an element; runs anywhere; what the
 *         others are tested against.
 * vector  vectors of VW, a chunk a group (vector.cl), parts[group] not 0 where the gradient is not
 *         finite; then unscale_finish.
 * group   the same on GPUs: loss_scale_group.cl. */
#include "scale_move.cl"

__kernel void scale_gradient_plain(__global float *dx, long dx_at, __global const float *dy,
                                   long dy_at, __global const float *scale, long scale_at, long n)
{
    const long i = get_global_id(0);
    if (i < n)
        dx[dx_at + i] = dy[dy_at + i] * scale[scale_at];
}

__kernel void scale_gradient_vector(__global float *dx, long dx_at, __global const float *dy,
                                    long dy_at, __global const float *scale, long scale_at, long n,
                                    long chunk UNITS)
{
    const float factor = scale[scale_at];
    dx += dx_at;
    dy += dy_at;
    PART(n, chunk);
    EACH_VECTOR (i)
        VSTORE(VLOAD(dy + i) * factor, dx + i);
    EACH_SINGLE (i)
        dx[i] = dy[i] * factor;
}

__kernel void unscale_plain(UNSCALE_OUTPUTS, __global const float *grad, long grad_at,
                            UNSCALE_INPUTS, long n)
{
    bool finite = true;
    for (long i = 0; i < n; i++)
        finite = finite && is_finite(grad[grad_at + i]);
    move_scale(divisor + divisor_at, scale + scale_at, steps + steps_at, step + step_at,
               scalars + scalars_at, sums[sums_at], finite, beta1, rest1, beta2, rest2, every);
}

GROUPS_OF_ONE
__kernel void unscale_look(__global float *restrict parts, long parts_at,
                           __global const float *restrict grad, long grad_at, long n,
                           long chunk UNITS)
{
    VEC_INT found = 0;
    grad += grad_at;
    PART(n, chunk);
    EACH_VECTOR (i) {
        const VEC x = VLOAD(grad + i);
        found |= (VEC_JOIN(as_int, VW)(x) & EXPONENT) == EXPONENT;
    }
    parts[parts_at + (long)get_group_id(0)] = any(found) ? 1.0f : 0.0f;
}

__kernel void unscale_finish(UNSCALE_OUTPUTS, __global const float *parts, long parts_at,
                             UNSCALE_INPUTS, long n_parts UNITS)
{
    float found = 0.0f;
    for (long i = 0; i < n_parts; i++)
        found += parts[parts_at + i];
    move_scale(divisor + divisor_at, scale + scale_at, steps + steps_at, step + step_at,
               scalars + scalars_at, sums[sums_at], found == 0.0f, beta1, rest1, beta2, rest2,
               every);
}
