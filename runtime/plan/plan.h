/* plan.h: who gets which samples, and in which slices gradients travel.  Pure: numbers in, numbers
 * out, nothing opened, so it can be asked about machines that nobody here owns.
 */
#ifndef MOT_PLAN_PLAN_H
#define MOT_PLAN_PLAN_H

#include "runtime/base/status.h"
#include "runtime/graph/graph.h"

/** One device of one rank, as numbers.  time(n) = a_s + b_s * n for n > 0 samples, 0 for none. */
typedef struct mot_machine_device {
    char id[48];
    int rank;
    double a_s, b_s;   /* fit of forward + backward of this model, all devices running together */
    double max_batch;  /* samples that fit in its memory */
    double min_step_s; /* update and exchange: added to the time of a device that has samples */
    /* Kept by mot_balance_observe; all 0 at first. */
    double drift;   /* a_s and b_s over what they were at first; 0: nothing observed yet */
    double odd_sum; /* of the last n_odd ratios measured/predicted that were far off */
    int n_odd;      /* negative: faster than predicted */
    int n_slow;     /* how often it turned out slower than believed, since it was last faster */
} mot_machine_device;

typedef struct mot_machine {
    mot_machine_device *device;
    int n_devices;
    int n_promises; /* kept by mot_balance_observe: in a row that promised a gain; 0 at first */
} mot_machine;

/** The machine as text, one line a device, and back.  Errors: MOT_ERR_FORMAT with the line. */
mot_status mot_machine_print(const mot_machine *machine, char **out);
mot_status mot_machine_parse(const char *text, mot_machine *out);
void mot_machine_free(mot_machine *machine);

/** Least-squares fit of time = a + b*n with a, b >= 0 over `n_points` measurements; one point gives
 *  a = 0.  Source: Poplar (AAAI 2025), section 4. */
void mot_fit_line(const double *samples, const double *time_s, int n_points, double *a_s,
                  double *b_s);

/** Set the number of samples of each device for a global batch.
 *  Shapes: `share` has one entry for each device; the entries add up to `batch`; zero is allowed.
 *  Minimises the predicted time of the slowest device; with equal times prefers fewer devices, then
 *  the faster, then the earlier one.  Exact, and deterministic: every rank computes the same from
 *  the same numbers.
 *  Errors: MOT_ERR_MEMORY when no shares fit; the message names the sum that fits. */
mot_status mot_balance_shares(const mot_machine *machine, int64_t batch, int64_t *share);
/** As equal as whole numbers allow (earlier devices get the remainder), within max_batch. */
mot_status mot_balance_equal(const mot_machine *machine, int64_t batch, int64_t *share);
/** In proportion to given weights (largest remainder). */
mot_status mot_balance_weights(const double *weights, int n, int64_t batch, int64_t *share);
/** Predicted time of a step with these shares: the slowest device. */
double mot_balance_step_s(const mot_machine *machine, const int64_t *share);

/** Update the fits with measured times of a step period: moving average; returns true when the best
 *  shares for `batch` promise to be faster than `share` by more than the dead band, and not just
 *  for once (so that noise moves nothing).  `time_s[i]` is the measured busy time of forward and
 * backward of device i for share[i] samples; what is not a positive number is left out.  A device
 * without samples keeps its fit, and a fit that had become worse slowly returns to the first one,
 * so that the device gets another chance.  Pure but for `machine`. */
bool mot_balance_observe(mot_machine *machine, int64_t batch, const int64_t *share,
                         const double *time_s);

/* No plan has more buckets of gradients, whatever the size of the model: each costs a mark, a message
 * and a thread's attention, and with so many there is nothing left to hide.  In all: with what is
 * exchanged within the step. */
enum { MOT_MAX_BUCKETS = 64, MOT_MAX_STOPS = 1024 };

/** A slice of the gradient arena that travels at once. */
typedef struct mot_bucket {
    int64_t offset, n; /* elements */
    int after_node;    /* complete when this node has run */
    bool awaited;      /* MOT_TENSOR_EXCHANGED: no device goes on before it has the sum */
} mot_bucket;

/** What every rank agrees on for a run; const once built. */
typedef struct mot_plan {
    int64_t batch;
    int n_devices;          /* over all ranks */
    int64_t *share, *first; /* samples of each device and position of its first in the batch */
    mot_bucket *bucket;
    int n_buckets;
    double predicted_step_s, predicted_equal_step_s;
} mot_plan;

/** Build the plan: shares as given, buckets of about `bucket_bytes` (more where that would make more
 *  than MOT_MAX_BUCKETS) in the order in which the step finishes them (the last holds the loss's
 *  sums).  The caller owns *out.
 *  Errors: MOT_ERR_ARGUMENT for shares that do not add up to the batch or a graph that is not sealed;
 *  MOT_ERR_UNSUPPORTED for more than MOT_MAX_STOPS buckets;
 *  MOT_ERR_MEMORY for a share over a device's max_batch. */
mot_status mot_plan_build(const mot_graph *graph, const mot_memory_plan *memory,
                          const mot_machine *machine, int64_t batch, const int64_t *share,
                          size_t bucket_bytes, mot_plan **out);
void mot_plan_free(mot_plan *plan);
/** As text (the caller frees it with free) and back.  `machine` may be NULL: then ids, ranks and times
 *  are left out.  Errors: MOT_ERR_FORMAT with the line. */
mot_status mot_plan_print(const mot_plan *plan, const mot_machine *machine, char **out);
mot_status mot_plan_parse(const char *text, mot_plan **out);

#endif
