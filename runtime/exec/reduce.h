/* reduce.h: one step's exchange: buckets are summed over the local devices in fixed order and then
 * over the ranks, each as soon as it is complete, while later buckets are still being computed.  Those
 * that the devices wait for are summed at once and given back. */
#ifndef MOT_EXEC_REDUCE_H
#define MOT_EXEC_REDUCE_H

#include "runtime/comm/comm.h"
#include "runtime/exec/profile.h"
#include "runtime/exec/worker.h"

/** Who takes part, and where sums go. */
typedef struct mot_reduction {
    mot_comm *comm;
    const mot_plan *plan;
    mot_worker *worker; /* [n_workers] */
    int n_workers;
    const bool *active;         /* [n_workers] it runs the job */
    const int64_t *share;       /* [n_workers] its samples; 0: it has nothing to what is awaited */
    const int64_t *contributes; /* [n_workers] not 0: it has gradients */
    bool stop;                  /* this rank's word */
    mot_share *shared;          /* NULL where ranks have no common memory */
    float *reduced;             /* of `shared`, where that is not NULL */
    mot_exchange *times;        /* added to */
} mot_reduction;

/** Reduce the buckets of the job that the workers are running.  This rank's words, that it has failed or
 *  wants to stop, come back summed over the ranks behind the sums (MOT_SUMS_FAILED, MOT_SUMS_STOP).
 *  Every rank runs all collectives even when it has failed, so that nobody waits. */
mot_status mot_reduce_step(const mot_reduction *reduction);
/** The same for a part of a step that others follow: only what is awaited. */
mot_status mot_reduce_part(const mot_reduction *reduction);

#endif
