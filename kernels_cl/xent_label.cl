/* xent_label.cl: included by the kernels of softmax_xent: what a row's label asks for; see
 * softmax_xent.cl, of which these are the flags. */
#ifndef XENT_LABEL_CL
#define XENT_LABEL_CL
#include "inline.cl"
#define GRADIENT 1
#define MIXED 2

typedef struct {
    long own, other; /* own below 0: the row does not count */
    float part;      /* of own */
} row_label;

INLINE row_label label_at_row(__global const int *label, long r, long columns, int flags)
{
    row_label l = {min((long)label[flags & MIXED ? 3 * r : r], columns - 1), 0, 1.0f};
    l.other = l.own;
    if (flags & MIXED && l.own >= 0) {
        l.other = clamp((long)label[3 * r + 1], (long)0, columns - 1);
        l.part = (float)label[3 * r + 2] / 65536.0f;
    }
    return l;
}

/* What the label asks for, of a row that counts. */
INLINE float label_logit(__global const float *x, row_label l)
{
    return l.part == 1.0f ? x[l.own] : l.part * x[l.own] + (1.0f - l.part) * x[l.other];
}

/* The label's part of column c. */
INLINE float label_part(row_label l, long c)
{
    return (c == l.own ? l.part : 0.0f) + (c == l.other ? 1.0f - l.part : 0.0f);
}
#endif
