/* inline.cl: included by other kernels: what is asked of compilers so that arrays stay in
 * registers.
 *
 * INLINE marks functions that get such arrays, UNROLL stands before loops over them; who includes
 * this may have set UNROLL.  ROLLED: loops stay loops, for CPUs that only test kernels of GPUs, where
 * compiling is what takes time. */
#ifndef INLINE_CL
#define INLINE_CL
#define INLINE static inline __attribute__((always_inline))
#ifdef ROLLED
#undef UNROLL
#define UNROLL _Pragma("unroll 1")
#elif !defined UNROLL
#define UNROLL _Pragma("unroll")
#endif
#endif
