/* add: y = a + b, n elements.  In place is allowed.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (vector.cl). */
#include "vector.cl"

__kernel void add_plain(__global float *y, long y_at, __global const float *a, long a_at,
                        __global const float *b, long b_at, long n)
{
    const long i = get_global_id(0);
    if (i < n)
        y[y_at + i] = a[a_at + i] + b[b_at + i];
}

__kernel void add_vector(__global float *y, long y_at, __global const float *a, long a_at,
                         __global const float *b, long b_at, long n, long chunk UNITS)
{
    y += y_at;
    a += a_at;
    b += b_at;
    PART(n, chunk);
    EACH_VECTOR (i)
        VSTORE(VLOAD(a + i) + VLOAD(b + i), y + i);
    EACH_SINGLE (i)
        y[i] = a[i] + b[i];
}
