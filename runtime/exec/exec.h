/* exec.h: carries out a plan on open devices and ranks.
 *
 * One worker thread for each local device replays recorded commands; the caller's thread (the one
 * that owns MPI) hands out steps, reduces gradients over devices and ranks bucket by bucket, and
 * lets the workers update.  A step's input lies in one slot of a ring, so that the next step can be
 * filled while this one runs:
 *
 *     mot_exec_input(...)   fill slot t+1          (step t is running)
 *     mot_exec_step(...)    finish the reduction of t, hand out t+1
 *
 * One device on one rank takes none of the exchange: steps are queued back to back and losses are
 * read back late.
 */
#ifndef MOT_EXEC_EXEC_H
#define MOT_EXEC_EXEC_H

#include "devices/devices.h"
#include "runtime/comm/comm.h"
#include "runtime/exec/profile.h"
#include "runtime/graph/graph.h"
#include "runtime/plan/plan.h"

typedef struct mot_exec mot_exec;

/** Slots of the input ring: the least with which a device need not wait for its next input; or, of short
 *  steps with little input, so many that several can be one launch, on a device that exchanges nothing
 *  and joins launches.  This is the number for such a device and steps of up to max_batch samples. */
int mot_exec_slots(const mot_graph *graph, int64_t max_batch);

typedef struct mot_exec_options {
    int64_t max_batch; /* the largest global batch of a step */
    uint64_t seed;
} mot_exec_options;

/** Make room for `graph` on the open devices, each for up to max_batch samples or what fits.
 *  Borrows graph, devices and comm until mot_exec_close.
 *  Errors: MOT_ERR_MEMORY when not even one sample fits on some device. */
mot_status mot_exec_open(const mot_graph *graph, mot_device *const *devices, int n_devices,
                         mot_comm *comm, const mot_exec_options *options, mot_exec **out);
/** Ends the workers and frees all; the devices stay open. */
void mot_exec_close(mot_exec *exec);

/** Samples that fit on local device i. */
int64_t mot_exec_capacity(const mot_exec *exec, int device);
const mot_memory_plan *mot_exec_memory(const mot_exec *exec);

/** Parameters and optimizer states in the flat layout (n_flat floats), and buffers (n_flat_buffers):
 *  `state` is one of these or the number of a state.  Writing sets all local replicas; reading takes
 *  a current one. */
enum { MOT_FLAT_BUFFERS = -2, MOT_FLAT_PARAMETERS = -1 };
mot_status mot_exec_write_flat(mot_exec *exec, int state, const float *data);
mot_status mot_exec_read_flat(mot_exec *exec, int state, float *data);
/** XXH64 of the parameters and buffers of local device i, padding included. */
mot_status mot_exec_hash(mot_exec *exec, int device, uint64_t *hash);

/** Use this plan (over all ranks' devices; ours begin at `first_device`) from the next step on.
 *  `plan` is borrowed until the next call.  `active` (one for each local device) says which replicas
 *  follow the updates; one that becomes active is brought up to date; at least one of a rank is.
 *  A device with share zero in an active replica only updates.  Recorded commands are kept by share,
 *  so going back is cheap. */
mot_status mot_exec_set_plan(mot_exec *exec, const mot_plan *plan, int first_device,
                             const bool *active);

/** Where the caller puts raw samples and labels of local device i for the next step: memory for
 *  `share` samples, valid until that step is handed out.  Waits until the slot is free. */
mot_status mot_exec_input(mot_exec *exec, int device, void **raw, void **label);

typedef struct mot_step_scalars {
    int64_t step;
    int64_t first_sample; /* place in the step's batch of the first sample of this part */
    bool more;            /* another part of the same step follows; the graph accumulates */
    float lr, bias1, bias2;
    bool stop; /* this rank wants to stop; comes back as n_stop on all ranks */
} mot_step_scalars;

/** Hand out one training step on what was put in with mot_exec_input, or a part of one: gradients and
 *  sums of all parts are added up before the exchange, and the step's result comes with the last part.
 *  Errors: those of the devices, of any rank: then every rank gets one. */
mot_status mot_exec_step(mot_exec *exec, const mot_step_scalars *scalars);
/** Hand out a forward pass; its result holds the sums of this rank only.  `outputs` (may be NULL)
 *  gets the network's outputs of the local devices, one after the other: waits for them. */
mot_status mot_exec_evaluate(mot_exec *exec, float *outputs);
/** Wait for all that was handed out. */
mot_status mot_exec_finish(mot_exec *exec);

/** What came of a step (or forward pass). */
typedef struct mot_step_result {
    int64_t step;
    double samples, loss, more[2]; /* the loss's sums (op.h); training: over all ranks */
    int n_stop;                    /* ranks that want to stop */
    double done_s;                 /* when it was done, on mot_clock_s */
} mot_step_result;

/** Take the oldest result that is known, in the order of steps; false when there is none (yet). */
bool mot_exec_next_result(mot_exec *exec, mot_step_result *out);

/** Run forward and backward of the present plan on all local devices at once, without update and
 *  exchange, at least `n_runs` times each; the median seconds of each device go to `time_s`, 0 for
 *  share zero.  For fitting; compiles and warms up first. */
mot_status mot_exec_measure(mot_exec *exec, int n_runs, double *time_s);

/** Search for fast ways to compute a step with the present plan, about `budget_s` seconds a local device,
 *  where nothing is remembered; see mot_tune_quick.  0: nothing is searched, and what has no remembered
 *  choice is remembered to go by the rules.  Nothing may be running on other ranks that waits for this
 *  one. */
mot_status mot_exec_tune(mot_exec *exec, double budget_s);

/** Count launches and steps anew (mot_exec_launches_per_step). */
void mot_exec_forget_launches(mot_exec *exec);
/** Since the last call: seconds that local device i computed and waited, and over how many steps. */
void mot_exec_times(mot_exec *exec, int device, double *busy_s, double *idle_s, int64_t *n_steps);
/** What the exchange of gradients cost since the executor was opened. */
mot_exchange mot_exec_exchange(const mot_exec *exec);

/** Where the time went on local device i, by node, since it was opened (with profiling); waits for all
 *  that was handed out. */
mot_status mot_exec_profile(mot_exec *exec, int device, mot_node_profile *node);

/** What the driver of local device i got as launches for a training step, the mean: below 1 where several
 *  steps are one launch. */
double mot_exec_launches_per_step(const mot_exec *exec, int device);

#endif
