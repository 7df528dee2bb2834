/* average: the exponential moving average of the parameters after each step:
 * a += rest (w - a), and a = w after the first step (step 0 in the scalars).  rest = 1 - decay, from
 * the host.  As PyTorch's AveragedModel with get_ema_multi_avg_fn(decay).  n is a multiple of 16.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (vector.cl). */
#include "scalars.cl"
#include "vector.cl"

__kernel void average_plain(__global float *average, long average_at, __global const float *param,
                            long param_at, __global const uint *scalars, long scalars_at, long n,
                            float rest)
{
    EXACT
    const long i = get_global_id(0);
    if (i >= n || scalars[scalars_at + SCALAR_SKIP])
        return;
    const float w = param[param_at + i], a = average[average_at + i];
    average[average_at + i] = scalars[scalars_at + SCALAR_STEP] == 0 ? w : a + rest * (w - a);
}

__kernel void average_vector(__global float *restrict average, long average_at,
                             __global const float *restrict param, long param_at,
                             __global const uint *restrict scalars, long scalars_at, long n,
                             float rest, long chunk UNITS)
{
    EXACT
    const bool first = scalars[scalars_at + SCALAR_STEP] == 0;
    if (scalars[scalars_at + SCALAR_SKIP])
        return;
    average += average_at;
    param += param_at;
    PART(n, chunk);
    EACH_VECTOR (i) {
        const VEC w = VLOAD(param + i), a = VLOAD(average + i);
        VSTORE(first ? w : a + rest * (w - a), average + i);
    }
}
