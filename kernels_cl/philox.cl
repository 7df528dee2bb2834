/* philox.cl: included by other kernels: counter-based random numbers, twin of
 * runtime/base/random.c.
 * Source: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
#ifndef PHILOX_CL
#define PHILOX_CL
#include "vector.cl"

/* Four random words for (key, counter). */
uint4 philox(uint2 key, uint4 c)
{
    for (int round = 0; round < 10; round++) {
        c = (uint4)(mul_hi(0xCD9E8D57u, c.z) ^ c.y ^ key.x, 0xCD9E8D57u * c.z,
                    mul_hi(0xD2511F53u, c.x) ^ c.w ^ key.y, 0xD2511F53u * c.x);
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
    return c;
}

/* Eight counters at once, word by word, for devices that work on vectors: each word in the low half
 * of a long, whose high half means nothing, as the processor's 32 by 32 bit multiplication has it. */
INLINE void philox8(uint2 key, ulong8 c[4])
{
#pragma unroll
    for (int round = 0; round < 10; round++) {
        const ulong8 a = (c[0] & 0xFFFFFFFFul) * 0xD2511F53ul;
        const ulong8 b = (c[2] & 0xFFFFFFFFul) * 0xCD9E8D57ul;
        c[0] = (b >> 32) ^ c[1] ^ (ulong)key.x;
        c[1] = b;
        c[2] = (a >> 32) ^ c[3] ^ (ulong)key.y;
        c[3] = a;
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
}
#endif
