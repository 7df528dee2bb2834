/* worker.h: the thread that drives one replica.
 *
 * Jobs come in order and are done in order.  Job j passes these points, each a counter that only
 * grows, guarded by one mutex and announced on one condition:
 *
 *   posted > j          the caller has filled slot j % n_slots and handed the job out
 *   bucket_ready        (exchange) buckets of the newest job that the host may read
 *   bucket_back         (exchange) buckets of job `back_job` of which the host has the sums; awaited
 *                       ones hold the job until then
 *   reduced > j         (exchange) the caller has reduced all buckets; the update may run
 *   done > j            everything has run; the slot is free, the job's sums are known
 *
 * Where a whole step is one launch, the jobs that wait while two launches are queued become one
 * launch together.
 *
 * A failure is kept (first status, message); later jobs pass all their points at once, so that
 * nobody waits for a device that has left.
 */
#ifndef MOT_EXEC_WORKER_H
#define MOT_EXEC_WORKER_H

#include "runtime/exec/replica.h"
#include "runtime/exec/room.h"

#include <pthread.h>

typedef enum { MOT_JOB_TRAIN, MOT_JOB_EVALUATE, MOT_JOB_MEASURE, MOT_JOB_QUIT } mot_job_kind;

typedef struct mot_job {
    mot_job_kind kind;
    int64_t step;
    int64_t share;        /* 0: only follow the update */
    bool gathered;        /* there are sums of earlier parts of the step */
    bool more;            /* later parts follow: no exchange and no update yet */
    mot_program *program; /* of share, or of one sample for share 0 */
    const mot_plan *plan; /* buckets */
    float *outputs;       /* evaluate: where this device's outputs go, or NULL */
    int n_runs;           /* measure */
    float sums[4];        /* result */
    double done_s;        /* when it was done, on mot_clock_s */
} mot_job;

typedef struct mot_worker {
    mot_replica *replica;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    mot_job job[MOT_MAX_SLOTS];
    int64_t posted, reduced, done;
    int bucket_ready, bucket_back;
    int64_t back_job;
    bool measure_reached, measure_stop; /* own runs are enough; those of all devices are */
    double measured_s;
    double busy_s, idle_s; /* since last taken */
    int64_t n_steps;
    int64_t n_launches, n_trained; /* of training steps, since they were last forgotten */
    mot_status status;
    char *message; /* of the first failure, owned */
    /* The worker's own, not guarded.  Jobs are begun in batches, which end together: of such a batch
     * these are kept where its first job is. */
    mot_mark *mark[MOT_MAX_SLOTS];
    int n_jobs[MOT_MAX_SLOTS];
    double begun_s[MOT_MAX_SLOTS];
    int64_t begun, newest; /* jobs begun; first job of the newest batch */
    int n_running;         /* batches */
    double busy_since_s, idle_since_s, retired_s;
} mot_worker;

mot_status mot_worker_start(mot_worker *worker, mot_replica *replica);
/** Finish what was posted and end the thread. */
void mot_worker_stop(mot_worker *worker);

/** Hand out the next job; its slot must be free (mot_worker_wait_slot). */
void mot_worker_post(mot_worker *worker, const mot_job *job);
/** The slot of the job that will be posted next, once it is free. */
int mot_worker_wait_slot(mot_worker *worker);
/** Wait until job number `job` is done. */
void mot_worker_wait_done(mot_worker *worker, int64_t job);
/** Wait until `n` buckets of the newest job are complete. */
void mot_worker_wait_bucket(mot_worker *worker, int n);
/** The sums of the first `n` buckets of the newest job are there. */
void mot_worker_give_back(mot_worker *worker, int n);
/** Let the update of the newest job run. */
void mot_worker_release(mot_worker *worker);
/** Measure: wait until the worker has made its runs; then let it stop. */
void mot_worker_wait_measured(mot_worker *worker);
void mot_worker_stop_measure(mot_worker *worker);
/** Launches that the driver got for a training step, the mean; 0 before the first. */
double mot_worker_launches(mot_worker *worker);
/** The first failure as a status with its message, or MOT_OK. */
mot_status mot_worker_check(mot_worker *worker);

#endif
