/* inline.cl: included by other kernels: what is asked of compilers so that arrays stay in
 * registers.
 *
 * INLINE marks functions that get such arrays, UNROLL stands before loops over them; who includes
 * this may have set UNROLL.
 *
 * ROLLED: for CPUs that only test kernels of GPUs, where compiling is what takes time.  UNROLL_MORE
 * are loops that then stay loops, OUT_OF_LINE functions that then stay functions: without barriers
 * or ids, and only where tests say that pocl 3.1 bears it (attention's blocks, as such functions,
 * gave NaN there; why was not found). */
#ifndef INLINE_CL
#define INLINE_CL
#define INLINE static inline __attribute__((always_inline))
#ifndef UNROLL
#define UNROLL _Pragma("unroll")
#endif
#ifdef ROLLED
#define UNROLL_MORE _Pragma("unroll 1")
#define OUT_OF_LINE static __attribute__((noinline))
#else
#define UNROLL_MORE UNROLL
#define OUT_OF_LINE INLINE
#endif
#endif
