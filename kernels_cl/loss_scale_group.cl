/* unscale for GPUs: the work-items of many groups look, each group leaves one number, and a last group
 * goes on with these (scale_move.cl).  The local size is a power of two. */
#include "scale_move.cl"
#include "tree.cl"

__kernel void unscale_group_look(__global float *restrict parts, long parts_at,
                                 __global const float *restrict grad, long grad_at, long n,
                                 long chunk, __local float *scratch)
{
    int found = 0;
    grad += grad_at;
    PART(n, chunk);
    EACH_VECTOR (i)
        found |= any((VEC_JOIN(as_int, VW)(VLOAD(grad + i)) & EXPONENT) == EXPONENT);
    const float most = group_tree((float)found, 1, scratch);
    if (get_local_id(0) == 0)
        parts[parts_at + (long)get_group_id(0)] = most;
}

__kernel void unscale_group_finish(UNSCALE_OUTPUTS, __global const float *parts, long parts_at,
                                   UNSCALE_INPUTS, long n_parts, __local float *scratch)
{
    float found = 0.0f;
    for (long i = (long)get_local_id(0); i < n_parts; i += (long)get_local_size(0))
        found = fmax(found, parts[parts_at + i]);
    found = group_tree(found, 1, scratch);
    if (get_local_id(0) == 0)
        move_scale(divisor + divisor_at, scale + scale_at, steps + steps_at, step + step_at,
                   scalars + scalars_at, sums[sums_at], found == 0.0f, beta1, rest1, beta2, rest2,
                   every);
}
