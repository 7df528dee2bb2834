/* shuffle.cl: included by other kernels: two vectors of eight into one.
 * Elements i, j, k, l of both, taken alternately, two by two, or four by four.  With 0,1,4,5 and
 * the like each is one instruction of AVX. */
#ifndef SHUFFLE_CL
#define SHUFFLE_CL
#define PAIRS(a, b, i, j, k, l) (float8)(a.i, b.i, a.j, b.j, a.k, b.k, a.l, b.l)
#define FOURS(a, b, i, j, k, l) (float8)(a.i, a.j, b.i, b.j, a.k, a.l, b.k, b.l)
#define HALVES(a, b, i, j, k, l) (float8)(a.i, a.j, a.k, a.l, b.i, b.j, b.k, b.l)
#endif
