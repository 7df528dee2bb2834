/* reduce.h: one step's exchange: buckets are summed over the local devices in fixed order and then
 * over the ranks, each as soon as it is complete, while later buckets are still being computed. */
#ifndef MOT_EXEC_REDUCE_H
#define MOT_EXEC_REDUCE_H

#include "runtime/comm/comm.h"
#include "runtime/exec/profile.h"
#include "runtime/exec/worker.h"

/** Reduce the gradients of the job that the workers are running into `reduced`, which is of `shared`
 *  where that is not NULL.
 *  `active[i]`: worker i takes part, `share[i]` > 0: it has gradients.  `failed`, `stop`: this rank's
 *  words; their sums over the ranks come back behind the sums (MOT_SUMS_FAILED, MOT_SUMS_STOP).
 *  `times` is added to.  Every rank runs all collectives even when it has failed, so that nobody waits. */
mot_status mot_reduce_step(mot_comm *comm, const mot_plan *plan, mot_worker *worker, int n_workers,
                           const bool *active, const int64_t *share, bool stop, mot_share *shared,
                           float *reduced, mot_exchange *times);

#endif
