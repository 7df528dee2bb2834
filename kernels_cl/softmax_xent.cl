/* softmax_xent: softmax, cross-entropy and their gradient for logits of `rows` samples and
 * `columns` classes: with smoothing s the loss of a row is log(sum exp(x)) - (1 - s) x[label] - s mean
 * of x; dlogits = softmax - (1 - s) onehot - s / columns; sums = {rows that count, losses, number of
 * rows whose first largest logit is the label's, losses with s = 0}.  A row whose label is below 0
 * does not count and has the gradient 0; a label too large is clamped, so that nothing outside is
 * touched.  Flag 1: dlogits is wanted; it may lie on logits.
 * Flag 2: a label is three numbers, two classes and the part p of the first in 1/65536: x[label] is p
 * x[first] + (1 - p) x[second], onehot likewise, and correct means the first.
 * plain   one work-item does everything; runs anywhere; what the others are tested against.
 * vector  one work-item for `chunk` rows, vectors of VW along the row; sums as in sums.cl.
 * narrow  the same with vectors across VW rows, for up to NARROW columns.
 * group   one work-group for `chunk` rows, trees in local memory.
 * lanes   on GPUs: softmax_lanes.cl. */
#include "shuffle.cl"
#include "softmax_row.cl"
#include "sums.cl"
#include "xent_label.cl"

#define ROW(r)                                                                                     \
    __global const float *x = logits + logits_at + (r) * columns;                                  \
    __global float *d = dlogits + dlogits_at + (r) * columns;                                      \
    const row_label l = label_at_row(label + label_at, r, columns, flags)

/* The sums of one row: `lost` without smoothing, and how far its own logit is above their mean. */
INLINE float4 xent_sums(float lost, float correct, float smoothing, float above)
{
    return (float4)(1.0f, smoothing > 0.0f ? lost + smoothing * above : lost, correct, lost);
}

__kernel void softmax_xent_plain(__global float *dlogits, long dlogits_at, __global float *sums,
                                 long sums_at, __global const float *logits, long logits_at,
                                 __global const int *label, long label_at, long rows, long columns,
                                 float smoothing, int flags)
{
    float4 all = 0.0f;
    for (long r = 0; r < rows; r++) {
        ROW(r);
        float most = x[0], sum = 0.0f, above = 0.0f;
        for (long c = 0; l.own < 0 && flags & GRADIENT && c < columns; c++)
            d[c] = 0.0f;
        if (l.own < 0)
            continue;
        const float wanted = label_logit(x, l);
        for (long c = 1; c < columns; c++)
            most = fmax(most, x[c]);
        for (long c = 0; c < columns; c++) {
            sum += exp(x[c] - most);
            above += wanted - x[c];
        }
        all += xent_sums(log(sum) + most - wanted, row_correct(x, most, l.own), smoothing,
                         above / (float)columns);
        for (long c = 0; flags & GRADIENT && c < columns; c++)
            d[c] = exp(x[c] - most) / sum - smoothing / (float)columns -
                   (1.0f - smoothing) * label_part(l, c);
    }
    vstore4(all, 0, sums + sums_at);
}

/* One row; returns its sums. */
INLINE float4 xent_row(__global float *d, __global const float *x, row_label l, long columns,
                       float smoothing, int flags)
{
    if (l.own < 0) {
        if (flags & GRADIENT)
            row_fill(d, 0.0f, columns);
        return 0.0f;
    }
    const float most = row_max(x, columns), wanted = label_logit(x, l);
    const float correct = row_correct(x, most, l.own);
    const float above = smoothing > 0.0f ? wanted - row_sum(x, columns) / (float)columns : 0.0f;
    float sum;
    if (flags & GRADIENT) {
        sum = row_exp_store(d, x, most, columns);
        row_scale(d, 1.0f / sum, -smoothing / (float)columns, columns);
        d[l.own] -= (1.0f - smoothing) * l.part;
        d[l.other] -= (1.0f - smoothing) * (1.0f - l.part);
    } else {
        sum = row_exp_sum(x, most, columns);
    }
    return xent_sums(log(sum) + most - wanted, correct, smoothing, above);
}

#define XENT_ROWS(first, last)                                                                     \
    for (long r = first; r < last; r++) {                                                          \
        ROW(r);                                                                                    \
        all += xent_row(d, x, l, columns, smoothing, flags);                                       \
    }

