/* exec.c: life of an executor, the plan in use, and steps.
 *
 * Two ways through a step.  With an exchange a step stays `pending` until the next call: its
 * gradients are then reduced by this thread while the workers go on with backward, and its result
 * is known; where devices meet within the step (batch norm) that is done at once.  Without one (one
 * device on one rank) jobs are queued back to back and results collected when the worker has retired
 * them.  What can fail comes before the first job of a step is handed out (mot_exec_record), so no
 * worker waits for a job that its neighbours never got.
 */
#include "config.h"

#include "runtime/exec/exec.h"

#include "runtime/base/clock.h"
#include "runtime/base/memory.h"
#include "runtime/exec/internal.h"
#include "runtime/exec/reduce.h"

#include <stdlib.h>
#include <string.h>

/* ---- open and close ---- */

/* A step is short where several at once are still over soon: who interrupts a training waits for the
 * steps whose inputs are there. */
int mot_exec_slots(const mot_graph *graph, int64_t max_batch)
{
    const double short_flops = 1e9, short_bytes = 1e8;
    const mot_cost cost = mot_graph_cost(graph, max_batch);
    const mot_tensor *raw = &graph->tensor[graph->raw], *label = &graph->tensor[graph->label];
    const double slot_bytes =
        (double)mot_shape_elements(&raw->shape, max_batch) * (double)mot_dtype_bytes(raw->dtype) +
        (double)mot_shape_elements(&label->shape, max_batch) *
            (double)mot_dtype_bytes(label->dtype);
    return cost.flops <= short_flops && cost.bytes <= short_bytes &&
                   slot_bytes * MOT_MAX_SLOTS <= MOT_SMALL_RING_BYTES
               ? MOT_MAX_SLOTS
               : MOT_LEAST_SLOTS;
}

/* Where sums over devices and ranks will lie: in memory that the ranks share, in our own, or, with one
 * device, in its gradients.  All ranks come here together. */
static mot_status open_reduced(mot_exec *exec)
{
    size_t bytes;
    if (!exec->exchanges)
        return MOT_OK;
    MOT_TRY(mot_replica_gradient_bytes(exec->graph, exec->n_slots, &bytes));
    MOT_TRY(
        mot_share_new(exec->comm, (int64_t)(bytes / sizeof(float)), MOT_MAX_STOPS, &exec->shared));
    if (!exec->shared && exec->n_devices > 1)
        MOT_TRY(mot_alloc_pages(bytes, &exec->reduced_owned));
    exec->reduced = exec->shared ? mot_share_sums(exec->shared) : exec->reduced_owned;
    return MOT_OK;
}

static mot_status open_replicas(mot_exec *exec, mot_device *const *devices, int64_t max_batch)
{
    /* The sum over the local devices goes where the ranks look for it; of one device it is there. */
    float *own = exec->shared && exec->n_devices == 1 ? mot_share_mine(exec->shared) : NULL;
    for (int i = 0; i < exec->n_devices; i++)
        MOT_TRY(mot_replica_open(&exec->replica[i], exec->graph, devices[i], max_batch,
                                 exec->n_slots, exec->exchanges, own, exec->reduced));
    if (!exec->reduced)
        exec->reduced = mot_replica_gradients(&exec->replica[0]);
    for (int i = 0; i < exec->n_devices; i++)
        MOT_TRY(mot_worker_start(&exec->worker[i], &exec->replica[i]));
    return MOT_OK;
}

