#include "config.h"

#include "devices/trial.h"

#include "runtime/base/memory.h"
#include "runtime/base/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 64 };
enum { A, B, BIAS, MASK, C = MOT_TRIAL_INPUTS, SUMS }; /* parts of a product */

static const double MOST_TERMS = 2.5e8, /* worked out on the host: about a quarter of a second */
    MOST_PLAIN = 2e9,                   /* by the plain kernel: about two seconds of a processor */
    FLOAT_SUMS = 1e-3; /* sums in another order are off by less, wrong numbers by more */

static bool is_output(int i)
{
    return i >= MOT_TRIAL_INPUTS;
}

/* ---- operands ---- */

static mot_status fill_input(mot_trial_part *part, int number)
{
    mot_random random;
    const size_t n = (size_t)part->elements;
    MOT_TRY(mot_alloc(n, sizeof(float), &part->host));
    if (part->dtype == MOT_F32) { /* else zeros: a class, or a token */
        mot_random_init(&random, (uint64_t)number + 1, MOT_STREAM_TEST, 0);
        for (size_t j = 0; j < n; j++)
            part->host[j] = 2 * mot_random_uniform(&random) - 1;
    }
    return mot_buffer_write(part->buffer, 0, n * mot_dtype_bytes(part->dtype), part->host);
}

static mot_status make_part(mot_trial_data *t, int i, mot_dtype dtype, int64_t elements)
{
    mot_trial_part *part = &t->part[i];
    const size_t n = (size_t)elements + (is_output(i) ? 2 * GUARD : 0);
    if (elements == 0)
        return MOT_OK;
    part->dtype = dtype;
    part->elements = elements;
    MOT_TRY(mot_buffer_new(t->device, n * mot_dtype_bytes(dtype), &part->buffer));
    if (!is_output(i))
        return fill_input(part, i);
    MOT_TRY(mot_alloc(n, sizeof(float), &part->host));
    return t->expected ? MOT_OK : mot_alloc(n, sizeof(float), &part->want);
}

static mot_view view_of(const mot_trial_data *t, int i)
{
    const mot_trial_part *part = &t->part[i];
    return (mot_view){.buffer = part->buffer,
                      .offset = is_output(i) ? GUARD : 0,
                      .dtype = part->dtype,
                      .shape = {1, {part->elements}}};
}

static mot_status make_product(mot_trial_data *t)
{
    const mot_problem *p = &t->problem;
    const bool trans_a = p->flags & MOT_MATMUL_TRANS_A, trans_b = p->flags & MOT_MATMUL_TRANS_B;
    MOT_TRY(make_part(t, A, MOT_F32, p->batch * p->m * p->k));
    MOT_TRY(make_part(t, B, MOT_F32, p->batch * p->k * p->n));
    MOT_TRY(make_part(t, C, MOT_F32, p->batch * p->m * p->n));
    MOT_TRY(make_part(t, BIAS, MOT_F32, p->flags & MOT_MATMUL_BIAS ? p->n : 0));
    MOT_TRY(make_part(t, MASK, MOT_F32, p->flags & MOT_MATMUL_MASK ? p->batch * p->m * p->n : 0));
    MOT_TRY(make_part(t, SUMS, MOT_F32, p->flags & MOT_MATMUL_SUMS ? p->m : 0));
    t->product = (mot_matmul){.c = view_of(t, C),
                              .a = view_of(t, A),
                              .b = view_of(t, B),
                              .bias = view_of(t, BIAS),
                              .mask = view_of(t, MASK),
                              .sums = view_of(t, SUMS),
                              .m = p->m,
                              .n = p->n,
                              .k = p->k,
                              .lda = trans_a ? p->m : p->k,
                              .ldb = trans_b ? p->k : p->n,
                              .ldc = p->n,
                              .batch = p->batch,
                              .stride_a = p->m * p->k,
                              .stride_b = p->k * p->n,
                              .stride_c = p->m * p->n,
                              .flags = p->flags};
    t->operands = (mot_operands){.op = MOT_OP_linear,
                                 .name = "trial",
                                 .n_out = 1,
                                 .n_in = 2,
                                 .out = {t->product.c},
                                 .in = {t->product.a, t->product.b},
                                 .product = &t->product};
    return MOT_OK;
}

static mot_status make_view(mot_trial_data *t, int i, mot_view *view)
{
    if (view->shape.n_dims == 0)
        return MOT_OK;
    MOT_TRY(make_part(t, i, view->dtype, mot_view_elements(view)));
    view->buffer = t->part[i].buffer;
    view->offset = is_output(i) ? GUARD : 0;
    return MOT_OK;
}

