/* builtins: those functions of OpenCL C that kernels here call, declared.
 *
 * pocl's compiler reads the 18,000 lines of Clang's opencl-c.h for every program, once to find the
 * program in its cache and once more to build it: 0.2 s of the 0.22 that a small one takes, and
 * 30 ms where the cache has it.  The library tells it that it has read them (-D_OPENCL_H_, their
 * guard) and puts these in front; the types come from another file, opencl-c-base.h.
 *
 * A program that calls something else does not build so, and is built with everything
 * (devices/program.c), which the log tells and tests/ops refuses.  Numbers that are not vectors are
 * converted silently, so a function stands here for all types that kernels compute with, lest
 * another overload is taken. */
#define PURE __attribute__((overloadable, pure))
#define CONST __attribute__((overloadable, const))
#define PLAIN __attribute__((overloadable))

#define ITEM(name) size_t CONST name(uint);
ITEM(get_global_id)
ITEM(get_global_size)
ITEM(get_local_id)
ITEM(get_local_size)
ITEM(get_group_id)
ITEM(get_num_groups)
#undef ITEM
void __attribute__((overloadable, convergent)) barrier(cl_mem_fence_flags);
void PLAIN mem_fence(cl_mem_fence_flags);
int PLAIN atomic_inc(volatile __global int *);
int PLAIN atomic_xchg(volatile __global int *, int);

#define WIDTHS(F) F() F(2) F(4) F(8) F(16)
#define OF_ONE(type, name) type CONST name(type);
#define OF_TWO(type, name) type CONST name(type, type);

#define NUMBERS(type)                                                                              \
    OF_TWO(type, min)                                                                              \
    OF_TWO(type, max)                                                                              \
    type CONST clamp(type, type, type);
#define REALS(type)                                                                                \
    NUMBERS(type)                                                                                  \
    OF_ONE(type, erfc)                                                                             \
    OF_ONE(type, exp)                                                                              \
    OF_ONE(type, exp2)                                                                             \
    OF_ONE(type, fabs)                                                                             \
    OF_ONE(type, log)                                                                              \
    OF_ONE(type, log2)                                                                             \
    OF_ONE(type, sign)                                                                             \
    OF_ONE(type, sqrt)                                                                             \
    OF_ONE(type, tanh)                                                                             \
    OF_TWO(type, copysign)                                                                         \
    OF_TWO(type, fmax)
#define WHOLES(type)                                                                               \
    NUMBERS(type)                                                                                  \
    OF_TWO(type, mul_hi)                                                                           \
    OF_ONE(type, popcount)
#define FLOATS(n)                                                                                  \
    REALS(float##n)                                                                                \
    float CONST dot(float##n, float##n);                                                           \
    int##n CONST isnan(float##n);                                                                  \
    float##n CONST select(float##n, float##n, int##n);
#define INTS(n)                                                                                    \
    WHOLES(int##n)                                                                                 \
    WHOLES(uint##n)                                                                                \
    WHOLES(long##n)                                                                                \
    WHOLES(ulong##n)                                                                               \
    int CONST any(int##n);                                                                         \
    int##n CONST select(int##n, int##n, int##n);                                                   \
    uint##n CONST select(uint##n, uint##n, int##n);
WIDTHS(FLOATS)
WIDTHS(INTS)
#ifdef cl_khr_fp64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
REALS(double)
int CONST isnan(double);
#endif
#undef INTS
#undef FLOATS
#undef WHOLES
#undef REALS
#undef NUMBERS
#undef OF_TWO
#undef OF_ONE

#define CONVERSIONS(to, n)                                                                         \
    to##n CONST convert_##to##n(float##n);                                                         \
    to##n CONST convert_##to##n(int##n);                                                           \
    to##n CONST convert_##to##n(uint##n);                                                          \
    to##n CONST convert_##to##n(short##n);                                                         \
    to##n CONST convert_##to##n(ushort##n);                                                        \
    to##n CONST convert_##to##n(uchar##n);
#define ALL_CONVERSIONS(n)                                                                         \
    CONVERSIONS(float, n)                                                                          \
    CONVERSIONS(int, n)                                                                            \
    CONVERSIONS(uint, n)                                                                           \
    CONVERSIONS(ushort, n)                                                                         \
    int##n CONST convert_int##n##_rte(float##n);
WIDTHS(ALL_CONVERSIONS)
#undef ALL_CONVERSIONS
#undef CONVERSIONS
#undef WIDTHS

/* Vectors in memory of each kind. */
#define SPACES(F) F(__global) F(__local) F(__private)
#define VECTOR(space, n, type)                                                                     \
    type##n PURE vload##n(size_t, const space type *);                                             \
    void PLAIN vstore##n(type##n, size_t, space type *);
#define HALVES(space, n)                                                                           \
    float##n PURE vload_half##n(size_t, const space half *);                                       \
    void PLAIN vstore_half##n(float##n, size_t, space half *);                                     \
    void PLAIN vstore_half##n##_rte(float##n, size_t, space half *);
#define VECTORS(space, n)                                                                          \
    VECTOR(space, n, float)                                                                        \
    VECTOR(space, n, int)                                                                          \
    VECTOR(space, n, uint)                                                                         \
    VECTOR(space, n, uchar)                                                                        \
    VECTOR(space, n, ushort)                                                                       \
    HALVES(space, n)
#define MEMORY(space)                                                                              \
    HALVES(space, )                                                                                \
    VECTORS(space, 2)                                                                              \
    VECTORS(space, 4)                                                                              \
    VECTORS(space, 8)                                                                              \
    VECTORS(space, 16)
SPACES(MEMORY)
#undef MEMORY
#undef VECTORS
#undef HALVES
#undef VECTOR
#undef SPACES
#undef PLAIN
#undef CONST
#undef PURE
#line 1