mot_status mot_exec_open(const mot_graph *graph, mot_device *const *devices, int n_devices,
                         mot_comm *comm, const mot_exec_options *options, mot_exec **out)
{
    mot_exec *exec;
    mot_status status;
    MOT_TRY(mot_alloc(1, sizeof *exec, &exec));
    exec->graph = graph;
    exec->comm = comm;
    exec->seed = options->seed;
    exec->n_devices = n_devices;
    exec->exchanges = n_devices > 1 || mot_comm_size(comm) > 1;
    exec->n_slots = !exec->exchanges && mot_device_joins(devices[0])
                        ? mot_exec_slots(graph, options->max_batch)
                        : MOT_LEAST_SLOTS;
    MOT_TRY_GOTO(mot_alloc((size_t)n_devices, sizeof *exec->replica, &exec->replica));
    MOT_TRY_GOTO(mot_alloc((size_t)n_devices, sizeof *exec->worker, &exec->worker));
    MOT_TRY_GOTO(mot_alloc((size_t)n_devices, sizeof *exec->active, &exec->active));
    MOT_TRY_GOTO(mot_alloc((size_t)n_devices, sizeof *exec->gathered, &exec->gathered));
    MOT_TRY_GOTO(mot_alloc((size_t)n_devices, sizeof *exec->contributes, &exec->contributes));
    MOT_TRY_GOTO(mot_alloc((size_t)n_devices, sizeof *exec->samples, &exec->samples));
    MOT_TRY_GOTO(mot_alloc((size_t)n_devices, sizeof *exec->takes_part, &exec->takes_part));
    MOT_TRY_GOTO(open_reduced(exec));
    MOT_TRY_GOTO(open_replicas(exec, devices, options->max_batch));
    *out = exec;
    return MOT_OK;
fail:
    mot_exec_close(exec);
    return status;
}

void mot_exec_close(mot_exec *exec)
{
    if (!exec)
        return;
    mot_exec_finish(exec);
    for (int i = 0; i < exec->n_devices && exec->worker; i++)
        mot_worker_stop(&exec->worker[i]);
    for (int i = 0; i < exec->n_devices && exec->replica; i++)
        mot_replica_close(&exec->replica[i]);
    free(exec->worker);
    free(exec->replica);
    free(exec->active);
    free(exec->gathered);
    free(exec->contributes);
    free(exec->samples);
    free(exec->takes_part);
    free(exec->reduced_owned);
    mot_share_free(exec->shared);
    free(exec);
}

int64_t mot_exec_capacity(const mot_exec *exec, int device)
{
    return exec->replica[device].capacity;
}

const mot_memory_plan *mot_exec_memory(const mot_exec *exec)
{
    return &exec->replica[0].train;
}

/* ---- shares ---- */

int64_t mot_exec_share(const mot_exec *exec, int device)
{
    return exec->active[device] ? exec->plan->share[exec->first_device + device] : 0;
}

mot_status mot_exec_check(mot_exec *exec)
{
    for (int i = 0; i < exec->n_devices; i++)
        MOT_TRY(mot_worker_check(&exec->worker[i]));
    return MOT_OK;
}

/* ---- results ---- */

static void push_result(mot_exec *exec, const mot_step_result *result)
{
    if (exec->n_results == MOT_MAX_RESULTS) { /* nobody takes them: keep the newest */
        exec->first_result = (exec->first_result + 1) % MOT_MAX_RESULTS;
        exec->n_results--;
    }
    exec->result[(exec->first_result + exec->n_results) % MOT_MAX_RESULTS] = *result;
    exec->n_results++;
}

bool mot_exec_next_result(mot_exec *exec, mot_step_result *out)
{
    if (exec->n_results == 0)
        return false;
    *out = exec->result[exec->first_result];
    exec->first_result = (exec->first_result + 1) % MOT_MAX_RESULTS;
    exec->n_results--;
    return true;
}

static mot_step_result result_of(int64_t step, const float *sums)
{
    return (mot_step_result){
        .step = step, .samples = sums[0], .loss = sums[1], .more = {sums[2], sums[3]}};
}

/* Without exchange there is one worker; its jobs up to `done` have their sums in them, unless it failed. */
static void collect(mot_exec *exec)
{
    mot_worker *worker = &exec->worker[0];
    pthread_mutex_lock(&worker->lock);
    const int64_t done = worker->status == MOT_OK ? worker->done : 0;
    pthread_mutex_unlock(&worker->lock);
    for (; exec->collected < done; exec->collected++) {
        const mot_job *job = &worker->job[exec->collected % exec->n_slots];
        if (job->kind != MOT_JOB_TRAIN || job->more)
            continue;
        mot_step_result result = result_of(job->step, job->sums);
        result.n_stop = exec->pending_stop;
        result.done_s = job->done_s;
        push_result(exec, &result);
    }
}

/* ---- finishing what was handed out ---- */

static mot_reduction reduction_of(mot_exec *exec)
{
    return (mot_reduction){.comm = exec->comm,
                           .plan = exec->plan,
                           .worker = exec->worker,
                           .n_workers = exec->n_devices,
                           .active = exec->takes_part,
                           .share = exec->samples,
                           .contributes = exec->contributes,
                           .stop = exec->pending_stop,
                           .shared = exec->shared,
                           .reduced = exec->reduced,
                           .times = &exec->exchange};
}

