/* exec.h: carries out a plan on open devices and ranks.
 *
 * One worker thread for each local device replays recorded commands; the caller's thread (the one
 * that owns MPI) hands out steps, reduces gradients over devices and ranks bucket by bucket, and
 * lets the workers update.  A step's input lies in one slot of a ring, so that the next step can be
 * filled while this one runs.
 */
#ifndef MOT_EXEC_EXEC_H
#define MOT_EXEC_EXEC_H

#include "devices/devices.h"
#include "runtime/comm/comm.h"
#include "runtime/graph/graph.h"
#include "runtime/plan/plan.h"

typedef struct mot_exec mot_exec;

typedef struct mot_exec_options {
    int64_t max_batch; /* the largest global batch of a step */
    int n_slots;       /* input ring */
    uint64_t seed;
    bool profile;
} mot_exec_options;

/** Make room for `graph` on the open devices, each for up to min(max_batch, what fits) samples.
 *  Borrows graph, devices and comm until mot_exec_close. */
mot_status mot_exec_open(const mot_graph *graph, mot_device *const *devices, int n_devices,
                         mot_comm *comm, const mot_exec_options *options, mot_exec **out);
void mot_exec_close(mot_exec *exec);

/** Samples that fit on local device i. */
int64_t mot_exec_capacity(const mot_exec *exec, int device);

/** Parameters and states of the replicas.  `data` is in the flat layout (n_flat floats).  Writing
 *  sets all local replicas; reading takes local device 0.  `state` -1: the parameters. */
mot_status mot_exec_write_flat(mot_exec *exec, int state, const float *data);
mot_status mot_exec_read_flat(mot_exec *exec, int state, float *data);
const mot_memory_plan *mot_exec_memory(const mot_exec *exec);
/** XXH64 of the parameters of local device i. */
mot_status mot_exec_hash(mot_exec *exec, int device, uint64_t *hash);

/** Use these shares (plan->share is over all ranks' devices; ours are [first_device, +n)) from the
 *  next step on.  Recorded commands are kept by share, so going back is cheap. */
mot_status mot_exec_set_plan(mot_exec *exec, const mot_plan *plan, int first_device);

/** Where the caller puts raw samples and labels of local device i for the next step: host memory for
 *  `share` samples.  Blocks until the slot is free. */
mot_status mot_exec_input(mot_exec *exec, int device, void **raw, void **label);

typedef struct mot_step_scalars {
    int64_t step;
    float lr, bias1, bias2;
} mot_step_scalars;

/** Train one step on what was put in with mot_exec_input: returns when it is handed out, not done.
 *  Losses are added up on the way and read with mot_exec_sums. */
mot_status mot_exec_step(mot_exec *exec, const mot_step_scalars *scalars);
/** Forward only, adding to the same sums; `outputs` (may be NULL) gets local device i's network
 *  outputs (share_i, n_outputs) one after the other. */
mot_status mot_exec_evaluate(mot_exec *exec, float *outputs);
/** Wait for all that was handed out; totals over all ranks since the last call: samples, loss,
 *  correct, and the fourth sum.  Zeroes them. */
mot_status mot_exec_sums(mot_exec *exec, double sums[4]);
/** Sum of the losses of the newest step that is already known, without waiting: for progress. */
void mot_exec_peek(const mot_exec *exec, double *loss_sum, double *samples);
mot_status mot_exec_finish(mot_exec *exec);

/** Measured times since the last call, for balancing: seconds that local device i computed for
 *  forward and backward, over how many steps. */
void mot_exec_times(mot_exec *exec, int device, double *busy_s, double *idle_s, int64_t *n_steps);
double mot_exec_launches_per_step(const mot_exec *exec, int device);

#endif
