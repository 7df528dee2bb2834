/* softmax, softmax_xent, mse. */
#include "config.h"

#include "tests/ops/ops.h"

#include <math.h>
#include <stdlib.h>

static void draw_sizes(mot_random *random, bool small, int64_t *rows, int64_t *columns)
{
    *rows = op_between(random, 1, small ? 9 : 300);
    *columns = op_between(random, 1, small ? 20 : op_between(random, 0, 2) ? 30 : 2000);
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

void make_softmax_xent(op_case *c, mot_random *random, bool small)
{
    int64_t rows, columns;
    draw_sizes(random, small, &rows, &columns);
    float *x = op_input(c, random, 0, op_view_rows(rows, columns));
    double *d = op_output(c, 0, op_view_rows(rows, columns), 1e-6);
    double *sums = op_output(c, 1, op_view(MOT_F32, 1, (int64_t[]){4}), 2e-6);
    int32_t *label = calloc((size_t)rows, sizeof *label);
    spread(random, x, rows * columns);
    c->o.in[1] =
        rows % 3 ? op_view(MOT_I32, 1, &rows) : op_view(MOT_I32, 2, (int64_t[]){rows / 3, 3});
    c->in[1] = label;
    c->o.n_in = 2;
    sums[0] = (double)rows;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t largest = first_largest(x + r * columns, columns);
        label[r] =
            (int32_t)(op_between(random, 0, 1) ? largest : op_between(random, 0, columns - 1));
        sums[1] += softmax_row(d + r * columns, x + r * columns, columns) -
                   (double)x[r * columns + label[r]];
        sums[2] += label[r] == largest;
        d[r * columns + label[r]] -= 1.0;
    }
    c->on_top = op_between(random, 0, 2) == 0 ? 0 : -1;
    if (c->on_top < 0 && op_between(random, 0, 2) == 0) { /* evaluating: no gradient */
        free(d);
        c->expected[0] = NULL;
        c->o.out[0] = (mot_view){0};
    }
}

void make_mse(op_case *c, mot_random *random, bool small)
{
    int64_t rows, columns;
    draw_sizes(random, small, &rows, &columns);
    const float *pred = op_input(c, random, 0, op_view2(rows, columns));
    const float *target = op_input(c, random, 1, op_view2(rows, columns));
    double *d = op_output(c, 0, op_view2(rows, columns), 1e-6);
    double *sums = op_output(c, 1, op_view(MOT_F32, 1, (int64_t[]){4}), 1e-5);
    sums[0] = (double)rows;
    for (int64_t i = 0; i < rows * columns; i++) {
        const double off = (double)pred[i] - (double)target[i];
        d[i] = 2.0 * off / (double)columns;
        sums[1] += off * off / (double)columns;
    }
    c->on_top = op_between(random, 0, 2) == 0 ? 0 : -1;
    if (c->on_top < 0 && op_between(random, 0, 2) == 0) {
        free(d);
        c->expected[0] = NULL;
        c->o.out[0] = (mot_view){0};
    }
}
