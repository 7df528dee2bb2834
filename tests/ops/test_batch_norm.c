/* batch_norm and what belongs to it. */
#include "config.h"

#include "tests/ops/ops.h"
#include "tests/unit/reference_ops.h"

#include <stdlib.h>

typedef struct norm_case {
    ref_channels size;
    mot_view x, channel, sums, grad_sums;
    bool weight;
} norm_case;

/* (B,C), (B,C,S) or (B,C,H,W). */
static norm_case draw(op_case *c, mot_random *random, bool small)
{
    norm_case n = {.weight = op_between(random, 0, 3) > 0};
    const int n_dims = (int)op_between(random, 2, 4);
    int64_t dim[4] = {op_between(random, 1, small ? 4 : 20), op_between(random, 1, small ? 5 : 40),
                      op_between(random, 1, small ? 5 : 17), op_between(random, 1, small ? 9 : 33)};
    if (op_between(random, 0, 1)) /* whole vectors */
        dim[n_dims - 1] *= 4;
    for (int i = n_dims; i < 4; i++)
        dim[i] = 1;
    if (dim[0] * dim[2] * dim[3] < 4) /* of a few elements alike a deviation would be rounding */
        dim[0] += 3;
    n.size = (ref_channels){dim[0], dim[1], dim[2] * dim[3]};
    n.x = op_view(MOT_F32, n_dims, dim);
    n.channel = op_view(MOT_F32, 1, (int64_t[]){dim[1]});
    n.sums = op_view(MOT_F32, 1, (int64_t[]){2 * dim[1] + 1});
    n.grad_sums = op_view(MOT_F32, 1, (int64_t[]){2 * dim[1]});
    c->o.attrs.eps = op_between(random, 0, 1) ? 1e-5 : 1e-2;
    c->o.attrs.momentum = 0.1;
    c->o.attrs.activation = op_between(random, 0, 1) ? MOT_ACT_RELU : MOT_ACT_NONE;
    return n;
}

static double *doubles_of(const float *x, int64_t n)
{
    double *copy = op_doubles(n);
    for (int64_t i = 0; x && i < n; i++)
        copy[i] = (double)x[i];
    return copy;
}

/* Means that are not 0. */
static void shift(float *x, const norm_case *n)
{
    for (int64_t i = 0; i < ref_channels_elements(&n->size); i++)
        x[i] += (float)(ref_channel(&n->size, i) % 5) - 2.0f;
}

/* A sum's rounding grows with the root of how much is added. */
static double of_sums(const norm_case *n)
{
    return 1e-5 + 2e-6 * sqrt((double)(n->size.samples * n->size.plane));
}

/* Set input i to the sums of x, the harness's; as doubles, with the float's rounding. */
static double *sums_input(op_case *c, mot_random *random, int i, const norm_case *n,
                          const double *x, const double *mean)
{
    float *sums = op_input(c, random, i, n->sums);
    double *exact = op_doubles(op_elements(&n->sums));
    ref_batch_norm_sums(&n->size, exact, x, mean);
    for (int64_t k = 0; k < op_elements(&n->sums); k++)
        exact[k] = (double)(sums[k] = (float)exact[k]);
    return exact;
}

void make_batch_norm_sums(op_case *c, mot_random *random, bool small)
{
    const norm_case n = draw(c, random, small);
    float *x = op_input(c, random, 0, n.x), *mean = op_input(c, random, 1, n.channel);
    shift(x, &n);
    double *xd = doubles_of(x, op_elements(&n.x)), *md = doubles_of(mean, n.size.channels);
    ref_batch_norm_sums(&n.size, op_output(c, 0, n.sums, of_sums(&n)), xd, md);
    free(xd);
    free(md);
}

void make_batch_norm(op_case *c, mot_random *random, bool small)
{
    const norm_case n = draw(c, random, small);
    const bool running = op_between(random, 0, 2) == 0;
    float *x = op_input(c, random, 0, n.x), *mean = op_input(c, random, 1, n.channel);
    float *variance = op_input(c, random, 2, n.channel);
    shift(x, &n);
    for (int64_t i = 0; i < n.size.channels; i++)
        variance[i] += 1.01f;
    double *xd = doubles_of(x, op_elements(&n.x)), *md = doubles_of(mean, n.size.channels);
    double *vd = doubles_of(variance, n.size.channels);
    double *sums = running ? NULL : sums_input(c, random, 3, &n, xd, md);
    double *w = n.weight ? doubles_of(op_input(c, random, 4, n.channel), n.size.channels) : NULL;
    double *b = n.weight ? doubles_of(op_input(c, random, 5, n.channel), n.size.channels) : NULL;
    double *r =
        op_between(random, 0, 1)
            ? doubles_of(op_input(c, random, MOT_BATCH_NORM_RESIDUAL, n.x), op_elements(&n.x))
            : NULL;
    c->on_top = op_between(random, 0, 2) == 0 ? 0 : -1;
    /* The variance is a difference of sums. */
    ref_batch_norm(&c->o.attrs, &n.size, op_output(c, 0, n.x, 3e-5), xd, md, vd, sums, w, b, r);
    free(r);
    free(xd);
    free(md);
    free(vd);
    free(sums);
    free(w);
    free(b);
}

