/* sums.cl: included by the losses: adding up their four sums over the work-items of a group, then
 * over groups, always in the same order.
 *
 * Every work-item comes with its own four, {what counts, losses, and two more of the loss}.  They are
 * added by a tree in local memory `scratch` (four floats a work-item; the local size is a power of
 * two).  The only group of a launch writes the result; several groups leave their part in `parts`,
 * four floats a group, which sums_finish adds in a second launch. */
#ifndef SUMS_CL
#define SUMS_CL
#include "vector.cl"

void sums_leave(__global float *sums, __global float *parts, __local float *scratch, float4 mine,
                long group, long groups)
{
    const int me = (int)get_local_id(0);
    vstore4(mine, me, scratch);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int reach = (int)get_local_size(0) / 2; reach > 0; reach /= 2) {
        if (me < reach)
            vstore4(vload4(me, scratch) + vload4(me + reach, scratch), me, scratch);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (me == 0)
        vstore4(vload4(0, scratch), groups == 1 ? 0 : group, groups == 1 ? sums : parts);
}

__kernel void sums_finish(__global float *sums, long sums_at, __global const float *parts,
                          long parts_at, long n_parts, __local float *scratch UNITS)
{
    float4 sum = 0.0f;
    for (long i = get_local_id(0); i < n_parts; i += (long)get_local_size(0))
        sum += vload4(i, parts + parts_at);
    sums_leave(sums + sums_at, 0, scratch, sum, 0, 1);
}
#endif
