/* share.c: sums over the ranks of one host, in memory that all of them see.
 *
 * Every rank leaves its numbers in a part of its own.  Of each piece that all have begun every rank
 * adds up one slice, rank by rank, into the sums that all read: nothing is copied, nothing is sent, and
 * the work is divided.  A rank says how far it is with two counters on a line of memory of its own.
 *
 * The memory is a file of /dev/shm without a name: it is removed as soon as all have mapped it, and its
 * room is reserved first, since to touch what the system cannot give would end the process.
 * Why a slice of the next round cannot be written over sums that a rank still reads: that rank's
 * numbers for it are ready only when it has used the sums (mot_share_begin).
 */
#include "config.h"

#include "runtime/comm/internal.h"

#include "runtime/base/log.h"
#include "runtime/base/memory.h"
#include "runtime/base/numbers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LINE = 64, LINE_FLOATS = LINE / sizeof(float) };

/* Pieces that a rank has begun, and of which it has summed its slice, since the share was made. */
typedef struct counters {
    _Alignas(LINE) _Atomic int64_t begun, summed;
} counters;

typedef struct piece {
    int64_t first, n;
} piece;

struct mot_share {
    mot_comm *comm;
    char *memory;
    size_t size_bytes, part_bytes; /* part_bytes: whole pages */
    counters *rank;             /* [size], at the memory's begin; then the sums, then the parts */
    piece *piece;               /* of this round */
    int64_t n_pieces, n_before; /* of this round, of earlier ones */
    int64_t next;               /* piece of this round whose slice is summed next */
};

static size_t whole_pages(size_t bytes)
{
    return (bytes + MOT_PAGE - 1) / MOT_PAGE * MOT_PAGE;
}

static float *sums_of(const mot_share *share)
{
    return (float *)(void *)(share->memory +
                             whole_pages((size_t)share->comm->size * sizeof(counters)));
}

static float *part_of(const mot_share *share, int rank)
{
    return sums_of(share) + (size_t)(rank + 1) * (share->part_bytes / sizeof(float));
}

/* ---- life ---- */

static bool make_room(int file, size_t size_bytes)
{
    int code;
    do
        code = posix_fallocate(file, 0, (off_t)size_bytes);
    while (code == EINTR);
    return code == 0;
}

static char *map(int file, size_t size_bytes)
{
    if (file < 0)
        return NULL;
    void *memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    return memory == MAP_FAILED ? NULL : memory;
}

static bool is_wanted(void)
{
    const char *text = getenv("MOTLEY_SHARE");
    return !text || strcmp(text, "0") != 0;
}

/* Rank 0 makes the file and tells its name, "" where it could not or shall not. */
static mot_status map_together(mot_share *share)
{
    static unsigned n_made;
    mot_comm *comm = share->comm;
    char name[64] = "";
    if (comm->rank == 0) {
        snprintf(name, sizeof name, "/motley-%ld-%u", (long)getpid(), n_made++);
        int file = is_wanted() ? shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600) : -1;
        if (file >= 0 && !make_room(file, share->size_bytes)) {
            close(file);
            shm_unlink(name);
            file = -1;
        }
        if (file < 0)
            name[0] = '\0';
        share->memory = map(file, share->size_bytes);
    }
    mot_status status = mot_comm_broadcast(comm, name, sizeof name, 0);
    if (status == MOT_OK && comm->rank > 0 && name[0])
        share->memory = map(shm_open(name, O_RDWR, 0), share->size_bytes);
    if (status == MOT_OK && !share->memory)
        status = MOT_FAIL(MOT_ERR_MEMORY, "no shared memory of %zu bytes", share->size_bytes);
    status = mot_comm_agree(comm, status);
    if (comm->rank == 0 && name[0])
        shm_unlink(name);
    MOT_TRY(status);
    share->rank = (counters *)(void *)share->memory;
    return MOT_OK;
}

mot_status mot_share_new(mot_comm *comm, int64_t n, int most_pieces, mot_share **out)
{
    mot_share *share;
    *out = NULL;
    if (comm->size == 1 || comm->host_size < comm->size)
        return MOT_OK;
    MOT_TRY(mot_alloc(1, sizeof *share, &share));
    share->comm = comm;
    share->part_bytes = whole_pages((size_t)n * sizeof(float));
    share->size_bytes = whole_pages((size_t)comm->size * sizeof(counters)) +
                        ((size_t)comm->size + 1) * share->part_bytes;
    mot_status status = mot_alloc((size_t)most_pieces, sizeof *share->piece, &share->piece);
    status = mot_comm_agree(comm, status);
    if (status == MOT_OK)
        status = map_together(share);
    if (status == MOT_OK) {
        *out = share;
        return MOT_OK;
    }
    mot_share_free(share);
    if (status != MOT_ERR_MEMORY)
        return status;
    mot_log(MOT_LOG_INFO, "comm shared_memory 0 why \"%s\"", mot_error_message());
    return MOT_OK;
}

void mot_share_free(mot_share *share)
{
    if (!share)
        return;
    if (share->memory)
        munmap(share->memory, share->size_bytes);
    free(share->piece);
    free(share);
}

float *mot_share_mine(const mot_share *share)
{
    return part_of(share, share->comm->rank);
}

float *mot_share_sums(const mot_share *share)
{
    return sums_of(share);
}

/* ---- sums ---- */

static bool all_have(const mot_share *share, bool summed, int64_t n)
{
    for (int r = 0; r < share->comm->size; r++) {
        counters *c = &share->rank[r];
        if (atomic_load_explicit(summed ? &c->summed : &c->begun, memory_order_acquire) < n)
            return false;
    }
    return true;
}

/* This rank's slice of a piece: whole lines of memory, but for the ends. */
static void sum_slice(const mot_share *share, piece p)
{
    const int n_ranks = share->comm->size, me = share->comm->rank;
    const int64_t lines = (p.n + LINE_FLOATS - 1) / LINE_FLOATS;
    const int64_t begin = p.first + lines * me / n_ranks * LINE_FLOATS;
    int64_t end = p.first + lines * (me + 1) / n_ranks * LINE_FLOATS;
    end = end < p.first + p.n ? end : p.first + p.n;
    if (end <= begin)
        return;
    float *sums = sums_of(share) + begin;
    mot_add_two(sums, part_of(share, 0) + begin, part_of(share, 1) + begin, end - begin);
    for (int r = 2; r < n_ranks; r++)
        mot_add(sums, part_of(share, r) + begin, end - begin);
}

/* Sum what all have begun. */
static void go_on(mot_share *share)
{
    for (; share->next < share->n_pieces; share->next++) {
        const int64_t number = share->n_before + share->next + 1;
        if (!all_have(share, false, number))
            return;
        sum_slice(share, share->piece[share->next]);
        atomic_store_explicit(&share->rank[share->comm->rank].summed, number, memory_order_release);
    }
}

void mot_share_begin(mot_share *share, int64_t first, int64_t n)
{
    share->piece[share->n_pieces++] = (piece){first, n};
    atomic_store_explicit(&share->rank[share->comm->rank].begun, share->n_before + share->n_pieces,
                          memory_order_release);
    go_on(share);
}

void mot_share_finish(mot_share *share)
{
    const int64_t last = share->n_before + share->n_pieces;
    mot_backoff wait = mot_backoff_begin(share->comm);
    go_on(share);
    while (share->next < share->n_pieces || !all_have(share, true, last)) {
        mot_back_off(&wait);
        go_on(share);
    }
    share->n_before = last;
    share->n_pieces = share->next = 0;
}
