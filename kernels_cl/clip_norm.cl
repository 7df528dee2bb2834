/* clip_norm: how the summed gradient is to be divided so that its mean has at most the norm `most`,
 * as PyTorch's clip_grad_norm_:  out[0] = sums[0] / min(1, most / (|grad| / sums[0] + 1e-6)), the
 * divisor that the optimizer takes instead of sums[0]; out[1..3] = 0.  n is a multiple of 16.
 * plain   one work-item does everything; runs anywhere; what the others are tested against.
 * blocks  blocks of `block` elements (squares.cl), then their sums in a second launch.
 * lanes   the same sums on GPUs: clip_norm_lanes.cl. */
#include "clip_leave.cl"
#include "squares.cl"

__kernel void clip_norm_plain(__global float *out, long out_at, __global const float *grad,
                              long grad_at, __global const float *sums, long sums_at, long n,
                              float most)
{
    float total = 0.0f;
    for (long i = 0; i < n; i += 16) {
        float sum = 0.0f;
        for (long k = i; k < i + 16; k++)
            sum += grad[grad_at + k] * grad[grad_at + k];
        total += sum;
    }
    clip_leave(out + out_at, total, sums[sums_at], most);
}

__kernel void clip_norm_blocks(__global float *restrict parts, long parts_at,
                               __global const float *restrict grad, long grad_at, long n,
                               long block, long n_blocks, long chunk UNITS)
{
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, n_blocks);
    for (long b = first + (long)get_local_id(0); b < last; b += (long)get_local_size(0)) {
        const long end = min((b + 1) * block, n);
        float16 sum = 0.0f;
        for (long i = b * block; i < end; i += 16)
            sum = add_square16(sum, vload16(0, grad + grad_at + i));
        parts[parts_at + b] = fold16(sum);
    }
}

__kernel void clip_norm_finish(__global float *restrict out, long out_at,
                               __global const float *restrict parts, long parts_at,
                               __global const float *restrict sums, long sums_at, long n_blocks,
                               float most UNITS)
{
    float16 sum = 0.0f;
    float rest = 0.0f;
    long b = 0;
    for (; b + 16 <= n_blocks; b += 16)
        sum += vload16(0, parts + parts_at + b);
    for (; b < n_blocks; b++)
        rest += parts[parts_at + b];
    clip_leave(out + out_at, fold16(sum) + rest, sums[sums_at], most);
}
