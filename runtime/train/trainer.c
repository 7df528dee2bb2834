#include "config.h"

#include "runtime/train/trainer.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/train/text_set.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

mot_status mot_trainer_agree(mot_trainer *t, mot_status mine)
{
    return mot_comm_agree(t->comm, mine);
}

void mot_trainer_emit(mot_trainer *t, mot_event_kind kind, const char *text)
{
    if (!t->handler || mot_comm_rank(t->comm) != 0)
        return;
    mot_event event = {.kind = kind,
                       .step = t->now.step,
                       .n_steps = mot_trainer_total_steps(t),
                       .epoch = t->now.epoch,
                       .n_epochs = t->set.epochs,
                       .loss = t->now.epoch_samples > 0 ? t->now.epoch_loss / t->now.epoch_samples
                                                        : NAN,
                       .validation_loss = NAN,
                       .validation_accuracy = NAN,
                       .samples_per_second = t->report.samples_per_second,
                       .text = text};
    t->handler(&event, t->handler_user);
}

void mot_trainer_note(mot_trainer *t, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mot_trainer_emit(t, MOT_EVENT_NOTE, text);
}

/* ---- settings ---- */

static mot_status read_settings(const mot_config *config, mot_settings *set)
{
    int64_t seed;
    const char *precision;
    MOT_TRY(mot_config_get_int(config, "data.batch", &set->batch));
    MOT_TRY(mot_optimizer_part(config, &set->part));
    MOT_TRY(mot_config_get_bool(config, "data.shuffle", &set->shuffle));
    MOT_TRY(mot_config_get_int(config, "train.epochs", &set->epochs));
    MOT_TRY(mot_config_get_int(config, "train.steps", &set->config_steps));
    if (set->max_steps == 0) /* else the caller's */
        set->max_steps = set->config_steps;
    MOT_TRY(mot_config_get_int(config, "train.seed", &seed));
    MOT_TRY(mot_config_get_int(config, "train.log_every", &set->log_every));
    MOT_TRY(mot_config_get_int(config, "train.checkpoint_every", &set->checkpoint_every));
    MOT_TRY(mot_config_get_int(config, "train.check_replicas", &set->check_replicas));
    MOT_TRY(mot_config_get_int(config, "train.bucket_bytes", &set->bucket_bytes));
    MOT_TRY(mot_config_get_bool(config, "train.adapt", &set->adapt));
    MOT_TRY(mot_config_get_bool(config, "train.leave_out", &set->leave_out));
    MOT_TRY(mot_config_get_bool(config, "train.tune", &set->tune));
    MOT_TRY(mot_config_get_text(config, "train.precision", &precision));
    mot_precision_parse(precision, &set->precision); /* one of the key's choices */
    MOT_TRY(mot_config_get_text(config, "train.shares", &set->shares));
    if (strcmp(set->shares, "list") == 0)
        MOT_TRY(mot_config_get_floats(config, "train.shares", &set->share_weight,
                                      &set->n_share_weights));
    MOT_TRY(mot_config_get_floats(config, "train.memory", &set->memory_mib, &set->n_memory));
    set->seed = (uint64_t)seed;
    MOT_TRY(mot_optimizer_read(config, &set->optimizer));
    return mot_schedule_read(config, set->optimizer.lr, &set->schedule);
}

/* ---- open ---- */

static mot_status copy_text(const char *text, char **out)
{
    return text ? mot_strdup(text, out) : MOT_OK;
}

static mot_status copy_options(mot_trainer *t, const mot_run_options *options)
{
    const char *selection = options->devices ? options->devices : getenv("MOTLEY_DEVICES");
    MOT_TRY(copy_text(selection && *selection ? selection : "auto", &t->selection));
    MOT_TRY(copy_text(options->data_dir, &t->data_dir));
    MOT_TRY(copy_text(options->out_dir, &t->out_dir));
    MOT_TRY(copy_text(options->init, &t->init));
    MOT_TRY(copy_text(options->kernels, &t->kernels));
    t->resume = options->resume;
    t->profile = options->profile;
    t->set.max_steps = options->max_steps > 0 ? options->max_steps : 0;
    if (t->resume && !t->out_dir)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "--resume needs --out DIR: the folder of the checkpoint");
    if (t->resume && t->init)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "--resume and --init both give the weights; take one");
    return MOT_OK;
}

static mot_status open_model(mot_trainer *t)
{
    MOT_TRY(mot_data_open(t->config, t->data_dir, &t->data));
    MOT_TRY(mot_text_set_resolve(t->data, t->config));
    MOT_TRY(read_settings(t->config, &t->set)); /* its texts are the configuration's, which is whole now */
    if (t->data->note)
        mot_trainer_note(t, "%s", t->data->note);
    if (t->data->n_train < 1)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "data set %s has no samples to train on",
                        t->data->train->name);
    return mot_model_build(t->config, &t->data->spec, &t->graph);
}

