/* profile.c: what the devices could do, and where the time of a step goes.
 *
 * With `profile` every launch leaves its times; the totals are read after warm-up and at the end,
 * and the difference is divided by the steps between.  A rank without profile costs nothing.
 */
#include "config.h"

#include "runtime/train/trainer.h"

#include "devices/peak.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <stdlib.h>

static mot_device_report *report_of(mot_trainer *t, int machine_device)
{
    return &t->device_report[t->report_of[machine_device]];
}

/* ---- peaks ---- */

/* Each local device for itself; with several ranks on a host they measure in turns. */
static void measure_local(mot_trainer *t)
{
    for (int i = 0; i < t->n_devices; i++) {
        mot_device_report *mine = report_of(t, t->first_device + i);
        mot_peak peak = {0};
        if (mine->share > 0 && mot_device_peak(t->device[i], (size_t)32 << 20, &peak, NULL) != MOT_OK)
            mot_log(MOT_LOG_INFO, "peak device %s failed \"%s\"", mine->info.id,
                    mot_error_message());
        mine->peak_flops_per_s = peak.flops_per_s;
        mine->peak_bytes_per_s = peak.bytes_per_s;
    }
}

mot_status mot_trainer_measure_peaks(mot_trainer *t)
{
    MOT_TRY(mot_trainer_agree(t, mot_exec_finish(t->exec)));
    for (int r = 0; r < mot_comm_size(t->comm); r++) {
        if (mot_comm_rank(t->comm) == r)
            measure_local(t);
        MOT_TRY(mot_trainer_agree(t, MOT_OK));
    }
    for (int d = 0; d < t->machine.n_devices; d++) {
        mot_device_report *report = report_of(t, d);
        MOT_TRY(
            mot_comm_broadcast(t->comm, &report->peak_flops_per_s, sizeof(double), report->rank));
        MOT_TRY(
            mot_comm_broadcast(t->comm, &report->peak_bytes_per_s, sizeof(double), report->rank));
    }
    return MOT_OK;
}

/* ---- where the time goes ---- */

/* Totals at a moment of this rank: nodes of all local devices one behind the other. */
typedef struct reading {
    mot_node_profile *node;
    mot_exchange exchange;
    double train_s;
    int64_t n_steps;
    size_t n_intervals;
} reading;

struct mot_profiled {
    bool begun;
    reading first; /* after warm-up */
    mot_profile result;
    mot_profile_row *row;
};

void mot_profile_free(mot_trainer *t)
{
    if (!t->profiled)
        return;
    free(t->profiled->first.node);
    free(t->profiled->row);
    free(t->profiled);
    t->profiled = NULL;
}

static mot_status take_reading(mot_trainer *t, reading *out)
{
    size_t n = (size_t)t->graph->n_nodes;
    if (!out->node)
        MOT_TRY(mot_alloc(n * (size_t)t->n_devices, sizeof *out->node, &out->node));
    for (int i = 0; i < t->n_devices; i++)
        MOT_TRY(mot_exec_profile(t->exec, i, out->node + n * (size_t)i));
    out->exchange = mot_exec_exchange(t->exec);
    out->train_s = t->train_s;
    out->n_steps = t->n_steps_run;
    out->n_intervals = t->n_intervals;
    return MOT_OK;
}

mot_status mot_profile_begin(mot_trainer *t)
{
    if (!t->profile || (t->profiled && t->profiled->begun))
        return MOT_OK;
    mot_status status = t->profiled ? MOT_OK : mot_alloc(1, sizeof *t->profiled, &t->profiled);
    if (status == MOT_OK)
        status = take_reading(t, &t->profiled->first);
    MOT_TRY(mot_trainer_agree(t, status));
    t->profiled->begun = true;
    t->last_step_at_s = 0; /* this step waited for its end */
    return MOT_OK;
}

