/* peak: the rulers that other kernels are measured with.
 * peak_fma   independent chains of multiply-adds that stay in registers: the arithmetic peak.
 * peak_copy  out = inp, a chunk a group (vector.cl): the bandwidth that memory-bound kernels can have.
 * Parameters: VW; 12 chains cover the latency of two units of 4 cycles, and with the two factors
 * they are 14 of the 16 registers that the smallest of today's CPUs have. */
#include "vector.cl"

#define CHAINS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define START(i) VEC x##i = (VEC)(seed + 0.125f * i);
#define STEP(i) x##i = x##i * a + b;
#define SUM(i) sum += x##i;

__kernel void peak_fma(__global float *out, long out_at, long rounds, float factor, float addend)
{
    const float seed = (float)get_local_id(0);
    const VEC a = (VEC)factor, b = (VEC)addend;
    VEC sum = (VEC)0.0f;
    CHAINS(START)
    for (long i = 0; i < rounds; i++) {
        CHAINS(STEP)
    }
    CHAINS(SUM)
    out[out_at + get_global_id(0)] = vec_sum(sum);
}

__kernel void peak_copy(__global float *out, long out_at, __global const float *inp, long inp_at,
                        long n, long chunk)
{
    out += out_at;
    inp += inp_at;
    PART(n, chunk);
    EACH_VECTOR (i)
        VSTORE(VLOAD(inp + i), out + i);
    EACH_SINGLE (i)
        out[i] = inp[i];
}
