/* Ranks and collectives, run by mpiexec through tests/mpi/comm.sh; every rank runs this program.
 *
 * Not libcheck: a rank that fails ends all at once, so that nobody waits for it.  With an argument
 * it plays a part in a failure and the script looks at how it ends: fail RANK     that rank fails
 * on its own, all agree, everybody prints the message and exits 1 die RANK      that rank
 * disappears while the others wait for it abort RANK    that rank ends all reduce COUNT all-reduces
 * of 64 KiB, the mean time printed; with the layer, what a failure says single        this process
 * is alone, whatever the environment pretends
 */
#include "config.h"

#include "runtime/base/clock.h"
#include "runtime/base/memory.h"
#include "runtime/base/random.h"
#include "runtime/comm/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static mot_comm *comm;
static const char *test_name = "open";

static void check(bool good, const char *what, int line)
{
    if (good)
        return;
    fprintf(stderr, "rank %d, %s, line %d: %s\nlatest message: %s\n",
            comm ? mot_comm_rank(comm) : -1, test_name, line, what, mot_error_message());
    if (comm)
        mot_comm_abort(comm, 1);
    exit(1);
}
#define CHECK(condition) check(condition, #condition, __LINE__)
#define OK(call) check((call) == MOT_OK, #call, __LINE__)

/* ---- what each rank brings: numbers of unlike size, so that every order of sums gives other bits
 * ---- */

static float value(int rank, int64_t i)
{
    mot_random random;
    mot_random_init(&random, (uint64_t)rank + 1, MOT_STREAM_TEST, (uint64_t)i);
    float u = 2 * mot_random_uniform(&random) - 1;
    return ldexpf(u, (int)mot_random_below(&random, 12));
}

static void fill(float *data, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        data[i] = value(mot_comm_rank(comm), i);
}

static void check_sums(const float *data, int64_t n)
{
    int64_t step = n > 2000 ? n / 997 : 1;
    for (int64_t i = 0; i < n; i += step) {
        double sum = 0, size = 0;
        for (int rank = 0; rank < mot_comm_size(comm); rank++) {
            sum += value(rank, i);
            size += fabs(value(rank, i));
        }
        CHECK(fabs(sum - data[i]) <= 1e-6 * size);
    }
}

/* FNV-1a; enough to see whether two ranks hold the same. */
static uint64_t hash(const void *data, size_t n)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const unsigned char *)data)[i]) * UINT64_C(1099511628211);
    return h;
}

static uint64_t check_same_bits(const float *data, int64_t n)
{
    uint64_t mine = hash(data, (size_t)n * sizeof *data), all[64];
    CHECK(mot_comm_size(comm) <= 64);
    OK(mot_comm_all_gather(comm, &mine, sizeof mine, all));
    for (int rank = 0; rank < mot_comm_size(comm); rank++)
        CHECK(all[rank] == mine);
    return mine;
}

/* ---- tests ---- */

static void test_ranks_are_those_of_the_launcher(void)
{
    const char *size = getenv("PMI_SIZE"), *rank = getenv("PMI_RANK");
    if (size && rank) {
        CHECK(mot_comm_size(comm) == atoi(size));
        CHECK(mot_comm_rank(comm) == atoi(rank));
    }
    CHECK(mot_comm_host_size(comm) == mot_comm_size(comm)); /* all on this machine */
    CHECK(mot_comm_host_rank(comm) == mot_comm_rank(comm));
}

static void test_all_reduce_gives_all_ranks_the_same_bits(void)
{
    static const int64_t sizes[] = {0,    1,    2,     3,     5,      17,     255,    1000,   1001,
                                    2049, 4097, 16385, 65537, 100001, 101780, 300007, 1048577};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t n = sizes[i];
        float *data;
        uint64_t first = 0;
        OK(mot_alloc((size_t)n + 1, sizeof *data, &data));
        for (int run = 0; run < 3; run++) {
            mot_request *request;
            fill(data, n);
            data[n] = 42; /* a guard */
            OK(mot_comm_all_reduce_begin(comm, data, n, &request));
            OK(mot_request_wait(request));
            CHECK(data[n] == 42);
            check_sums(data, n);
            uint64_t bits = check_same_bits(data, n);
            CHECK(run == 0 || bits == first); /* the same, run after run */
            first = bits;
        }
        free(data);
    }
}

static void test_buckets_overlap(void)
{
    enum { BUCKETS = 9, N = 30011 };
    static float data[BUCKETS][N], alone[BUCKETS][N];
    mot_request *request[BUCKETS];
    for (int i = 0; i < BUCKETS; i++) {
        fill(alone[i], N - i);
        memcpy(data[i], alone[i], sizeof alone[i]);
        OK(mot_comm_all_reduce_begin(comm, alone[i], N - i, &request[i]));
        OK(mot_request_wait(request[i]));
    }
    for (int i = 0; i < BUCKETS; i++)
        OK(mot_comm_all_reduce_begin(comm, data[i], N - i, &request[i]));
    /* All are under way; the first is asked for until it is there. */
    bool done = false;
    while (!done)
        OK(mot_request_test(request[0], &done));
    OK(mot_request_test(request[0], &done));
    CHECK(done);
    for (int i = 0; i < BUCKETS; i++) {
        OK(mot_request_wait(request[i]));
        CHECK(memcmp(data[i], alone[i], sizeof data[i]) == 0);
    }
}

