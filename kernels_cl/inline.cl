/* inline.cl: included by other kernels: what is asked of compilers so that arrays stay in
 * registers.
 *
 * INLINE marks functions that get such arrays, UNROLL stands before loops over them; who includes
 * this may have set UNROLL.  ROLLED: for CPUs that only test kernels of GPUs, where compiling is what
 * takes time: UNROLL_MORE are loops that then stay loops, APART functions that then stay functions (they
 * have no barrier and ask for no id). */
#ifndef INLINE_CL
#define INLINE_CL
#define INLINE static inline __attribute__((always_inline))
#ifndef UNROLL
#define UNROLL _Pragma("unroll")
#endif
#ifdef ROLLED
#define UNROLL_MORE _Pragma("unroll 1")
#define APART static __attribute__((noinline))
#else
#define UNROLL_MORE UNROLL
#define APART INLINE
#endif
#endif
