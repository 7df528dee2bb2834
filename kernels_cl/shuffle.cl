/* shuffle.cl: included by other kernels: two vectors of eight into one.
 * Elements i, j, k, l of both, taken alternately, two by two, or four by four.  With 0,1,4,5 and
 * the like each is one instruction of AVX. */
#include "vector.cl"
#ifndef SHUFFLE_CL
#define SHUFFLE_CL
#define PAIRS(a, b, i, j, k, l) (float8)(a.i, b.i, a.j, b.j, a.k, b.k, a.l, b.l)
#define FOURS(a, b, i, j, k, l) (float8)(a.i, a.j, b.i, b.j, a.k, a.l, b.k, b.l)
#define HALVES(a, b, i, j, k, l) (float8)(a.i, a.j, a.k, a.l, b.i, b.j, b.k, b.l)

/* Turn 8 by 8 floats in registers. */
INLINE void transpose8(float8 a[8])
{
    float8 b[8];
#pragma unroll
    for (int j = 0; j < 8; j += 2) {
        b[j] = PAIRS(a[j], a[j + 1], s0, s1, s4, s5);
        b[j + 1] = PAIRS(a[j], a[j + 1], s2, s3, s6, s7);
    }
#pragma unroll
    for (int j = 0; j < 8; j += 4) {
        a[j] = FOURS(b[j], b[j + 2], s0, s1, s4, s5);
        a[j + 1] = FOURS(b[j], b[j + 2], s2, s3, s6, s7);
        a[j + 2] = FOURS(b[j + 1], b[j + 3], s0, s1, s4, s5);
        a[j + 3] = FOURS(b[j + 1], b[j + 3], s2, s3, s6, s7);
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
        const float8 low = HALVES(a[j], a[j + 4], s0, s1, s2, s3);
        a[j + 4] = HALVES(a[j], a[j + 4], s4, s5, s6, s7);
        a[j] = low;
    }
}

/* The same from memory to memory, of whatever kinds: eight from each in + i in_step become columns of
 * what lies from out + i out_step on. */
#define TURN8(out, out_step, in, in_step)                                                          \
    do {                                                                                           \
        float8 turning[8];                                                                         \
        _Pragma("unroll") for (int i8 = 0; i8 < 8; i8++) turning[i8] =                             \
            vload8(0, (in) + i8 * (in_step));                                                      \
        transpose8(turning);                                                                       \
        _Pragma("unroll") for (int i8 = 0; i8 < 8; i8++)                                           \
            vstore8(turning[i8], 0, (out) + i8 * (out_step));                                      \
    } while (0)
#endif