static void test_long_reductions_travel_in_parts(void)
{
    enum { N = 12345 };
    static float data[N + 1], whole[N + 1];
    mot_request *request;
    fill(data, N);
    OK(mot_comm_all_reduce_begin(comm, data, N, &request));
    OK(mot_request_wait(request));
    memcpy(whole, data, sizeof data);
    comm->chunk = 1000;
    fill(data, N);
    data[N] = 42;
    OK(mot_comm_all_reduce_begin(comm, data, N, &request));
    OK(mot_request_wait(request));
    comm->chunk = MOT_COMM_CHUNK;
    CHECK(data[N] == 42);
    check_sums(data, N);
    check_same_bits(data, N);
    CHECK(mot_comm_all_reduce_begin(comm, data, -1, &request) == MOT_ERR_ARGUMENT);
}

/* Pieces of odd sizes, one after the other over several rounds, the ranks out of step. */
static void test_shared_memory_gives_all_ranks_the_same_bits(void)
{
    enum { N = 100003, PIECES = 7, ROUNDS = 20 };
    mot_share *share;
    OK(mot_share_new(comm, N, PIECES, &share));
    CHECK((share != NULL) == (mot_comm_size(comm) > 1));
    if (!share)
        return;
    float *mine = mot_share_mine(share), *sums = mot_share_sums(share);
    CHECK((uintptr_t)mine % MOT_PAGE == 0 && (uintptr_t)sums % MOT_PAGE == 0);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t first = 0;
        for (int p = 0; p < PIECES; p++) {
            const int64_t n = p == PIECES - 1 ? N - first
                              : p == 2        ? 0
                              : p == 3        ? 1
                                              : 1001 * (p + 1);
            if ((mot_comm_rank(comm) + round + p) % 3 == 0)
                usleep(300);
            for (int64_t i = first; i < first + n; i++)
                mine[i] = value(mot_comm_rank(comm), i) * (float)(round + 1);
            mot_share_begin(share, first, n);
            first += n;
        }
        mot_share_finish(share);
        for (int64_t i = 0; i < N; i += i < N - 70 ? 61 : 1) { /* rank by rank, in order */
            float sum = value(0, i) * (float)(round + 1);
            for (int rank = 1; rank < mot_comm_size(comm); rank++)
                sum += value(rank, i) * (float)(round + 1);
            CHECK(sums[i] == sum);
        }
        check_same_bits(sums, N);
    }
    mot_share_free(share);
}

static void test_gather_and_broadcast(void)
{
    static const size_t sizes[] = {0, 1, 13, 4096, 1 << 20};
    int size = mot_comm_size(comm), rank = mot_comm_rank(comm);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *mine, *all;
        OK(mot_alloc(sizes[i], 1, &mine));
        OK(mot_alloc(sizes[i], (size_t)size, &all));
        memset(mine, rank + 1, sizes[i]);
        OK(mot_comm_all_gather(comm, mine, sizes[i], all));
        for (size_t j = 0; j < sizes[i] * (size_t)size; j++)
            CHECK(all[j] == j / sizes[i] + 1);
        for (int root = 0; root < size; root++) {
            memset(mine, rank == root ? 77 : 0, sizes[i]);
            OK(mot_comm_broadcast(comm, mine, sizes[i], root));
            for (size_t j = 0; j < sizes[i]; j++)
                CHECK(mine[j] == 77);
        }
        free(all);
        free(mine);
    }
    CHECK(mot_comm_broadcast(comm, &size, 4, size) == MOT_ERR_ARGUMENT);
    CHECK(mot_comm_broadcast(comm, &size, 4, -1) == MOT_ERR_ARGUMENT);
}

