/* conv2d_weight_sum: adds up the parts of dw and db that conv2d_gemm_weight.cl and conv2d_direct.cl
 * leave, in a fixed order.  A group takes SIDE places, DEEP work-items for each. */
#define SIDE 32
#define DEEP 8

__attribute__((reqd_work_group_size(SIDE * DEEP, 1, 1)))
__kernel void conv2d_weight_sum(__global float *restrict dw, long dw_at,
                                __global float *restrict db, long db_at,
                                __global const float *restrict parts, long parts_at,
                                long part_floats, long n_weights, int n_parts)
{
    __local float sums[DEEP][SIDE];
    const int me = (int)get_local_id(0) % SIDE, p0 = (int)get_local_id(0) / SIDE;
    const long i = (long)get_group_id(0) * SIDE + me;
    float sum = 0.0f;
    parts += parts_at + i;
    if (i < part_floats) {
#pragma unroll 8
        for (int p = p0; p < n_parts; p += DEEP)
            sum += parts[p * part_floats];
    }
    sums[p0][me] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (p0 > 0 || i >= part_floats)
        return;
    for (int p = 1; p < DEEP; p++)
        sum += sums[p][me];
    if (i < n_weights)
        dw[dw_at + i] = sum;
    else
        db[db_at + i - n_weights] = sum;
}