static mot_status describe_update(const mot_trainer *t, mot_text *out)
{
    const mot_attrs *a = &t->set.optimizer.attrs;
    const mot_schedule *s = &t->set.schedule;
    MOT_TRY(mot_text_add(
        out,
        " momentum %.17g %d decay %.17g beta %.17g %.17g eps %.17g %d clip %.17g %.17g"
        " average %.17g schedule %d %d %" PRId64 " %" PRId64 " %" PRId64 " %.17g %.17g %.17g %.17g",
        a->momentum, a->nesterov, a->weight_decay, a->beta1, a->beta2, a->eps, a->centered,
        a->clip_norm, a->clip_value, a->average, s->kind, s->by_epoch, s->warmup, s->every,
        s->length, s->lr, s->start, s->final, s->gamma));
    for (int i = 0; i < t->graph->n_parameters; i++) {
        const mot_update_rule *rule = &mot_parameter(t, i)->rule;
        MOT_TRY(mot_text_add(out, " %.17g %.17g", rule->lr_scale, rule->weight_decay));
    }
    return MOT_OK;
}

/* Everything that all ranks must have alike to go the same way through a run, as text.  Where the
 * files and the devices are may differ. */
static mot_status describe_run(const mot_trainer *t, mot_text *out)
{
    const mot_settings *s = &t->set;
    const mot_augment *augment = &t->data->augment;
    char *graph;
    MOT_TRY(mot_text_add(
        out,
        "samples %" PRId64 " validation %" PRId64 " test %" PRId64 " batch %" PRId64
        " part %" PRId64 " epochs %" PRId64 " steps %" PRId64 " seed %" PRIu64
        " shuffle %d log %" PRId64 " checkpoint %" PRId64 " check %" PRId64 " bucket %" PRId64
        " adapt %d leave_out %d tune %d out %d resume %d init %d profile %d precision %s"
        " shares %s augment %" PRId64 " %d %.17g %" PRId64 " %.17g",
        t->data->n_train, t->data->n_validation, t->data->test ? t->data->test->n : 0, s->batch,
        s->part, s->epochs, s->max_steps, s->seed, s->shuffle, s->log_every, s->checkpoint_every,
        s->check_replicas, s->bucket_bytes, s->adapt, s->leave_out, s->tune, t->out_dir != NULL,
        t->resume, t->init != NULL, t->profile, mot_precision_name(s->precision), s->shares,
        augment->crop, augment->flip, augment->rotate, augment->cutout, augment->mixup));
    for (int i = 0; i < s->n_share_weights; i++)
        MOT_TRY(mot_text_add(out, " %.17g", s->share_weight[i]));
    for (int i = 0; i < s->n_memory; i++)
        MOT_TRY(mot_text_add(out, " memory %.17g", s->memory_mib[i]));
    MOT_TRY(describe_update(t, out));
    MOT_TRY(mot_graph_print(t->graph, &graph));
    mot_status status = mot_text_add(out, "\n%s", graph);
    free(graph);
    return status;
}

/* Ranks with other settings or data would wait for each other for ever: compare with rank 0. */
static mot_status same_run(mot_trainer *t)
{
    mot_text mine = {0};
    char *first = NULL;
    mot_status status = describe_run(t, &mine);
    MOT_TRY_GOTO(mot_trainer_agree(t, status));
    size_t size = mine.length + 1;
    MOT_TRY_GOTO(mot_comm_broadcast(t->comm, &size, sizeof size, 0));
    MOT_TRY_GOTO(mot_trainer_agree(t, mot_alloc(size, 1, &first)));
    if (mot_comm_rank(t->comm) == 0)
        memcpy(first, mine.data, size);
    MOT_TRY_GOTO(mot_comm_broadcast(t->comm, first, size, 0));
    if (strcmp(first, mine.data) != 0)
        status =
            MOT_FAIL(MOT_ERR_ARGUMENT, "the configuration, options or data differ from rank 0's;"
                                       " every rank needs the same command line and files");
    status = mot_trainer_agree(t, status);
fail:
    mot_text_free(&mine);
    free(first);
    return status;
}

static mot_status open_devices(mot_trainer *t)
{
    mot_device_info *info;
    char *note = NULL;
    int n;
    if (t->kernels)
        MOT_TRY(mot_kernel_archive_open(t->kernels, &t->archive));
    /* With an archive no compiler is called, not even to find out which twin is faster. */
    mot_status (*select)(const char *, int, int, mot_device_info **, int *, char **) =
        t->archive ? mot_devices_select_offline : mot_devices_select;
    MOT_TRY(select(t->selection, mot_comm_host_size(t->comm), mot_comm_host_rank(t->comm), &info,
                   &n, &note));
    mot_status status = mot_alloc((size_t)n, sizeof(mot_device *), &t->device);
    if (status == MOT_OK && n > MOT_MAX_LOCAL_DEVICES)
        status =
            MOT_FAIL(MOT_ERR_ARGUMENT, "%d devices; one rank drives at most %d: use more ranks", n,
                     MOT_MAX_LOCAL_DEVICES);
    mot_device_options options = {.archive = t->archive,
                                  .profile = t->profile,
                                  .precision = t->set.precision,
                                  .by_rule = !t->set.tune};
    for (int i = 0; status == MOT_OK && i < n; i++) {
        status = mot_device_open(&info[i], &options, &t->device[i]);
        if (status == MOT_OK)
            t->n_devices = i + 1;
    }
    if (status == MOT_OK && note && *note)
        mot_trainer_note(t, "%s", note);
    free(info);
    free(note);
    return status;
}

