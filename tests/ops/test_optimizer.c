/* The update of flat arrays: two steps' worth of state is tested by starting from a random one. */
#include "config.h"

#include "tests/ops/ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What each optimizer's maker begins with: a gradient, and one to five ranges with rules of their own.
 * lr, decay and tensor are those of each element. */
typedef struct flat {
    int64_t n;
    const float *w0;
    double *w, *g; /* g: the mean gradient, clipped */
    double *lr, *decay;
    int *tensor;
} flat;

static void set_scalar(op_case *c, int i, float value)
{
    memcpy(&c->scalars[i], &value, sizeof value);
}

static int64_t draw_length(mot_random *random, bool small)
{
    return 16 * op_between(random, 1, small ? 5 : 6000);
}

static const float *start(op_case *c, mot_random *random, int i, int64_t n, bool positive)
{
    float *x = op_floats(random, n);
    for (int64_t j = 0; positive && j < n; j++)
        x[j] = fabsf(x[j]);
    c->start[i] = x;
    return x;
}

/* Output `i` starts from something random, which is copied to `x0`; returns what is expected. */
static double *state(op_case *c, mot_random *random, int i, int64_t n, bool positive,
                     double tolerance, const float **x0)
{
    double *x = op_output(c, i, op_view(MOT_F32, 1, &n), tolerance);
    *x0 = start(c, random, i, n, positive);
    return x;
}

static void draw_ranges(op_case *c, mot_random *random, flat *f)
{
    enum { MOST = 5 };
    static const float scales[] = {1, 0.1f, 2}, decays[] = {0, 0.03f, 0.5f};
    int64_t first[MOST] = {0}, n_rows = 1;
    for (; n_rows < MOST && op_between(random, 0, 2) > 0; n_rows++) {
        first[n_rows] = first[n_rows - 1] + op_between(random, 1, f->n / 32 + 1);
        if (first[n_rows] >= f->n / 16)
            break;
    }
    float *row = op_input(c, random, 2, op_view(MOT_F32, 1, (int64_t[]){4 * n_rows}));
    int tensor = 0;
    for (int64_t r = 0; r < n_rows; r++, row += 4) {
        const uint32_t unit = (uint32_t)first[r];
        tensor += r > 0 && op_between(random, 0, 1);
        const uint32_t number = (uint32_t)tensor;
        memcpy(&row[0], &unit, sizeof unit);
        row[1] = scales[op_between(random, 0, 2)];
        row[2] = decays[op_between(random, 0, 2)];
        memcpy(&row[3], &number, sizeof number);
        for (int64_t i = 16 * first[r]; i < (r + 1 < n_rows ? 16 * first[r + 1] : f->n); i++) {
            f->lr[i] = (double)0.1f * (double)row[1];
            f->decay[i] = (double)row[2];
            f->tensor[i] = tensor;
        }
    }
}

static flat make_flat(op_case *c, mot_random *random, bool small)
{
    flat f = {.n = draw_length(random, small)};
    const int64_t n = f.n;
    /* Now and then nothing of the batch counts. */
    const float samples = op_between(random, 0, 7) ? (float)op_between(random, 1, 100) : 0;
    const float *grad = op_input(c, random, 0, op_view(MOT_F32, 1, &n));
    const double clip = op_between(random, 0, 1) ? 0.4 / fmax(1, (double)samples) : 0;
    op_input(c, random, 1, op_view(MOT_F32, 1, (int64_t[]){4}))[0] = samples;
    f.lr = op_doubles(n);
    f.decay = op_doubles(n);
    f.g = op_doubles(n);
    f.tensor = calloc((size_t)n, sizeof *f.tensor);
    draw_ranges(c, random, &f);
    c->o.attrs.clip_value = clip;
    set_scalar(c, MOT_SCALAR_LR, 0.1f);
    f.w = state(c, random, 0, n, false, 1e-6, &f.w0);
    for (int64_t i = 0; i < n; i++) {
        f.g[i] = samples > 0 ? (double)grad[i] / (double)samples : 0;
        if (clip > 0)
            f.g[i] = fmin(fmax(f.g[i], -clip), clip);
    }
    return f;
}

/* What every optimizer's maker ends with.  Now and then the step is one that is skipped. */
static void maybe_skip(op_case *c, mot_random *random)
{
    if (op_between(random, 0, 7) > 0)
        return;
    c->scalars[MOT_SCALAR_SKIP] = 1;
    for (int k = 0; k < c->o.n_out; k++)
        for (int64_t i = 0; i < op_elements(&c->o.out[k]); i++)
            c->expected[k][i] = (double)c->start[k][i];
}

