/* softmax_xent: softmax, cross-entropy and their gradient for logits of `rows` samples and
 * `columns` classes: loss = log(sum exp(x)) - x[label]; dlogits = softmax - onehot; sums = {rows,
 * sum of losses, number of rows whose first largest logit is the label's, 0}.  Flag 1: dlogits is
 * wanted; it may lie on logits.  A label out of range is clamped, so that nothing outside is touched.
 * plain   one work-item does everything; runs anywhere; what the others are tested against.
 * vector  one work-item for `chunk` rows, vectors of VW along the row; sums as in sums.cl.
 * narrow  the same with vectors across VW rows, for up to NARROW columns.
 * group   one work-group for `chunk` rows, trees in local memory. */
#include "softmax_row.cl"
#include "sums.cl"

#define ROW(r)                                                                                     \
    __global const float *x = logits + logits_at + (r) * columns;                                  \
    __global float *d = dlogits + dlogits_at + (r) * columns;                                      \
    const long own = clamp((long)label[label_at + (r)], (long)0, columns - 1)

__kernel void softmax_xent_plain(__global float *dlogits, long dlogits_at, __global float *sums,
                                 long sums_at, __global const float *logits, long logits_at,
                                 __global const int *label, long label_at, long rows, long columns,
                                 int flags)
{
    float loss = 0.0f, correct = 0.0f;
    for (long r = 0; r < rows; r++) {
        ROW(r);
        float most = x[0], sum = 0.0f;
        for (long c = 1; c < columns; c++)
            most = fmax(most, x[c]);
        for (long c = 0; c < columns; c++)
            sum += exp(x[c] - most);
        loss += log(sum) + most - x[own];
        correct += row_correct(x, most, own);
        for (long c = 0; flags && c < columns; c++)
            d[c] = exp(x[c] - most) / sum - (c == own ? 1.0f : 0.0f);
    }
    sums[sums_at] = (float)rows;
    sums[sums_at + 1] = loss;
    sums[sums_at + 2] = correct;
    sums[sums_at + 3] = 0.0f;
}

/* One row; adds its loss, and 1 to *correct where it is right. */
INLINE void xent_row(__global float *d, __global const float *x, long own, long columns, int flags,
                     float *loss, float *correct)
{
    const float most = row_max(x, columns), own_logit = x[own];
    float sum;
    *correct += row_correct(x, most, own);
    if (flags) {
        sum = row_exp_store(d, x, most, columns);
        row_scale(d, 1.0f / sum, columns);
        d[own] -= 1.0f;
    } else {
        sum = row_exp_sum(x, most, columns);
    }
    *loss += log(sum) + most - own_logit;
}

#define XENT_ROWS(first, last)                                                                     \
    for (long r = first; r < last; r++) {                                                          \
        ROW(r);                                                                                    \
        xent_row(d, x, own, columns, flags, &loss, &correct);                                      \
    }

__kernel void softmax_xent_vector(__global float *dlogits, long dlogits_at, __global float *sums,
                                  long sums_at, __global float *parts, long parts_at,
                                  __global const float *logits, long logits_at,
                                  __global const int *label, long label_at, long rows, long columns,
                                  int flags, long chunk, __local float *scratch UNITS)
{
    const long first = (long)get_global_id(0) * chunk, last = min(first + chunk, rows);
    float loss = 0.0f, correct = 0.0f;
    XENT_ROWS(first, last)
    sums_leave(sums + sums_at, parts + parts_at, scratch, loss, correct, (float)rows,
               get_group_id(0), get_num_groups(0));
}

#define NARROW 32

/* VW rows, one in each lane. */
INLINE void xent_rows(__global float *d, __global const float *x, __global const int *label,
                      int columns, int flags, float *loss, float *correct)
{
    float t[NARROW * VW], own_logit[VW]; /* t: column by column */
    int wanted[VW], is_own[VW];
    for (int lane = 0; lane < VW; lane++) {
        wanted[lane] = clamp(label[lane], 0, columns - 1);
        own_logit[lane] = x[lane * columns + wanted[lane]];
        for (int c = 0; c < columns; c++)
            t[c * VW + lane] = x[lane * columns + c];
    }
    const VEC_INT own = VLOAD(wanted);
    VEC most = VLOAD(t), sum = 0.0f;
    VEC_INT largest = 0;
    for (int c = 1; c < columns; c++) {
        const VEC v = VLOAD(t + c * VW);
        largest = v > most ? (VEC_INT)c : largest;
        most = v > most ? v : most;
    }
    for (int c = 0; c < columns; c++) {
        const VEC e = exp_vector(VLOAD(t + c * VW) - most);
        sum += e;
        VSTORE(e, t + c * VW);
    }
    VSTORE(largest == own, is_own);
    for (int lane = 0; lane < VW; lane++)
        *correct -= (float)is_own[lane];
    /* The logarithm of all sums at once: each is between 1 and NARROW, NARROW^16 < 10^25. */
    *loss += log(vec_product(sum)) + vec_sum(most - VLOAD(own_logit));
    if (!flags)
        return;
    const VEC factor = 1.0f / sum;
    for (int c = 0; c < columns; c++)
        VSTORE(VLOAD(t + c * VW) * factor - (own == c ? (VEC)1.0f : (VEC)0.0f), t + c * VW);
    for (int lane = 0; lane < VW; lane++)
        for (int c = 0; c < columns; c++)
            d[lane * columns + c] = t[c * VW + lane];
}

__kernel void softmax_xent_narrow(__global float *dlogits, long dlogits_at, __global float *sums,
                                  long sums_at, __global float *parts, long parts_at,
                                  __global const float *logits, long logits_at,
                                  __global const int *label, long label_at, long rows, long columns,
                                  int flags, long chunk, __local float *scratch UNITS)
{
    const long first = (long)get_global_id(0) * chunk, last = min(first + chunk, rows);
    float loss = 0.0f, correct = 0.0f;
    const long whole = first + max(last - first, (long)0) / VW * VW;
    for (long r = first; r < whole; r += VW)
        xent_rows(dlogits + dlogits_at + r * columns, logits + logits_at + r * columns,
                  label + label_at + r, (int)columns, flags, &loss, &correct);
    XENT_ROWS(whole, last)
    sums_leave(sums + sums_at, parts + parts_at, scratch, loss, correct, (float)rows,
               get_group_id(0), get_num_groups(0));
}

__kernel void softmax_xent_group(__global float *dlogits, long dlogits_at, __global float *sums,
                                 long sums_at, __global float *parts, long parts_at,
                                 __global const float *logits, long logits_at,
                                 __global const int *label, long label_at, long rows, long columns,
                                 int flags, long chunk, __local float *scratch)
{
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, rows);
    float loss = 0.0f, correct = 0.0f;
    for (long r = first; r < last; r++) {
        ROW(r);
        const float most = group_max(x, columns, scratch);
        const float sum = group_exp_sum(x, most, columns, scratch);
        if (get_local_id(0) == 0) {
            loss += log(sum) + most - x[own];
            correct += row_correct(x, most, own);
        }
        barrier(CLK_GLOBAL_MEM_FENCE);
        for (long c = get_local_id(0); flags && c < columns; c += (long)get_local_size(0))
            d[c] = exp_single(x[c] - most) / sum - (c == own ? 1.0f : 0.0f);
    }
    sums_leave(sums + sums_at, parts + parts_at, scratch, loss, correct, (float)rows,
               get_group_id(0), get_num_groups(0));
}
