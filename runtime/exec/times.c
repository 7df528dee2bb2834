/* times.c: forward and backward measured by themselves, and what steps cost while training. */
#include "config.h"

#include "runtime/exec/internal.h"

static mot_status measure_once(mot_exec *exec, int n_runs)
{
    MOT_TRY(mot_exec_record(exec, false));
    for (int i = 0; i < exec->n_devices; i++) {
        mot_job job = {.kind = MOT_JOB_MEASURE, .share = mot_exec_share(exec, i), .n_runs = n_runs};
        if (job.share == 0)
            continue;
        MOT_TRY(mot_replica_program(&exec->replica[i], job.share, false, &job.program));
        mot_exec_write_scalars(exec, i, &(mot_step_scalars){0});
        mot_worker_post(&exec->worker[i], &job);
    }
    for (int i = 0; i < exec->n_devices; i++)
        if (mot_exec_share(exec, i) > 0)
            mot_worker_wait_measured(&exec->worker[i]);
    for (int i = 0; i < exec->n_devices; i++)
        if (mot_exec_share(exec, i) > 0)
            mot_worker_stop_measure(&exec->worker[i]);
    return mot_exec_finish(exec);
}

mot_status mot_exec_measure(mot_exec *exec, int n_runs, double *time_s)
{
    MOT_TRY(mot_exec_finish(exec));
    MOT_TRY(measure_once(exec, 1));
    MOT_TRY(measure_once(exec, n_runs));
    for (int i = 0; i < exec->n_devices; i++)
        time_s[i] = mot_exec_share(exec, i) > 0 ? exec->worker[i].measured_s : 0;
    return MOT_OK;
}

void mot_exec_times(mot_exec *exec, int device, double *busy_s, double *idle_s, int64_t *n_steps)
{
    mot_worker *worker = &exec->worker[device];
    pthread_mutex_lock(&worker->lock);
    *busy_s = worker->busy_s;
    *idle_s = worker->idle_s;
    *n_steps = worker->n_steps;
    worker->busy_s = worker->idle_s = 0;
    worker->n_steps = 0;
    pthread_mutex_unlock(&worker->lock);
}

mot_exchange mot_exec_exchange(const mot_exec *exec)
{
    return exec->exchange;
}

mot_status mot_exec_profile(mot_exec *exec, int device, mot_node_profile *node)
{
    MOT_TRY(mot_exec_finish(exec));
    return mot_replica_profile(&exec->replica[device], node);
}

void mot_exec_forget_launches(mot_exec *exec)
{
    for (int i = 0; i < exec->n_devices; i++) {
        mot_worker *worker = &exec->worker[i];
        pthread_mutex_lock(&worker->lock);
        worker->n_launches = worker->n_trained = 0;
        pthread_mutex_unlock(&worker->lock);
    }
}

double mot_exec_launches_per_step(const mot_exec *exec, int device)
{
    return exec->active[device] ? mot_worker_launches(&exec->worker[device]) : 0;
}
