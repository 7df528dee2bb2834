/* inline.cl: included by other kernels: what is asked of compilers so that arrays stay in
 * registers.
 *
 * INLINE marks functions that get such arrays, UNROLL stands before loops over them; who includes
 * this may have set UNROLL.  UNROLL_MORE: loops that may as well stay loops, as they do with ROLLED,
 * for CPUs that only test kernels of GPUs, where compiling is what takes time. */
#ifndef INLINE_CL
#define INLINE_CL
#define INLINE static inline __attribute__((always_inline))
#ifndef UNROLL
#define UNROLL _Pragma("unroll")
#endif
#ifdef ROLLED
#define UNROLL_MORE _Pragma("unroll 1")
#else
#define UNROLL_MORE UNROLL
#endif
#endif