__kernel void softmax_xent_vector(__global float *dlogits, long dlogits_at, __global float *sums,
                                  long sums_at, __global float *parts, long parts_at,
                                  __global const float *logits, long logits_at,
                                  __global const int *label, long label_at, long rows, long columns,
                                  float smoothing, int flags, long chunk,
                                  __local float *scratch UNITS)
{
    const long first = (long)get_global_id(0) * chunk, last = min(first + chunk, rows);
    float4 all = 0.0f;
    XENT_ROWS(first, last)
    sums_leave(sums + sums_at, parts + parts_at, scratch, all, get_group_id(0), get_num_groups(0));
}

#define NARROW 32
#define TOGETHER 16 /* times VW rows */

/* Sums over rows, in each lane: of weights, of the largest logit less the own one, and of how far that is
 * above the mean; the product of the sums of exponentials, each of which is between 1 and NARROW; less
 * the number of rows that are right. */
typedef struct xent_lanes {
    VEC weight, lost, above, product;
    VEC_INT correct;
} xent_lanes;

INLINE float4 xent_fold(const xent_lanes *s, float smoothing)
{
    float product[VW], lost = vec_sum(s->lost);
    int right[VW], correct = 0;
    VSTORE(s->product, product);
    VSTORE(s->correct, right);
    for (int lane = 0; lane < VW; lane++) {
        lost += log(product[lane]); /* NARROW^TOGETHER < 10^25 */
        correct -= right[lane];
    }
    return (float4)(vec_sum(s->weight),
                    smoothing > 0.0f ? lost + smoothing * vec_sum(s->above) : lost, (float)correct,
                    lost);
}

/* VW rows of x, column by column: t[c VW + lane] = x[lane columns + c].  In squares of eight, the last
 * of which may have some columns that another had, where rows are that wide. */
INLINE void rows_to_columns(float *t, __global const float *x, int columns)
{
#if VW >= 8
    for (int lane = 0; lane < VW && columns >= 8; lane += 8)
        for (int c = 0; c < columns; c += 8) {
            const int at = min(c, columns - 8);
            TURN8(t + at * VW + lane, VW, x + lane * columns + at, columns);
        }
    if (columns >= 8)
        return;
#endif
    for (int lane = 0; lane < VW; lane++)
        for (int c = 0; c < columns; c++)
            t[c * VW + lane] = x[lane * columns + c];
}

INLINE void columns_to_rows(__global float *d, const float *t, int columns)
{
#if VW >= 8
    for (int lane = 0; lane < VW && columns >= 8; lane += 8)
        for (int c = 0; c < columns; c += 8) {
            const int at = min(c, columns - 8);
            TURN8(d + lane * columns + at, columns, t + at * VW + lane, VW);
        }
    if (columns >= 8)
        return;
#endif
    for (int lane = 0; lane < VW; lane++)
        for (int c = 0; c < columns; c++)
            d[lane * columns + c] = t[c * VW + lane];
}

/* The labels of VW rows: below 0 where a row does not count. */
typedef struct lane_labels {
    VEC_INT own, other;
    VEC part;
} lane_labels;

INLINE lane_labels labels_at_rows(__global const int *label, long r, int columns, int flags)
{
    lane_labels l;
    if (!(flags & MIXED)) {
        l.own = l.other = min(VLOAD(label + r), columns - 1);
        l.part = 1.0f;
        return l;
    }
    int own[VW], other[VW];
    float part[VW];
    for (int lane = 0; lane < VW; lane++) {
        const row_label of_row = label_at_row(label, r + lane, columns, flags);
        own[lane] = (int)of_row.own;
        other[lane] = (int)of_row.other;
        part[lane] = of_row.part;
    }
    l.own = VLOAD(own);
    l.other = VLOAD(other);
    l.part = VLOAD(part);
    return l;
}

