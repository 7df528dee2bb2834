/* half_vector.cl: the same as half.cl, for vectors of vector.cl. */
#ifndef HALF_VECTOR_CL
#define HALF_VECTOR_CL
#include "half.cl"
#include "vector.cl"

#define VEC_USHORT VEC_JOIN(ushort, VW)
#define AS_VEC VEC_JOIN(as_float, VW)
#define AS_VEC_UINT VEC_JOIN(as_uint, VW)
#define CONVERT_UINT VEC_JOIN(convert_uint, VW)
#define CONVERT_USHORT VEC_JOIN(convert_ushort, VW)
#define VLOAD_HALF VEC_JOIN(vload_half, VW)
#define VSTORE_HALF VEC_JOIN(VEC_JOIN(vstore_half, VW), _rte)

INLINE VEC_USHORT bf16_of_vec(VEC x)
{
    const VEC_UINT u = AS_VEC_UINT(x), nan = u >> 16 | 0x40u;
    return CONVERT_USHORT(select((u + 0x7fffu + (u >> 16 & 1u)) >> 16, nan,
                                 (u & 0x7fffffffu) > 0x7f800000u));
}

INLINE VEC load_bf16_vec(__global const ushort *x)
{
    return AS_VEC(CONVERT_UINT(VLOAD(x)) << 16);
}

INLINE VEC load_f16_vec(__global const ushort *x)
{
    return VLOAD_HALF(0, (__global const half *)x);
}
#endif
