/* Trials: a problem with random operands (trial.c), its yardstick and a contender. */
#include "config.h"

#include "devices/tune.h"

#include "devices/state.h"
#include "devices/trial.h"
#include "runtime/base/clock.h"
#include "runtime/base/memory.h"
#include "runtime/base/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PAIRS = 64, MOST_RUNS = 1000 };

static const double LEAST_S = 1.5e-3, /* of one measurement */
    LEAST_GAIN = 0.03,
                    HOPELESS =
                        2; /* no second pair of runs for a contender that is so many times slower */

typedef struct contender {
    mot_commands *commands;
    mot_buffer *workspace;
    double run_s; /* of one run, roughly */
} contender;

struct mot_trial {
    mot_trial_data data;
    contender rule, other;
};

mot_status mot_trial_open(mot_device *device, const mot_problem *problem, mot_trial_check check,
                          mot_trial **out)
{
    mot_trial *t;
    mot_status status;
    MOT_TRY(mot_alloc(1, sizeof *t, &t));
    t->data = (mot_trial_data){.device = device, .problem = *problem, .check = check};
    MOT_TRY_GOTO(mot_trial_data_make(&t->data));
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
    mot_trial_data_free(&t->data);
    free(t);
}

/* ---- choices ---- */

mot_choice mot_trial_rule(const mot_trial *t)
{
    return mot_primitive_rule(t->data.device, &t->data.operands);
}

int mot_trial_candidates(const mot_trial *t, int variant, bool build, mot_choice *out, int most)
{
    const mot_choice rule = mot_trial_rule(t);
    const mot_problem *problem = &t->data.problem;
    mot_device *device = t->data.device;
    int n = 0;
    for (int v = 0; v < mot_primitive_n_variants(problem->op); v++) {
        mot_choice all[64];
        if ((variant >= 0 && v != variant) || !mot_primitive_suits(device, &t->data.operands, v))
            continue;
        int n_all = mot_primitive_candidates(device, &t->data.operands, v, all, 64);
        for (int i = v == rule.variant ? 1 : 0; i < n_all && n < most; i++) {
            const mot_choice as_built = mot_tuned_build_of(problem->op, &all[i]);
            const mot_choice plain = {.variant = v};
            if ((build || memcmp(&as_built, &plain, sizeof plain) == 0) &&
                !mot_tuned_is_struck(&device->tuned, problem, &all[i]))
                out[n++] = all[i];
        }
    }
    return n;
}

static mot_status run(mot_trial *t, contender *c, int n_runs, double *time_s)
{
    double start_s = mot_clock_s();
    for (int i = 0; i < n_runs; i++)
        MOT_TRY(mot_commands_run(c->commands, 0, mot_commands_count(c->commands), 0));
    MOT_TRY(mot_device_finish(t->data.device));
    *time_s = (mot_clock_s() - start_s) / n_runs;
    return MOT_OK;
}

static mot_status load(mot_trial *t, const mot_choice *choice, contender *c)
{
    mot_device *device = t->data.device;
    mot_operands o = t->data.operands;
    size_t bytes;
    dismiss(c);
    MOT_TRY(mot_primitive_workspace_choice(device, &o, choice, &bytes));
    if (bytes > 0)
        MOT_TRY(mot_buffer_new(device, bytes, &c->workspace));
    o.workspace = (mot_view){
        .buffer = c->workspace, .dtype = MOT_F32, .shape = {1, {(int64_t)(bytes / sizeof(float))}}};
    MOT_TRY(mot_commands_new(device, &c->commands));
    MOT_TRY(mot_primitive_record_choice(device, &o, choice, c->commands));
    MOT_TRY(mot_trial_data_clear(&t->data));
    return run(t, c, 1, &c->run_s);
}

mot_status mot_trial_load(mot_trial *t, const mot_choice *choice, bool is_rule)
{
    return load(t, choice, is_rule ? &t->rule : &t->other);
}

/* ---- numbers ---- */

/* What the plain kernel gives is what is expected. */
static mot_status expect_plain(mot_trial *t)
{
    const mot_choice plain = {0};
    contender c = {0};
    mot_status status = load(t, &plain, &c);
    dismiss(&c);
    if (status == MOT_OK)
        status = mot_trial_data_read(&t->data);
    if (status == MOT_OK)
        mot_trial_data_want(&t->data);
    return status;
}

mot_status mot_trial_verify(mot_trial *t, bool is_rule)
{
    contender *c = is_rule ? &t->rule : &t->other;
    if (is_rule && mot_trial_data_wants_plain(&t->data)) {
        /* That the plain kernel fails is no fault of the rule's; then its own numbers have to do. */
        const bool has_plain = expect_plain(t) == MOT_OK;
        MOT_TRY(mot_trial_data_clear(&t->data));
        MOT_TRY(run(t, c, 1, &c->run_s));
        MOT_TRY(mot_trial_data_read(&t->data));
        if (!has_plain)
            mot_trial_data_want(&t->data);
    } else {
        MOT_TRY(mot_trial_data_read(&t->data));
        if (is_rule)
            mot_trial_data_want(&t->data);
    }
    MOT_TRY(mot_trial_data_compare(&t->data));
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
