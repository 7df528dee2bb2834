/* Trials: a problem with random operands, its yardstick and a contender.
 *
 * Before a choice is checked, the output is filled with NaN, guard words before and behind it too.
 * In the product that is expected, sums are in double; rows of it that there is no time to work out
 * are looked through for NaN only.
 */
#include "config.h"

#include "devices/tune.h"

#include "devices/matmul.h"
#include "devices/state.h"
#include "runtime/base/clock.h"
#include "runtime/base/memory.h"
#include "runtime/base/numbers.h"
#include "runtime/base/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 64, MOST_PAIRS = 64, MOST_RUNS = 1000 };

static const double MOST_TERMS = 2.5e8, /* worked out on the host: about a quarter of a second */
    LEAST_S = 1.5e-3,                   /* of one measurement */
    LEAST_GAIN = 0.03,
                    HOPELESS =
                        2; /* no second pair of runs for a contender that is so many times slower */

typedef enum { A, B, C, BIAS, MASK, SUMS, N_PARTS } part;

typedef struct contender {
    mot_commands *commands;
    mot_buffer *workspace;
    double run_s; /* of one run, roughly */
} contender;

struct mot_trial {
    mot_device *device;
    mot_problem problem;
    mot_trial_check check;
    mot_matmul product;
    mot_operands operands;
    mot_buffer *buffer[N_PARTS];
    float *host[N_PARTS];      /* inputs; outputs: to read into */
    int64_t elements[N_PARTS]; /* 0: absent; without the guards of C */
    int64_t n_rows;            /* of the expected product, evenly spread over batch * m */
    double *expected;          /* [n_rows][n] */
    contender rule, other;
};

/* ---- operands ---- */

static mot_status make_part(mot_trial *t, part i)
{
    mot_random random;
    const size_t n = (size_t)t->elements[i] + (i == C ? 2 * GUARD : 0);
    if (t->elements[i] == 0)
        return MOT_OK;
    MOT_TRY(mot_alloc(n, sizeof(float), &t->host[i]));
    MOT_TRY(mot_buffer_new(t->device, n * sizeof(float), &t->buffer[i]));
    if (i == C || i == SUMS)
        return MOT_OK;
    mot_random_init(&random, (uint64_t)i + 1, MOT_STREAM_TEST, 0);
    for (size_t j = 0; j < n; j++)
        t->host[i][j] = 2 * mot_random_uniform(&random) - 1;
    return mot_buffer_write(t->buffer[i], 0, n * sizeof(float), t->host[i]);
}

static mot_view view_of(const mot_trial *t, part i)
{
    return (mot_view){.buffer = t->buffer[i],
                      .offset = i == C ? GUARD : 0,
                      .dtype = MOT_F32,
                      .shape = {1, {t->elements[i]}}};
}

static mot_status make_operands(mot_trial *t)
{
    const mot_problem *p = &t->problem;
    const bool trans_a = p->flags & MOT_MATMUL_TRANS_A, trans_b = p->flags & MOT_MATMUL_TRANS_B;
    t->elements[A] = p->batch * p->m * p->k;
    t->elements[B] = p->batch * p->k * p->n;
    t->elements[C] = p->batch * p->m * p->n;
    t->elements[BIAS] = p->flags & MOT_MATMUL_BIAS ? p->n : 0;
    t->elements[MASK] = p->flags & MOT_MATMUL_MASK ? p->batch * p->m * p->n : 0;
    t->elements[SUMS] = p->flags & MOT_MATMUL_SUMS ? p->m : 0;
    for (int i = 0; i < N_PARTS; i++)
        MOT_TRY(make_part(t, (part)i));
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

/* ---- what is expected ---- */

static int64_t row_at(const mot_trial *t, int64_t i)
{
    const int64_t all = t->problem.batch * t->problem.m;
    return t->n_rows < 2 ? 0 : i * (all - 1) / (t->n_rows - 1);
}

static void expect_row(const mot_trial *t, int64_t row, double *out)
{
    const mot_matmul *p = &t->product;
    const int64_t z = row / p->m, i = row % p->m;
    const float *a = t->host[A] + z * p->stride_a, *b = t->host[B] + z * p->stride_b;
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
            out[j] += (double)t->host[BIAS][j];
        if (p->flags & MOT_MATMUL_RELU)
            out[j] = fmax(out[j], 0);
        if (p->flags & MOT_MATMUL_MASK && !(t->host[MASK][row * p->n + j] > 0))
            out[j] = 0;
    }
}

