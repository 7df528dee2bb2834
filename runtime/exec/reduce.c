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

/* Sum of `n` floats over the local devices that have some (`has`), device by device, into `out`, both
 * from `offset` on. */
static void sum_local(const mot_reduction *r, const int64_t *has, int64_t offset, int64_t n,
                      float *out)
{
    const float *so_far = NULL;
    out += offset;
    for (int i = 0; i < r->n_workers; i++) {
        if (!r->active[i] || has[i] == 0)
            continue;
        const float *mine = mot_replica_gradients(r->worker[i].replica) + offset;
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

static bool has_failed(const mot_reduction *r)
{
    bool failed = false;
    for (int i = 0; i < r->n_workers; i++)
        failed = failed || mot_worker_check(&r->worker[i]) != MOT_OK;
    return failed;
}

/* This rank's words, behind the sums. */
static void add_words(const mot_reduction *r, float *words)
{
    memset(words + 4, 0, (MOT_SUMS_FLOATS - 4) * sizeof *words);
    words[MOT_SUMS_FAILED] = has_failed(r) ? 1.0f : 0.0f;
    words[MOT_SUMS_STOP] = r->stop ? 1.0f : 0.0f;
}

/* ---- over the ranks ---- */

/* What has been begun and not ended. */
typedef struct under_way {
    mot_request *request[MOT_MAX_STOPS];
    int n;
} under_way;

static mot_status begin_ranks(const mot_reduction *r, float *local, int64_t offset, int64_t n,
                              under_way *sums)
{
    if (r->shared) {
        mot_share_begin(r->shared, offset, n);
        return MOT_OK;
    }
    if (mot_comm_size(r->comm) == 1)
        return MOT_OK;
    MOT_TRY(mot_comm_all_reduce_begin(r->comm, local + offset, n, &sums->request[sums->n]));
    sums->n++;
    return MOT_OK;
}

static mot_status finish_ranks(const mot_reduction *r, under_way *sums)
{
    mot_status status = MOT_OK;
    if (r->shared)
        mot_share_finish(r->shared);
    for (int i = 0; i < sums->n; i++) {
        const mot_status one = mot_request_wait(sums->request[i]);
        status = status == MOT_OK ? one : status;
    }
    sums->n = 0;
    return status;
}

/* ---- the step ---- */

typedef struct moments {
    double first_s, ready_s; /* the first bucket was complete; the latest was */
    double summing_s;        /* spent on sums over local devices */
    double held_s;           /* while devices waited for sums */
} moments;

static mot_status reduce_bucket(const mot_reduction *r, int b, under_way *sums, moments *at)
{
    const mot_bucket *bucket = &r->plan->bucket[b];
    const int64_t n = mot_replica_bucket_floats(r->worker[0].replica, r->plan, b);
    float *local = r->shared ? mot_share_mine(r->shared) : r->reduced;
    for (int i = 0; i < r->n_workers; i++)
        if (r->active[i])
            mot_worker_wait_bucket(&r->worker[i], b + 1);
    at->ready_s = mot_clock_s();
    at->first_s = at->first_s > 0 ? at->first_s : at->ready_s;
    sum_local(r, bucket->awaited ? r->share : r->contributes, bucket->offset, n, local);
    at->summing_s += mot_clock_s() - at->ready_s;
    if (b == r->plan->n_buckets - 1)
        add_words(r, local + bucket->offset + n - MOT_SUMS_FLOATS);
    MOT_TRY(begin_ranks(r, local, bucket->offset, n, sums));
    if (!bucket->awaited)
        return MOT_OK;
    MOT_TRY(finish_ranks(r, sums));
    for (int i = 0; i < r->n_workers; i++)
        if (r->active[i])
            mot_worker_give_back(&r->worker[i], b + 1);
    at->held_s += mot_clock_s() - at->ready_s;
    return MOT_OK;
}

static mot_status reduce(const mot_reduction *r, bool part)
{
    under_way sums = {.n = 0};
    moments at = {0};
    mot_status status = MOT_OK;
    for (int b = 0; b < r->plan->n_buckets && status == MOT_OK; b++)
        if (!part || r->plan->bucket[b].awaited)
            status = reduce_bucket(r, b, &sums, &at);
    for (int i = 0; status != MOT_OK && i < r->n_workers; i++) /* nobody is to wait for the rest */
        if (r->active[i])
            mot_worker_give_back(&r->worker[i], r->plan->n_buckets);
    const mot_status end = finish_ranks(r, &sums);
    const double end_s = mot_clock_s();
    const bool over_ranks = mot_comm_size(r->comm) > 1;
    r->times->cost_s += part ? at.held_s : over_ranks ? end_s - at.first_s : at.summing_s;
    r->times->exposed_s += part ? at.held_s : at.held_s + end_s - at.ready_s;
    return status == MOT_OK ? end : status;
}

mot_status mot_reduce_step(const mot_reduction *r)
{
    r->times->n_steps++;
    return reduce(r, false);
}

mot_status mot_reduce_part(const mot_reduction *r)
{
    return reduce(r, true);
}
