/* norm_finish_lanes: dweight and dbias on GPUs, from the sums that groups of norm_lanes.cl or norm_grad.cl
 * have left. */
#include "norm_flags.cl"
#define SIDE 16 /* parameters of a group, and work-items for each of them */

/* parts: `n_parts` times the n sums of dweight and the n of dbias. */
__attribute__((reqd_work_group_size(SIDE * SIDE, 1, 1)))
__kernel void norm_finish_lanes(__global float *dweight, long dweight_at, __global float *dbias,
                                long dbias_at, __global const float *parts, long parts_at,
                                int flags, long n, long n_parts)
{
    __local float scratch[SIDE * SIDE];
    const int me = (int)get_local_id(0), lane = me / SIDE;
    const long i = (long)get_group_id(0) * SIDE + me % SIDE;
    float sum = 0.0f;
    for (long part = lane; part < n_parts && i < 2 * n; part += SIDE)
        sum += parts[parts_at + 2 * part * n + i];
    scratch[me] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane > 0 || i >= 2 * n)
        return;
    for (int k = 1; k < SIDE; k++)
        sum += scratch[k * SIDE + me];
    if (i < n)
        dweight[dweight_at + i] = sum;
    else if (flags & NORM_BIAS)
        dbias[dbias_at + i - n] = sum;
}