static mot_status make_expected(mot_trial *t)
{
    const mot_problem *p = &t->problem;
    const double terms = (double)p->n * (double)p->k, most = fmax(8, MOST_TERMS / terms);
    const int64_t all = p->batch * p->m;
    t->n_rows = t->check == MOT_TRIAL_BY_RULE || (double)all < most ? all : (int64_t)most;
    MOT_TRY(mot_alloc((size_t)(t->n_rows * p->n), sizeof *t->expected, &t->expected));
    for (int64_t i = 0; i < t->n_rows && t->check == MOT_TRIAL_EXACT; i++)
        expect_row(t, row_at(t, i), t->expected + i * p->n);
    return MOT_OK;
}

mot_status mot_trial_open(mot_device *device, const mot_problem *problem, mot_trial_check check,
                          mot_trial **out)
{
    mot_trial *t;
    mot_status status;
    MOT_TRY(mot_alloc(1, sizeof *t, &t));
    t->device = device;
    t->problem = *problem;
    t->check = check;
    MOT_TRY_GOTO(make_operands(t));
    MOT_TRY_GOTO(make_expected(t));
    *out = t;
    return MOT_OK;
fail:
    mot_trial_close(t);
    return status;
}

static void dismiss(contender *c)
{
    mot_commands_free(c->commands);
    mot_buffer_free(c->workspace);
    *c = (contender){0};
}

void mot_trial_close(mot_trial *t)
{
    if (!t)
        return;
    dismiss(&t->rule);
    dismiss(&t->other);
    for (int i = 0; i < N_PARTS; i++) {
        mot_buffer_free(t->buffer[i]);
        free(t->host[i]);
    }
    free(t->expected);
    free(t);
}

/* ---- choices ---- */

mot_choice mot_trial_rule(const mot_trial *t)
{
    return mot_primitive_rule(t->device, &t->operands);
}

int mot_trial_candidates(const mot_trial *t, int variant, bool build, mot_choice *out, int most)
{
    const mot_choice rule = mot_trial_rule(t);
    int n = 0;
    for (int v = 0; v < MOT_MATMUL_N_VARIANTS; v++) {
        mot_choice all[64];
        if ((variant >= 0 && v != variant) || !mot_primitive_suits(t->device, &t->operands, v))
            continue;
        int n_all = mot_primitive_candidates(t->device, &t->operands, v, all, 64);
        for (int i = v == rule.variant ? 1 : 0; i < n_all && n < most; i++) {
            const mot_choice as_built = mot_tuned_build_of(&all[i]);
            const mot_choice plain = {.variant = v};
            if ((build || memcmp(&as_built, &plain, sizeof plain) == 0) &&
                !mot_tuned_is_struck(&t->device->tuned, &t->problem, &all[i]))
                out[n++] = all[i];
        }
    }
    return n;
}

static mot_status fill_outputs(mot_trial *t)
{
    const bool adds = t->problem.flags & MOT_MATMUL_ACCUMULATE;
    for (int i = 0; i < N_PARTS; i++) {
        const int64_t guard = i == C ? GUARD : 0, n = t->elements[i] + 2 * guard;
        if ((i != C && i != SUMS) || t->elements[i] == 0)
            continue;
        for (int64_t j = 0; j < n; j++)
            t->host[i][j] = adds && j >= guard && j < n - guard ? 0.0f : NAN;
        MOT_TRY(mot_buffer_write(t->buffer[i], 0, (size_t)n * sizeof(float), t->host[i]));
    }
    return MOT_OK;
}

static mot_status run(mot_trial *t, contender *c, int n_runs, double *time_s)
{
    double start_s = mot_clock_s();
    for (int i = 0; i < n_runs; i++)
        MOT_TRY(mot_commands_run(c->commands, 0, mot_commands_count(c->commands), 0));
    MOT_TRY(mot_device_finish(t->device));
    *time_s = (mot_clock_s() - start_s) / n_runs;
    return MOT_OK;
}

mot_status mot_trial_load(mot_trial *t, const mot_choice *choice, bool is_rule)
{
    contender *c = is_rule ? &t->rule : &t->other;
    mot_operands o = t->operands;
    size_t bytes;
    dismiss(c);
    MOT_TRY(mot_primitive_workspace_choice(t->device, &o, choice, &bytes));
    if (bytes > 0)
        MOT_TRY(mot_buffer_new(t->device, bytes, &c->workspace));
    o.workspace = (mot_view){
        .buffer = c->workspace, .dtype = MOT_F32, .shape = {1, {(int64_t)(bytes / sizeof(float))}}};
    MOT_TRY(mot_commands_new(t->device, &c->commands));
    MOT_TRY(mot_primitive_record_choice(t->device, &o, choice, c->commands));
    MOT_TRY(fill_outputs(t));
    return run(t, c, 1, &c->run_s);
}

