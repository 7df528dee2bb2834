/* collective.c: small blocking collectives on bytes, and agreement on failure.
 *
 * All of them are begun without blocking and waited for with back-off, like the reductions: a rank
 * that prepares its data or compiles its kernels for seconds must not keep the others' cores busy.
 */
#include "config.h"

#include "runtime/comm/internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static mot_status check_size(const char *what, size_t size_bytes)
{
    if (size_bytes > INT_MAX)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s of %zu bytes is too long (at most %d)", what,
                        size_bytes, INT_MAX);
    return MOT_OK;
}

mot_status mot_comm_all_gather(mot_comm *comm, const void *mine, size_t size_bytes, void *all)
{
    MOT_TRY(check_size("gather", size_bytes));
    if (comm->size == 1) {
        memmove(all, mine, size_bytes);
        return MOT_OK;
    }
    MPI_Request request;
    int n = (int)size_bytes;
    int code = MPI_Iallgather(mine, n, MPI_BYTE, all, n, MPI_BYTE, comm->world, &request);
    MOT_TRY(mot_comm_check(comm, code, "gather", n));
    return mot_comm_wait(comm, &request, 1, "gather", n);
}

mot_status mot_comm_broadcast(mot_comm *comm, void *data, size_t size_bytes, int root)
{
    if (root < 0 || root >= comm->size)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "broadcast from rank %d of %d", root, comm->size);
    if (comm->size == 1)
        return MOT_OK;
    /* Whole models go this way, so it is cut to what an int counts. */
    for (size_t first = 0; first < size_bytes;) {
        size_t part = size_bytes - first < MOT_COMM_CHUNK ? size_bytes - first : MOT_COMM_CHUNK;
        MPI_Request request;
        int code =
            MPI_Ibcast((char *)data + first, (int)part, MPI_BYTE, root, comm->world, &request);
        MOT_TRY(mot_comm_check(comm, code, "broadcast", (int64_t)size_bytes));
        MOT_TRY(mot_comm_wait(comm, &request, 1, "broadcast", (int64_t)size_bytes));
        first += part;
    }
    return MOT_OK;
}

typedef struct verdict {
    int status;
    char message[4096];
} verdict;

mot_status mot_comm_agree(mot_comm *comm, mot_status mine)
{
    if (comm->size == 1)
        return mine;
    if (comm->broken) /* its error has been told; the others can no longer be asked */
        return mine != MOT_OK ? mine : MOT_FAIL(MOT_ERR_COMM, "the ranks have lost each other");
    /* 1. Who is the lowest rank that failed?  This is all that is sent when nobody did. */
    int lowest = mine == MOT_OK ? comm->size : comm->rank;
    MPI_Request request;
    int code = MPI_Iallreduce(MPI_IN_PLACE, &lowest, 1, MPI_INT, MPI_MIN, comm->world, &request);
    MOT_TRY(mot_comm_check(comm, code, "agreement", 1));
    MOT_TRY(mot_comm_wait(comm, &request, 1, "agreement", 1));
    if (lowest == comm->size)
        return MOT_OK;
    /* 2. It tells why. */
    verdict why = {.status = mine};
    if (comm->rank == lowest)
        snprintf(why.message, sizeof why.message, "%s", mot_error_message());
    MOT_TRY(mot_comm_broadcast(comm, &why, sizeof why, lowest));
    int rank, named = 0; /* agreed on before: whoever failed first is named already */
    if (sscanf(why.message, "rank %d: %n", &rank, &named) == 1 && named > 0)
        return MOT_FAIL((mot_status)why.status, "%s", why.message);
    return MOT_FAIL((mot_status)why.status, "rank %d: %s", lowest, why.message);
}
