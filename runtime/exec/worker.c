/* worker.c: the two sides of a worker, the caller's and the thread's.
 *
 * The thread begins a job as soon as it is posted, unless it can become one launch with others and
 * enough is queued; it retires the oldest when it has nothing to begin or the ring is nearly full,
 * so the device's queue never runs empty.  All counters and the job's fields written by one side
 * and read by the other are passed on under the lock; `status` and what the header calls the
 * worker's own are written by the thread alone, so it reads them without.
 *
 * After a failure the thread goes on retiring jobs without running them: every wait of the caller
 * ends, and what it waited for counts for nothing, because mot_worker_check tells.
 */
#include "config.h"

#include "runtime/exec/worker.h"

#include "runtime/base/clock.h"
#include "runtime/base/memory.h"
#include "runtime/base/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MEASURES = 64 };

/* ---- the caller's side ---- */

static void announce(mot_worker *w)
{
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

void mot_worker_post(mot_worker *w, const mot_job *job)
{
    pthread_mutex_lock(&w->lock);
    w->job[w->posted % w->replica->n_slots] = *job;
    w->posted++;
    w->bucket_ready = 0;
    w->measure_reached = w->measure_stop = false;
    announce(w);
}

void mot_worker_wait_done(mot_worker *w, int64_t job)
{
    pthread_mutex_lock(&w->lock);
    while (w->done <= job)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

int mot_worker_wait_slot(mot_worker *w)
{
    mot_worker_wait_done(w, w->posted - w->replica->n_slots);
    return (int)(w->posted % w->replica->n_slots);
}

void mot_worker_wait_bucket(mot_worker *w, int n)
{
    pthread_mutex_lock(&w->lock);
    while (w->bucket_ready < n)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

void mot_worker_give_back(mot_worker *w, int n)
{
    pthread_mutex_lock(&w->lock);
    w->bucket_back = n;
    w->back_job = w->posted - 1;
    announce(w);
}

void mot_worker_release(mot_worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->reduced = w->posted;
    announce(w);
}

void mot_worker_wait_measured(mot_worker *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->measure_reached)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

void mot_worker_stop_measure(mot_worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->measure_stop = true;
    announce(w);
}

mot_status mot_worker_check(mot_worker *w)
{
    pthread_mutex_lock(&w->lock);
    mot_status status = w->status;
    if (status != MOT_OK)
        mot_error_set(w->message ? w->message : "out of memory");
    pthread_mutex_unlock(&w->lock);
    return status;
}

double mot_worker_launches(mot_worker *w)
{
    pthread_mutex_lock(&w->lock);
    const double n = w->n_trained > 0 ? (double)w->n_launches / (double)w->n_trained : 0;
    pthread_mutex_unlock(&w->lock);
    return n;
}

/* ---- the worker's side ---- */

static void keep_failure(mot_worker *w, mot_status status)
{
    pthread_mutex_lock(&w->lock);
    if (w->status == MOT_OK && status != MOT_OK) {
        w->status = status;
        w->message = strdup(mot_error_message());
    }
    pthread_mutex_unlock(&w->lock);
}

static void wait_reduced(mot_worker *w, int64_t job)
{
    pthread_mutex_lock(&w->lock);
    while (w->reduced <= job)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

static void buckets_ready(mot_worker *w, int n)
{
    pthread_mutex_lock(&w->lock);
    w->bucket_ready = n;
    announce(w);
}

static int slot_of(const mot_worker *w, int64_t job)
{
    return (int)(job % w->replica->n_slots);
}

static void count_launches(mot_worker *w, int n_launches, int n_steps)
{
    pthread_mutex_lock(&w->lock);
    w->n_launches += n_launches;
    w->n_trained += n_steps;
    pthread_mutex_unlock(&w->lock);
}

/* Where a job begins: one without samples in the step's last part has only to give what was kept. */
static int first_launch(const mot_job *job)
{
    return job->share > 0  ? 0
           : job->gathered ? job->program->accumulate_begin
                           : job->program->update_begin;
}

/* Does the job stop at bucket b?  A part of a step that others follow only at what is awaited; of a
 * job without samples only gradients that were kept from earlier parts leave. */
static bool stops_at(const mot_job *job, int b)
{
    return job->plan->bucket[b].awaited ? job->share > 0 : !job->more;
}

/* A job on its way through its buckets. */
typedef struct passage {
    const mot_job *job;
    int64_t number;
    int position;    /* launches that are queued */
    int n_announced; /* buckets */
    double waited_s;
    mot_mark *mark[MOT_MAX_STOPS]; /* of complete buckets that are not announced; NULL */
} passage;

static mot_status run_to(mot_worker *w, passage *p, int end)
{
    if (end > p->position) {
        MOT_TRY(
            mot_commands_run(p->job->program->commands, p->position, end, slot_of(w, p->number)));
        p->position = end;
    }
    return MOT_OK;
}

/* Queue what bucket b needs, and its way to the host. */
static mot_status send_bucket(mot_worker *w, passage *p, int b)
{
    mot_replica *r = w->replica;
    const mot_plan *plan = p->job->plan;
    const int64_t offset = plan->bucket[b].offset;
    MOT_TRY(run_to(w, p, mot_program_end_of_bucket(p->job->program, plan, b)));
    if (!r->shares_memory)
        MOT_TRY(mot_buffer_read_async(r->arena[MOT_ARENA_GRADIENT], (size_t)offset * sizeof(float),
                                      sizeof(float) * (size_t)mot_replica_bucket_floats(r, plan, b),
                                      r->gradient_staging + offset));
    return mot_mark_new(r->device, &p->mark[b]);
}

/* Announce the first n buckets as they become complete. */
static mot_status announce_buckets(mot_worker *w, passage *p, int n)
{
    MOT_TRY(mot_device_flush(w->replica->device));
    for (; p->n_announced < n; p->n_announced++) {
        mot_mark **mark = &p->mark[p->n_announced];
        if (*mark)
            MOT_TRY(mot_mark_wait(*mark));
        mot_mark_free(*mark);
        *mark = NULL;
        buckets_ready(w, p->n_announced + 1);
    }
    return MOT_OK;
}

/* Wait for the sums of bucket b and hand them to the device. */
static mot_status await_bucket(mot_worker *w, passage *p, int b)
{
    mot_replica *r = w->replica;
    const mot_bucket *bucket = &p->job->plan->bucket[b];
    const double start = mot_clock_s();
    pthread_mutex_lock(&w->lock);
    while (w->back_job < p->number || (w->back_job == p->number && w->bucket_back <= b))
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
    p->waited_s += mot_clock_s() - start;
    if (r->shares_memory)
        return MOT_OK;
    return mot_buffer_write_async(
        r->arena[MOT_ARENA_GRADIENT], (size_t)bucket->offset * sizeof(float),
        (size_t)bucket->n * sizeof(float), r->reduced_host + bucket->offset, false);
}

/* Forward and backward: buckets are marked as they become complete and announced in order; at those
 * that are awaited all devices meet. */
static mot_status pass(mot_worker *w, passage *p)
{
    const mot_plan *plan = p->job->plan;
    for (int b = 0; b < plan->n_buckets; b++) {
        if (!stops_at(p->job, b))
            continue;
        MOT_TRY(send_bucket(w, p, b));
        if (!plan->bucket[b].awaited)
            continue;
        MOT_TRY(announce_buckets(w, p, b + 1));
        MOT_TRY(await_bucket(w, p, b));
    }
    MOT_TRY(run_to(w, p, p->job->program->update_begin));
    return p->job->more ? MOT_OK : announce_buckets(w, p, plan->n_buckets);
}

/* Forward and backward with their exchange; *waited_s of the time went by waiting for others. */
static mot_status run_backward(mot_worker *w, const mot_job *job, int64_t number, double *waited_s)
{
    passage p = {.job = job, .number = number, .position = first_launch(job)};
    const mot_status status = pass(w, &p);
    for (int b = 0; b < job->plan->n_buckets; b++)
        mot_mark_free(p.mark[b]);
    *waited_s = p.waited_s;
    return status;
}

/* Launches of a job that has been run: all at once, or, with an exchange, bucket by bucket, then the
 * update. */
static int launches_of(const mot_worker *w, const mot_job *job)
{
    const mot_program *program = job->program;
    const int last = job->more ? program->update_begin : mot_commands_count(program->commands);
    int at = first_launch(job), n = 0;
    for (int b = 0; w->replica->exchanges && at < program->update_begin && b < job->plan->n_buckets;
         b++) {
        if (!stops_at(job, b))
            continue;
        const int end = mot_program_end_of_bucket(program, job->plan, b);
        if (end > at)
            n += mot_commands_launches(program->commands, at, end);
        at = end > at ? end : at;
    }
    return n + mot_commands_launches(program->commands, at, last);
}

static mot_status run_update(mot_worker *w, const mot_job *job, int slot)
{
    mot_replica *r = w->replica;
    if (!r->shares_memory) {
        size_t bytes = sizeof(float) * (size_t)(mot_replica_sums_offset(r, 0) + MOT_SUMS_FLOATS);
        MOT_TRY(
            mot_buffer_write_async(r->arena[MOT_ARENA_GRADIENT], 0, bytes, r->reduced_host, false));
    }
    return mot_commands_run(job->program->commands, job->program->update_begin,
                            mot_commands_count(job->program->commands), slot);
}

/* Read the sums of a finished job; jobs behind it may be running. */
static mot_status read_sums(mot_worker *w, mot_job *job, int slot)
{
    mot_replica *r = w->replica;
    size_t offset = (size_t)mot_replica_sums_offset(r, slot) * sizeof(float);
    if (job->share == 0) {
        memset(job->sums, 0, sizeof job->sums);
        return MOT_OK;
    }
    return mot_buffer_read_now(r->arena[MOT_ARENA_GRADIENT], offset, sizeof job->sums, job->sums);
}

static void count_busy(mot_worker *w, double busy_s, double idle_s)
{
    pthread_mutex_lock(&w->lock);
    w->busy_s += busy_s;
    w->idle_s += idle_s;
    pthread_mutex_unlock(&w->lock);
}

/* A part of a step that others follow.  With an exchange its time is taken, for the shares. */
static mot_status run_part(mot_worker *w, const mot_job *job, int64_t number)
{
    double start = mot_clock_s(), waited = 0;
    if (!w->replica->exchanges) {
        MOT_TRY(mot_commands_run(job->program->commands, 0, job->program->update_begin,
                                 slot_of(w, number)));
        count_launches(w, launches_of(w, job), 0);
        return MOT_OK;
    }
    MOT_TRY(run_backward(w, job, number, &waited));
    count_launches(w, launches_of(w, job), 0);
    MOT_TRY(mot_device_finish(w->replica->device));
    count_busy(w, mot_clock_s() - start - waited, waited);
    return MOT_OK;
}

static mot_status mark_end(mot_worker *w, int slot)
{
    MOT_TRY(mot_mark_new(w->replica->device, &w->mark[slot]));
    return mot_device_flush(w->replica->device);
}

static mot_status train(mot_worker *w, mot_job *job, int64_t number)
{
    mot_replica *r = w->replica;
    int slot = slot_of(w, number);
    MOT_TRY(mot_replica_send_slot(r, slot, job->share));
    if (job->more) {
        MOT_TRY(run_part(w, job, number));
        return mark_end(w, slot);
    }
    if (!r->exchanges) {
        MOT_TRY(mot_commands_run(job->program->commands, 0,
                                 mot_commands_count(job->program->commands), slot));
    } else {
        double start = mot_clock_s(), waited = 0;
        if (job->share > 0 || job->gathered) {
            MOT_TRY(run_backward(w, job, number, &waited));
        } else { /* its last update may still be reading what the caller reduces into next */
            MOT_TRY(mot_device_finish(r->device));
            buckets_ready(w, job->plan->n_buckets);
        }
        double end = mot_clock_s();
        wait_reduced(w, number);
        double go = mot_clock_s();
        count_busy(w, end - start - waited, go - end + waited);
        MOT_TRY(run_update(w, job, slot));
    }
    count_launches(w, launches_of(w, job), 1);
    return mark_end(w, slot);
}

/* Whole steps as one launch (together_from). */
static mot_status train_together(mot_worker *w, mot_job *job, int64_t number, int n)
{
    mot_replica *r = w->replica;
    mot_commands *commands = job->program->commands;
    const int slot = slot_of(w, number);
    for (int i = 0; i < n; i++)
        MOT_TRY(mot_replica_send_slot(r, slot_of(w, number + i), job->share));
    MOT_TRY(mot_commands_run_steps(commands, 0, mot_commands_count(commands),
                                   (mot_slots){slot, n, r->n_slots}));
    count_launches(w, 1, n);
    return mark_end(w, slot);
}

static mot_status evaluate(mot_worker *w, mot_job *job, int64_t number)
{
    mot_replica *r = w->replica;
    int slot = slot_of(w, number);
    if (job->share == 0)
        return read_sums(w, job, slot);
    MOT_TRY(mot_replica_send_slot(r, slot, job->share));
    MOT_TRY(mot_commands_run(job->program->commands, 0, mot_commands_count(job->program->commands),
                             slot));
    MOT_TRY(mot_device_finish(r->device));
    MOT_TRY(read_sums(w, job, slot));
    if (!job->outputs)
        return MOT_OK;
    mot_place place = r->inference.place[r->graph->output];
    size_t bytes = sizeof(float) * (size_t)mot_shape_elements(
                                       &r->graph->tensor[r->graph->output].shape, job->share);
    return mot_buffer_read(r->arena[place.arena], place.offset_bytes, bytes, job->outputs);
}

/* Forward and backward over and over, until this device has its runs and the others theirs. */
static mot_status measure(mot_worker *w, mot_job *job, int64_t number)
{
    double times[MAX_MEASURES];
    int slot = slot_of(w, number), n = 0;
    if (job->share > 0)
        MOT_TRY(mot_replica_send_slot(w->replica, slot, job->share));
    for (bool stop = job->share == 0; !stop;) {
        double start = mot_clock_s();
        MOT_TRY(mot_commands_run(job->program->commands, 0, job->program->update_begin, slot));
        MOT_TRY(mot_device_finish(w->replica->device));
        if (n < MAX_MEASURES && n < job->n_runs)
            times[n++] = mot_clock_s() - start;
        pthread_mutex_lock(&w->lock);
        if (n >= job->n_runs || n == MAX_MEASURES)
            w->measure_reached = true;
        stop = w->measure_stop && w->measure_reached;
        announce(w);
    }
    w->measured_s = n ? mot_median(times, (size_t)n) : 0;
    return MOT_OK;
}

/* When the n jobs of a batch were over: they had equal parts of its time. */
static void share_time(mot_worker *w, int64_t number, int n, double now_s)
{
    const double from_s = fmax(w->begun_s[slot_of(w, number)], w->retired_s);
    for (int i = 0; i < n; i++)
        w->job[slot_of(w, number + i)].done_s =
            n == 1 ? now_s : from_s + (now_s - from_s) * (i + 1) / n;
    w->retired_s = now_s;
}

static mot_status read_batch(mot_worker *w, int64_t number, int n)
{
    for (int i = 0; i < n; i++)
        MOT_TRY(read_sums(w, &w->job[slot_of(w, number + i)], slot_of(w, number + i)));
    return MOT_OK;
}

/* The oldest batch of jobs that was begun is over: its slots are free and its sums are known. */
static void retire(mot_worker *w, int64_t number)
{
    const int slot = slot_of(w, number), n = w->n_jobs[slot];
    mot_status status = w->mark[slot] ? mot_mark_wait(w->mark[slot]) : MOT_OK;
    const double now = mot_clock_s();
    share_time(w, number, n, now);
    if (status == MOT_OK && w->mark[slot] && !w->replica->exchanges)
        status = read_batch(w, number, n);
    keep_failure(w, status);
    mot_mark_free(w->mark[slot]);
    w->mark[slot] = NULL;
    w->n_running--;
    pthread_mutex_lock(&w->lock);
    if (w->job[slot].kind == MOT_JOB_TRAIN)
        w->n_steps += n;
    if (!w->replica->exchanges && w->begun == number + n) {
        w->busy_s += now - w->busy_since_s;
        w->idle_since_s = now;
    }
    w->done = number + n;
    if (w->status != MOT_OK) {
        w->bucket_ready = 1 << 30;
        w->measure_reached = true;
    }
    announce(w);
}

static mot_status do_jobs(mot_worker *w, int64_t number, int n)
{
    mot_job *job = &w->job[slot_of(w, number)];
    switch (job->kind) {
    case MOT_JOB_TRAIN:
        return n > 1 ? train_together(w, job, number, n) : train(w, job, number);
    case MOT_JOB_EVALUATE:
        return evaluate(w, job, number);
    default:
        return measure(w, job, number);
    }
}

/* Begin the next n jobs. */
static void begin(mot_worker *w, int64_t number, int n)
{
    const int slot = slot_of(w, number);
    double now = mot_clock_s();
    pthread_mutex_lock(&w->lock);
    if (!w->replica->exchanges && w->begun == w->done) {
        w->busy_since_s = now;
        w->idle_s += w->idle_since_s > 0 ? now - w->idle_since_s : 0;
    }
    mot_status status = w->status;
    pthread_mutex_unlock(&w->lock);
    w->begun = number + n;
    w->newest = number;
    w->n_jobs[slot] = n;
    w->begun_s[slot] = now;
    w->n_running++;
    if (status == MOT_OK)
        keep_failure(w, do_jobs(w, number, n));
}

/* Of short steps the ring holds three launches: two are queued while the next one's inputs come. */
enum { ENOUGH_QUEUED = 2, LAUNCHES_IN_RING = 3 };

/* How many of the n jobs from `number` on can be one launch: whole steps of the same share on a device
 * that exchanges nothing.  0: this one never can be with another. */
static int together_from(const mot_worker *w, int64_t number, int n)
{
    const mot_job *first = &w->job[slot_of(w, number)];
    if (w->replica->exchanges || first->kind != MOT_JOB_TRAIN)
        return 0;
    const mot_commands *commands = first->program->commands;
    int most = mot_commands_join_steps(commands, 0, mot_commands_count(commands)), i = 0;
    if (most > w->replica->n_slots / LAUNCHES_IN_RING)
        most = w->replica->n_slots / LAUNCHES_IN_RING;
    for (; i < n && i < most; i++) {
        const mot_job *job = &w->job[slot_of(w, number + i)];
        if (job->kind != MOT_JOB_TRAIN || job->program != first->program || job->more ||
            job->gathered)
            break;
    }
    return most > 1 ? i : 0;
}

static void *worker_main(void *argument)
{
    mot_worker *w = argument;
    for (;;) {
        pthread_mutex_lock(&w->lock);
        while (w->posted == w->begun && w->done == w->begun)
            pthread_cond_wait(&w->changed, &w->lock);
        const int n_waiting = (int)(w->posted - w->begun);
        pthread_mutex_unlock(&w->lock);
        const int together = n_waiting > 0 ? together_from(w, w->begun, n_waiting) : 0;
        /* With a job to begin the queue is kept full; else the oldest that runs is waited for. */
        const bool next = n_waiting > 0 && !(together > 0 && w->n_running >= ENOUGH_QUEUED);
        if (next && w->job[slot_of(w, w->begun)].kind == MOT_JOB_QUIT)
            return NULL;
        if (next)
            begin(w, w->begun, together > 1 ? together : 1);
        const int64_t in_flight = w->begun - w->done;
        if (in_flight > 0 && (!next || in_flight >= w->replica->n_slots - 1 ||
                              !w->mark[slot_of(w, w->newest)] || w->status != MOT_OK))
            retire(w, w->done);
    }
}

mot_status mot_worker_start(mot_worker *w, mot_replica *replica)
{
    *w = (mot_worker){.replica = replica, .back_job = -1};
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    if (pthread_create(&w->thread, NULL, worker_main, w) != 0) {
        pthread_mutex_destroy(&w->lock);
        pthread_cond_destroy(&w->changed);
        return MOT_FAIL(MOT_ERR_MEMORY, "no thread for device %s",
                        mot_device_get_info(replica->device)->id);
    }
    w->started = true;
    return MOT_OK;
}

void mot_worker_stop(mot_worker *w)
{
    if (!w->started)
        return;
    mot_worker_wait_slot(w);
    mot_worker_post(w, &(mot_job){.kind = MOT_JOB_QUIT});
    pthread_join(w->thread, NULL);
    for (int i = 0; i < MOT_MAX_SLOTS; i++)
        mot_mark_free(w->mark[i]);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    free(w->message);
    w->started = false;
}
