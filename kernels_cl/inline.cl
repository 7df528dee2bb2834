/* inline.cl: included by other kernels: what is asked of compilers so that arrays stay in
 * registers.
 *
 * INLINE marks functions that get such arrays, UNROLL stands before loops over them; who includes
 * this may have set UNROLL. */
#ifndef INLINE_CL
#define INLINE_CL
#define INLINE static inline __attribute__((always_inline))
#ifndef UNROLL
#define UNROLL _Pragma("unroll")
#endif
#endif
