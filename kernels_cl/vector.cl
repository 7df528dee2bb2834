/* vector.cl: included by other kernels: vectors of VW floats, and the part of an array that a
 * work-group has.
 *
 * A flat array of n elements is cut into pieces of `chunk` elements (a multiple of VW), one for
 * each work-group.  Within it the work-items go side by side, so that a group of one walks through
 * memory and a wide group reads neighbouring words together: the same loop serves CPUs and GPUs.
 * Parameters: VW 2, 4, 8 or 16.
 * EXACT stands first in each function that must give the same bits on every device, since each has a
 * replica of it, and in those that it calls: some compilers fuse multiplications and additions,
 * others do not.  Quotients and square roots are asked for correctly rounded when a program is built
 * (devices/program.c). */
#ifndef VECTOR_CL
#define VECTOR_CL
#include "inline.cl"
#ifndef VW
#define VW 4
#endif
/* Behind the last parameter of a kernel that can become part of joined.cl. */
#ifndef UNITS
#define UNITS
#define GROUPS_OF_ONE __attribute__((reqd_work_group_size(1, 1, 1)))
#endif
#define EXACT _Pragma("OPENCL FP_CONTRACT OFF")
#define VEC_JOIN_(a, b) a##b
#define VEC_JOIN(a, b) VEC_JOIN_(a, b)
#define VEC VEC_JOIN(float, VW)
#define VEC_INT VEC_JOIN(int, VW)
#define VEC_UINT VEC_JOIN(uint, VW)
#define VLOAD(p) VEC_JOIN(vload, VW)(0, (p))
#define VSTORE(v, p) VEC_JOIN(vstore, VW)((v), 0, (p))

/* Ask for memory that will be needed soon, where the compiler has the processor's own way to: OpenCL's
 * prefetch does nothing in pocl and is a call in Intel's runtime, for which all registers are saved. */
#if defined(__x86_64__) || defined(__aarch64__) || defined(BUILTIN_PREFETCH)
#define PREFETCH(p) __builtin_prefetch((const void *)(size_t)(p))
#else
#define PREFETCH(p)
#endif
#define SOON 512 /* floats ahead, where a loop computes too long for the processor to look ahead by itself */

/* Two vectors of AVX2 at once: where such a CPU computes long on each, they keep more of it busy. GPUs
 * have vectors of 4 and no registers to spare.  Folded, they are one vector. */
#if VW == 8
#define TWIN 16
#else
#define TWIN VW
#endif
#define TWIN_VEC VEC_JOIN(float, TWIN)
#define TWIN_LOAD(p) VEC_JOIN(vload, TWIN)(0, (p))
#define TWIN_STORE(v, p) VEC_JOIN(vstore, TWIN)((v), 0, (p))
#if TWIN > VW
#define TWIN_FOLD(v) ((v).lo + (v).hi)
#else
#define TWIN_FOLD(v) (v)
#endif

#define PART(n, chunk)                                                                             \
    const long part_first = (long)get_group_id(0) * (chunk);                                       \
    const long part_last = min(part_first + (chunk), (long)(n));                                   \
    const long part_whole = part_first + max(part_last - part_first, (long)0) / VW * VW
#define EACH_VECTOR(i)                                                                             \
    for (long i = part_first + (long)get_local_id(0) * VW; i < part_whole;                         \
         i += (long)get_local_size(0) * VW)
#define EACH_SINGLE(i)                                                                             \
    for (long i = part_whole + (long)get_local_id(0); i < part_last; i += (long)get_local_size(0))

/* Where part `i` of `parts` begins, when `n` things are divided as evenly as can be. */
long part_begin(long n, long i, long parts)
{
    return n * i / parts;
}

float vec_sum(VEC v)
{
    float lane[VW], sum = 0.0f;
    VSTORE(v, lane);
    for (int i = 0; i < VW; i++)
        sum += lane[i];
    return sum;
}

float vec_max(VEC v)
{
    float lane[VW], most;
    VSTORE(v, lane);
    most = lane[0];
    for (int i = 1; i < VW; i++)
        most = fmax(most, lane[i]);
    return most;
}
#endif
