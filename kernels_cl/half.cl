/* half.cl: included where tensors of 16 bits are read or written: bf16, the upper half of a float, by
 * whole numbers, and fp16 by what every OpenCL 1.2 device has for it, with or without cl_khr_fp16.
 * Both round to the nearest, of two to the even one; what is too large becomes infinite. */
#ifndef HALF_CL
#define HALF_CL
#include "inline.cl"

/* How an operand is stored; twin of mot_stored in devices/variant.h. */
#define STORED_FLOAT 0
#define STORED_BF16 1
#define STORED_F16 2

INLINE ushort bf16_of(float x)
{
    const uint u = as_uint(x);
    return (u & 0x7fffffffu) > 0x7f800000u ? (u >> 16 | 0x40u) : (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
}

INLINE float load_bf16(__global const ushort *x, long i)
{
    return as_float((uint)x[i] << 16);
}

INLINE float load_f16(__global const ushort *x, long i)
{
    return vload_half(i, (__global const half *)x);
}

INLINE float load_16(__global const ushort *x, long i, int is_bf16)
{
    return is_bf16 ? load_bf16(x, i) : load_f16(x, i);
}
#endif