/* VW rows, one in each lane; those that do not count have the weight 0. */
INLINE void xent_rows(__global float *d, __global const float *x, __global const int *label, long r,
                      int columns, float smoothing, int flags, xent_lanes *s)
{
    const VEC none = 0.0f, one = 1.0f;
    const lane_labels l = labels_at_rows(label, r, columns, flags);
    const VEC weight = l.own >= 0 ? one : none;
    float t[NARROW * VW]; /* column by column */
    for (int i = 0; i < VW * columns; i += 16) {
        PREFETCH(x + 2 * VW * columns + i);
        PREFETCH(d + 2 * VW * columns + i);
    }
    rows_to_columns(t, x, columns);
    VEC most = VLOAD(t), logit = l.own == 0 ? most : none, sum = 0.0f, total = 0.0f;
    VEC_INT largest = 0;
    for (int c = 1; c < columns; c++) {
        const VEC v = VLOAD(t + c * VW);
        largest = v > most ? (VEC_INT)c : largest;
        most = v > most ? v : most;
        logit = l.own == c ? v : logit;
    }
    if (flags & MIXED) {
        VEC second = none;
        for (int c = 0; c < columns; c++)
            second = l.other == c ? VLOAD(t + c * VW) : second;
        logit = l.part == one ? logit : l.part * logit + (one - l.part) * second;
    }
    for (int c = 0; smoothing > 0.0f && c < columns; c++)
        total += VLOAD(t + c * VW);
    for (int c = 0; c < columns; c++) {
        const VEC e = exp_vector(VLOAD(t + c * VW) - most);
        sum += e;
        VSTORE(e, t + c * VW);
    }
    s->correct += largest == l.own;
    s->product *= weight > none ? sum : one;
    s->lost += weight > none ? most - logit : none;
    if (smoothing > 0.0f)
        s->above += weight > none ? logit - total / (float)columns : none;
    s->weight += weight;
    if (!(flags & GRADIENT))
        return;
    const VEC factor = weight / sum, share = weight * (smoothing / (float)columns);
    const VEC rest = (1.0f - smoothing) * l.part;
    for (int c = 0; c < columns; c++)
        VSTORE(VLOAD(t + c * VW) * factor - share - (l.own == c ? rest : none), t + c * VW);
    const VEC second = (1.0f - smoothing) * (one - l.part);
    for (int c = 0; flags & MIXED && c < columns; c++)
        VSTORE(VLOAD(t + c * VW) - (l.other == c ? second : none), t + c * VW);
    columns_to_rows(d, t, columns);
}

__kernel void softmax_xent_narrow(__global float *dlogits, long dlogits_at, __global float *sums,
                                  long sums_at, __global float *parts, long parts_at,
                                  __global const float *logits, long logits_at,
                                  __global const int *label, long label_at, long rows, long columns,
                                  float smoothing, int flags, long chunk,
                                  __local float *scratch UNITS)
{
    const long first = (long)get_global_id(0) * chunk, last = min(first + chunk, rows);
    const long whole = first + max(last - first, (long)0) / VW * VW;
    float4 all = 0.0f;
    for (long begin = first; begin < whole; begin += TOGETHER * VW) {
        const long end = min(begin + TOGETHER * VW, whole);
        xent_lanes sums_of = {0.0f, 0.0f, 0.0f, 1.0f, 0};
        for (long r = begin; r < end; r += VW)
            xent_rows(dlogits + dlogits_at + r * columns, logits + logits_at + r * columns,
                      label + label_at, r, (int)columns, smoothing, flags, &sums_of);
        all += xent_fold(&sums_of, smoothing);
    }
    XENT_ROWS(whole, last)
    sums_leave(sums + sums_at, parts + parts_at, scratch, all, get_group_id(0), get_num_groups(0));
}

__kernel void softmax_xent_group(__global float *dlogits, long dlogits_at, __global float *sums,
                                 long sums_at, __global float *parts, long parts_at,
                                 __global const float *logits, long logits_at,
                                 __global const int *label, long label_at, long rows, long columns,
                                 float smoothing, int flags, long chunk, __local float *scratch)
{
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, rows);
    float4 all = 0.0f;
    for (long r = first; r < last; r++) {
        ROW(r);
        const float counts = l.own < 0 ? 0.0f : 1.0f;
        const float wanted = l.own < 0 ? 0.0f : label_logit(x, l);
        const float most = group_max(x, columns, scratch);
        const float sum = group_exp_sum(x, most, columns, scratch);
        const float total = group_sum(x, smoothing > 0.0f ? columns : 0, scratch);
        if (get_local_id(0) == 0 && l.own >= 0)
            all += xent_sums(log(sum) + most - wanted, row_correct(x, most, l.own), smoothing,
                             wanted - total / (float)columns);
        barrier(CLK_GLOBAL_MEM_FENCE);
        for (long c = get_local_id(0); flags & GRADIENT && c < columns;
             c += (long)get_local_size(0))
            d[c] = counts * (exp_single(x[c] - most) / sum - smoothing / (float)columns) -
                   (1.0f - smoothing) * label_part(l, c);
    }
    sums_leave(sums + sums_at, parts + parts_at, scratch, all, get_group_id(0), get_num_groups(0));
}