static mot_status make_operands(mot_trial_data *t)
{
    const uint32_t scalars[MOT_N_SCALARS] = {0};
    mot_operands o = mot_problem_pose(&t->problem);
    mot_problem posed;
    if (!mot_operands_problem(&o, t->problem.precision, &posed))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "the problem is none that choices are remembered for");
    for (int i = 0; i < o.n_in; i++)
        MOT_TRY(make_view(t, i, &o.in[i]));
    for (int i = 0; i < o.n_out; i++)
        MOT_TRY(make_view(t, MOT_TRIAL_INPUTS + i, &o.out[i]));
    MOT_TRY(mot_buffer_new(t->device, sizeof scalars, &t->scalars));
    MOT_TRY(mot_buffer_write(t->scalars, 0, sizeof scalars, scalars));
    o.scalars = (mot_view){.buffer = t->scalars, .dtype = MOT_F32, .shape = {1, {MOT_N_SCALARS}}};
    t->operands = o;
    return MOT_OK;
}

/* ---- what is expected of a product ---- */

static int64_t row_at(const mot_trial_data *t, int64_t i)
{
    const int64_t all = t->problem.batch * t->problem.m;
    return t->n_rows < 2 ? 0 : i * (all - 1) / (t->n_rows - 1);
}

static void expect_row(const mot_trial_data *t, int64_t row, double *out)
{
    const mot_matmul *p = &t->product;
    const int64_t z = row / p->m, i = row % p->m;
    const float *a = t->part[A].host + z * p->stride_a, *b = t->part[B].host + z * p->stride_b;
    const bool trans_a = p->flags & MOT_MATMUL_TRANS_A, trans_b = p->flags & MOT_MATMUL_TRANS_B;
    memset(out, 0, sizeof *out * (size_t)p->n);
    for (int64_t q = 0; q < p->k && !trans_b; q++) {
        const double x = (double)(trans_a ? a[q * p->m + i] : a[i * p->k + q]);
        for (int64_t j = 0; j < p->n; j++)
            out[j] += x * (double)b[q * p->n + j];
    }
    for (int64_t j = 0; j < p->n && trans_b; j++)
        for (int64_t q = 0; q < p->k; q++)
            out[j] +=
                (double)(trans_a ? a[q * p->m + i] : a[i * p->k + q]) * (double)b[j * p->k + q];
    for (int64_t j = 0; j < p->n; j++) {
        if (p->flags & MOT_MATMUL_BIAS)
            out[j] += (double)t->part[BIAS].host[j];
        if (p->flags & MOT_MATMUL_RELU)
            out[j] = fmax(out[j], 0);
        if (p->flags & MOT_MATMUL_MASK && !(t->part[MASK].host[row * p->n + j] > 0))
            out[j] = 0;
    }
}

/* Memory for what is expected; before the operands are made, which then keep nothing else for it. */
static mot_status make_expected(mot_trial_data *t)
{
    const mot_problem *p = &t->problem;
    const double terms = (double)p->n * (double)p->k, most = fmax(8, MOST_TERMS / terms);
    const int64_t all = p->batch * p->m;
    t->n_rows = (double)all < most ? all : (int64_t)most;
    return mot_alloc((size_t)(t->n_rows * p->n), sizeof *t->expected, &t->expected);
}

mot_status mot_trial_data_make(mot_trial_data *t)
{
    if (!mot_problem_is_product(&t->problem))
        return make_operands(t);
    if (t->check == MOT_TRIAL_EXACT)
        MOT_TRY(make_expected(t));
    MOT_TRY(make_product(t));
    for (int64_t i = 0; i < t->n_rows; i++)
        expect_row(t, row_at(t, i), t->expected + i * t->problem.n);
    return MOT_OK;
}

void mot_trial_data_free(mot_trial_data *t)
{
    for (int i = 0; i < MOT_TRIAL_PARTS; i++) {
        mot_buffer_free(t->part[i].buffer);
        free(t->part[i].host);
        free(t->part[i].want);
    }
    mot_buffer_free(t->scalars);
    free(t->expected);
}

bool mot_trial_data_wants_plain(const mot_trial_data *t)
{
    return t->check == MOT_TRIAL_EXACT && !t->expected &&
           mot_problem_work(&t->problem) <= MOST_PLAIN;
}

/* ---- numbers ---- */

