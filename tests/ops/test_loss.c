/* softmax, softmax_xent, pointwise_loss. */
#include "config.h"

#include "tests/ops/ops.h"
#include "tests/unit/reference_ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void draw_sizes(mot_random *random, bool small, int64_t *rows, int64_t *columns)
{
    *rows = op_between(random, 1, small ? 9 : 300);
    *columns = op_between(random, 1, small ? 20 : op_between(random, 0, 2) ? 30 : 2000);
    if (op_between(random, 0, 2) > 0) /* whole vectors */
        *columns = (*columns + 3) / 4 * 4;
}

/* p[c] of one row; returns log(sum of exp). */
static double softmax_row(double *p, const float *x, int64_t n)
{
    double most = -INFINITY, sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, (double)x[i]);
    for (int64_t i = 0; i < n; i++)
        sum += exp((double)x[i] - most);
    for (int64_t i = 0; i < n; i++)
        p[i] = exp((double)x[i] - most) / sum;
    return log(sum) + most;
}

/* Logits of a real network's size, and now and then two that are equal. */
static void spread(mot_random *random, float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = op_between(random, 0, 3) ? 20.0f * x[i] : 15.0f;
}

void make_softmax(op_case *c, mot_random *random, bool small)
{
    int64_t rows, columns;
    draw_sizes(random, small, &rows, &columns);
    float *x = op_input(c, random, 0, op_view_rows(rows, columns));
    double *p = op_output(c, 0, op_view_rows(rows, columns), 1e-6);
    spread(random, x, rows * columns);
    c->on_top = op_between(random, 0, 2) == 0 ? 0 : -1;
    for (int64_t r = 0; r < rows; r++)
        softmax_row(p + r * columns, x + r * columns, columns);
}

static int64_t first_largest(const float *x, int64_t n)
{
    int64_t at = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[at])
            at = i;
    return at;
}

/* Evaluating: no gradient. */
static void drop_gradient(op_case *c, mot_random *random)
{
    c->on_top = op_between(random, 0, 2) == 0 ? 0 : -1;
    if (c->on_top >= 0 || op_between(random, 0, 2) > 0)
        return;
    free(c->expected[0]);
    c->expected[0] = NULL;
    c->o.out[0] = (mot_view){0};
}

/* One row with two classes and the part of the first; d: softmax, becomes the gradient. */
static void xent_row(double *d, double *sums, const float *x, const int32_t label[3],
                     int64_t columns, double log_sum, double smoothing)
{
    const double part = label[2] / 65536.0;
    for (int64_t k = 0; k < columns; k++) {
        const double own = (k == label[0] ? part : 0) + (k == label[1] ? 1 - part : 0);
        const double wanted = smoothing / (double)columns + (1 - smoothing) * own;
        sums[1] += wanted * (log_sum - (double)x[k]);
        sums[3] += own * (log_sum - (double)x[k]);
        d[k] -= wanted;
    }
    sums[0] += 1;
    sums[2] += label[0] == first_largest(x, columns);
}

/* Some labels do not count: now and then none does.  A third of the cases has mixed labels, now and
 * then of one class. */
void make_softmax_xent(op_case *c, mot_random *random, bool small)
{
    int64_t rows, columns;
    draw_sizes(random, small, &rows, &columns);
    float *x = op_input(c, random, 0, op_view_rows(rows, columns));
    double *d = op_output(c, 0, op_view_rows(rows, columns), 1e-6);
    double *sums = op_output(c, 1, op_view(MOT_F32, 1, (int64_t[]){4}), 2e-6);
    const bool mixed = op_between(random, 0, 2) == 0;
    int32_t *label = calloc((size_t)rows, (mixed ? 3 : 1) * sizeof *label);
    const int64_t without = op_between(random, 0, 1) ? 0 : op_between(random, 1, 10);
    spread(random, x, rows * columns);
    c->o.attrs.smoothing = op_between(random, 0, 1) ? 0 : 0.1f * (float)op_between(random, 1, 9);
    c->o.in[1] = mixed      ? op_view(MOT_I32, 2, (int64_t[]){rows, 3})
                 : rows % 3 ? op_view(MOT_I32, 1, &rows)
                            : op_view(MOT_I32, 2, (int64_t[]){rows / 3, 3});
    c->in[1] = label;
    c->o.n_in = 2;
    for (int64_t r = 0; r < rows; r++) {
        const float *row = x + r * columns;
        const double log_sum = softmax_row(d + r * columns, row, columns);
        int32_t l[3] = {0, 0, 65536};
        l[0] = (int32_t)(op_between(random, 0, 1) ? first_largest(row, columns)
                                                  : op_between(random, 0, columns - 1));
        if (mixed) {
            l[1] = (int32_t)op_between(random, 0, columns - 1);
            l[2] = (int32_t)op_between(random, 32768, 65536);
        }
        const bool counts = op_between(random, 0, 9) >= without;
        if (counts)
            xent_row(d + r * columns, sums, row, l, columns, log_sum, (double)c->o.attrs.smoothing);
        else
            l[0] = (int32_t)-op_between(random, 1, 100);
        memcpy(label + (mixed ? 3 * r : r), l, (mixed ? 3 : 1) * sizeof *l);
        if (counts)
            continue;
        for (int64_t k = 0; k < columns; k++)
            d[r * columns + k] = 0;
    }
    drop_gradient(c, random);
}

/* Of bce targets between 0 and 1, those two among them. */
static void draw_targets(mot_random *random, float *target, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        target[i] =
            op_between(random, 0, 1) ? (float)op_between(random, 0, 1) : 0.5f + 0.5f * target[i];
}

void make_pointwise_loss(op_case *c, mot_random *random, bool small)
{
    int64_t rows, columns;
    draw_sizes(random, small, &rows, &columns);
    float *pred = op_input(c, random, 0, op_view2(rows, columns));
    float *target = op_input(c, random, 1, op_view2(rows, columns));
    double *d = op_output(c, 0, op_view2(rows, columns), 1e-6);
    double *sums = op_output(c, 1, op_view(MOT_F32, 1, (int64_t[]){4}), 1e-5);
    c->o.attrs.loss = (mot_loss)op_between(random, 0, MOT_N_LOSSES - 1);
    c->o.attrs.delta = 0.25f * (float)op_between(random, 1, 6);
    if (op_between(random, 0, 1))
        spread(random, pred, rows * columns);
    if (c->o.attrs.loss == MOT_LOSS_BCE)
        draw_targets(random, target, rows * columns);
    pred[0] = target[0]; /* where |d| has no slope */
    sums[0] = (double)rows;
    for (int64_t i = 0; i < rows * columns; i++) {
        double part[3];
        d[i] = ref_pointwise_loss(&c->o.attrs, (double)pred[i], (double)target[i], part) /
               (double)columns;
        for (int k = 0; k < 3; k++)
            sums[1 + k] += part[k] / (double)columns;
    }
    drop_gradient(c, random);
}
