/* comm.c: the life of a communicator, and how errors of MPI become ours.
 *
 * A process that no launcher started has one rank and never calls MPI.  Otherwise MPI is started
 * once and ended when the process exits, because MPI cannot be started twice and a program may open
 * several trainers one after the other.  It is only ended when the last communicator was closed in
 * good order: a process that leaves after an error does not wait for the others in MPI_Finalize, so
 * the launcher sees that one has left and ends the rest.
 */
#include "config.h"

#include "runtime/comm/internal.h"

#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* The one global: whether MPI may be ended at exit.  MPI itself is one per process. */
static bool finalize_at_exit;

static void finalize(void)
{
    int finalized = 0;
    if (finalize_at_exit && MPI_Finalized(&finalized) == MPI_SUCCESS && !finalized)
        MPI_Finalize();
}

/* MPI's text for a code, in one line. */
static void error_text(int code, char *text, size_t size)
{
    char raw[MPI_MAX_ERROR_STRING + 1] = "";
    int length = 0;
    if (MPI_Error_string(code, raw, &length) != MPI_SUCCESS || length <= 0)
        snprintf(raw, sizeof raw, "MPI error %d", code);
    for (char *newline = raw; (newline = strchr(newline, '\n'));)
        *newline = newline[1] ? ';' : '\0';
    snprintf(text, size, "%s", raw);
}

mot_status mot_comm_check(mot_comm *comm, int code, const char *what, int64_t count)
{
    if (code == MPI_SUCCESS)
        return MOT_OK;
    char text[MPI_MAX_ERROR_STRING + 1];
    error_text(code, text, sizeof text);
    comm->broken = true;
    return MOT_FAIL(MOT_ERR_COMM,
                    "rank %d of %d: %s of %" PRId64
                    " items failed (another rank may have ended): %s",
                    comm->rank, comm->size, what, count, text);
}

static mot_status start_mpi(void)
{
    int running = 0, ended = 0, provided = MPI_THREAD_SINGLE;
    MPI_Initialized(&running);
    MPI_Finalized(&ended);
    if (ended)
        return MOT_FAIL(MOT_ERR_COMM, "this process has already called MPI_Finalize");
    if (running) {
        MPI_Query_thread(&provided);
    } else {
        if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
            return MOT_FAIL(MOT_ERR_COMM, "MPI_Init_thread failed");
        /* These two are only used until our own communicator is there. */
        MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
        MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
        if (atexit(finalize) != 0)
            mot_log(MOT_LOG_WARNING, "mpi finalize_at_exit 0");
    }
    if (provided < MPI_THREAD_FUNNELED)
        return MOT_FAIL(MOT_ERR_COMM, "MPI was started without MPI_THREAD_FUNNELED (level %d)",
                        provided);
    return MOT_OK;
}

/* Linux adds 50 us to every sleep unless told otherwise; waits for messages are shorter. */
static int set_timer_slack(int slack_ns)
{
#ifdef __linux__
    int before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    if (slack_ns > 0 && prctl(PR_SET_TIMERSLACK, (unsigned long)slack_ns, 0, 0, 0) == 0)
        return before;
#endif
    return -1;
}

static mot_status find_host(mot_comm *comm)
{
    MPI_Comm host = MPI_COMM_NULL;
    int code =
        MPI_Comm_split_type(comm->world, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &host);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_rank(host, &comm->host_rank);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_size(host, &comm->host_size);
    if (host != MPI_COMM_NULL)
        MPI_Comm_free(&host);
    return mot_comm_check(comm, code, "finding the ranks of this host, MPI_Comm_split_type", 1);
}

static mot_status join(mot_comm *comm, int promised)
{
    MOT_TRY(start_mpi());
    int code = MPI_Comm_dup(MPI_COMM_WORLD, &comm->world);
    MOT_TRY(mot_comm_check(comm, code, "MPI_Comm_dup", 1));
    comm->joined = true;
    MPI_Comm_set_errhandler(comm->world, MPI_ERRORS_RETURN);
    MPI_Comm_rank(comm->world, &comm->rank);
    MPI_Comm_size(comm->world, &comm->size);
    if (promised > 1 && comm->size == 1) {
        char library[MPI_MAX_LIBRARY_VERSION_STRING] = "";
        int length;
        MPI_Get_library_version(library, &length);
        library[strcspn(library, "\n")] = '\0';
        return MOT_FAIL(MOT_ERR_COMM,
                        "the launcher started %d ranks but MPI sees one: it is not the launcher of "
                        "the MPI that motley was built with (%s)",
                        promised, library);
    }
    comm->timer_slack = set_timer_slack(1000);
    return find_host(comm);
}

mot_status mot_comm_open(mot_comm **out)
{
    bool seen;
    int promised;
    MOT_TRY(mot_comm_launcher(&seen, &promised));
    mot_comm *comm;
    MOT_TRY(mot_alloc(1, sizeof *comm, &comm));
    *comm = (mot_comm){.world = MPI_COMM_NULL,
                       .size = 1,
                       .host_size = 1,
                       .timer_slack = -1,
                       .host_cores = (int)sysconf(_SC_NPROCESSORS_ONLN),
                       .chunk = MOT_COMM_CHUNK};
    if (seen) {
        mot_status status = join(comm, promised);
        if (status != MOT_OK) {
            mot_comm_close(comm);
            return status;
        }
        mot_log(MOT_LOG_DEBUG, "comm rank %d size %d host_rank %d host_size %d", comm->rank,
                comm->size, comm->host_rank, comm->host_size);
    }
    *out = comm;
    return MOT_OK;
}

void mot_comm_close(mot_comm *comm)
{
    if (!comm)
        return;
    mot_comm_free_idle(comm);
    set_timer_slack(comm->timer_slack);
    if (comm->joined) {
        finalize_at_exit = !comm->broken;
        if (!comm->broken)
            MPI_Comm_free(&comm->world);
    }
    free(comm);
}

int mot_comm_rank(const mot_comm *comm)
{
    return comm->rank;
}

int mot_comm_size(const mot_comm *comm)
{
    return comm->size;
}

int mot_comm_host_rank(const mot_comm *comm)
{
    return comm->host_rank;
}

int mot_comm_host_size(const mot_comm *comm)
{
    return comm->host_size;
}

void mot_comm_abort(mot_comm *comm, int exit_code)
{
    if (comm->joined)
        MPI_Abort(comm->world, exit_code);
}
