/* scale_move.cl: included by loss_scale.cl and loss_scale_group.cl: how the loss's scale goes on, and
 * what the rest of the update has to know.
 *
 *     divisor = {sums[0] scale, 0, 0, 0}: what the sum of the gradient is to be divided by
 *     steps   = {good steps since the scale changed, skipped steps, bias1, bias2}
 *     step    = the scalars of this step, with: whether it is skipped, how many steps before it were
 *               not, and bias_i = 1 - beta_i^(their number, with this one), for Adam
 *
 * A sum that is not finite skips the step and halves the scale; `every` good steps double it.  The scale
 * is a power of two if it starts as one, so that it changes no other bit.  It does not grow for ever
 * where nothing overflows, since squares of gradients, for their norm, would at last.
 * The same bits on every device: each has a replica of all this.
 * Source: Micikevicius et al. 2018, with the numbers of PyTorch's GradScaler. */
#ifndef SCALE_MOVE_CL
#define SCALE_MOVE_CL
#include "scalars.cl"
#include "vector.cl"

#define MOST_SCALE 16777216.0f
/* All of these bits are set in what is infinite or no number. */
#define EXPONENT 0x7f800000

INLINE bool is_finite(float x)
{
    return (as_int(x) & EXPONENT) != EXPONENT;
}

#define UNSCALE_OUTPUTS                                                                            \
    __global float *divisor, long divisor_at, __global float *scale, long scale_at,                \
        __global float *steps, long steps_at, __global uint *step, long step_at
#define UNSCALE_INPUTS                                                                             \
    __global const float *sums, long sums_at, __global const uint *scalars, long scalars_at,       \
        float beta1, float rest1, float beta2, float rest2, float every

INLINE void move_scale(__global float *divisor, __global float *scale, __global float *steps,
                       __global uint *step, __global const uint *scalars, float samples, bool finite,
                       float beta1, float rest1, float beta2, float rest2, float every)
{
    EXACT
    const float by = samples * *scale;
    const bool skip = !finite || !is_finite(by);
    const uint taken = scalars[SCALAR_STEP] - (uint)steps[1];
    divisor[0] = by;
    divisor[1] = divisor[2] = divisor[3] = 0.0f;
    if (skip) {
        *scale = fmax(*scale * 0.5f, FLT_MIN);
        steps[0] = 0.0f;
        steps[1] += 1.0f;
    } else {
        steps[0] += 1.0f;
        steps[2] = beta1 * steps[2] + rest1;
        steps[3] = beta2 * steps[3] + rest2;
        if (steps[0] >= every) {
            *scale = *scale < MOST_SCALE ? *scale * 2.0f : *scale;
            steps[0] = 0.0f;
        }
    }
    for (int i = 0; i < N_SCALARS; i++)
        step[i] = i == SCALAR_STEP    ? taken
                  : i == SCALAR_BIAS1 ? as_uint(steps[2])
                  : i == SCALAR_BIAS2 ? as_uint(steps[3])
                  : i == SCALAR_SKIP  ? (uint)skip
                                    : scalars[i];
}
#endif
