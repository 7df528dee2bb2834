/* builtins: those functions of OpenCL C that kernels here call, declared.
 *
 * pocl's compiler reads the 18,000 lines of Clang's opencl-c.h for every program, once to find the program in
 * its cache and once more to build it: 0.2 s of the 0.22 that a small one takes, and 30 ms where the cache has
 * it.  The library tells it that it has read them (-D_OPENCL_H_, their guard) and puts these in front; the
 * types come from another file, opencl-c-base.h.  A program that calls something else does not build so, and
 * is built with everything (devices/program.c); tests/ops says which. */
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
#define FLOATS(n)                                                                                  \
    OF_ONE(float##n, erfc)                                                                         \
    OF_ONE(float##n, exp)                                                                          \
    OF_ONE(float##n, exp2)                                                                         \
    OF_ONE(float##n, fabs)                                                                         \
    OF_ONE(float##n, log)                                                                          \
    OF_ONE(float##n, log2)                                                                         \
    OF_ONE(float##n, sign)                                                                         \
    OF_ONE(float##n, sqrt)                                                                         \
    OF_ONE(float##n, tanh)                                                                         \
    OF_TWO(float##n, copysign)                                                                     \
    OF_TWO(float##n, fmax)                                                                         \
    int##n CONST isnan(float##n);                                                                  \
    float##n CONST select(float##n, float##n, int##n);                                             \
    int CONST any(int##n);                                                                         \
    uint##n CONST select(uint##n, uint##n, int##n);                                                \
    uint##n CONST mul_hi(uint##n, uint##n);                                                        \
    uint##n CONST popcount(uint##n);
WIDTHS(FLOATS)
#undef FLOATS
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

#define FLOATS(n) float CONST dot(float##n, float##n);
WIDTHS(FLOATS)
#undef FLOATS

#define NUMBERS(type)                                                                              \
    OF_TWO(type, min)                                                                              \
    OF_TWO(type, max)                                                                              \
    type CONST clamp(type, type, type);
#define ALL_NUMBERS(n) NUMBERS(float##n) NUMBERS(int##n) NUMBERS(uint##n) NUMBERS(long##n)
WIDTHS(ALL_NUMBERS)
#undef ALL_NUMBERS
#undef NUMBERS
#undef OF_TWO
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