/* Bring the pending step's exchange to its end and let the workers update. */
static mot_status complete(mot_exec *exec)
{
    if (!exec->pending)
        return MOT_OK;
    exec->pending = false;
    const mot_reduction reduction = reduction_of(exec);
    mot_status status = mot_reduce_step(&reduction);
    const float *words = exec->reduced + mot_replica_sums_offset(&exec->replica[0], 0);
    mot_step_result result = result_of(exec->pending_step, words);
    bool failed = status != MOT_OK || words[MOT_SUMS_FAILED] > 0;
    result.n_stop = (int)words[MOT_SUMS_STOP];
    result.done_s = mot_clock_s();
    for (int i = 0; i < exec->n_devices; i++)
        if (exec->active[i])
            mot_worker_release(&exec->worker[i]);
    if (failed)
        return mot_comm_agree(exec->comm, status != MOT_OK ? status : mot_exec_check(exec));
    push_result(exec, &result);
    return MOT_OK;
}

mot_status mot_exec_finish(mot_exec *exec)
{
    mot_status status = complete(exec);
    for (int i = 0; i < exec->n_devices && exec->worker && exec->worker[i].started; i++)
        mot_worker_wait_done(&exec->worker[i], exec->worker[i].posted - 1);
    if (status == MOT_OK && exec->worker && exec->worker[0].started) {
        if (!exec->exchanges)
            collect(exec);
        status = mot_exec_check(exec);
    }
    return status;
}

/* ---- plan ---- */

mot_status mot_exec_record(mot_exec *exec, bool inference)
{
    for (int i = 0; i < exec->n_devices; i++) {
        int64_t share = mot_exec_share(exec, i);
        mot_program *program;
        if (!exec->active[i] || (inference && share == 0))
            continue;
        MOT_TRY(mot_replica_program(&exec->replica[i], share > 0 ? share : 1, inference, &program));
    }
    return MOT_OK;
}

mot_status mot_exec_set_plan(mot_exec *exec, const mot_plan *plan, int first_device,
                             const bool *active)
{
    MOT_TRY(mot_exec_finish(exec));
    if (plan->n_buckets > MOT_MAX_STOPS)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "a plan of %d buckets; at most %d are supported",
                        plan->n_buckets, MOT_MAX_STOPS);
    int from = mot_exec_current(exec);
    for (int i = 0; i < exec->n_devices; i++)
        if (exec->plan && active[i] && !exec->active[i])
            MOT_TRY(mot_exec_copy_replica(exec, from, i));
    for (int i = 0; i < exec->n_devices; i++)
        exec->active[i] = active[i];
    exec->plan = plan;
    exec->first_device = first_device;
    return mot_exec_record(exec, false);
}

/* ---- steps ---- */

mot_status mot_exec_input(mot_exec *exec, int device, void **raw, void **label)
{
    mot_replica *replica = &exec->replica[device];
    char *slot = mot_replica_slot(replica, mot_worker_wait_slot(&exec->worker[device]));
    *raw = slot + replica->train.place[exec->graph->raw].offset_bytes;
    *label = slot + replica->train.place[exec->graph->label].offset_bytes;
    return mot_worker_check(&exec->worker[device]);
}

/* The devices wait for each other within the step: this thread has to be there. */
static mot_status meet(mot_exec *exec, bool more)
{
    if (!more)
        return complete(exec);
    const mot_reduction reduction = reduction_of(exec);
    return mot_reduce_part(&reduction);
}

static mot_accumulate accumulate_of(const mot_exec *exec, int device, bool more)
{
    bool gathered = exec->gathered[device];
    if (more)
        return gathered ? MOT_ACCUMULATE_ADD : MOT_ACCUMULATE_KEEP;
    if (!gathered)
        return MOT_ACCUMULATE_NOTHING;
    return mot_exec_share(exec, device) > 0 ? MOT_ACCUMULATE_LAST : MOT_ACCUMULATE_TAKE;
}

