/* half.cl: included where tensors of 16 bits are read or written: bf16, the upper half of a float, by
 * whole numbers, and fp16 by what every OpenCL 1.2 device has for it, with or without cl_khr_fp16.
 * Both round to the nearest, of two to the even one; what is too large becomes infinite. */
#ifndef HALF_CL
#define HALF_CL
#include "vector.cl"

/* How an operand is stored; twin of mot_stored in devices/variant.h. */
#define STORED_FLOAT 0
#define STORED_BF16 1
#define STORED_F16 2

#define VEC_USHORT VEC_JOIN(ushort, VW)
#define AS_VEC VEC_JOIN(as_float, VW)
#define AS_VEC_UINT VEC_JOIN(as_uint, VW)
#define CONVERT_UINT VEC_JOIN(convert_uint, VW)
#define CONVERT_USHORT VEC_JOIN(convert_ushort, VW)
#define VLOAD_HALF VEC_JOIN(vload_half, VW)
#define VSTORE_HALF VEC_JOIN(VEC_JOIN(vstore_half, VW), _rte)

INLINE ushort bf16_of(float x)
{
    const uint u = as_uint(x);
    return (u & 0x7fffffffu) > 0x7f800000u ? (u >> 16 | 0x40u) : (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
}

INLINE VEC_USHORT bf16_of_vec(VEC x)
{
    const VEC_UINT u = AS_VEC_UINT(x), nan = u >> 16 | 0x40u;
    return CONVERT_USHORT(select((u + 0x7fffu + (u >> 16 & 1u)) >> 16, nan,
                                 (u & 0x7fffffffu) > 0x7f800000u));
}

INLINE float load_bf16(__global const ushort *x, long i)
{
    return as_float((uint)x[i] << 16);
}

INLINE VEC load_bf16_vec(__global const ushort *x)
{
    return AS_VEC(CONVERT_UINT(VLOAD(x)) << 16);
}

INLINE float load_f16(__global const ushort *x, long i)
{
    return vload_half(i, (__global const half *)x);
}

INLINE VEC load_f16_vec(__global const ushort *x)
{
    return VLOAD_HALF(0, (__global const half *)x);
}
#endif
