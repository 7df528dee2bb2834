/* fit.c: before training, what does each device carry?
 *
 * Every device runs the user's model on a few sizes, one device at a time, and gets a line
 * time = a + b * samples.  Devices can share silicon, memory or power, so the shares that follow are
 * measured again with all devices running together, and the lines corrected, until the shares stay.
 * At last whole training steps are timed, exchange and update included: with all devices, without the
 * one that carries least, and so on down to the strongest alone.  The fastest is taken, and whoever
 * is left out is told why, with the numbers.  On one rank the executor is then opened anew on the
 * devices that are left: one device takes none of the hops of the exchange.
 *
 * Every rank computes the same from the same gathered numbers.
 */
#include "config.h"

#include "runtime/train/trainer.h"

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_TOGETHER = 3, MIN_RUNS = 3, MAX_RUNS = 40, STEP_ROUNDS = 3, TURNS = 2 };

static const double MEASURE_S = 0.04, /* aim of one measurement */
    LONG_S = 0.1,  /* what takes so long is measured once: noise is a small part of it */
    HOPELESS = 30, /* a device so many times slower than the best is measured no further */
    WORTH = 0.03,  /* other devices or shares must gain more than this */
    TUNE_S = 1;    /* a device, once */

/* ---- measuring ---- */

static int runs_for(double one_s)
{
    const int least = one_s < LONG_S ? MIN_RUNS : 1;
    const double n = MEASURE_S / one_s;
    return n < least ? least : n > MAX_RUNS ? MAX_RUNS : (int)n;
}

/* Run the shares in `share` (any batch) on all devices at once; times over all ranks go to time_s. */
static mot_status measure(mot_trainer *t, const int64_t *share, int n_runs, double *time_s)
{
    mot_plan *plan = NULL;
    double *mine = NULL;
    int64_t batch = 0;
    for (int d = 0; d < t->machine.n_devices; d++)
        batch += share[d];
    for (int i = 0; i < t->n_devices; i++)
        t->active[i] = true;
    mot_status status = mot_alloc((size_t)t->n_devices, sizeof *mine, &mine);
    if (status == MOT_OK)
        status = mot_plan_build(t->graph, mot_exec_memory(t->exec), &t->machine, batch, share,
                                (size_t)t->set.bucket_bytes, &plan);
    if (status == MOT_OK)
        status = mot_exec_set_plan(t->exec, plan, t->first_device, t->active);
    t->current = NULL;
    if (status == MOT_OK)
        status = mot_exec_measure(t->exec, n_runs, mine);
    status = mot_trainer_agree(t, status);
    if (status == MOT_OK)
        status = mot_trainer_gather(t, mine, time_s);
    mot_plan_free(plan);
    free(mine);
    return status;
}

static mot_status run_steps(mot_trainer *t, int n)
{
    for (int i = 0; i < n; i++)
        MOT_TRY(mot_exec_step(t->exec, &(mot_step_scalars){.bias1 = 1, .bias2 = 1}));
    MOT_TRY(mot_exec_finish(t->exec));
    for (mot_step_result ignored; mot_exec_next_result(t->exec, &ignored);)
        continue;
    return MOT_OK;
}

/* Time of whole training steps with the present shares: the best of some rounds, so that what else
 * the machine does counts little, on the slowest rank.  The number of steps comes from what all ranks
 * know, so that all make the same. */
static mot_status measure_step(mot_trainer *t, double *step_s)
{
    double mine = INFINITY, *all;
    int n = runs_for(mot_balance_step_s(&t->machine, t->share));
    mot_status status = run_steps(t, n < MIN_RUNS ? n : MIN_RUNS);
    for (int round = 0; status == MOT_OK && round < STEP_ROUNDS; round++) {
        double start = mot_clock_s();
        status = run_steps(t, n);
        mine = fmin(mine, (mot_clock_s() - start) / n);
    }
    MOT_TRY(mot_trainer_agree(t, status));
    MOT_TRY(mot_alloc((size_t)mot_comm_size(t->comm), sizeof *all, &all));
    status = mot_comm_all_gather(t->comm, &mine, sizeof mine, all);
    for (int r = 0; r < mot_comm_size(t->comm); r++)
        mine = fmax(mine, all[r]);
    free(all);
    *step_s = mine;
    return status;
}

