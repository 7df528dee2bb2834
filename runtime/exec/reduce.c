/* reduce.c: the exchange of one step.
 *
 * The sum over the local devices is taken here, on the host, always in the order of the devices, so
 * that the same plan gives the same bits; the sum over the ranks is begun for each bucket and waited
 * for at the end.  A rank whose device has failed sends what lies in its buffers: the last bucket's
 * words tell everyone that the sums are not to be used.
 */
#include "config.h"

#include "runtime/exec/reduce.h"

#include "runtime/base/clock.h"
#include "runtime/base/numbers.h"

#include <string.h>

/* Sum of bucket b over the local devices that have samples, device by device. */
static void sum_local(const mot_bucket *bucket, int64_t n, mot_worker *worker, int n_workers,
                      const bool *active, const int64_t *share, float *reduced)
{
    float *out = reduced + bucket->offset;
    const float *so_far = NULL;
    for (int i = 0; i < n_workers; i++) {
        if (!active[i] || share[i] == 0)
            continue;
        const float *mine = mot_replica_gradients(worker[i].replica) + bucket->offset;
        if (so_far == out)
            mot_add(out, mine, n);
        else if (so_far)
            mot_add_two(out, so_far, mine, n);
        so_far = so_far ? out : mine;
    }
    if (!so_far)
        memset(out, 0, (size_t)n * sizeof *out);
    else if (so_far != out)
        memcpy(out, so_far, (size_t)n * sizeof *out);
}

static bool has_failed(mot_worker *worker, int n_workers)
{
    bool failed = false;
    for (int i = 0; i < n_workers; i++)
        failed = failed || mot_worker_check(&worker[i]) != MOT_OK;
    return failed;
}

mot_status mot_reduce_step(mot_comm *comm, const mot_plan *plan, mot_worker *worker, int n_workers,
                           const bool *active, const int64_t *share, bool stop, mot_share *shared,
                           float *reduced, mot_exchange *times)
{
    mot_request *request[MOT_MAX_BUCKETS];
    mot_status status = MOT_OK;
    int n_requests = 0, n_ranks = mot_comm_size(comm);
    double ready_s = 0, begun_s = 0, summing_s = 0;
    float *local = shared ? mot_share_mine(shared) : reduced;
    for (int b = 0; b < plan->n_buckets; b++) {
        const mot_bucket *bucket = &plan->bucket[b];
        int64_t n = mot_replica_bucket_floats(worker[0].replica, plan, b);
        for (int i = 0; i < n_workers; i++)
            if (active[i])
                mot_worker_wait_bucket(&worker[i], b + 1);
        ready_s = mot_clock_s();
        begun_s = b == 0 ? ready_s : begun_s;
        bool last = b == plan->n_buckets - 1;
        sum_local(bucket, n, worker, n_workers, active, share, local);
        summing_s += mot_clock_s() - ready_s;
        if (last) {
            float *words = local + bucket->offset + n - MOT_SUMS_FLOATS;
            memset(words + 4, 0, (MOT_SUMS_FLOATS - 4) * sizeof *words);
            words[MOT_SUMS_FAILED] = has_failed(worker, n_workers) ? 1.0f : 0.0f;
            words[MOT_SUMS_STOP] = stop ? 1.0f : 0.0f;
        }
        if (shared) {
            mot_share_begin(shared, bucket->offset, n);
        } else if (n_ranks > 1) {
            status =
                mot_comm_all_reduce_begin(comm, local + bucket->offset, n, &request[n_requests]);
            if (status != MOT_OK)
                break;
            n_requests++;
        }
    }
    if (shared)
        mot_share_finish(shared);
    for (int i = 0; i < n_requests; i++) {
        mot_status one = mot_request_wait(request[i]);
        status = status == MOT_OK ? one : status;
    }
    double end_s = mot_clock_s();
    times->cost_s += n_ranks > 1 ? end_s - begun_s : summing_s;
    times->exposed_s += end_s - ready_s;
    times->n_steps++;
    return status;
}
