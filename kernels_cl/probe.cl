/* probe: what a device must get right before it is trusted, and what its memory is timed with.
 * probe_touch   p[n+i] = p[i]: does the host see what kernels write, and the other way round?
 * probe_answer  whole numbers, floats, half storage, local memory with a barrier: 8 results an item.
 * probe_double  with PROBE_FP64: double arithmetic.   probe_half  with PROBE_FP16: half arithmetic.
 * probe_copy    out = inp, 16 floats an item, the yardstick of memory-bound kernels; probe_copy4 for
 *               GPUs, whose neighbours are to read neighbours.
 * probe_empty   nothing; times a launch.
 */
#ifdef PROBE_FP64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
__kernel void probe_double(__global int *out, long out_at)
{
    int i = get_global_id(0);
    double x = 1.0 + i * 1.0e-12; /* gone in float */
    out[out_at + i] = (int)((x - 1.0) * 1.0e12 + 0.5);
}
#elif defined(PROBE_FP16)
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
__kernel void probe_half(__global int *out, long out_at)
{
    int i = get_global_id(0);
    half x = (half)(i + 1), y = x * (half)0.5f + (half)2.0f;
    out[out_at + i] = (int)(float)(y * (half)4.0f);
}
#else
__kernel void probe_touch(__global int *p, long p_at)
{
    int i = get_global_id(0);
    p[p_at + get_global_size(0) + i] = p[p_at + i];
}

__kernel void probe_answer(__global int *out, long out_at, __global half *store, long store_at,
                           __local int *shared)
{
    int i = get_global_id(0), l = get_local_id(0), n = get_local_size(0);
    __global int *o = out + out_at + 8 * i;
    shared[l] = i * 3;
    barrier(CLK_LOCAL_MEM_FENCE);
    vstore_half((float)i * 0.25f, i, store + store_at);
    float4 v = (float4)(i, i + 1, i + 2, i + 3);
    o[0] = i;
    o[1] = shared[n - 1 - l];
    o[2] = (int)(vload_half(i, store + store_at) * 4.0f);
    o[3] = (int)(v.x + v.y + v.z + v.w);
    o[4] = (int)(exp(log((float)(i + 1))) * 1000.0f + 0.5f);
    o[5] = (int)mul_hi((uint)0xDEADBEEF, (uint)(i * 2654435761u));
    o[6] = (int)fmax(sqrt((float)(i * i)), 3.0f);
    o[7] = convert_int_rte((float)i + 0.75f);
}

__kernel void probe_copy(__global float *out, long out_at, __global const float *inp, long inp_at)
{
    size_t i = get_global_id(0);
    vstore16(vload16(i, inp + inp_at), i, out + out_at);
}

__kernel void probe_copy4(__global float *out, long out_at, __global const float *inp, long inp_at)
{
    size_t i = get_global_id(0);
    vstore4(vload4(i, inp + inp_at), i, out + out_at);
}

__kernel void probe_empty(__global int *p, long p_at)
{
    (void)p;
    (void)p_at;
}
#endif