/* ---- fitting ---- */

typedef struct fit {
    double *time_s[3];  /* [3][n_devices] measured alone */
    double *samples[3]; /* for so many samples; 0: not measured */
    int64_t *share, *best_share;
    double best_step_s;
} fit;

static void fit_free(fit *f)
{
    for (int i = 0; i < 3; i++) {
        free(f->time_s[i]);
        free(f->samples[i]);
    }
    free(f->share);
    free(f->best_share);
}

static mot_status fit_alloc(fit *f, int n_devices)
{
    size_t n = (size_t)n_devices;
    *f = (fit){0};
    for (int i = 0; i < 3; i++) {
        MOT_TRY(mot_alloc(n, sizeof(double), &f->time_s[i]));
        MOT_TRY(mot_alloc(n, sizeof(double), &f->samples[i]));
    }
    MOT_TRY(mot_alloc(n, sizeof(int64_t), &f->share));
    return mot_alloc(n, sizeof(int64_t), &f->best_share);
}

/* Device d alone on a part of the batch, the k-th measurement.  How many runs the first is worth is
 * known after one: a slow device among fast ones must not hold up the start by forty of them. */
static mot_status measure_alone(mot_trainer *t, fit *f, int d, int k, int64_t samples)
{
    int n_devices = t->machine.n_devices;
    double *time_s;
    int64_t most = (int64_t)t->machine.device[d].max_batch;
    samples = samples > most ? most : samples < 1 ? 1 : samples;
    memset(f->share, 0, sizeof *f->share * (size_t)n_devices);
    f->share[d] = samples;
    MOT_TRY(mot_alloc((size_t)n_devices, sizeof *time_s, &time_s));
    mot_status status = MOT_OK;
    if (k == 0)
        status = measure(t, f->share, 1, time_s);
    const int n_runs = status == MOT_OK ? runs_for(k > 0 ? f->time_s[k - 1][d] : time_s[d]) : 0;
    if (status == MOT_OK && (k > 0 || n_runs > 1))
        status = measure(t, f->share, n_runs, time_s);
    f->time_s[k][d] = time_s[d];
    f->samples[k][d] = (double)samples;
    free(time_s);
    return status;
}

/* Lines of all devices, each alone.  A hopeless one gets the line through its first measurement. */
static mot_status fit_alone(mot_trainer *t, fit *f)
{
    int n = t->machine.n_devices;
    const int64_t size[3] = {t->set.part / 8, t->set.part / 2, t->set.part};
    double best = INFINITY;
    for (int d = 0; d < n; d++) {
        MOT_TRY(measure_alone(t, f, d, 0, size[0]));
        best = fmin(best, f->time_s[0][d] / f->samples[0][d]);
    }
    for (int d = 0; d < n; d++) {
        bool hopeless = f->time_s[0][d] / f->samples[0][d] > HOPELESS * best;
        for (int k = 1; k < 3 && !hopeless; k++)
            MOT_TRY(measure_alone(t, f, d, k, size[k]));
        double samples[3], time_s[3];
        int points = 0;
        for (int k = 0; k < 3; k++)
            if (f->samples[k][d] > 0 && (k == 0 || f->samples[k][d] > f->samples[k - 1][d])) {
                samples[points] = f->samples[k][d];
                time_s[points++] = f->time_s[k][d];
            }
        mot_machine_device *device = &t->machine.device[d];
        mot_fit_line(samples, time_s, points, &device->a_s, &device->b_s);
        mot_log(MOT_LOG_INFO, "fit device %s rank %d a_us %.1f b_us %.3f", device->id, device->rank,
                1e6 * device->a_s, 1e6 * device->b_s);
    }
    return MOT_OK;
}

