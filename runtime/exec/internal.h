/* internal.h: what the files of runtime/exec share.  Only they include it.
 *
 * exec.c     life, plan, steps and their results
 * state.c    parameters and optimizer states in and out
 * times.c    measuring, and what steps cost; tune.c  the search for fast kernels
 * worker.c   the thread of a device; replica.c its memory and commands; room.c what fits
 * reduce.c   the exchange
 *
 * All of a mot_exec belongs to the caller's thread; workers see their mot_worker only.
 */
#ifndef MOT_EXEC_INTERNAL_H
#define MOT_EXEC_INTERNAL_H

#include "runtime/exec/exec.h"
#include "runtime/exec/worker.h"

enum { MOT_MAX_RESULTS = MOT_MAX_SLOTS + 1 };

struct mot_exec {
    const mot_graph *graph;
    mot_comm *comm;
    uint64_t seed;
    int n_devices, n_slots;
    mot_replica *replica;
    mot_worker *worker;
    bool exchanges;
    mot_share *shared; /* with the other ranks of this host, if all are on it; else NULL */
    float *reduced; /* sums over devices and ranks: shared, owned, or a replica's own gradients */
    float *reduced_owned;
    const mot_plan *plan;
    int first_device;
    bool *active;
    mot_exchange exchange;
    bool *gathered; /* [n_devices] has sums of earlier parts of the step */
    /* Of the job handed out last, [n_devices]: runs it, has samples, not 0: has gradients. */
    bool *takes_part;
    int64_t *samples, *contributes;
    bool pending; /* a training step was handed out whose reduction is still to be done */
    bool pending_stop;
    int64_t pending_step;
    int64_t collected; /* jobs of worker 0..: results taken over so far (no exchange) */
    mot_step_result result[MOT_MAX_RESULTS];
    int first_result, n_results;
};

/** Samples of local device i in a step; 0 for a replica that is not active. */
int64_t mot_exec_share(const mot_exec *exec, int device);
/** Record what the plan in use needs in this mode, so that handing out a job cannot fail: a worker
 *  whose neighbours got no job would wait for them for ever. */
mot_status mot_exec_record(mot_exec *exec, bool inference);
/** The first failure of any local worker, or MOT_OK. */
mot_status mot_exec_check(mot_exec *exec);
/** Put the scalars of the next job of local device i into its slot; waits until that is free. */
void mot_exec_write_scalars(mot_exec *exec, int device, const mot_step_scalars *scalars);
/** The local device whose parameters are current: the first active one. */
int mot_exec_current(const mot_exec *exec);
/** Copy parameters and optimizer states from one local replica to another; nothing may be running.
 */
mot_status mot_exec_copy_replica(mot_exec *exec, int from, int to);

#endif
