/* loop.c: the training loop.
 *
 * Steps of an epoch are consecutive ranges of one permutation; a step's results come back later than
 * it is handed out, in order, and are the same on every rank.  Whatever ends the loop early does so
 * at a step boundary that all ranks share: a failure, a loss that is no number, a request to stop.
 */
#include "config.h"

#include "runtime/train/trainer.h"

#include "runtime/base/clock.h"
#include "runtime/base/memory.h"
#include "runtime/base/random.h"
#include "runtime/base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_UP_STEPS = 8, MAX_INTERVALS = 1 << 16 };

int64_t mot_trainer_batches(const mot_trainer *t)
{
    return (t->data->n_train + t->set.batch - 1) / t->set.batch;
}

int64_t mot_trainer_total_steps(const mot_trainer *t)
{
    if (!t->data)
        return 0;
    int64_t all = t->set.epochs * mot_trainer_batches(t);
    return t->set.max_steps > 0 && t->set.max_steps < all ? t->set.max_steps : all;
}

/* A schedule without a length of its own goes over what the configuration says, not over what
 * --steps leaves of it: a run that stops early and goes on is the run that did not stop. */
double mot_trainer_lr(const mot_trainer *t, int64_t step)
{
    mot_schedule schedule = t->set.schedule;
    int64_t batches = mot_trainer_batches(t), steps = t->set.epochs * batches;
    if (t->set.config_steps > 0 && t->set.config_steps < steps)
        steps = t->set.config_steps;
    if (schedule.length == 0)
        schedule.length = schedule.by_epoch ? (steps + batches - 1) / batches : steps;
    return mot_schedule_lr(&schedule, schedule.by_epoch ? step / batches : step);
}

/* ---- failures of one rank ---- */

/* The others know nothing of it and go on to the next step, so this rank does too: asks all to stop
 * with it, and tells them why when all have. */
static void keep_failure(mot_trainer *t, mot_status status)
{
    if (status == MOT_OK || t->failed != MOT_OK)
        return;
    t->failed = status;
    if (mot_strdup(mot_error_message(), &t->failed_message) != MOT_OK)
        t->failed_message = NULL;
}

static mot_status tell_failure(mot_trainer *t)
{
    mot_status status = t->failed;
    if (status != MOT_OK)
        mot_error_set(t->failed_message ? t->failed_message : "out of memory");
    free(t->failed_message);
    t->failed_message = NULL;
    t->failed = MOT_OK;
    return mot_trainer_agree(t, status);
}

/* ---- results ---- */

/* Speeds are taken from when steps were done, not from when they were handed out.  What lies between
 * the last step before a boundary and the first behind it is not training. */
static void count_step(mot_trainer *t, const mot_step_result *result)
{
    double took_s = result->done_s - t->last_step_at_s;
    bool first = t->last_step_at_s == 0;
    t->last_step_at_s = result->done_s;
    if (first)
        return;
    t->train_s += took_s;
    t->samples_timed += result->samples;
    if (++t->n_steps_timed > WARM_UP_STEPS && t->n_intervals < MAX_INTERVALS &&
        mot_grow(&t->interval_s, &t->interval_capacity, t->n_intervals + 1,
                 sizeof *t->interval_s) == MOT_OK)
        t->interval_s[t->n_intervals++] = took_s;
}

static double rate(double samples, double time_s)
{
    return time_s > 0 ? samples / time_s : 0;
}

/* Of the running epoch. */
static double samples_per_second(const mot_trainer *t)
{
    return rate(t->samples_timed - t->epoch_began_samples, t->train_s - t->epoch_began_s);
}

static mot_status take_results(mot_trainer *t, bool *stop)
{
    for (mot_step_result result; mot_exec_next_result(t->exec, &result);) {
        if (!isfinite(result.loss))
            return MOT_FAIL(MOT_ERR_NUMERIC,
                            "the loss is %s at step %" PRId64 " (epoch %" PRId64
                            "); make train.optimizer.lr (%g) smaller or look at the data",
                            isnan(result.loss) ? "not a number" : "infinite", result.step + 1,
                            t->now.epoch + 1, t->set.optimizer.lr);
        count_step(t, &result);
        t->now.epoch_loss += result.loss;
        t->now.epoch_samples += result.samples;
        *stop = *stop || result.n_stop > 0;
        keep_failure(t, mot_metrics_step(t, &result));
    }
    return MOT_OK;
}

/* Wait for all steps and take what they gave. */
static mot_status settle(mot_trainer *t, bool *stop)
{
    MOT_TRY(mot_trainer_agree(t, mot_exec_finish(t->exec)));
    return take_results(t, stop);
}

/* ---- one step ---- */

static mot_status order_of_epoch(mot_trainer *t, int64_t epoch)
{
    int64_t n = t->data->n_train;
    if (t->order_epoch == epoch)
        return MOT_OK;
    if (!t->order)
        MOT_TRY(mot_alloc((size_t)n, sizeof *t->order, &t->order));
    if (t->set.shuffle)
        mot_random_permutation(t->set.seed, MOT_STREAM_SHUFFLE, (uint64_t)epoch, n, t->order);
    for (int64_t i = 0; !t->set.shuffle && i < n; i++)
        t->order[i] = i;
    t->order_epoch = epoch;
    return MOT_OK;
}