/* Correct the lines by what the devices carry when all run at once, until the shares stay. */
static mot_status fit_together(mot_trainer *t, fit *f)
{
    int n = t->machine.n_devices;
    double *time_s;
    int64_t *previous;
    MOT_TRY(mot_balance_shares(&t->machine, t->set.part, f->share));
    MOT_TRY(mot_alloc((size_t)n, sizeof *time_s, &time_s));
    mot_status status = mot_alloc((size_t)n, sizeof *previous, &previous);
    for (int round = 0; status == MOT_OK && round < ROUNDS_TOGETHER; round++) {
        memcpy(previous, f->share, sizeof *previous * (size_t)n);
        status = measure(t, f->share, runs_for(mot_balance_step_s(&t->machine, f->share)), time_s);
        for (int d = 0; status == MOT_OK && d < n; d++) {
            mot_machine_device *device = &t->machine.device[d];
            double predicted = device->a_s + device->b_s * (double)f->share[d];
            if (f->share[d] > 0 && predicted > 0) {
                device->a_s *= time_s[d] / predicted;
                device->b_s *= time_s[d] / predicted;
            }
        }
        if (status == MOT_OK)
            status = mot_balance_shares(&t->machine, t->set.part, f->share);
        if (memcmp(previous, f->share, sizeof *previous * (size_t)n) == 0)
            break;
    }
    free(previous);
    free(time_s);
    return status;
}

/* Time real steps with these shares; *least_s becomes the time of one, where that is less. */
static mot_status time_shares(mot_trainer *t, const int64_t *share, double *least_s)
{
    double step_s;
    MOT_TRY(mot_trainer_agree(t, mot_trainer_set_shares(t, share)));
    MOT_TRY(measure_step(t, &step_s));
    *least_s = fmin(*least_s, step_s);
    return MOT_OK;
}

/* Time real steps with f->share; keep them if they are the fastest so far by more than the band. */
static mot_status try_shares(mot_trainer *t, fit *f, double band, double *step_s)
{
    *step_s = INFINITY;
    MOT_TRY(time_shares(t, f->share, step_s));
    if (*step_s < f->best_step_s * (1 - band)) {
        f->best_step_s = *step_s;
        memcpy(f->best_share, f->share, sizeof *f->share * (size_t)t->machine.n_devices);
    }
    return MOT_OK;
}

/* ---- leaving out ---- */

static mot_device_report *report_of(mot_trainer *t, int device)
{
    return &t->device_report[t->report_of[device]];
}

static void give_reasons(mot_trainer *t, const fit *f, const double *with_s,
                         const double *without_s)
{
    for (int d = 0; d < t->machine.n_devices; d++) {
        const mot_machine_device *device = &t->machine.device[d];
        char *reason = report_of(t, d)->reason;
        if (f->best_share[d] > 0)
            continue;
        if (with_s[d] > 0)
            snprintf(reason, sizeof report_of(t, d)->reason,
                     "left out: a step takes %.3g ms with it, %.3g ms without", 1e3 * with_s[d],
                     1e3 * without_s[d]);
        else
            snprintf(
                reason, sizeof report_of(t, d)->reason,
                "left out: too slow, one sample takes it %.3g ms, the batch without it %.3g ms",
                1e3 * (device->a_s + device->b_s),
                1e3 * mot_balance_step_s(&t->machine, f->best_share));
        mot_log(MOT_LOG_INFO, "device %s rank %d %s", device->id, device->rank, reason);
    }
}

static int weakest(const int64_t *share, int n)
{
    int least = -1;
    for (int d = 0; d < n; d++)
        if (share[d] > 0 && (least < 0 || share[d] < share[least]))
            least = d;
    return least;
}

static int count_shares(const int64_t *share, int n)
{
    int count = 0;
    for (int d = 0; d < n; d++)
        count += share[d] > 0;
    return count;
}

