/* clip_norm_lanes: the sums of clip_norm.cl, bit by bit, for GPUs: a group has BLOCKS blocks and a
 * work-item for each of their 16 lanes, so that neighbours read neighbours. */
#include "clip_leave.cl"

#define BLOCKS 8

/* As fold16 adds them; every work-item of the group is here, 16 have a block. */
float fold_lanes(__local float *sum, float mine)
{
    const int me = (int)get_local_id(0), lane = me % 16;
    sum[me] = mine;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int apart = 8; apart > 0; apart /= 2) {
        if (lane < apart)
            sum[me] += sum[me + apart];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return sum[me - lane];
}

__attribute__((reqd_work_group_size(16 * BLOCKS, 1, 1)))
__kernel void clip_norm_lanes(__global float *restrict parts, long parts_at,
                              __global const float *restrict grad, long grad_at, long n, long block,
                              long n_blocks)
{
    EXACT
    __local float local_sum[16 * BLOCKS];
    const int lane = (int)get_local_id(0) % 16;
    const long b = (long)get_group_id(0) * BLOCKS + (long)get_local_id(0) / 16;
    const long end = min((b + 1) * block, n);
    float sum = 0.0f;
    for (long i = b * block + lane; i < end; i += 16) {
        const float x = grad[grad_at + i];
        sum += x * x;
    }
    sum = fold_lanes(local_sum, sum);
    if (lane == 0 && b < n_blocks)
        parts[parts_at + b] = sum;
}

__attribute__((reqd_work_group_size(16, 1, 1)))
__kernel void clip_norm_finish_lanes(__global float *restrict out, long out_at,
                                     __global const float *restrict parts, long parts_at,
                                     __global const float *restrict sums, long sums_at,
                                     long n_blocks, float most)
{
    __local float local_sum[16];
    const long whole = n_blocks / 16 * 16;
    float sum = 0.0f, rest = 0.0f;
    for (long b = (long)get_local_id(0); b < whole; b += 16)
        sum += parts[parts_at + b];
    sum = fold_lanes(local_sum, sum);
    for (long b = whole; b < n_blocks; b++)
        rest += parts[parts_at + b];
    if (get_local_id(0) == 0)
        clip_leave(out + out_at, sum + rest, sums[sums_at], most);
}