/* ---- numbers ---- */

static double tolerance(const mot_problem *p)
{
    const double relative = p->precision == MOT_PRECISION_FLOAT32 ? 1e-5
                            : p->precision == MOT_PRECISION_TF32  ? 2e-3
                                                                  : 1.6e-2;
    return relative * (1 + (double)p->k / 4);
}

static mot_status wrong(int64_t i, int64_t j, double got, double want)
{
    return MOT_FAIL(MOT_ERR_NUMERIC, "wrong numbers: %g, not %g at (%" PRId64 ",%" PRId64 ")", got,
                    want, i, j);
}

static mot_status compare_sums(const mot_trial *t)
{
    const mot_matmul *p = &t->product;
    for (int64_t i = 0; i < t->elements[SUMS]; i++) {
        double want = 0;
        for (int64_t q = 0; q < p->k; q++)
            want += (double)t->host[A][p->flags & MOT_MATMUL_TRANS_A ? q * p->m + i : i * p->k + q];
        if (!(fabs((double)t->host[SUMS][i] - want) <= tolerance(&t->problem)))
            return wrong(i, -1, (double)t->host[SUMS][i], want);
    }
    return MOT_OK;
}

static mot_status compare(const mot_trial *t)
{
    const int64_t n = t->problem.n;
    const float *got = t->host[C] + GUARD;
    for (int64_t i = 0; i < GUARD; i++)
        if (!isnan(t->host[C][i]) || !isnan(got[t->elements[C] + i]))
            return MOT_FAIL(MOT_ERR_NUMERIC, "wrong numbers: it writes outside of its output");
    for (int64_t i = 0; i < t->elements[C]; i++)
        if (!isfinite(got[i]))
            return wrong(i / n, i % n, (double)got[i], 0);
    for (int64_t r = 0; r < t->n_rows; r++)
        for (int64_t j = 0, i = row_at(t, r); j < n; j++) {
            const double want = t->expected[r * n + j], is = (double)got[i * n + j];
            if (!(fabs(is - want) <= tolerance(&t->problem)))
                return wrong(i, j, is, want);
        }
    return compare_sums(t);
}

mot_status mot_trial_verify(mot_trial *t, bool is_rule)
{
    const part outputs[2] = {C, SUMS};
    contender *c = is_rule ? &t->rule : &t->other;
    for (int i = 0; i < 2; i++) {
        const part x = outputs[i];
        const size_t n = (size_t)t->elements[x] + (x == C ? 2 * GUARD : 0);
        if (t->elements[x] > 0)
            MOT_TRY(mot_buffer_read(t->buffer[x], 0, n * sizeof(float), t->host[x]));
    }
    if (is_rule && t->check == MOT_TRIAL_BY_RULE)
        for (int64_t i = 0; i < t->elements[C]; i++)
            t->expected[i] = (double)t->host[C][GUARD + i];
    MOT_TRY(compare(t));
    return run(t, c, 1, &c->run_s); /* the first one compiled */
}

/* ---- time ---- */

mot_status mot_trial_time(mot_trial *t, int n_pairs, double limit_s, mot_timing *out)
{
    double time_s[2][MOST_PAIRS], ratio[MOST_PAIRS], start_s = mot_clock_s();
    contender *c[2] = {&t->rule, &t->other};
    int runs[2], n = 0, n_wins = 0;
    for (int i = 0; i < 2; i++)
        runs[i] = (int)fmin(MOST_RUNS, fmax(1, ceil(LEAST_S / fmax(c[i]->run_s, 1e-7))));
    for (; n < n_pairs && n < MOST_PAIRS; n++) {
        if (n > 0 && mot_clock_s() - start_s > limit_s)
            break;
        for (int i = 0; i < 2; i++) /* who goes first changes */
            MOT_TRY(run(t, c[(i + n) % 2], runs[(i + n) % 2], &time_s[(i + n) % 2][n]));
        ratio[n] = time_s[1][n] / fmax(time_s[0][n], 1e-9);
        n_wins += ratio[n] < 1;
        if (ratio[n] > HOPELESS)
            n_pairs = n + 1;
    }
    *out = (mot_timing){.n_pairs = n, .n_wins = n_wins};
    out->ratio = mot_median(ratio, (size_t)n);
    out->rule_s = mot_median(time_s[0], (size_t)n);
    out->time_s = mot_median(time_s[1], (size_t)n);
    return MOT_OK;
}

bool mot_timing_wins(const mot_timing *timing)
{
    return timing->n_pairs > 0 && timing->ratio <= 1 - LEAST_GAIN &&
           timing->time_s < timing->rule_s && 4 * timing->n_wins >= 3 * timing->n_pairs;
}