static void finish(op_case *c, mot_random *random, flat *f)
{
    maybe_skip(c, random);
    free(f->lr);
    free(f->decay);
    free(f->g);
    free(f->tensor);
}

/* Weight decay as part of the gradient. */
static double with_decay(const flat *f, int64_t i)
{
    return f->g[i] + f->decay[i] * (double)f->w0[i];
}

void make_sgd(op_case *c, mot_random *random, bool small)
{
    flat f = make_flat(c, random, small);
    const bool has_velocity = op_between(random, 0, 2) > 0;
    const double momentum = c->o.attrs.momentum = has_velocity ? 0.9 : 0.0;
    const bool nesterov = c->o.attrs.nesterov = has_velocity && op_between(random, 0, 1);
    const float *v0 = NULL;
    double *v = has_velocity ? state(c, random, 1, f.n, false, 1e-6, &v0) : NULL;
    for (int64_t i = 0; i < f.n; i++) {
        double g = with_decay(&f, i);
        if (v) {
            v[i] = momentum * (double)v0[i] + g;
            g = nesterov ? g + momentum * v[i] : v[i];
        }
        f.w[i] = (double)f.w0[i] - f.lr[i] * g;
    }
    finish(c, random, &f);
}

static void set_biases(op_case *c, double b1, double b2, double *bias1, double *bias2)
{
    *bias1 = (double)(float)(1.0 - pow(b1, 3));
    *bias2 = (double)(float)(1.0 - pow(b2, 3));
    set_scalar(c, MOT_SCALAR_BIAS1, (float)*bias1);
    set_scalar(c, MOT_SCALAR_BIAS2, (float)*bias2);
}

/* adam, adamw and lamb: their moments, and the change without the learning rate. */
static void make_moments(op_case *c, mot_random *random, flat *f, double *change)
{
    const double b1 = c->o.attrs.beta1 = 0.9, b2 = c->o.attrs.beta2 = 0.999;
    const double eps = c->o.attrs.eps = 1e-8;
    const float *m0, *v0;
    double bias1, bias2;
    double *m = state(c, random, 1, f->n, false, 1e-6, &m0);
    double *v = state(c, random, 2, f->n, true, 1e-6, &v0);
    set_biases(c, b1, b2, &bias1, &bias2);
    c->tolerance[0] = 2e-5;
    for (int64_t i = 0; i < f->n; i++) {
        const double g = c->o.op == MOT_OP_adam ? with_decay(f, i) : f->g[i];
        m[i] = b1 * (double)m0[i] + (1.0 - b1) * g;
        v[i] = b2 * (double)v0[i] + (1.0 - b2) * g * g;
        change[i] = m[i] / bias1 / (sqrt(v[i] / bias2) + eps);
    }
}

void make_adam(op_case *c, mot_random *random, bool small)
{
    flat f = make_flat(c, random, small);
    double *change = op_doubles(f.n);
    make_moments(c, random, &f, change);
    for (int64_t i = 0; i < f.n; i++) {
        const double shrink = c->o.op == MOT_OP_adamw ? f.lr[i] * f.decay[i] : 0;
        f.w[i] = (1 - shrink) * (double)f.w0[i] - f.lr[i] * change[i];
    }
    free(change);
    finish(c, random, &f);
}

void make_adamw(op_case *c, mot_random *random, bool small)
{
    make_adam(c, random, small);
}

void make_lamb(op_case *c, mot_random *random, bool small)
{
    flat f = make_flat(c, random, small);
    double *change = op_doubles(f.n);
    make_moments(c, random, &f, change);
    c->tolerance[0] = 2e-4; /* the changes are large: v starts near 0 here and there */
    for (int64_t first = 0, last; first < f.n; first = last) {
        double of_w = 0, of_change = 0;
        for (last = first; last < f.n && f.tensor[last] == f.tensor[first]; last++) {
            change[last] += f.decay[last] * (double)f.w0[last];
            of_w += (double)f.w0[last] * (double)f.w0[last];
            of_change += change[last] * change[last];
        }
        for (int64_t i = first; i < last; i++)
            f.w[i] = (double)f.w0[i] - f.lr[i] * sqrt(of_w / of_change) * change[i];
    }
    free(change);
    finish(c, random, &f);
}