/* Node n of local device i between two readings, for one step. */
static mot_profile_row row_of(mot_trainer *t, const reading *now, int i, int n, double n_steps)
{
    size_t at = (size_t)t->graph->n_nodes * (size_t)i + (size_t)n;
    const mot_node_profile *a = &t->profiled->first.node[at], *b = &now->node[at];
    return (mot_profile_row){
        .time_s = (b->time_s - a->time_s) / n_steps,
        .launches = (double)(b->launches - a->launches) / n_steps,
        .flops = (b->flops - a->flops) / n_steps,
        .bytes = (b->bytes - a->bytes) / n_steps,
    };
}

/* What all ranks know alike is filled in by each: the graph is the same everywhere. */
static void name_row(const mot_trainer *t, int d, int n, mot_profile_row *row)
{
    static const char *const phases[] = {"forward", "backward", "update"};
    const mot_node *node = &t->graph->node[n];
    row->device = t->report_of[d];
    row->op = mot_op_name(node->op);
    row->layer = node->name;
    row->phase = phases[node->phase];
}

static mot_status gather_rows(mot_trainer *t, const reading *now, double n_steps)
{
    mot_profile *result = &t->profiled->result;
    size_t n_nodes = (size_t)t->graph->n_nodes;
    result->n_rows = 0;
    for (int d = 0; d < t->machine.n_devices; d++) {
        mot_profile_row *row = &t->profiled->row[result->n_rows];
        int i = d - t->first_device;
        for (int n = 0; i >= 0 && i < t->n_devices && n < t->graph->n_nodes; n++)
            row[n] = row_of(t, now, i, n, n_steps);
        MOT_TRY(mot_comm_broadcast(t->comm, row, n_nodes * sizeof *row, report_of(t, d)->rank));
        for (int n = 0, kept = 0; n < t->graph->n_nodes; n++) {
            if (row[n].launches <= 0)
                continue;
            row[kept] = row[n];
            name_row(t, d, n, &row[kept++]);
            result->n_rows++;
        }
    }
    result->row = t->profiled->row;
    return MOT_OK;
}

static mot_status summarize(mot_trainer *t, reading *now)
{
    mot_profile *result = &t->profiled->result;
    const reading *first = &t->profiled->first;
    MOT_TRY(take_reading(t, now));
    int64_t n_steps = now->n_steps - first->n_steps;
    size_t n_intervals = now->n_intervals - first->n_intervals;
    if (n_steps < 1 || n_intervals < 1)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "too few steps for a profile");
    result->n_steps = n_steps;
    result->step_s = (now->train_s - first->train_s) / (double)n_intervals;
    result->exchange_s = (now->exchange.cost_s - first->exchange.cost_s) / (double)n_steps;
    result->exposed_s = (now->exchange.exposed_s - first->exchange.exposed_s) / (double)n_steps;
    if (!t->profiled->row)
        MOT_TRY(mot_alloc((size_t)t->graph->n_nodes * (size_t)t->machine.n_devices,
                          sizeof *t->profiled->row, &t->profiled->row));
    return MOT_OK;
}

mot_status mot_trainer_profile(mot_trainer *t, const mot_profile **out)
{
    reading now = {0};
    mot_status status = MOT_OK;
    if (!t->profiled || !t->profiled->begun)
        status =
            MOT_FAIL(MOT_ERR_ARGUMENT, t->profile ? "too few steps for a profile"
                                                  : "the trainer was opened without `profile`");
    if (status == MOT_OK)
        status = summarize(t, &now);
    MOT_TRY_GOTO(mot_trainer_agree(t, status));
    mot_profile *result = &t->profiled->result;
    MOT_TRY_GOTO(gather_rows(t, &now, (double)result->n_steps));
    MOT_TRY_GOTO(mot_comm_broadcast(t->comm, &result->exchange_s, sizeof(double), 0));
    MOT_TRY_GOTO(mot_comm_broadcast(t->comm, &result->exposed_s, sizeof(double), 0));
    MOT_TRY_GOTO(mot_trainer_measure_peaks(t));
    *out = result;
fail:
    free(now.node);
    return status;
}
