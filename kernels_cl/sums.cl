/* sums.cl: included by the losses: adding up {loss, correct} over the work-items of a group, then
 * over groups, always in the same order.
 *
 * Every work-item comes with its own two sums.  They are added by a tree in local memory `scratch`
 * (two floats a work-item; the local size is a power of two).  The only group of a launch writes
 * the result {samples, loss, correct, 0}; several groups leave their part in `parts`, two floats a
 * group, which sums_finish adds in a second launch. */
#ifndef SUMS_CL
#define SUMS_CL
#include "vector.cl"

void sums_leave(__global float *sums, __global float *parts, __local float *scratch, float loss,
                float correct, float samples, long group, long groups)
{
    const int me = (int)get_local_id(0);
    scratch[2 * me] = loss;
    scratch[2 * me + 1] = correct;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int reach = (int)get_local_size(0) / 2; reach > 0; reach /= 2) {
        if (me < reach) {
            scratch[2 * me] += scratch[2 * (me + reach)];
            scratch[2 * me + 1] += scratch[2 * (me + reach) + 1];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (me == 0 && groups == 1) {
        sums[0] = samples;
        sums[1] = scratch[0];
        sums[2] = scratch[1];
        sums[3] = 0.0f;
    } else if (me == 0) {
        parts[2 * group] = scratch[0];
        parts[2 * group + 1] = scratch[1];
    }
}

__kernel void sums_finish(__global float *sums, long sums_at, __global const float *parts,
                          long parts_at, long n_parts, long samples UNITS)
{
    float loss = 0.0f, correct = 0.0f;
    for (long i = 0; i < n_parts; i++) {
        loss += parts[parts_at + 2 * i];
        correct += parts[parts_at + 2 * i + 1];
    }
    sums[sums_at] = (float)samples;
    sums[sums_at + 1] = loss;
    sums[sums_at + 2] = correct;
    sums[sums_at + 3] = 0.0f;
}
#endif