void make_rmsprop(op_case *c, mot_random *random, bool small)
{
    flat f = make_flat(c, random, small);
    const double alpha = c->o.attrs.beta2 = 0.99, eps = c->o.attrs.eps = 1e-8;
    const bool centered = c->o.attrs.centered = op_between(random, 0, 1);
    const double momentum = c->o.attrs.momentum = op_between(random, 0, 1) ? 0.9 : 0.0;
    const float *s0, *a0 = NULL, *u0 = NULL;
    double *s = state(c, random, 1, f.n, true, 1e-6, &s0), *a = NULL, *u = NULL;
    if (centered)
        a = state(c, random, 2, f.n, false, 1e-6, &a0);
    for (int64_t i = 0; centered && i < f.n;
         i++) { /* a mean whose square is below that of squares */
        c->start[1][i] += 0.1f;
        c->start[2][i] = a0[i] * 0.9f * sqrtf(s0[i]);
    }
    if (momentum > 0)
        u = state(c, random, 2 + centered, f.n, false, 1e-4, &u0);
    c->tolerance[0] = 2e-5;
    for (int64_t i = 0; i < f.n; i++) {
        const double g = with_decay(&f, i);
        double spread = s[i] = alpha * (double)s0[i] + (1.0 - alpha) * g * g;
        if (a) {
            a[i] = alpha * (double)a0[i] + (1.0 - alpha) * g;
            spread -= a[i] * a[i];
        }
        double d = g / (sqrt(spread) + eps);
        if (u)
            d = u[i] = momentum * (double)u0[i] + d;
        f.w[i] = (double)f.w0[i] - f.lr[i] * d;
    }
    finish(c, random, &f);
}

void make_adagrad(op_case *c, mot_random *random, bool small)
{
    flat f = make_flat(c, random, small);
    const double eps = c->o.attrs.eps = 1e-10;
    const float *s0;
    double *s = state(c, random, 1, f.n, true, 1e-6, &s0);
    for (int64_t i = 0; i < f.n; i++) {
        const double g = with_decay(&f, i);
        s[i] = (double)s0[i] + g * g;
        f.w[i] = (double)f.w0[i] - f.lr[i] * g / (sqrt(s[i]) + eps);
    }
    finish(c, random, &f);
}

void make_lion(op_case *c, mot_random *random, bool small)
{
    flat f = make_flat(c, random, small);
    const double b1 = c->o.attrs.beta1 = 0.9, b2 = c->o.attrs.beta2 = 0.99;
    const float *m0;
    double *m = state(c, random, 1, f.n, false, 1e-6, &m0);
    for (int64_t i = 0; i < f.n; i++) {
        double mixed = b1 * (double)m0[i] + (1.0 - b1) * f.g[i];
        if (fabs(mixed) < 1e-6) { /* rounding would decide its sign */
            c->start[1][i] = 1;
            mixed = b1 + (1.0 - b1) * f.g[i];
        }
        m[i] = b2 * (double)m0[i] + (1.0 - b2) * f.g[i];
        f.w[i] =
            (double)f.w0[i] - f.lr[i] * ((mixed > 0 ? 1.0 : -1.0) + f.decay[i] * (double)f.w0[i]);
    }
    finish(c, random, &f);
}

/* Long enough for several blocks, and now and then for more than 16 of them. */
void make_clip_norm(op_case *c, mot_random *random, bool small)
{
    const int64_t n = draw_length(random, small);
    const float samples = (float)op_between(random, 1, 100);
    const float *grad = op_input(c, random, 0, op_view(MOT_F32, 1, &n));
    op_input(c, random, 1, op_view(MOT_F32, 1, (int64_t[]){4}))[0] = samples;
    double *out = op_output(c, 0, op_view(MOT_F32, 1, (int64_t[]){4}), 1e-5), square = 0;
    for (int64_t i = 0; i < n; i++)
        square += (double)grad[i] * (double)grad[i];
    const double norm = sqrt(square) / (double)samples;
    const double most = c->o.attrs.clip_norm = norm * (op_between(random, 0, 1) ? 2.0 : 0.3);
    out[0] = (double)samples / fmin(1.0, most / (norm + 1e-6));
}

void make_average(op_case *c, mot_random *random, bool small)
{
    const int64_t n = draw_length(random, small);
    const float *w = op_input(c, random, 0, op_view(MOT_F32, 1, &n)), *a0;
    const bool first = op_between(random, 0, 2) == 0;
    c->o.attrs.average = 0.999;
    c->scalars[MOT_SCALAR_STEP] = first ? 0 : 7;
    double *a = state(c, random, 0, n, false, 1e-6, &a0);
    for (int64_t i = 0; i < n; i++)
        a[i] = first ? (double)w[i] : 0.999 * (double)a0[i] + (1.0 - 0.999) * (double)w[i];
    maybe_skip(c, random);
}