static mot_status write_config(mot_trainer *t)
{
    if (!t->out_dir || mot_comm_rank(t->comm) != 0)
        return MOT_OK;
    char *text;
    mot_text path = {0};
    MOT_TRY(mot_config_print(t->config, &text));
    mot_status status = mot_text_add(&path, "%s/config.yaml", t->out_dir);
    if (status == MOT_OK)
        status = mot_file_write(path.data, text, strlen(text));
    mot_text_free(&path);
    free(text);
    return status;
}

/* Fail before anything is trained when the output folder cannot take the results. */
static mot_status open_out_dir(mot_trainer *t)
{
    if (!t->out_dir || mot_comm_rank(t->comm) != 0)
        return MOT_OK;
    if (t->resume)
        MOT_TRY(mot_checkpoint_find(t));
    MOT_TRY(mot_folder_take(t->out_dir, &t->out_lock));
    return t->resume ? MOT_OK : write_config(t);
}

/* Where this run begins: with new weights or those of a checkpoint, which has to fit before anything
 * in its folder changes.  A new run's folder must not keep the checkpoint of the one before it, or
 * --resume would go on with that one. */
static mot_status begin(mot_trainer *t)
{
    if (t->resume) {
        MOT_TRY(mot_checkpoint_resume(t));
        return mot_trainer_agree(t, write_config(t));
    }
    MOT_TRY(mot_parameters_init(t));
    return mot_trainer_agree(t, mot_checkpoint_remove(t));
}

static mot_status open_parts(mot_trainer *t)
{
    MOT_TRY(mot_trainer_agree(t, open_model(t)));
    MOT_TRY(same_run(t));
    MOT_TRY(mot_trainer_agree(t, open_out_dir(t)));
    MOT_TRY(mot_trainer_agree(t, open_devices(t)));
    MOT_TRY(mot_trainer_fit(t));
    MOT_TRY(begin(t));
    MOT_TRY(mot_trainer_agree(t, mot_metrics_open(t)));
    return mot_report_update(t);
}

mot_status mot_trainer_open(const mot_config *config, const mot_run_options *options,
                            mot_trainer **out)
{
    mot_trainer *t;
    mot_status status;
    MOT_TRY(mot_alloc(1, sizeof *t, &t));
    t->order_epoch = -1;
    t->out_lock = -1;
    t->handler = options->on_event;
    t->handler_user = options->event_user;
    MOT_TRY_GOTO(mot_comm_open(&t->comm));
    status = copy_options(t, options);
    if (status == MOT_OK)
        status = mot_config_copy(config, &t->config);
    MOT_TRY_GOTO(mot_trainer_agree(t, status));
    MOT_TRY_GOTO(open_parts(t));
    *out = t;
    return MOT_OK;
fail:
    mot_trainer_close(t);
    return status;
}

static void free_report(mot_trainer *t)
{
    free(t->device_report);
    free(t->left_out);
    free(t->report_of);
    free(t->busy_s);
    free(t->idle_s);
    free(t->recent_s);
    free(t->recent_steps);
    free(t->interval_s);
    free(t->epoch_loss);
}

void mot_trainer_close(mot_trainer *t)
{
    if (!t)
        return;
    mot_profile_free(t);
    mot_exec_close(t->exec);
    for (int i = 0; i < t->n_devices; i++)
        mot_device_close(t->device[i]);
    free(t->device);
    free(t->active);
    for (int i = 0; i < t->n_plans; i++)
        mot_plan_free(t->plan[i]);
    mot_machine_free(&t->machine);
    free(t->share);
    free(t->share_scratch);
    free(t->order);
    if (t->metrics)
        fclose(t->metrics);
    if (t->out_lock >= 0)
        close(t->out_lock);
    mot_kernel_archive_close(t->archive);
    mot_class_counts_free(t->class_counts);
    mot_graph_free(t->graph);
    mot_data_close(t->data);
    free(t->set.share_weight);
    free(t->set.memory_mib);
    mot_config_free(t->config);
    free(t->data_dir);
    free(t->out_dir);
    free(t->init);
    free(t->kernels);
    free(t->selection);
    free(t->failed_message);
    free_report(t);
    mot_comm_close(t->comm);
    free(t);
}

void mot_trainer_stop(mot_trainer *t)
{
    t->stop = 1;
}

int mot_trainer_rank(const mot_trainer *t)
{
    return mot_comm_rank(t->comm);
}
