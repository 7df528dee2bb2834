/* update.cl: included by the optimizers: what they have in common.
 *
 * The flat arrays are cut into ranges with rules of their own.  `ranges` has n_ranges rows of four
 * words, {first element / 16, factor of the learning rate, weight decay, tensor}, the first row for
 * element 0; runtime/graph/update.c makes it.  n, ranges and chunks of work are multiples of 16, so
 * vectors are always whole.
 * The gradient is grad / sums[0], then kept within [-clip, clip]; what is not a number stays so.  It
 * is 0 where nothing of the batch counts.  A step that is to be skipped (loss_scale.cl) ends at once.
 * Parameters: CLIPS 0: nothing is clipped, and the loops have nothing of it. */
#ifndef UPDATE_CL
#define UPDATE_CL
#include "scalars.cl"
#include "vector.cl"
#ifndef CLIPS
#define CLIPS 1
#endif

#define UPDATE_INPUTS                                                                              \
    __global const float *restrict grad, long grad_at, __global const float *restrict sums,        \
        long sums_at, __global const uint *restrict ranges, long ranges_at,                        \
        __global const uint *restrict scalars, long scalars_at, long n, long n_ranges, float clip

#define UPDATE_BEGIN                                                                               \
    grad += grad_at;                                                                               \
    ranges += ranges_at;                                                                           \
    scalars += scalars_at;                                                                         \
    if (scalars[SCALAR_SKIP])                                                                      \
        return;                                                                                    \
    const float factor = sums[sums_at] > 0.0f ? 1.0f / sums[sums_at] : 0.0f

#define RANGE_FIRST(r) ((r) < n_ranges ? (long)ranges[4 * (r)] * 16 : n)
#define RANGE_LR(r) (as_float(scalars[SCALAR_LR]) * as_float(ranges[4 * (r) + 1]))
#define RANGE_DECAY(r) as_float(ranges[4 * (r) + 2])

/* The range in which element i lies. */
INLINE long range_of(__global const uint *ranges, long n_ranges, long i)
{
    long low = 0, high = n_ranges;
    while (high - low > 1) {
        const long middle = (low + high) / 2;
        if ((long)ranges[4 * middle] * 16 <= i)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The ranges that a group's part meets, and the vectors of such a range. */
#define EACH_RANGE(r)                                                                              \
    for (long r = range_of(ranges, n_ranges, part_first);                                          \
         r < n_ranges && RANGE_FIRST(r) < part_last; r++)
#define EACH_OF_RANGE(i, r)                                                                        \
    for (long i = max(part_first, RANGE_FIRST(r)) + (long)get_local_id(0) * VW,                    \
              i##_last = min(part_last, RANGE_FIRST((r) + 1));                                     \
         i < i##_last; i += (long)get_local_size(0) * VW)

/* Exact on their own: once they are inlined, NVIDIA's compiler would fuse this product into a sum of the
 * optimizer's, where nothing is clipped in between. */
INLINE float gradient_one(float sum, float factor, float clip)
{
    EXACT
    const float g = sum * factor;
#if CLIPS
    return g > clip ? clip : g < -clip ? -clip : g;
#else
    return g;
#endif
}

INLINE VEC gradient_vec(VEC sum, float factor, float clip)
{
    EXACT
    VEC g = sum * factor;
#if CLIPS
    const VEC most = clip;
    g = g > most ? most : g;
    g = g < -most ? -most : g;
#endif
    return g;
}
#endif
