/* internal.h: what the files of runtime/comm share.  Only they (and tests of them) include it. */
#ifndef MOT_COMM_INTERNAL_H
#define MOT_COMM_INTERNAL_H

#include "runtime/comm/comm.h"

#include <mpi.h>

/* MPI counts elements with an int; longer reductions travel as several. */
enum { MOT_COMM_CHUNK = 1 << 28 };

struct mot_comm {
    bool joined;    /* several processes joined by MPI; else one rank, and MPI is never called */
    bool broken;    /* a call of MPI failed, so this process must not wait for the others again */
    MPI_Comm world; /* our own duplicate: messages and error handler are apart from the program's */
    int rank, size, host_rank, host_size;
    int host_cores;    /* of this host, for the choice of how to wait */
    int timer_slack;   /* of the thread that opened us, to be put back; -1: not changed */
    int64_t chunk;     /* MOT_COMM_CHUNK; tests set a small one */
    mot_request *idle; /* requests to use again, linked by `next` */
};

struct mot_request {
    mot_comm *comm;
    int64_t n; /* floats in all, for messages */
    MPI_Request *part;
    size_t capacity;
    int n_parts;
    mot_request *next;
};

/** Is this process one of several that a launcher started?  `*n_ranks`: how many the launcher's
 *  variables promise, 0 where they do not say.  Pure but for getenv.
 *  Errors: MOT_ERR_ARGUMENT for a wrong MOTLEY_MPI; MOT_ERR_COMM for srun without PMI. */
mot_status mot_comm_launcher(bool *seen, int *n_ranks);

/** MOT_OK for MPI_SUCCESS; else MOT_ERR_COMM with `what` and MPI's text, and the communicator is
 *  broken from then on. */
mot_status mot_comm_check(mot_comm *comm, int code, const char *what, int64_t count);

/** Waiting without burning a core: spins for a while, then sleeps that grow. */
typedef struct mot_backoff {
    double since_s, spin_s;
    long sleep_ns;
} mot_backoff;
mot_backoff mot_backoff_begin(const mot_comm *comm);
void mot_back_off(mot_backoff *wait);

/** Wait with back-off until all `n` requests are done. */
mot_status mot_comm_wait(mot_comm *comm, MPI_Request *request, int n, const char *what,
                         int64_t count);

/** Free the requests kept for further use. */
void mot_comm_free_idle(mot_comm *comm);

#endif