mot_status mot_trial_data_clear(mot_trial_data *t)
{
    const bool adds = t->problem.flags & MOT_MATMUL_ACCUMULATE;
    for (int i = MOT_TRIAL_INPUTS; i < MOT_TRIAL_PARTS; i++) {
        mot_trial_part *part = &t->part[i];
        const int64_t n = part->elements + 2 * GUARD;
        if (part->elements == 0)
            continue;
        for (int64_t j = 0; j < n; j++)
            part->host[j] = adds && i == C && j >= GUARD && j < n - GUARD ? 0.0f : NAN;
        MOT_TRY(mot_buffer_write(part->buffer, 0, (size_t)n * sizeof(float), part->host));
    }
    return MOT_OK;
}

mot_status mot_trial_data_read(mot_trial_data *t)
{
    for (int i = MOT_TRIAL_INPUTS; i < MOT_TRIAL_PARTS; i++) {
        mot_trial_part *part = &t->part[i];
        if (part->elements > 0)
            MOT_TRY(mot_buffer_read(
                part->buffer, 0, (size_t)(part->elements + 2 * GUARD) * sizeof(float), part->host));
    }
    return MOT_OK;
}

void mot_trial_data_want(mot_trial_data *t)
{
    for (int i = MOT_TRIAL_INPUTS; i < MOT_TRIAL_PARTS; i++)
        if (t->part[i].want)
            memcpy(t->part[i].want, t->part[i].host,
                   (size_t)(t->part[i].elements + 2 * GUARD) * sizeof(float));
}

static double rounding(const mot_problem *p)
{
    return p->precision == MOT_PRECISION_FLOAT32 ? 1
           : p->precision == MOT_PRECISION_TF32  ? 2e2
                                                 : 1.6e3;
}

/* Of a sum of `k` products of numbers up to 1. */
static double tolerance(const mot_problem *p)
{
    return 1e-5 * rounding(p) * (1 + (double)p->k / 4);
}

static mot_status wrong(int64_t i, double got, double want)
{
    return MOT_FAIL(MOT_ERR_NUMERIC, "wrong numbers: %g, not %g at %" PRId64, got, want, i);
}

/* Nothing outside of the output is written, all of it is, with numbers. */
static mot_status check_written(const mot_trial_part *part)
{
    for (int64_t i = 0; i < GUARD; i++)
        if (!isnan(part->host[i]) || !isnan(part->host[GUARD + part->elements + i]))
            return MOT_FAIL(MOT_ERR_NUMERIC, "wrong numbers: it writes outside of its output");
    for (int64_t i = 0; i < part->elements; i++)
        if (!isfinite(part->host[GUARD + i]))
            return wrong(i, (double)part->host[GUARD + i], 0);
    return MOT_OK;
}

static mot_status compare_product(const mot_trial_data *t)
{
    const mot_matmul *p = &t->product;
    const float *got = t->part[C].host + GUARD, *sums = t->part[SUMS].host;
    for (int64_t r = 0; r < t->n_rows; r++)
        for (int64_t j = 0, i = row_at(t, r); j < p->n; j++) {
            const double want = t->expected[r * p->n + j], is = (double)got[i * p->n + j];
            if (!(fabs(is - want) <= tolerance(&t->problem)))
                return wrong(i * p->n + j, is, want);
        }
    for (int64_t i = 0; i < t->part[SUMS].elements; i++) {
        const float *a = t->part[A].host;
        double want = 0;
        for (int64_t q = 0; q < p->k; q++)
            want += (double)a[p->flags & MOT_MATMUL_TRANS_A ? q * p->m + i : i * p->k + q];
        if (!(fabs((double)sums[GUARD + i] - want) <= tolerance(&t->problem)))
            return wrong(i, (double)sums[GUARD + i], want);
    }
    return MOT_OK;
}

static mot_status compare_wanted(const mot_trial_data *t, const mot_trial_part *part)
{
    double largest = 0;
    for (int64_t i = GUARD; i < part->elements + GUARD; i++)
        largest = fmax(largest, fabs((double)part->want[i]));
    const double most = mot_problem_is_product(&t->problem)
                            ? tolerance(&t->problem)
                            : FLOAT_SUMS * fmin(20, rounding(&t->problem)) * largest;
    for (int64_t i = GUARD; i < part->elements + GUARD; i++)
        if (!(fabs((double)part->host[i] - (double)part->want[i]) <= most))
            return wrong(i - GUARD, (double)part->host[i], (double)part->want[i]);
    return MOT_OK;
}

mot_status mot_trial_data_compare(const mot_trial_data *t)
{
    for (int i = MOT_TRIAL_INPUTS; i < MOT_TRIAL_PARTS; i++)
        if (t->part[i].elements > 0) {
            MOT_TRY(check_written(&t->part[i]));
            if (t->part[i].want)
                MOT_TRY(compare_wanted(t, &t->part[i]));
        }
    return t->expected ? compare_product(t) : MOT_OK;
}
