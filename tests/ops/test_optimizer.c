/* sgd, adam: two steps' worth of state is tested by starting from a random one. */
#include "config.h"

#include "tests/ops/ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void set_scalar(op_case *c, int i, float value)
{
    memcpy(&c->scalars[i], &value, sizeof value);
}

/* Inputs {grad, sums}; the sums say `samples`. */
static const float *make_flat(op_case *c, mot_random *random, bool small, int64_t *n,
                              double *samples)
{
    *n = op_between(random, 1, small ? 70 : 100000);
    *samples = (double)op_between(random, 1, 100);
    const float *grad = op_input(c, random, 0, op_view(MOT_F32, 1, n));
    float *sums = op_input(c, random, 1, op_view(MOT_F32, 1, (int64_t[]){4}));
    sums[0] = (float)*samples;
    c->o.attrs.weight_decay = op_between(random, 0, 1) ? 0.03 : 0;
    set_scalar(c, MOT_SCALAR_LR, 0.1f);
    return grad;
}

static const float *start(op_case *c, mot_random *random, int i, int64_t n, bool positive)
{
    float *x = op_floats(random, n);
    for (int64_t j = 0; positive && j < n; j++)
        x[j] = fabsf(x[j]);
    c->start[i] = x;
    return x;
}

void make_sgd(op_case *c, mot_random *random, bool small)
{
    int64_t n;
    double samples;
    const float *grad = make_flat(c, random, small, &n, &samples);
    const bool has_velocity = op_between(random, 0, 1);
    const double momentum = has_velocity ? 0.9 : 0.0;
    c->o.attrs.momentum = momentum;
    double *w = op_output(c, 0, op_view(MOT_F32, 1, &n), 1e-6), *v = NULL;
    const float *w0 = start(c, random, 0, n, false), *v0 = NULL;
    if (has_velocity) {
        v = op_output(c, 1, op_view(MOT_F32, 1, &n), 1e-6);
        v0 = start(c, random, 1, n, false);
    }
    for (int64_t i = 0; i < n; i++) {
        double g = (double)grad[i] / samples + c->o.attrs.weight_decay * (double)w0[i];
        if (v)
            g = v[i] = momentum * (double)v0[i] + g;
        w[i] = (double)w0[i] - (double)0.1f * g;
    }
}

void make_adam(op_case *c, mot_random *random, bool small)
{
    int64_t n;
    double samples;
    const float *grad = make_flat(c, random, small, &n, &samples);
    const double b1 = c->o.attrs.beta1 = 0.9, b2 = c->o.attrs.beta2 = 0.999;
    const double eps = c->o.attrs.eps = 1e-8;
    const double bias1 = (double)(float)(1.0 - pow(0.9, 3)),
                 bias2 = (double)(float)(1.0 - pow(0.999, 3));
    set_scalar(c, MOT_SCALAR_BIAS1, (float)bias1);
    set_scalar(c, MOT_SCALAR_BIAS2, (float)bias2);
    double *w = op_output(c, 0, op_view(MOT_F32, 1, &n), 2e-5);
    double *m = op_output(c, 1, op_view(MOT_F32, 1, &n), 1e-6);
    double *v = op_output(c, 2, op_view(MOT_F32, 1, &n), 1e-6);
    const float *w0 = start(c, random, 0, n, false), *m0 = start(c, random, 1, n, false);
    const float *v0 = start(c, random, 2, n, true);
    for (int64_t i = 0; i < n; i++) {
        const double g = (double)grad[i] / samples + c->o.attrs.weight_decay * (double)w0[i];
        m[i] = b1 * (double)m0[i] + (1.0 - b1) * g;
        v[i] = b2 * (double)v0[i] + (1.0 - b2) * g * g;
        w[i] = (double)w0[i] - (double)0.1f / bias1 * m[i] / (sqrt(v[i] / bias2) + eps);
    }
}
