/* comm.h: ranks and collectives; the only door to MPI.
 *
 * Without a launcher there is one rank and MPI is not even started.  All calls are made from the
 * thread that opened the communicator (MPI_THREAD_FUNNELED) and by all ranks in the same order.
 * Waiting backs off (spins, then sleeps) because MPICH busy-waits and the cores are needed.
 */
#ifndef MOT_COMM_COMM_H
#define MOT_COMM_COMM_H

#include "runtime/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mot_comm mot_comm;
typedef struct mot_request mot_request;

/** Start (MPI_Init_thread if a launcher is seen and MPI is not yet running; MOTLEY_MPI=1 in the
 *  environment forces it, 0 prevents it).  One at a time.
 *  Errors: MOT_ERR_COMM when MPI cannot start or does not see the ranks that the launcher started. */
mot_status mot_comm_open(mot_comm **out);
/** Leave in good order.  MPI, if mot_comm_open started it, is ended when the process exits, so that
 *  another communicator can be opened; it is not ended in good order after an error of MPI. */
void mot_comm_close(mot_comm *comm);

int mot_comm_rank(const mot_comm *comm);
int mot_comm_size(const mot_comm *comm);
/** Rank among the ranks of this host, and how many those are. */
int mot_comm_host_rank(const mot_comm *comm);
int mot_comm_host_size(const mot_comm *comm);

/** Sum `n` floats over all ranks, in place, begun now and done when mot_request_wait returns.  All
 *  ranks get the same bits, and the same number of ranks gets the same bits every time.  `data` is
 *  borrowed and `*out` owned by the caller until waited for. */
mot_status mot_comm_all_reduce_begin(mot_comm *comm, float *data, int64_t n, mot_request **out);
/** Has it ended?  Also drives MPI's progress. */
mot_status mot_request_test(mot_request *request, bool *done);
/** Wait with back-off and free the request, also when it fails.  Errors: MOT_ERR_COMM; the ranks
 *  cannot find together again, so the process should end (mot_comm_abort or exit). */
mot_status mot_request_wait(mot_request *request);

/** Memory that the ranks of one host share, for sums of up to `n` floats in up to `most_pieces`, without
 *  copies.  All ranks call it together.  *out is NULL where ranks are alone or on several hosts, or where
 *  the system has not the memory: then mot_comm_all_reduce_begin serves.  Errors: MOT_ERR_COMM. */
typedef struct mot_share mot_share;
mot_status mot_share_new(mot_comm *comm, int64_t n, int most_pieces, mot_share **out);
void mot_share_free(mot_share *share);
/** Where this rank leaves its numbers, and where the sums over all ranks come, n floats each, page
 *  aligned; owned by the share. */
float *mot_share_mine(const mot_share *share);
float *mot_share_sums(const mot_share *share);
/** The `n` numbers from `first` on are ready, and those that read the last round's sums have done so.
 *  All ranks begin the same pieces in the same order; what all have begun is summed on the way. */
void mot_share_begin(mot_share *share, int64_t first, int64_t n);
/** Wait until the sums of all pieces are there, rank by rank in order, the same bits for all. */
void mot_share_finish(mot_share *share);

/** Small collectives on plain bytes, blocking, for set-up and boundaries. */
mot_status mot_comm_all_gather(mot_comm *comm, const void *mine, size_t size_bytes, void *all);
mot_status mot_comm_broadcast(mot_comm *comm, void *data, size_t size_bytes, int root);

/** All ranks learn whether any failed: with all MOT_OK returns MOT_OK; else every rank gets an error
 *  whose message is that of the lowest failing rank, with its number in front: "rank 2: ...". */
mot_status mot_comm_agree(mot_comm *comm, mot_status mine);

/** One rank cannot go on and the others may be inside a collective: end all (MPI_Abort).  Prints
 *  nothing by itself; does not return under MPI; returns without one. */
void mot_comm_abort(mot_comm *comm, int exit_code);

#endif
