/* request.c: a reduction under way, and how to wait for it.
 *
 * MPI's own waiting spins until the message is there, on a core that has better to do: ranks often
 * share cores with each other and with the devices' threads.  So we ask MPI_Test and back off in
 * between.  A short spin comes first, for what is nearly done; then sleeps that grow, because a
 * sleeper that wakes is run at once, while a thread that yields (tried, dropped) waits for the
 * whole time slice of the thread that it yielded to.
 */
#include "config.h"

#include "runtime/comm/internal.h"

#include "runtime/base/clock.h"
#include "runtime/base/memory.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

/* Two ranks on two cores, 0.4 MB: 0.09 ms (MPI_Wait 0.09); four ranks: 1.2 ms (MPI_Wait 16).  The spin
 * covers how far ranks drift apart in a step: 784-128-10 at batch 512 on two ranks takes 2.8 ms with 0.1
 * ms of it and 2.5 with 1 ms. */
enum {
    SPIN_NS = 1000000,      /* where every rank of this host can have a core for itself */
    CROWDED_SPIN_NS = 5000, /* where ranks wait for each other's cores */
    FIRST_SLEEP_NS = 5000,
    LONGEST_SLEEP_NS = 50000,
    LAZY = 2000,                    /* who has waited for long may sleep 1/LAZY of that, */
    LONGEST_LAZY_SLEEP_NS = 2000000 /* so that a rank that compiles for a minute is not disturbed */
};

mot_backoff mot_backoff_begin(const mot_comm *comm)
{
    int spin_ns = comm->host_size <= comm->host_cores ? SPIN_NS : CROWDED_SPIN_NS;
    return (mot_backoff){.since_s = mot_clock_s(), .spin_s = spin_ns * 1e-9};
}

void mot_back_off(mot_backoff *wait)
{
    double waited_s = mot_clock_s() - wait->since_s;
    if (waited_s < wait->spin_s)
        return;
    wait->sleep_ns = wait->sleep_ns ? wait->sleep_ns + wait->sleep_ns / 4 : FIRST_SLEEP_NS;
    if (wait->sleep_ns > LONGEST_SLEEP_NS)
        wait->sleep_ns = LONGEST_SLEEP_NS;
    long sleep_ns = wait->sleep_ns;
    double lazy_ns = waited_s * 1e9 / LAZY;
    if (lazy_ns > (double)sleep_ns)
        sleep_ns = lazy_ns < LONGEST_LAZY_SLEEP_NS ? (long)lazy_ns : LONGEST_LAZY_SLEEP_NS;
    nanosleep(&(struct timespec){.tv_nsec = sleep_ns}, NULL);
}

/* Finished requests become MPI_REQUEST_NULL, which MPI_Test calls done: so no count is kept. */
static mot_status test_all(mot_comm *comm, MPI_Request *request, int n, const char *what,
                           int64_t count, bool *done)
{
    int flag = 1;
    for (int i = 0; i < n && flag; i++)
        MOT_TRY(mot_comm_check(comm, MPI_Test(&request[i], &flag, MPI_STATUS_IGNORE), what, count));
    *done = flag;
    return MOT_OK;
}

mot_status mot_comm_wait(mot_comm *comm, MPI_Request *request, int n, const char *what,
                         int64_t count)
{
    mot_backoff wait = mot_backoff_begin(comm);
    for (bool done;;) {
        MOT_TRY(test_all(comm, request, n, what, count, &done));
        if (done)
            return MOT_OK;
        mot_back_off(&wait);
    }
}

static mot_status take_request(mot_comm *comm, int64_t n, mot_request **out)
{
    mot_request *request = comm->idle;
    if (request)
        comm->idle = request->next;
    else
        MOT_TRY(mot_alloc(1, sizeof *request, &request));
    request->comm = comm;
    request->n = n;
    request->n_parts = 0;
    request->next = NULL;
    *out = request;
    return MOT_OK;
}

static void give_request(mot_request *request)
{
    request->next = request->comm->idle;
    request->comm->idle = request;
}

void mot_comm_free_idle(mot_comm *comm)
{
    while (comm->idle) {
        mot_request *next = comm->idle->next;
        free(comm->idle->part);
        free(comm->idle);
        comm->idle = next;
    }
}

static mot_status begin_parts(mot_request *request, float *data)
{
    mot_comm *comm = request->comm;
    int64_t n_parts = (request->n + comm->chunk - 1) / comm->chunk;
    if (n_parts > INT_MAX)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "an all-reduce of %" PRId64 " floats is too long",
                        request->n);
    MOT_TRY(mot_grow(&request->part, &request->capacity, (size_t)n_parts, sizeof(MPI_Request)));
    for (int64_t first = 0; first < request->n; first += comm->chunk) {
        int64_t n = request->n - first < comm->chunk ? request->n - first : comm->chunk;
        int code = MPI_Iallreduce(MPI_IN_PLACE, data + first, (int)n, MPI_FLOAT, MPI_SUM,
                                  comm->world, &request->part[request->n_parts]);
        MOT_TRY(mot_comm_check(comm, code, "all-reduce", request->n));
        request->n_parts++;
    }
    return MOT_OK;
}

mot_status mot_comm_all_reduce_begin(mot_comm *comm, float *data, int64_t n, mot_request **out)
{
    if (n < 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "an all-reduce of %" PRId64 " floats", n);
    mot_request *request;
    MOT_TRY(take_request(comm, n, &request));
    if (comm->size > 1) {
        mot_status status = begin_parts(request, data);
        if (status != MOT_OK) {
            give_request(request);
            return status;
        }
    }
    *out = request;
    return MOT_OK;
}

mot_status mot_request_test(mot_request *request, bool *done)
{
    return test_all(request->comm, request->part, request->n_parts, "all-reduce", request->n, done);
}

mot_status mot_request_wait(mot_request *request)
{
    mot_status status =
        mot_comm_wait(request->comm, request->part, request->n_parts, "all-reduce", request->n);
    give_request(request);
    return status;
}
