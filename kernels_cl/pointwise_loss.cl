/* pointwise_loss: the loss `kind` (mot_loss) of `samples` rows of `columns` outputs: sums = {samples,
 * losses, squares, magnitudes}, of a sample the means over its columns; dpred = the slope of the
 * loss / columns.  runtime/graph/op/pointwise_loss.c says what is summed.  NaN stays NaN.
 * Flag 1: dpred is wanted.  In place is allowed.
 * plain   one work-item does everything; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (vector.cl), sums as in sums.cl. */
#include "exp.cl"
#include "vector.cl"
#include "sums.cl"

#define LOSS_MSE 0
#define LOSS_L1 1
#define LOSS_HUBER 2
#define LOSS_BCE 3

/* One output x with target t, or a vector of them: returns the loss; d, the slope, and what is summed
 * last go to *d, *slope and *last.  EXP: of an argument up to 0; LOG(e, s): of 1 + e, e between 0 and 1,
 * s = e / (2 + e). */
#define LOSS_STEPS(REAL, EXP, LOG)                                                                 \
    const REAL none = 0.0f, one = 1.0f, most = delta, off = x - t, size = fabs(off);               \
    *d = *slope = off;                                                                             \
    *last = size;                                                                                  \
    if (kind == LOSS_MSE) {                                                                        \
        *slope = 2.0f * off;                                                                       \
        return off * off;                                                                          \
    }                                                                                              \
    if (kind == LOSS_L1) {                                                                         \
        *slope = off > none ? one : off < none ? -one : off;                                       \
        return size;                                                                               \
    }                                                                                              \
    if (kind == LOSS_HUBER) {                                                                      \
        *slope = off > most ? most : off < -most ? -most : off;                                    \
        return size > most ? most * (size - 0.5f * most) : 0.5f * off * off;                       \
    }                                                                                              \
    const REAL e = EXP(-fabs(x)), r = 1.0f / ((1.0f + e) * (2.0f + e));                            \
    const REAL q = r * (2.0f + e), qe = q * e, p = x > none ? q : qe;                              \
    *d = *slope = p - t;                                                                           \
    *last = (x > none) == (t > 0.5f) && off == off ? one : none;                                   \
    return (x > none ? x : none) - x * t + LOG(e, e * (r * (1.0f + e)))

#define PLAIN_LOG(e, s) log(1.0f + (e))
/* 2 artanh(s), by a polynomial within 1e-8 of it (least squares, reweighted towards the largest error). */
#define SERIES_LOG(e, s) ((s) * LOG_SERIES((s) * (s)))
#define LOG_SERIES(u)                                                                              \
    ((((2.81783353e-1f * (u) + 2.79606029e-1f) * (u) + 4.00249102e-1f) * (u) + 6.66663147e-1f) *   \
         (u) +                                                                                     \
     2.0f)

INLINE float loss_plain(int kind, float delta, float x, float t, float *d, float *slope,
                        float *last)
{
    LOSS_STEPS(float, exp, PLAIN_LOG);
}

INLINE float loss_single(int kind, float delta, float x, float t, float *d, float *slope,
                         float *last)
{
    LOSS_STEPS(float, exp_single, SERIES_LOG);
}

INLINE VEC loss_vector(int kind, float delta, VEC x, VEC t, VEC *d, VEC *slope, VEC *last)
{
    LOSS_STEPS(VEC, exp_vector, SERIES_LOG);
}

__kernel void pointwise_loss_plain(__global float *dpred, long dpred_at, __global float *sums,
                                   long sums_at, __global const float *pred, long pred_at,
                                   __global const float *target, long target_at, long samples,
                                   long columns, int kind, float delta, int flags)
{
    float4 sum = 0.0f;
    for (long b = 0; b < samples; b++) {
        float4 row = 0.0f;
        for (long i = b * columns; i < (b + 1) * columns; i++) {
            float d, slope, last;
            row.y += loss_plain(kind, delta, pred[pred_at + i], target[target_at + i], &d, &slope,
                                &last);
            row.z += d * d;
            row.w += last;
            if (flags)
                dpred[dpred_at + i] = slope / (float)columns;
        }
        sum += row / (float)columns;
    }
    sum.x = (float)samples;
    vstore4(sum, 0, sums + sums_at);
}

/* With `kind` a constant, so that the loops have no conditions in them. */
#define LOSS_LOOPS(kind)                                                                           \
    EACH_VECTOR (i) {                                                                              \
        VEC d, slope, last;                                                                        \
        PREFETCH(pred + i + SOON);                                                                 \
        PREFETCH(target + i + SOON);                                                               \
        losses += loss_vector(kind, delta, VLOAD(pred + i), VLOAD(target + i), &d, &slope, &last); \
        squares += d * d;                                                                          \
        lasts += last;                                                                             \
        if (flags)                                                                                 \
            VSTORE(slope *factor, dpred + i);                                                      \
    }                                                                                              \
    EACH_SINGLE (i) {                                                                              \
        float d, slope, last;                                                                      \
        mine.y += loss_single(kind, delta, pred[i], target[i], &d, &slope, &last);                 \
        mine.z += d * d;                                                                           \
        mine.w += last;                                                                            \
        if (flags)                                                                                 \
            dpred[i] = slope * factor;                                                             \
    }

__kernel void pointwise_loss_vector(__global float *dpred, long dpred_at, __global float *sums,
                                    long sums_at, __global float *parts, long parts_at,
                                    __global const float *pred, long pred_at,
                                    __global const float *target, long target_at, long samples,
                                    long columns, int kind, float delta, int flags, long chunk,
                                    __local float *scratch UNITS)
{
    const float factor = 1.0f / (float)columns;
    VEC losses = 0.0f, squares = 0.0f, lasts = 0.0f;
    float4 mine = 0.0f;
    dpred += dpred_at;
    pred += pred_at;
    target += target_at;
    PART(samples * columns, chunk);
    switch (kind) {
    case LOSS_MSE:
        LOSS_LOOPS(LOSS_MSE)
        break;
    case LOSS_L1:
        LOSS_LOOPS(LOSS_L1)
        break;
    case LOSS_HUBER:
        LOSS_LOOPS(LOSS_HUBER)
        break;
    default:
        LOSS_LOOPS(LOSS_BCE)
    }
    mine.yzw = (mine.yzw + (float3)(vec_sum(losses), vec_sum(squares), vec_sum(lasts))) * factor;
    mine.x = get_group_id(0) == 0 && get_local_id(0) == 0 ? (float)samples : 0.0f;
    sums_leave(sums + sums_at, parts + parts_at, scratch, mine, get_group_id(0), get_num_groups(0));
}