void mot_exec_write_scalars(mot_exec *exec, int device, const mot_step_scalars *scalars)
{
    mot_replica *replica = &exec->replica[device];
    int slot = mot_worker_wait_slot(&exec->worker[device]);
    uint32_t word[MOT_N_SCALARS] = {0};
    word[MOT_SCALAR_STEP] = (uint32_t)scalars->step;
    word[MOT_SCALAR_FIRST_SAMPLE] =
        (uint32_t)(scalars->first_sample + exec->plan->first[exec->first_device + device]);
    word[MOT_SCALAR_ACCUMULATE] = accumulate_of(exec, device, scalars->more);
    word[MOT_SCALAR_SEED_LO] = (uint32_t)exec->seed;
    word[MOT_SCALAR_SEED_HI] = (uint32_t)(exec->seed >> 32);
    memcpy(&word[MOT_SCALAR_LR], &scalars->lr, 4);
    memcpy(&word[MOT_SCALAR_BIAS1], &scalars->bias1, 4);
    memcpy(&word[MOT_SCALAR_BIAS2], &scalars->bias2, 4);
    memcpy(mot_replica_slot(replica, slot) + replica->train.scalars_offset_bytes, word,
           sizeof word);
}

mot_status mot_exec_step(mot_exec *exec, const mot_step_scalars *scalars)
{
    MOT_TRY(complete(exec));
    if (!exec->exchanges)
        MOT_TRY(mot_exec_check(exec));
    MOT_TRY(mot_exec_record(exec, false));
    for (int i = 0; i < exec->n_devices; i++) {
        exec->takes_part[i] = exec->active[i];
        exec->samples[i] = mot_exec_share(exec, i);
        if (!exec->active[i])
            continue;
        mot_job job = {.kind = MOT_JOB_TRAIN,
                       .step = scalars->step,
                       .share = exec->samples[i],
                       .gathered = exec->gathered[i],
                       .more = scalars->more,
                       .plan = exec->plan};
        if (job.more && job.share == 0) {
            exec->takes_part[i] = false;
            /* Its last update may still be reading what the others' parts are reduced into. */
            if (exec->graph->n_exchanged > 0)
                mot_worker_wait_done(&exec->worker[i], exec->worker[i].posted - 1);
            continue;
        }
        MOT_TRY(mot_replica_program(&exec->replica[i], job.share > 0 ? job.share : 1, false,
                                    &job.program));
        mot_exec_write_scalars(exec, i, scalars);
        if (!exec->exchanges)
            collect(exec); /* before the job's slot is overwritten */
        mot_worker_post(&exec->worker[i], &job);
        exec->contributes[i] = job.share > 0 || job.gathered;
        exec->gathered[i] = job.more;
    }
    exec->pending = exec->exchanges && !scalars->more;
    exec->pending_stop = scalars->stop;
    exec->pending_step = scalars->step;
    return exec->exchanges && exec->graph->n_exchanged > 0 ? meet(exec, scalars->more) : MOT_OK;
}

mot_status mot_exec_evaluate(mot_exec *exec, float *outputs)
{
    int64_t n_outputs = mot_shape_elements(&exec->graph->tensor[exec->graph->output].shape, 1);
    MOT_TRY(mot_exec_finish(exec)); /* recording must not meet a worker on its device */
    MOT_TRY(mot_exec_record(exec, true));
    for (int i = 0; i < exec->n_devices; i++) {
        mot_job job = {
            .kind = MOT_JOB_EVALUATE, .share = mot_exec_share(exec, i), .outputs = outputs};
        if (job.share == 0)
            continue;
        MOT_TRY(mot_replica_program(&exec->replica[i], job.share, true, &job.program));
        mot_exec_write_scalars(exec, i, &(mot_step_scalars){0});
        mot_worker_post(&exec->worker[i], &job);
        if (outputs)
            outputs += job.share * n_outputs;
    }
    mot_step_result result = {0};
    for (int i = 0; i < exec->n_devices; i++) {
        mot_worker *worker = &exec->worker[i];
        if (mot_exec_share(exec, i) == 0)
            continue;
        mot_worker_wait_done(worker, worker->posted - 1);
        const float *sums = worker->job[(worker->posted - 1) % exec->n_slots].sums;
        result.samples += sums[0];
        result.loss += sums[1];
        result.more[0] += sums[2];
        result.more[1] += sums[3];
    }
    MOT_TRY(mot_exec_check(exec));
    push_result(exec, &result);
    return MOT_OK;
}
