/* accumulate: sums of gradients (and of the loss) over the parts of a batch.  What is to be done is in
 * the scalars:  0 nothing: the batch has one part;  1 keep = g;  2 keep += g;  3 g += keep;  4 g = keep
 * (the last part had no samples here).  n is a multiple of 16; keep has the 4 sums behind n elements.
 * plain   one work-item an element; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (vector.cl). */
#include "vector.cl"

/* Position in the scalars; see runtime/base/op.h. */
#define ACCUMULATE 7

INLINE void accumulate_one(__global float *g, __global float *keep, uint what)
{
    if (what == 1)
        *keep = *g;
    else if (what == 2)
        *keep += *g;
    else if (what == 3)
        *g += *keep;
    else if (what == 4)
        *g = *keep;
}

__kernel void accumulate_plain(__global float *grad, long grad_at, __global float *sums,
                               long sums_at, __global float *keep, long keep_at,
                               __global const uint *scalars, long scalars_at, long n)
{
    EXACT
    const long i = get_global_id(0);
    const uint what = scalars[scalars_at + ACCUMULATE];
    if (i < n)
        accumulate_one(grad + grad_at + i, keep + keep_at + i, what);
    else if (i < n + 4)
        accumulate_one(sums + sums_at + i - n, keep + keep_at + i, what);
}

__kernel void accumulate_vector(__global float *restrict grad, long grad_at,
                                __global float *restrict sums, long sums_at,
                                __global float *restrict keep, long keep_at,
                                __global const uint *restrict scalars, long scalars_at, long n,
                                long chunk UNITS)
{
    EXACT
    const uint what = scalars[scalars_at + ACCUMULATE];
    grad += grad_at;
    sums += sums_at;
    keep += keep_at;
    PART(n, chunk);
    if (what == 0)
        return;
    if (get_group_id(0) == 0 && get_local_id(0) == 0)
        for (long i = 0; i < 4; i++)
            accumulate_one(sums + i, keep + n + i, what);
    EACH_VECTOR (i) {
        const VEC g = VLOAD(grad + i), k = VLOAD(keep + i);
        if (what < 3)
            VSTORE(what == 1 ? g : k + g, keep + i);
        else
            VSTORE(what == 3 ? g + k : k, grad + i);
    }
}