/* Samples [first, first+n) of the epoch, n at most what is handed out at once. */
static mot_status part_of_step(mot_trainer *t, int64_t first, int64_t n,
                               const mot_step_scalars *scalars)
{
    const mot_data *data = t->data;
    mot_draw draw = {t->set.seed,    t->now.epoch,      t->set.shuffle,
                     &data->augment, data->train_index, data->n_train};
    if (!t->current || t->current->batch != n) /* the same on every rank */
        MOT_TRY(mot_trainer_agree(t, mot_trainer_use_plan(t, n)));
    MOT_TRY(mot_trainer_load(t, data->train, data->train_index, t->order, first, &draw));
    if (t->last_step_at_s == 0)
        t->last_step_at_s = mot_clock_s();
    MOT_TRY(mot_exec_step(t->exec, scalars));
    for (int i = 0; i < t->n_devices; i++)
        t->device_report[t->report_of[t->first_device + i]].samples +=
            t->active[i] ? t->current->share[t->first_device + i] : 0;
    return MOT_OK;
}

static mot_status step(mot_trainer *t)
{
    int64_t first = t->now.batch * t->set.batch, left = t->data->n_train - first;
    int64_t n = left < t->set.batch ? left : t->set.batch;
    const mot_attrs *a = &t->set.optimizer.attrs;
    mot_step_scalars scalars = {.step = t->now.step,
                                .lr = (float)mot_trainer_lr(t, t->now.step),
                                .bias1 = (float)(1 - pow(a->beta1, (double)t->now.step + 1)),
                                .bias2 = (float)(1 - pow(a->beta2, (double)t->now.step + 1)),
                                .stop = t->stop != 0 || t->failed != MOT_OK};
    for (int64_t at = 0; at < n; at += t->set.part) {
        scalars.first_sample = at;
        scalars.more = n - at > t->set.part;
        MOT_TRY(part_of_step(t, first + at, scalars.more ? t->set.part : n - at, &scalars));
    }
    t->now.step++;
    t->now.batch++;
    t->now.samples += n;
    if (++t->n_steps_run == WARM_UP_STEPS + 1)
        MOT_TRY(mot_profile_begin(t));
    t->report.samples_per_second = samples_per_second(t);
    mot_trainer_emit(t, MOT_EVENT_STEP, NULL);
    return MOT_OK;
}

/* ---- boundaries ---- */

static mot_status check_replicas(mot_trainer *t)
{
    uint64_t hash = 0, ours = 0, *all;
    mot_status status = MOT_OK;
    bool any = false, differ = false;
    for (int i = 0; status == MOT_OK && i < t->n_devices; i++) {
        if (!t->active[i])
            continue;
        status = mot_exec_hash(t->exec, i, &hash);
        differ = differ || (any && hash != ours);
        ours = hash;
        any = true;
    }
    MOT_TRY(mot_trainer_agree(t, status));
    MOT_TRY(mot_alloc((size_t)mot_comm_size(t->comm), sizeof *all, &all));
    status = mot_comm_all_gather(t->comm, &ours, sizeof ours, all);
    for (int r = 0; r < mot_comm_size(t->comm); r++)
        differ = differ || all[r] != all[0];
    t->report.params_hash = all[0];
    free(all);
    MOT_TRY(status);
    if (differ)
        status =
            MOT_FAIL(MOT_ERR_NUMERIC,
                     "replicas differ after step %" PRId64 ": a device or a link gave other bits",
                     t->now.step);
    return mot_trainer_agree(t, status);
}

static mot_status checkpoint(mot_trainer *t)
{
    t->last_step_at_s = 0;
    return t->out_dir ? mot_checkpoint_write(t) : MOT_OK;
}

static mot_status validate(mot_trainer *t)
{
    mot_report *r = &t->report;
    return t->data->n_validation > 0
               ? mot_trainer_evaluate(t, MOT_PART_VALIDATION, &r->validation_loss,
                                      &r->validation_accuracy)
               : MOT_OK;
}

/* A scale that small means that smaller ones do not help: all ranks see the same. */
static mot_status check_loss_scale(mot_trainer *t)
{
    const double least = 1.0 / 65536;
    MOT_TRY(mot_report_loss_scale(t));
    if (!(t->report.loss_scale < least))
        return MOT_OK;
    return MOT_FAIL(
        MOT_ERR_NUMERIC,
        "the gradient is not finite at step %" PRId64 ", even with a loss scale of %g; "
        "%" PRId64 " steps were skipped: values may not fit fp16, try train.storage=bf16, "
        "or make train.optimizer.lr (%g) smaller",
        t->now.step, t->report.loss_scale, t->report.skipped_steps, t->set.optimizer.lr);
}

