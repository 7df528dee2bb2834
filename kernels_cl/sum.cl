/* sum: y[o,i] = factor * sum over k of x[o,k,i]; x is (outer, n, inner).
 * plain    one work-item a sum; runs anywhere; what the others are tested against.
 * rows     inner is 1: a group has `chunk` sums, its work-items go along each and are added by a tree.
 * lanes    the same on GPUs, for shorter rows: sum_lanes.cl.
 * columns  inner is larger: a work-item has VW sums side by side; a group has `chunk` of these. */
#include "vector.cl"

__kernel void sum_plain(__global float *y, long y_at, __global const float *x, long x_at, long n,
                        long inner, float factor, long total)
{
    const long e = get_global_id(0);
    if (e >= total)
        return;
    __global const float *in = x + x_at + e / inner * n * inner + e % inner;
    float sum = 0.0f;
    for (long k = 0; k < n; k++)
        sum += in[k * inner];
    y[y_at + e] = sum * factor;
}

__kernel void sum_rows(__global float *y, long y_at, __global const float *x, long x_at, long n,
                       float factor, long outer, long chunk, __local float *scratch UNITS)
{
    const int me = (int)get_local_id(0), items = (int)get_local_size(0);
    const long first = get_group_id(0) * chunk, last = min(first + chunk, outer);
    const long whole = n / VW * VW;
    for (long o = first; o < last; o++) {
        __global const float *in = x + x_at + o * n;
        VEC sums = 0.0f;
        float single = 0.0f;
        for (long k = (long)me * VW; k < whole; k += (long)items * VW) {
            PREFETCH(in + k + SOON);
            sums += VLOAD(in + k);
        }
        for (long k = whole + me; k < n; k += items)
            single += in[k];
        scratch[me] = vec_sum(sums) + single;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int reach = items / 2; reach > 0; reach /= 2) {
            if (me < reach)
                scratch[me] += scratch[me + reach];
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        if (me == 0)
            y[y_at + o] = scratch[0] * factor;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

__kernel void sum_columns(__global float *y, long y_at, __global const float *x, long x_at, long n,
                          long inner, float factor, long blocks, long chunk UNITS)
{
    const long across = (inner + VW - 1) / VW;
    const long first = get_group_id(0) * chunk, last = min(first + chunk, blocks);
    for (long b = first + (long)get_local_id(0); b < last; b += (long)get_local_size(0)) {
        const long o = b / across, i = b % across * VW;
        __global const float *in = x + x_at + o * n * inner + i;
        __global float *out = y + y_at + o * inner + i;
        if (i + VW <= inner) {
            VEC sums = 0.0f;
            for (long k = 0; k < n; k++)
                sums += VLOAD(in + k * inner);
            VSTORE(sums * factor, out);
        } else {
            for (long m = 0; m < inner - i; m++) {
                float sum = 0.0f;
                for (long k = 0; k < n; k++)
                    sum += in[k * inner + m];
                out[m] = sum * factor;
            }
        }
    }
}
