/* report.c: what happened on which device, gathered over all ranks. */
#include "config.h"

#include "runtime/train/trainer.h"

#include "runtime/base/memory.h"
#include "runtime/base/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

mot_status mot_report_loss_scale(mot_trainer *t)
{
    const mot_graph *graph = t->graph;
    float *buffers;
    if (graph->loss_scale < 0)
        return MOT_OK;
    mot_status status = mot_alloc((size_t)graph->n_flat_buffers, sizeof *buffers, &buffers);
    if (status == MOT_OK) {
        status = mot_exec_read_flat(t->exec, MOT_FLAT_BUFFERS, buffers);
        if (status == MOT_OK) {
            t->report.loss_scale = (double)buffers[graph->tensor[graph->loss_scale].flat];
            t->report.skipped_steps =
                (int64_t)buffers[graph->tensor[graph->loss_steps].flat + MOT_LOSS_SKIPPED];
        }
        free(buffers);
    }
    return mot_trainer_agree(t, status);
}

static mot_status alloc_times(mot_trainer *t)
{
    size_t n = (size_t)t->n_devices;
    MOT_TRY(mot_alloc(n, sizeof *t->busy_s, &t->busy_s));
    MOT_TRY(mot_alloc(n, sizeof *t->idle_s, &t->idle_s));
    MOT_TRY(mot_alloc(n, sizeof *t->recent_s, &t->recent_s));
    return mot_alloc(n, sizeof *t->recent_steps, &t->recent_steps);
}

mot_status mot_report_open(mot_trainer *t)
{
    int n = t->machine.n_devices, n_all = n + t->n_left_out;
    mot_status status = alloc_times(t);
    if (status == MOT_OK)
        status = mot_alloc((size_t)n_all, sizeof *t->device_report, &t->device_report);
    if (status == MOT_OK)
        status = mot_alloc((size_t)n, sizeof *t->report_of, &t->report_of);
    MOT_TRY(mot_trainer_agree(t, status));
    t->report = (mot_report){.regression = t->data->spec.regression,
                             .seed = t->set.seed,
                             .n_ranks = mot_comm_size(t->comm),
                             .step_flops = mot_graph_cost(t->graph, t->set.batch).flops +
                                           mot_graph_cost(t->graph, 0).flops,
                             .loss_scale = NAN,
                             .train_loss = NAN,
                             .validation_loss = NAN,
                             .validation_accuracy = NAN,
                             .test_loss = NAN,
                             .test_accuracy = NAN,
                             .test_mean_abs_error = NAN,
                             .test_perplexity = NAN,
                             .test_bits = NAN,
                             .token = !t->data->vocabulary        ? NULL
                                      : t->data->vocabulary->code ? "character"
                                                                  : "byte",
                             .equal_share_gain_predicted = NAN,
                             .equal_share_gain_measured = NAN,
                             .devices = t->device_report,
                             .n_devices = n_all};
    for (int d = n; d < n_all; d++)
        t->device_report[d] = t->left_out[d - n];
    for (int d = 0; d < n; d++) {
        mot_device_report *report = &t->device_report[d];
        int i = d - t->first_device;
        t->report_of[d] = d;
        report->rank = t->machine.device[d].rank;
        if (i >= 0 && i < t->n_devices)
            report->info = *mot_device_get_info(t->device[i]);
        MOT_TRY(mot_comm_broadcast(t->comm, &report->info, sizeof report->info, report->rank));
    }
    return MOT_OK;
}

void mot_report_forget_times(mot_trainer *t)
{
    size_t n = (size_t)t->n_devices;
    memset(t->busy_s, 0, n * sizeof *t->busy_s);
    memset(t->idle_s, 0, n * sizeof *t->idle_s);
    memset(t->recent_s, 0, n * sizeof *t->recent_s);
    memset(t->recent_steps, 0, n * sizeof *t->recent_steps);
    mot_exec_forget_launches(t->exec);
}

mot_status mot_report_update(mot_trainer *t)
{
    MOT_TRY(mot_report_loss_scale(t));
    mot_trainer_take_times(t);
    for (int i = 0; i < t->n_devices; i++) {
        mot_device_report *mine = &t->device_report[t->report_of[t->first_device + i]];
        mine->busy_s = t->busy_s[i];
        mine->idle_s = t->idle_s[i];
        mine->launches_per_step = mot_exec_launches_per_step(t->exec, i);
    }
    for (int d = 0; d < t->machine.n_devices; d++) {
        mot_device_report *report = &t->device_report[t->report_of[d]];
        report->share = t->share[d];
        MOT_TRY(mot_comm_broadcast(t->comm, report, sizeof *report, report->rank));
    }
    if (isnan(t->report.train_loss) && t->now.epoch > 0) /* resumed at the end */
        t->report.train_loss = t->epoch_loss[t->now.epoch - 1];
    t->report.steps = t->now.step;
    t->report.epochs = t->now.epoch;
    t->report.samples = t->now.samples;
    t->report.step_s = mot_median_of_means(t->interval_s, t->n_intervals);
    t->report.epoch_loss = t->epoch_loss;
    t->report.n_epoch_losses = (int)t->now.epoch;
    return MOT_OK;
}

const mot_report *mot_trainer_report(const mot_trainer *t)
{
    return &t->report;
}