/* Take devices away, the one that carries least first, down to one; the best shares stay in f. */
static mot_status leave_out(mot_trainer *t, fit *f)
{
    int n = t->machine.n_devices;
    double *with_s, *without_s = NULL, before_s = f->best_step_s, step_s = 0;
    mot_machine trial = {.n_devices = n};
    MOT_TRY(mot_alloc((size_t)n, sizeof *with_s, &with_s));
    mot_status status = mot_alloc((size_t)n, sizeof *without_s, &without_s);
    if (status == MOT_OK)
        status = mot_alloc((size_t)n, sizeof *trial.device, &trial.device);
    if (status == MOT_OK)
        memcpy(trial.device, t->machine.device, sizeof *trial.device * (size_t)n);
    while (status == MOT_OK && t->set.leave_out && count_shares(f->share, n) > 1) {
        int d = weakest(f->share, n);
        trial.device[d].max_batch = 0;
        if (mot_balance_shares(&trial, t->set.part, f->share) != MOT_OK)
            break; /* the others' memory does not hold the batch */
        status = try_shares(t, f, WORTH, &step_s);
        with_s[d] = before_s;
        without_s[d] = step_s;
        before_s = step_s;
    }
    if (status == MOT_OK)
        give_reasons(t, f, with_s, without_s);
    free(trial.device);
    free(with_s);
    free(without_s);
    return status;
}

/* One rank: go on with the devices that have samples only. */
static mot_status shrink(mot_trainer *t, fit *f)
{
    int kept = 0;
    if (mot_comm_size(t->comm) > 1 ||
        count_shares(f->best_share, t->machine.n_devices) == t->n_devices)
        return MOT_OK;
    mot_machine_device line[MOT_MAX_LOCAL_DEVICES];
    mot_exec_close(t->exec);
    t->exec = NULL;
    for (int i = 0; i < t->n_devices; i++) {
        mot_device *device = t->device[i];
        if (f->best_share[i] == 0) {
            mot_device_close(device);
            continue;
        }
        line[kept] = t->machine.device[i];
        f->best_share[kept] = f->best_share[i];
        t->report_of[kept] = t->report_of[i];
        t->device[kept++] = device;
    }
    t->n_devices = kept;
    MOT_TRY(mot_trainer_open_exec(t));
    memcpy(t->machine.device, line, sizeof *line * (size_t)kept);
    return MOT_OK;
}

/* ---- the whole ---- */

/* Speed over equal shares, predicted by the lines and measured by turns.  Where equal shares of the
 * same devices turn out to be faster they are taken. */
static mot_status compare_with_equal(mot_trainer *t, fit *f)
{
    int n = t->machine.n_devices, n_used = count_shares(f->best_share, n);
    double *predicted = &t->report.equal_share_gain_predicted,
           *measured = &t->report.equal_share_gain_measured;
    if (n_used < 2)
        return MOT_OK;
    if (mot_balance_equal(&t->machine, t->set.part, f->share) != MOT_OK)
        return MOT_OK; /* equal shares do not fit: nothing to compare with */
    *predicted = *measured = 1;
    if (memcmp(f->share, f->best_share, sizeof *f->share * (size_t)n) == 0)
        return MOT_OK;
    double equal_s = INFINITY;
    for (int turn = 0; turn < TURNS; turn++) {
        MOT_TRY(time_shares(t, f->share, &equal_s));
        MOT_TRY(time_shares(t, f->best_share, &f->best_step_s));
    }
    if (equal_s < (1 - WORTH) * f->best_step_s && count_shares(f->share, n) == n_used) {
        mot_log(MOT_LOG_INFO, "fit equal_shares_ms %.3f others_ms %.3f taken equal", 1e3 * equal_s,
                1e3 * f->best_step_s);
        memcpy(f->best_share, f->share, sizeof *f->share * (size_t)n);
        return MOT_OK;
    }
    *predicted =
        mot_balance_step_s(&t->machine, f->share) / mot_balance_step_s(&t->machine, f->best_share);
    *measured = equal_s / f->best_step_s;
    return MOT_OK;
}

