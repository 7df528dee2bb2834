/* mpi_layer.c: a worse network, between program and MPI (the profiling interface, by LD_PRELOAD).
 *
 *   MOT_MPI_LINK=BYTES_PER_S:LATENCY_S  every rank sits behind a link of this speed: collectives
 * that are begun take their turn on it, and MPI_Test does not call one done before its time.  An
 *       all-reduce sends 2(p-1)/p times its bytes, a gather p-1, a broadcast 1.
 *   MOT_MPI_FAIL=FUNCTION:N:RANK        the N-th call (from 1) on that rank returns MPI_ERR_OTHER
 *   MOT_MPI_DIE=FUNCTION:N:RANK         at the N-th call that rank is killed (SIGKILL)
 *   MOT_MPI_COUNT=FILE                  at exit FILE.RANK gets a line "function calls" for each
 *
 * It knows the functions that runtime/comm uses for its traffic; others pass by.  A delayed request
 * is not tested before its time, so progress is driven by probing instead.
 */
#include <mpi.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FUNCTIONS(X)                                                                               \
    X(MPI_Initialized)                                                                             \
    X(MPI_Init_thread)                                                                             \
    X(MPI_Comm_dup)                                                                                \
    X(MPI_Iallreduce)                                                                              \
    X(MPI_Iallgather)                                                                              \
    X(MPI_Ibcast)                                                                                  \
    X(MPI_Test)                                                                                    \
    X(MPI_Abort)                                                                                   \
    X(MPI_Finalize)

enum {
#define ENUM(name) N_##name,
    FUNCTIONS(ENUM) N_FUNCTIONS
};

static const char *const names[] = {
#define NAME(name) #name,
    FUNCTIONS(NAME)};

static long calls[N_FUNCTIONS];

/* Requests under way, each with the time before which it is not done. */
enum { MOST_DELAYED = 1024 };
static struct {
    MPI_Request request;
    double ready_s;
} delayed[MOST_DELAYED];
static int n_delayed;
static double link_free_s;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Before MPI_Init the launcher's variable tells. */
static int my_rank(void)
{
    static const char *const variables[] = {"PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK"};
    for (int i = 0; i < 3; i++)
        if (getenv(variables[i]))
            return atoi(getenv(variables[i]));
    return 0;
}

/* Is this the call that `variable` = FUNCTION:N:RANK names? */
static int is_meant(const char *variable, int function)
{
    const char *text = getenv(variable);
    size_t length = strlen(names[function]);
    long n;
    int rank;
    return text && strncmp(text, names[function], length) == 0 &&
           sscanf(text + length, ":%ld:%d", &n, &rank) == 2 && n == calls[function] &&
           rank == my_rank();
}

/* Counts a call; returns MPI_ERR_OTHER when it shall fail. */
static int enter(int function)
{
    calls[function]++;
    if (is_meant("MOT_MPI_DIE", function))
        raise(SIGKILL);
    return is_meant("MOT_MPI_FAIL", function) ? MPI_ERR_OTHER : MPI_SUCCESS;
}
#define ENTER(name)                                                                                \
    do {                                                                                           \
        if (enter(N_##name) != MPI_SUCCESS)                                                        \
            return MPI_ERR_OTHER;                                                                  \
    } while (0)

static void delay(MPI_Request request, MPI_Comm comm, double bytes, int is_reduce)
{
    const char *text = getenv("MOT_MPI_LINK");
    double bytes_per_s, latency_s;
    int size;
    if (!text || sscanf(text, "%lf:%lf", &bytes_per_s, &latency_s) != 2 ||
        n_delayed == MOST_DELAYED)
        return;
    PMPI_Comm_size(comm, &size);
    if (is_reduce)
        bytes *= 2.0 * (size - 1) / size;
    double now = now_s();
    link_free_s = (link_free_s > now ? link_free_s : now) + bytes / bytes_per_s;
    delayed[n_delayed].request = request;
    delayed[n_delayed++].ready_s = link_free_s + latency_s;
}

static double bytes_of(int count, MPI_Datatype type)
{
    int size;
    PMPI_Type_size(type, &size);
    return (double)count * size;
}

int MPI_Iallreduce(const void *in, void *out, int count, MPI_Datatype type, MPI_Op op,
                   MPI_Comm comm, MPI_Request *request)
{
    ENTER(MPI_Iallreduce);
    int code = PMPI_Iallreduce(in, out, count, type, op, comm, request);
    delay(*request, comm, bytes_of(count, type), 1);
    return code;
}

int MPI_Iallgather(const void *in, int n_in, MPI_Datatype type_in, void *out, int n_out,
                   MPI_Datatype type_out, MPI_Comm comm, MPI_Request *request)
{
    int size;
    ENTER(MPI_Iallgather);
    PMPI_Comm_size(comm, &size);
    int code = PMPI_Iallgather(in, n_in, type_in, out, n_out, type_out, comm, request);
    delay(*request, comm, bytes_of(n_in, type_in) * (size - 1), 0);
    return code;
}

int MPI_Ibcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm,
               MPI_Request *request)
{
    ENTER(MPI_Ibcast);
    int code = PMPI_Ibcast(data, count, type, root, comm, request);
    delay(*request, comm, bytes_of(count, type), 0);
    return code;
}

int MPI_Test(MPI_Request *request, int *flag, MPI_Status *status)
{
    ENTER(MPI_Test);
    for (int i = 0; i < n_delayed; i++) {
        if (delayed[i].request != *request)
            continue;
        if (now_s() < delayed[i].ready_s) {
            int any;
            *flag = 0;
            return PMPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_SELF, &any, MPI_STATUS_IGNORE);
        }
        int code = PMPI_Test(request, flag, status);
        if (*flag)
            delayed[i] = delayed[--n_delayed];
        return code;
    }
    return PMPI_Test(request, flag, status);
}

/* ---- only counted, or made to fail ---- */

int MPI_Initialized(int *flag)
{
    ENTER(MPI_Initialized);
    return PMPI_Initialized(flag);
}

int MPI_Init_thread(int *argc, char ***argv, int required, int *provided)
{
    ENTER(MPI_Init_thread);
    return PMPI_Init_thread(argc, argv, required, provided);
}

int MPI_Comm_dup(MPI_Comm comm, MPI_Comm *copy)
{
    ENTER(MPI_Comm_dup);
    return PMPI_Comm_dup(comm, copy);
}

int MPI_Abort(MPI_Comm comm, int code)
{
    ENTER(MPI_Abort);
    return PMPI_Abort(comm, code);
}

int MPI_Finalize(void)
{
    ENTER(MPI_Finalize);
    return PMPI_Finalize();
}

__attribute__((destructor)) static void write_counts(void)
{
    const char *file = getenv("MOT_MPI_COUNT");
    char path[4096];
    if (!file)
        return;
    snprintf(path, sizeof path, "%s.%d", file, my_rank());
    FILE *out = fopen(path, "w");
    if (!out)
        return;
    for (int i = 0; i < N_FUNCTIONS; i++)
        fprintf(out, "%s %ld\n", names[i], calls[i]);
    fclose(out);
}
