/* mse: for pred and target of `samples` rows and `columns` columns: sums = {samples, sum over
 * samples of the mean over columns of (pred-target)^2, 0, 0}; dpred = 2 (pred-target) / columns.
 * Flag 1: dpred is wanted.  In place is allowed.
 * plain   one work-item does everything; runs anywhere; what the others are tested against.
 * vector  vectors of VW, a chunk a group (vector.cl), sums as in sums.cl. */
#include "vector.cl"
#include "sums.cl"

__kernel void mse_plain(__global float *dpred, long dpred_at, __global float *sums, long sums_at,
                        __global const float *pred, long pred_at, __global const float *target,
                        long target_at, long samples, long columns, int flags)
{
    float loss = 0.0f;
    for (long b = 0; b < samples; b++) {
        float row = 0.0f;
        for (long c = 0; c < columns; c++) {
            const long i = b * columns + c;
            const float d = pred[pred_at + i] - target[target_at + i];
            row += d * d;
            if (flags)
                dpred[dpred_at + i] = 2.0f * d / (float)columns;
        }
        loss += row / (float)columns;
    }
    sums[sums_at] = (float)samples;
    sums[sums_at + 1] = loss;
    sums[sums_at + 2] = 0.0f;
    sums[sums_at + 3] = 0.0f;
}

__kernel void mse_vector(__global float *dpred, long dpred_at, __global float *sums, long sums_at,
                         __global float *parts, long parts_at, __global const float *pred,
                         long pred_at, __global const float *target, long target_at, long samples,
                         long columns, int flags, long chunk, __local float *scratch UNITS)
{
    const float factor = 2.0f / (float)columns;
    VEC total = 0.0f;
    float single = 0.0f;
    dpred += dpred_at;
    pred += pred_at;
    target += target_at;
    PART(samples * columns, chunk);
    EACH_VECTOR (i) {
        const VEC d = VLOAD(pred + i) - VLOAD(target + i);
        total += d * d;
        if (flags)
            VSTORE(d * factor, dpred + i);
    }
    EACH_SINGLE (i) {
        const float d = pred[i] - target[i];
        single += d * d;
        if (flags)
            dpred[i] = d * factor;
    }
    sums_leave(sums + sums_at, parts + parts_at, scratch,
               (vec_sum(total) + single) / (float)columns, 0.0f, (float)samples, get_group_id(0),
               get_num_groups(0));
}
