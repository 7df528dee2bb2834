/* add: y = a + b, n elements; `then` says what of it is left: 1 relu, 2 zero where h is not positive.
 * NaN stays NaN.  In place is allowed.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (vector.cl). */
#include "vector.cl"
#define ADD_ONLY 0
#define ADD_RELU 1
#define ADD_MASK 2

float add_left(float sum, __global const float *h, int then)
{
    if (then == ADD_RELU)
        return sum < 0.0f ? 0.0f : sum;
    return then == ADD_MASK && !(*h > 0.0f) ? 0.0f : sum;
}

__kernel void add_plain(__global float *y, long y_at, __global const float *a, long a_at,
                        __global const float *b, long b_at, __global const float *h, long h_at, long n,
                        int then)
{
    const long i = get_global_id(0);
    if (i < n)
        y[y_at + i] = add_left(a[a_at + i] + b[b_at + i], h + h_at + i, then);
}

VEC add_left_vector(VEC sum, __global const float *h, int then)
{
    if (then == ADD_RELU)
        return select(sum, (VEC)0.0f, sum < 0.0f);
    return then == ADD_MASK ? select((VEC)0.0f, sum, VLOAD(h) > 0.0f) : sum;
}

/* With `then` a constant, so that the loops have no conditions in them. */
#define ADD_SUMS(then)                                                                             \
    EACH_VECTOR (i)                                                                                \
        VSTORE(add_left_vector(VLOAD(a + i) + VLOAD(b + i), h + i, then), y + i);                  \
    EACH_SINGLE (i)                                                                                \
        y[i] = add_left(a[i] + b[i], h + i, then);

__kernel void add_vector(__global float *y, long y_at, __global const float *a, long a_at,
                         __global const float *b, long b_at, __global const float *h, long h_at, long n,
                         int then, long chunk UNITS)
{
    y += y_at;
    a += a_at;
    b += b_at;
    h += h_at;
    PART(n, chunk);
    switch (then) {
    case ADD_RELU:
        ADD_SUMS(ADD_RELU)
        break;
    case ADD_MASK:
        ADD_SUMS(ADD_MASK)
        break;
    default:
        ADD_SUMS(ADD_ONLY)
    }
}