static mot_status fit_auto(mot_trainer *t)
{
    fit f = {0};
    double step_s;
    mot_status status = fit_alloc(&f, t->machine.n_devices);
    f.best_step_s = INFINITY;
    MOT_TRY_GOTO(mot_trainer_agree(t, status));
    MOT_TRY_GOTO(fit_alone(t, &f));
    MOT_TRY_GOTO(fit_together(t, &f));
    MOT_TRY_GOTO(try_shares(t, &f, 0, &step_s));
    MOT_TRY_GOTO(leave_out(t, &f));
    MOT_TRY_GOTO(shrink(t, &f));
    MOT_TRY_GOTO(compare_with_equal(t, &f));
    status = mot_trainer_set_shares(t, f.best_share);
    fit_free(&f);
    return mot_trainer_agree(t, status);
fail:
    fit_free(&f);
    return status;
}

static mot_status fit_given(mot_trainer *t)
{
    int n = t->machine.n_devices;
    if (n == 1) {
        t->share_scratch[0] = t->set.part;
    } else if (strcmp(t->set.shares, "equal") == 0) {
        MOT_TRY(mot_balance_equal(&t->machine, t->set.part, t->share_scratch));
    } else {
        if (t->set.n_share_weights != n)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "train.shares has %d numbers, the devices are %d",
                            t->set.n_share_weights, n);
        MOT_TRY(mot_balance_weights(t->set.share_weight, n, t->set.part, t->share_scratch));
    }
    for (int d = 0; d < n; d++)
        if ((double)t->share_scratch[d] > t->machine.device[d].max_batch)
            return MOT_FAIL(MOT_ERR_MEMORY,
                            "device %s: %" PRId64 " samples do not fit in its memory, %.0f do; "
                            "give it a smaller weight in train.shares, or make data.batch smaller",
                            t->machine.device[d].id, t->share_scratch[d],
                            t->machine.device[d].max_batch);
    return mot_trainer_set_shares(t, t->share_scratch);
}

/* Record and run what training will run, so that no step waits for a compiler. */
static mot_status warm_up(mot_trainer *t, int64_t n)
{
    MOT_TRY(mot_trainer_agree(t, mot_trainer_use_plan(t, n)));
    return mot_trainer_agree(t, run_steps(t, MIN_RUNS));
}

/* Each rank by itself; what its choices are for this batch is settled, and on disk, afterwards. */
static mot_status tune(mot_trainer *t, int64_t n, double budget_s)
{
    MOT_TRY(mot_trainer_agree(t, mot_trainer_use_plan(t, n)));
    return mot_trainer_agree(t, mot_exec_tune(t->exec, budget_s));
}

mot_status mot_trainer_fit(mot_trainer *t)
{
    /* Sizes that occur beside the usual one: at the end of a batch in parts, and of an epoch. */
    const int64_t odd[] = {t->set.batch % t->set.part,
                           t->data->n_train % t->set.batch % t->set.part};
    MOT_TRY(mot_trainer_make_room(t));
    MOT_TRY(mot_trainer_open_exec(t));
    MOT_TRY(mot_report_open(t));
    if (strcmp(t->set.shares, "auto") == 0 && t->machine.n_devices > 1)
        MOT_TRY(fit_auto(t));
    else
        MOT_TRY(mot_trainer_agree(t, fit_given(t)));
    /* What is searched runs by the kernels that a step is made of: they are built first. */
    if (t->set.tune)
        MOT_TRY(warm_up(t, t->set.part));
    MOT_TRY(tune(t, t->set.part, TUNE_S));
    for (int i = 0; i < 2; i++)
        if (odd[i] > 0) {
            MOT_TRY(tune(t, odd[i], 0));
            MOT_TRY(warm_up(t, odd[i]));
        }
    MOT_TRY(warm_up(t, t->set.part));
    mot_trainer_take_times(t);
    mot_report_forget_times(t);
    return mot_trainer_explain_shares(t);
}