static mot_status end_epoch(mot_trainer *t)
{
    double loss = t->now.epoch_loss / t->now.epoch_samples;
    t->last_step_at_s = 0;
    MOT_TRY(check_loss_scale(t));
    MOT_TRY(mot_grow(&t->epoch_loss, &t->epoch_loss_capacity, (size_t)t->now.epoch + 1,
                     sizeof *t->epoch_loss));
    t->epoch_loss[t->now.epoch++] = loss;
    t->now.batch = 0;
    t->report.train_loss = loss;
    MOT_TRY(validate(t));
    MOT_TRY(mot_trainer_agree(t, mot_metrics_epoch(t, loss, t->report.validation_loss,
                                                   t->report.validation_accuracy,
                                                   samples_per_second(t))));
    if (t->handler && mot_comm_rank(t->comm) == 0) {
        mot_event event = {.kind = MOT_EVENT_EPOCH,
                           .step = t->now.step,
                           .n_steps = mot_trainer_total_steps(t),
                           .epoch = t->now.epoch,
                           .n_epochs = t->set.epochs,
                           .loss = loss,
                           .validation_loss = t->report.validation_loss,
                           .validation_accuracy = t->report.validation_accuracy,
                           .samples_per_second = samples_per_second(t)};
        t->handler(&event, t->handler_user);
    }
    t->now.epoch_loss = t->now.epoch_samples = 0;
    t->epoch_began_s = t->train_s;
    t->epoch_began_samples = t->samples_timed;
    return checkpoint(t);
}

/* Every `every` steps, every = 0: never. */
static bool is_due(const mot_trainer *t, int64_t every)
{
    return every > 0 && t->now.step % every == 0;
}

static mot_status boundaries(mot_trainer *t, bool *stop)
{
    MOT_TRY(take_results(t, stop));
    MOT_TRY(mot_trainer_adapt(t));
    if (is_due(t, t->set.check_replicas)) {
        MOT_TRY(settle(t, stop));
        MOT_TRY(check_replicas(t));
    }
    if (t->now.batch == mot_trainer_batches(t)) {
        MOT_TRY(settle(t, stop));
        MOT_TRY(end_epoch(t));
    } else if (is_due(t, t->set.checkpoint_every)) {
        MOT_TRY(settle(t, stop));
        MOT_TRY(checkpoint(t));
    }
    return MOT_OK;
}

static mot_status train(mot_trainer *t, bool *stop)
{
    int64_t total = mot_trainer_total_steps(t);
    while (t->now.step < total && !*stop) {
        MOT_TRY(order_of_epoch(t, t->now.epoch));
        MOT_TRY(step(t));
        MOT_TRY(boundaries(t, stop));
    }
    bool ignored = false; /* a request that comes after the last step has nothing to stop */
    return settle(t, *stop ? stop : &ignored);
}

/* ---- the run ---- */

static mot_status save_model(mot_trainer *t)
{
    if (!t->out_dir || mot_comm_rank(t->comm) != 0)
        return MOT_OK;
    mot_text path = {0};
    mot_status status = mot_text_add(&path, "%s/model.safetensors", t->out_dir);
    if (status == MOT_OK)
        status = mot_trainer_save(t, path.data);
    mot_text_free(&path);
    return status;
}

static mot_status test(mot_trainer *t)
{
    mot_report *r = &t->report;
    mot_evaluation e;
    MOT_TRY(mot_trainer_evaluate_sums(t, MOT_PART_TEST, &e));
    r->test_loss = e.loss;
    r->test_accuracy = r->regression ? e.r2 : e.accuracy;
    r->test_mean_abs_error = e.mean_abs_error;
    r->test_perplexity = e.perplexity;
    r->test_bits = e.bits;
    return MOT_OK;
}

static mot_status finish_run(mot_trainer *t)
{
    if (t->now.epoch_samples > 0)
        t->report.train_loss = t->now.epoch_loss / t->now.epoch_samples;
    if (t->now.batch > 0 || t->now.step == 0)
        MOT_TRY(checkpoint(t));
    if (t->now.batch > 0) { /* within an epoch, whose end would have told */
        MOT_TRY(check_loss_scale(t));
        MOT_TRY(validate(t));
    }
    if (mot_trainer_n_samples(t, MOT_PART_TEST) > 0)
        MOT_TRY(test(t));
    MOT_TRY(mot_trainer_agree(t, mot_metrics_end(t)));
    return mot_trainer_agree(t, save_model(t));
}

mot_status mot_trainer_run(mot_trainer *t)
{
    bool stop = false;
    t->last_step_at_s = 0;
    MOT_TRY(train(t, &stop));
    t->report.samples_per_second = rate(t->samples_timed, t->train_s);
    MOT_TRY(tell_failure(t));
    MOT_TRY(check_replicas(t));
    if (!stop) {
        MOT_TRY(finish_run(t));
        return mot_report_update(t);
    }
    if (t->now.batch > 0)
        MOT_TRY(checkpoint(t));
    MOT_TRY(mot_report_update(t));
    return MOT_FAIL(MOT_ERR_INTERRUPTED, "stopped after step %" PRId64 " of %" PRId64 "%s%s",
                    t->now.step, mot_trainer_total_steps(t),
                    t->out_dir ? "; go on with --resume --out " : "; nothing was saved: no --out",
                    t->out_dir ? t->out_dir : "");
}
