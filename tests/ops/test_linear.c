/* linear, linear_dinput, linear_dweight. */
#include "config.h"

#include "tests/ops/ops.h"

#include <math.h>

/* Some sizes that real networks have, then odd ones. */
static void draw_sizes(mot_random *random, bool small, int64_t *batch, int64_t *n, int64_t *k)
{
    static const int64_t usual[][3] = {{64, 128, 784},  {64, 10, 128}, {1, 10, 17},
                                       {256, 256, 256}, {37, 65, 129}, {300, 310, 320}};
    if (small) {
        *batch = op_between(random, 1, 9);
        *n = op_between(random, 1, 40);
        *k = op_between(random, 1, 20);
    } else if (op_between(random, 0, 1)) {
        const int64_t *size = usual[op_between(random, 0, 5)];
        *batch = size[0];
        *n = size[1];
        *k = size[2];
    } else {
        *batch = op_between(random, 1, 200);
        *n = op_between(random, 1, 200);
        *k = op_between(random, 1, 300);
    }
}

/* c (m,n) += sum over p of a[i*ai + p*ap] b[j*bj + p*bp] */
static void product(double *c, const float *a, const float *b, int64_t m, int64_t n, int64_t k,
                    int64_t ai, int64_t ap, int64_t bj, int64_t bp)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            for (int64_t p = 0; p < k; p++)
                c[i * n + j] += (double)a[i * ai + p * ap] * (double)b[j * bj + p * bp];
}

void make_linear(op_case *c, mot_random *random, bool small)
{
    int64_t batch, n, k;
    draw_sizes(random, small, &batch, &n, &k);
    const float *x = op_input(c, random, 0, op_view_rows(batch, k));
    const float *w = op_input(c, random, 1, op_view2(n, k));
    double *y = op_output(c, 0, op_view_rows(batch, n), 1e-5 * sqrt((double)k));
    product(y, x, w, batch, n, k, k, 1, k, 1);
    if (op_between(random, 0, 1)) {
        const float *b = op_input(c, random, 2, op_view(MOT_F32, 1, &n));
        for (int64_t i = 0; i < batch * n; i++)
            y[i] += (double)b[i % n];
    }
    if (op_between(random, 0, 1)) {
        c->o.attrs.activation = MOT_ACT_RELU;
        for (int64_t i = 0; i < batch * n; i++)
            y[i] = fmax(y[i], 0.0);
    }
}

void make_linear_dinput(op_case *c, mot_random *random, bool small)
{
    int64_t batch, n, k;
    draw_sizes(random, small, &batch, &n, &k);
    const float *dy = op_input(c, random, 0, op_view_rows(batch, n));
    const float *w = op_input(c, random, 1, op_view2(n, k));
    double *dx = op_output(c, 0, op_view_rows(batch, k), 1e-5 * sqrt((double)n));
    product(dx, dy, w, batch, k, n, n, 1, 1, k);
    if (op_between(random, 0, 1)) {
        const float *h = op_input(c, random, 2, op_view_rows(batch, k));
        for (int64_t i = 0; i < batch * k; i++)
            dx[i] = h[i] > 0.0f ? dx[i] : 0.0;
    }
}

void make_linear_dweight(op_case *c, mot_random *random, bool small)
{
    int64_t batch, n, k;
    draw_sizes(random, small, &batch, &n, &k);
    const float *dy = op_input(c, random, 0, op_view_rows(batch, n));
    float *x = op_input(c, random, 1, op_view_rows(batch, k));
    if (op_between(random, 0, 1))
        op_narrow(c, 1, op_between(random, 0, 1) ? MOT_BF16 : MOT_F16, &x);
    product(op_output(c, 0, op_view2(n, k), 1e-5 * sqrt((double)batch)), dy, x, n, k, batch, 1, n,
            1, k);
    if (op_between(random, 0, 1)) {
        double *db = op_output(c, 1, op_view(MOT_F32, 1, &n), 1e-5 * sqrt((double)batch));
        for (int64_t i = 0; i < batch * n; i++)
            db[i % n] += (double)dy[i];
    }
}