static void test_ranks_agree_on_failure(void)
{
    int size = mot_comm_size(comm), rank = mot_comm_rank(comm);
    OK(mot_comm_agree(comm, MOT_OK));
    /* Every set of failing ranks: the lowest of them is heard. */
    for (int set = 1; set < 1 << (size < 4 ? size : 4); set++) {
        mot_status mine = MOT_OK;
        char expected[64];
        int lowest = 0;
        while (!(set >> lowest & 1))
            lowest++;
        if (set >> rank & 1)
            mine = MOT_FAIL(MOT_ERR_FILE + (mot_status)(rank % 2), "disk %d is full", rank);
        CHECK(mot_comm_agree(comm, mine) == MOT_ERR_FILE + (mot_status)(lowest % 2));
        snprintf(expected, sizeof expected,
                 size > 1 ? "rank %d: disk %d is full" : "disk %d is full", lowest, lowest);
        CHECK(strcmp(mot_error_message(), expected) == 0);
        /* Agreed on once more on the way out: the same message, not a second rank in front. */
        CHECK(mot_comm_agree(comm, MOT_ERR_FILE) == MOT_ERR_FILE);
        CHECK(strcmp(mot_error_message(), expected) == 0);
    }
    OK(mot_comm_agree(comm, MOT_OK));
    static char text[20000];
    memset(text, 'x', sizeof text - 1);
    CHECK(mot_comm_agree(comm, MOT_FAIL(MOT_ERR_BUILD, "%s", text)) == MOT_ERR_BUILD);
    CHECK(strlen(mot_error_message()) > 4000);
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A rank that waits leaves its core to others; MPI's own waiting would burn all of it. */
static void test_waiting_does_not_burn_the_core(void)
{
    static float data[1000];
    mot_request *request;
    if (mot_comm_rank(comm) == 0)
        usleep(400000);
    double before_s = mot_clock_s(), before_cpu_s = cpu_s();
    OK(mot_comm_all_reduce_begin(comm, data, 1000, &request));
    OK(mot_request_wait(request));
    double waited_s = mot_clock_s() - before_s, burnt_s = cpu_s() - before_cpu_s;
    if (mot_comm_size(comm) > 1 && mot_comm_rank(comm) > 0 && waited_s > 0.2)
        CHECK(burnt_s < 0.5 * waited_s);
}

static void test_a_second_communicator_can_follow(void)
{
    int size = mot_comm_size(comm);
    mot_comm_close(comm);
    comm = NULL;
    OK(mot_comm_open(&comm));
    CHECK(mot_comm_size(comm) == size);
    OK(mot_comm_agree(comm, MOT_OK));
}

/* ---- parts in failures ---- */

static int fail_at(int rank)
{
    mot_status mine = MOT_OK;
    if (mot_comm_rank(comm) == rank)
        mine = MOT_FAIL(MOT_ERR_FILE, "cannot write model: disk full");
    if (mot_comm_agree(comm, mine) != MOT_OK)
        fprintf(stderr, "seen by %d: %s\n", mot_comm_rank(comm), mot_error_message());
    else
        return 0;
    mot_comm_close(comm);
    return 1;
}

static int reduce(int count)
{
    enum { N = 16384 };
    static float data[N];
    double before_s = mot_clock_s();
    for (int i = 0; i < count; i++) {
        mot_request *request;
        mot_status status = mot_comm_all_reduce_begin(comm, data, N, &request);
        if (status == MOT_OK)
            status = mot_request_wait(request);
        if (status != MOT_OK) {
            fprintf(stderr, "seen by %d: %s\n", mot_comm_rank(comm), mot_error_message());
            if (mot_comm_agree(comm, status) == MOT_OK) /* must not wait for anybody */
                fprintf(stderr, "agreed after a failure of MPI\n");
            mot_comm_close(comm);
            return 1;
        }
    }
    if (mot_comm_rank(comm) == 0)
        printf("%.6f\n", (mot_clock_s() - before_s) / count);
    mot_comm_close(comm);
    return 0;
}

static int play(const char *part, int number)
{
    test_name = part;
    if (strcmp(part, "single") == 0) {
        CHECK(mot_comm_size(comm) == 1 && !comm->joined);
        mot_comm_abort(comm, 9); /* returns without MPI */
        mot_comm_close(comm);
        return 0;
    }
    if (strcmp(part, "fail") == 0)
        return fail_at(number);
    if (strcmp(part, "reduce") == 0)
        return reduce(number);
    if (mot_comm_rank(comm) == number && strcmp(part, "die") == 0)
        _exit(3);
    if (mot_comm_rank(comm) == number && strcmp(part, "abort") == 0)
        mot_comm_abort(comm, 5);
    reduce(1);
    sleep(60); /* whoever is left is ended by the launcher */
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
#define TEST(name) {#name, name}
        TEST(test_ranks_are_those_of_the_launcher),
        TEST(test_all_reduce_gives_all_ranks_the_same_bits),
        TEST(test_buckets_overlap),
        TEST(test_long_reductions_travel_in_parts),
        TEST(test_shared_memory_gives_all_ranks_the_same_bits),
        TEST(test_gather_and_broadcast),
        TEST(test_ranks_agree_on_failure),
        TEST(test_waiting_does_not_burn_the_core),
        TEST(test_a_second_communicator_can_follow),
    };
    OK(mot_comm_open(&comm));
    if (argc > 1)
        return play(argv[1], argc > 2 ? atoi(argv[2]) : 0);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        test_name = tests[i].name;
        tests[i].run();
        OK(mot_comm_agree(comm, MOT_OK));
    }
    if (mot_comm_rank(comm) == 0)
        printf("%zu tests passed by %d ranks\n", sizeof tests / sizeof *tests, mot_comm_size(comm));
    mot_comm_close(comm);
    return 0;
}