/* dy, x, sums, mean, which the gradients begin with; what is near the relu's edge moves away. */
typedef struct grad_case {
    norm_case n;
    double *dy, *x, *mean, *sums, *w, *b;
} grad_case;

static grad_case draw_grad(op_case *c, mot_random *random, bool small, int weight)
{
    grad_case g = {.n = draw(c, random, small)};
    const norm_case *n = &g.n;
    const int64_t all = op_elements(&n->x), channels = n->size.channels;
    g.dy = doubles_of(op_input(c, random, 0, n->x), all);
    float *x = op_input(c, random, 1, n->x);
    shift(x, n);
    g.x = doubles_of(x, all);
    g.mean = doubles_of(op_input(c, random, 3, n->channel), channels);
    g.sums = sums_input(c, random, 2, n, g.x, g.mean);
    if (n->weight) {
        g.w = doubles_of(op_input(c, random, weight, n->channel), channels);
        float *b = op_input(c, random, weight + 1, n->channel);
        g.b = doubles_of(b, channels);
    }
    /* Where rounding decides whether the relu passed, nothing comes. */
    float *dy = c->in[0];
    for (int64_t i = 0; i < all; i++) {
        const int64_t k = ref_channel(&n->size, i);
        const double v = ref_normalized(&c->o.attrs, &n->size, i, g.x, g.mean, NULL, g.sums);
        if (fabs(v * (g.w ? g.w[k] : 1) + (g.b ? g.b[k] : 0)) < 1e-4)
            g.dy[i] = (double)(dy[i] = 0);
    }
    return g;
}

static void free_grad(grad_case *g)
{
    free(g->dy);
    free(g->x);
    free(g->mean);
    free(g->sums);
    free(g->w);
    free(g->b);
}

void make_batch_norm_grad_sums(op_case *c, mot_random *random, bool small)
{
    grad_case g = draw_grad(c, random, small, 4);
    const double tolerance = of_sums(&g.n);
    double *sums = op_output(c, 0, g.n.grad_sums, tolerance);
    double *dw = g.w ? op_output(c, 1, g.n.channel, tolerance) : NULL;
    double *db = g.w ? op_output(c, 2, g.n.channel, tolerance) : NULL;
    ref_batch_norm_grad_sums(&c->o.attrs, &g.n.size, sums, dw, db, g.dy, g.x, g.sums, g.mean, g.w,
                             g.b);
    free_grad(&g);
}

void make_batch_norm_grad(op_case *c, mot_random *random, bool small)
{
    grad_case g = draw_grad(c, random, small, 5);
    const int64_t n = op_elements(&g.n.grad_sums);
    double *grad_sums = doubles_of(op_input(c, random, 4, g.n.grad_sums), n);
    c->on_top = op_between(random, 0, 2) == 0 ? 0 : -1;
    ref_batch_norm_grad(&c->o.attrs, &g.n.size, op_output(c, 0, g.n.x, 1e-4), g.dy, g.x, g.sums,
                        g.mean, grad_sums, g.w, g.b);
    free(grad_sums);
    free_grad(&g);
}

void make_batch_norm_update(op_case *c, mot_random *random, bool small)
{
    const norm_case n = draw(c, random, small);
    const int64_t channels = n.size.channels;
    float *x = op_floats(random, op_elements(&n.x));
    shift(x, &n);
    double *xd = doubles_of(x, op_elements(&n.x));
    double *mean = op_output(c, 0, n.channel, 1e-5), *variance = op_output(c, 1, n.channel, 1e-5);
    c->start[0] = op_floats(random, channels);
    c->start[1] = op_floats(random, channels);
    for (int64_t i = 0; i < channels; i++) {
        mean[i] = (double)c->start[0][i];
        variance[i] = (double)c->start[1][i];
    }
    double *sums = sums_input(c, random, 0, &n, xd, mean);
    ref_batch_norm_update(&c->o.attrs, channels, mean, variance, sums);
    free(x);
    free(xd);
    free(sums);
}