/* A number that is none in the gradient, a scale that is too large, or all is well; and then it may be
 * time to double the scale. */
void make_unscale(op_case *c, mot_random *random, bool small)
{
    const int64_t n = draw_length(random, small);
    const int64_t four = 4, one = 1, words = MOT_N_SCALARS, skipped = op_between(random, 0, 5);
    const bool finite = op_between(random, 0, 2) > 0, large = op_between(random, 0, 9) == 0;
    const float *scale0, *steps0, samples = (float)op_between(random, 1, 100);
    float *grad = op_input(c, random, 0, op_view(MOT_F32, 1, &n));
    op_input(c, random, 1, op_view(MOT_F32, 1, &four))[0] = samples;
    double *divisor = op_output(c, 0, op_view(MOT_F32, 1, &four), 0);
    double *scale = state(c, random, 1, one, false, 0, &scale0);
    double *steps = state(c, random, 2, four, true, 0, &steps0);
    double *step = op_output(c, 3, op_view(MOT_F32, 1, &words), 0);
    c->o.attrs.beta1 = 0.9;
    c->o.attrs.beta2 = 0.999;
    c->o.attrs.loss_scale_every = 3;
    c->start[1][0] = ldexpf(1.0f, large ? 127 : (int)op_between(random, 0, 30));
    c->start[2][MOT_LOSS_GOOD] = (float)op_between(random, 0, 2);
    c->start[2][MOT_LOSS_SKIPPED] = (float)skipped;
    c->scalars[MOT_SCALAR_STEP] = 7;
    set_scalar(c, MOT_SCALAR_LR, 0.1f);
    if (!finite)
        grad[op_between(random, 0, n - 1)] = op_between(random, 0, 1) ? NAN : -INFINITY;
    divisor[0] = (double)(samples * scale0[0]);
    const bool skip = !finite || !isfinite(samples * scale0[0]);
    const bool enough = !skip && steps0[MOT_LOSS_GOOD] + 1 >= 3;
    const bool doubles = enough && scale0[0] < 16777216.0f;
    scale[0] = (double)scale0[0] * (skip ? 0.5 : doubles ? 2.0 : 1.0);
    steps[MOT_LOSS_GOOD] = skip || enough ? 0 : (double)steps0[MOT_LOSS_GOOD] + 1;
    steps[MOT_LOSS_SKIPPED] = (double)skipped + skip;
    for (int i = MOT_LOSS_BIAS1; i <= MOT_LOSS_BIAS2; i++) {
        const double beta = i == MOT_LOSS_BIAS1 ? 0.9 : 0.999;
        const volatile float kept = (float)beta * steps0[i]; /* rounded, as in the kernel */
        steps[i] = skip ? (double)steps0[i] : (double)(kept + (float)(1 - beta));
    }
    for (int i = 0; i < MOT_N_SCALARS; i++) {
        const uint32_t word = i == MOT_SCALAR_STEP   ? 7 - (uint32_t)skipped
                              : i == MOT_SCALAR_SKIP ? skip
                                                     : c->scalars[i];
        float value;
        memcpy(&value, &word, sizeof value);
        step[i] = i == MOT_SCALAR_BIAS1   ? steps[MOT_LOSS_BIAS1]
                  : i == MOT_SCALAR_BIAS2 ? steps[MOT_LOSS_BIAS2]
                                          : (double)value;
    }
}

void make_accumulate(op_case *c, mot_random *random, bool small)
{
    const int64_t n = draw_length(random, small), four = 4, all = n + four;
    const uint32_t what = (uint32_t)op_between(random, 0, 4);
    const float *x0[3];
    double *x[3];
    x[0] = state(c, random, 0, n, false, 1e-6, &x0[0]);
    x[1] = state(c, random, 1, four, false, 1e-6, &x0[1]);
    x[2] = state(c, random, 2, all, false, 1e-6, &x0[2]);
    c->scalars[MOT_SCALAR_ACCUMULATE] = what;
    for (int64_t i = 0; i < all; i++) {
        const double g = (double)(i < n ? x0[0][i] : x0[1][i - n]), kept = (double)x0[2][i];
        *(i < n ? &x[0][i] : &x[1][i - n]) = what == MOT_ACCUMULATE_LAST   ? g + kept
                                             : what == MOT_ACCUMULATE_TAKE ? kept
                                                                           : g;
        x[2][i] = what == MOT_ACCUMULATE_KEEP ? g : what == MOT_ACCUMULATE_ADD ? kept + g : kept;
    }
}
