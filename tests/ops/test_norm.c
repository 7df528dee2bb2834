/* norm, norm_grad. */
#include "config.h"

#include "tests/ops/ops.h"
#include "tests/unit/reference_ops.h"

#include <stdlib.h>

typedef struct norm_case {
    mot_view x, stats, parameter;
    ref_norm_sizes size;
    bool weight, bias;
} norm_case;

/* Layer and RMS norm of (B,T,D); group norm of (B,C,S), S now and then 1. */
static norm_case draw(op_case *c, mot_random *random, bool small)
{
    norm_case n = {.weight = op_between(random, 0, 3) > 0};
    const int64_t samples = op_between(random, 1, small ? 4 : 16);
    mot_attrs *a = &c->o.attrs;
    n.bias = n.weight && op_between(random, 0, 3) > 0;
    a->norm = (mot_norm)op_between(random, MOT_NORM_LAYER, MOT_NORM_GROUP);
    a->eps = op_between(random, 0, 1) ? 1e-5 : 1e-2;
    if (a->norm == MOT_NORM_GROUP) {
        const int64_t groups = op_between(random, 1, small ? 3 : 8);
        const int64_t each = op_between(random, 2, small ? 3 : 8);
        const int64_t run = op_between(random, 0, 2) ? op_between(random, 2, small ? 40 : 200) : 1;
        n.x = op_view(MOT_F32, 3, (int64_t[]){samples, groups * each, run});
        n.size.n = groups * each;
        a->group = each * run;
    } else {
        const int64_t tokens = op_between(random, 0, 1) ? op_between(random, 1, small ? 3 : 8) : 1;
        int64_t wide = op_between(random, 2, small ? 40 : op_between(random, 0, 2) ? 130 : 700);
        if (op_between(random, 0, 2) > 0) /* whole vectors */
            wide = (wide + 3) / 4 * 4;
        n.x = op_view(MOT_F32, 3, (int64_t[]){samples, tokens, wide});
        n.size.n = a->group = wide;
    }
    n.size.elements = op_elements(&n.x);
    n.size.sample = n.size.elements / samples;
    n.size.group = a->group;
    n.stats = op_view(MOT_F32, 3, (int64_t[]){samples, n.size.sample / a->group, 2});
    n.parameter = op_view(MOT_F32, 1, &n.size.n);
    c->on_top = op_between(random, 0, 2) == 0 ? 0 : -1;
    return n;
}

static double *doubles_of(const float *x, int64_t n)
{
    double *copy = op_doubles(n);
    for (int64_t i = 0; i < n; i++)
        copy[i] = (double)x[i];
    return copy;
}

/* Runs with a mean that is not 0; none in which all elements are alike, where a deviation near 0
 * would make rounding large. */
static void shift(float *x, const ref_norm_sizes *size)
{
    for (int64_t i = 0; i < size->elements; i++)
        x[i] += (float)(i / size->group % 7) - (i % size->group == 0 ? 5.0f : 3.0f);
}

void make_norm(op_case *c, mot_random *random, bool small)
{
    norm_case n = draw(c, random, small);
    float *x = op_input(c, random, 0, n.x);
    const float *w = n.weight ? op_input(c, random, 1, n.parameter) : NULL;
    const float *b = n.bias ? op_input(c, random, 2, n.parameter) : NULL;
    shift(x, &n.size);
    /* The mean of a run is a sum. */
    const double tolerance = 2e-6 + 2e-7 * sqrt((double)n.size.group);
    double *y = op_output(c, 0, n.x, tolerance), *stats = op_output(c, 1, n.stats, tolerance);
    double *dx = doubles_of(x, n.size.elements), *dw = w ? doubles_of(w, n.size.n) : NULL;
    double *db = b ? doubles_of(b, n.size.n) : NULL;
    ref_norm(&c->o.attrs, &n.size, y, stats, dx, dw, db);
    free(dx);
    free(dw);
    free(db);
}

void make_norm_grad(op_case *c, mot_random *random, bool small)
{
    norm_case n = draw(c, random, small);
    const int64_t rows = n.size.elements / n.size.group;
    const float *dy = op_input(c, random, 0, n.x);
    float *x = op_input(c, random, 1, n.x), *stats = op_input(c, random, 2, n.stats);
    const float *w = n.weight ? op_input(c, random, 3, n.parameter) : NULL;
    shift(x, &n.size);
    double *dyd = doubles_of(dy, n.size.elements), *xd = doubles_of(x, n.size.elements);
    double *wd = w ? doubles_of(w, n.size.n) : NULL, *sd = op_doubles(2 * rows);
    double *dx = op_output(c, 0, n.x, 1e-5);
    /* A sum's rounding grows with the root of how much is added. */
    const double tolerance = 2e-6 * sqrt((double)n.size.elements / (double)n.size.n) + 1e-5;
    double *dw = w ? op_output(c, 1, n.parameter, tolerance) : NULL;
    double *db = n.bias ? op_output(c, 2, n.parameter, tolerance) : NULL;
    ref_norm(&c->o.attrs, &n.size, dx, sd, xd, NULL, NULL);
    for (int64_t i = 0; i < 2 * rows; i++)
        sd[i] = (double)(stats[i] = (float)sd[i]);
    ref_norm_grad(&c->o.attrs, &n.size, dx, dw, db, dyd, xd, sd, wd);
    free(dyd);
    free(xd);
    free(wd);
    free(sd);
}
