/* Status and messages, memory, random numbers, operator names and shapes. */
#include "config.h"

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"
#include "runtime/base/numbers.h"
#include "runtime/base/op.h"
#include "runtime/base/random.h"
#include "runtime/base/shape.h"
#include "runtime/base/status.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- status ---- */

START_TEST(test_status_keeps_the_message_of_the_latest_failure)
{
    ck_assert_str_eq(mot_error_message(), "");
    ck_assert_int_eq(MOT_FAIL(MOT_ERR_FILE, "cannot open %s: %d", "x.idx", 2), MOT_ERR_FILE);
    ck_assert_str_eq(mot_error_message(), "cannot open x.idx: 2");
    mot_fail(MOT_ERR_SHAPE, "again: %s", mot_error_message());
    ck_assert_str_eq(mot_error_message(), "again: cannot open x.idx: 2");
    mot_error_set("from a worker");
    mot_error_set(mot_error_message());
    ck_assert_str_eq(mot_error_message(), "from a worker");
}
END_TEST

START_TEST(test_status_cuts_a_long_message)
{
    char *text;
    ck_assert_int_eq(mot_alloc(100001, 1, &text), MOT_OK);
    memset(text, 'x', 100000);
    mot_fail(MOT_ERR_BUILD, "%s", text);
    ck_assert_uint_eq(strlen(mot_error_message()), 16383);
    mot_error_set(text);
    ck_assert_uint_eq(strlen(mot_error_message()), 16383);
    free(text);
}
END_TEST

static void *fail_in_thread(void *copy)
{
    mot_fail(MOT_ERR_DEVICE, "worker failed");
    strcpy(copy, mot_error_message());
    return NULL;
}

START_TEST(test_status_keeps_messages_of_threads_apart)
{
    char copy[64];
    pthread_t thread;
    mot_fail(MOT_ERR_FILE, "main failed");
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_in_thread, copy), 0);
    pthread_join(thread, NULL);
    ck_assert_str_eq(copy, "worker failed");
    ck_assert_str_eq(mot_error_message(), "main failed");
}
END_TEST

START_TEST(test_status_has_a_name_for_each)
{
    for (int i = MOT_OK; i <= MOT_ERR_INTERRUPTED; i++) {
        ck_assert_str_ne(mot_status_name((mot_status)i), "unknown status");
        for (int j = MOT_OK; j < i; j++)
            ck_assert_str_ne(mot_status_name((mot_status)i), mot_status_name((mot_status)j));
    }
    ck_assert_str_eq(mot_status_name((mot_status)999), "unknown status");
}
END_TEST

static int n_lines;
static char last_line[64];
static void count_line(mot_log_level level, const char *line, void *user)
{
    ck_assert_int_le(level, MOT_LOG_INFO);
    ck_assert_ptr_eq(user, last_line);
    n_lines++;
    snprintf(last_line, sizeof last_line, "%s", line);
}

START_TEST(test_log_sends_lines_up_to_its_level)
{
    mot_log(MOT_LOG_WARNING, "dropped");
    mot_log_set(count_line, MOT_LOG_INFO, last_line);
    mot_log(MOT_LOG_DEBUG, "not sent");
    mot_log(MOT_LOG_INFO, "device %s share %d", "pocl:0", 7);
    ck_assert_int_eq(n_lines, 1);
    ck_assert_str_eq(last_line, "device pocl:0 share 7");
    mot_log_set(NULL, MOT_LOG_INFO, NULL);
    mot_log(MOT_LOG_WARNING, "dropped");
    ck_assert_int_eq(n_lines, 1);
}
END_TEST

START_TEST(test_clock_runs_forward)
{
    double before = mot_clock_s();
    for (int i = 0; i < 1000; i++) {
        double now = mot_clock_s();
        ck_assert(now >= before);
        before = now;
    }
}
END_TEST

/* ---- memory ---- */

START_TEST(test_memory_refuses_sizes_that_overflow)
{
    size_t product = 7;
    void *memory = &product;
    ck_assert_int_eq(mot_size_mul(SIZE_MAX / 2, 3, &product), MOT_ERR_MEMORY);
    ck_assert_uint_eq(product, 7);
    ck_assert_int_eq(mot_size_mul(0, SIZE_MAX, &product), MOT_OK);
    ck_assert_uint_eq(product, 0);
    ck_assert_int_eq(mot_alloc(SIZE_MAX / 8, 16, &memory), MOT_ERR_MEMORY);
    ck_assert_int_eq(mot_alloc_pages(SIZE_MAX - 1, &memory), MOT_ERR_MEMORY);
    ck_assert_ptr_eq(memory, &product);
}
END_TEST

START_TEST(test_memory_grows_with_zeros)
{
    int *items = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(mot_grow(&items, &capacity, (size_t)i + 1, sizeof *items), MOT_OK);
        ck_assert_int_eq(items[i], 0);
        items[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(items[i], i);
    size_t before = capacity;
    ck_assert_int_eq(mot_grow(&items, &capacity, SIZE_MAX / 2, sizeof *items), MOT_ERR_MEMORY);
    ck_assert_uint_eq(capacity, before);
    ck_assert_int_eq(items[999], 999);
    free(items);
}
END_TEST

START_TEST(test_memory_pages_are_aligned_whole_and_zero)
{
    for (size_t size = 0; size < 10000; size += 1111) {
        char *pages;
        ck_assert_int_eq(mot_alloc_pages(size, &pages), MOT_OK);
        ck_assert_uint_eq((uintptr_t)pages % MOT_PAGE, 0);
        size_t whole = size ? (size + MOT_PAGE - 1) / MOT_PAGE * MOT_PAGE : MOT_PAGE;
        for (size_t i = 0; i < whole; i++)
            ck_assert_int_eq(pages[i], 0);
        free(pages);
    }
}
END_TEST

/* ---- random ---- */

/* The known-answer vectors of the authors' library, Random123 (kat_vectors, philox4x32, 10). */
START_TEST(test_philox_gives_the_published_numbers)
{
    static const uint32_t known[3][10] = {
        /* key, counter, result */
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
         0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0xa4093822, 0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xd16cfe09,
         0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        mot_philox(&known[i][0], &known[i][2], out);
        for (int j = 0; j < 4; j++)
            ck_assert_uint_eq(out[j], known[i][6 + j]);
    }
}
END_TEST

/* Words of (seed 0x0123456789abcdef, stream INIT = 1, index 5) are philox of key (89abcdef,
 * 01234567) and counters (i, 5, 0, 1). */
START_TEST(test_random_counts_through_its_stream)
{
    mot_random random;
    mot_random_init(&random, UINT64_C(0x0123456789abcdef), MOT_STREAM_INIT, 5);
    const uint32_t key[2] = {0x89abcdef, 0x01234567};
    for (uint32_t i = 0; i < 3; i++) {
        const uint32_t counter[4] = {i, 5, 0, 1};
        uint32_t out[4];
        mot_philox(key, counter, out);
        for (int j = 0; j < 4; j++)
            ck_assert_uint_eq(mot_random_u32(&random), out[j]);
    }
}
END_TEST

START_TEST(test_random_uniform_and_normal_have_their_moments)
{
    enum { N = 200000 };
    mot_random random;
    double sum = 0, squares = 0, fourth = 0;
    mot_random_init(&random, 1, MOT_STREAM_TEST, 0);
    for (int i = 0; i < N; i++) {
        float u = mot_random_uniform(&random);
        ck_assert(u >= 0 && u < 1);
        sum += u;
        squares += (double)u * u;
    }
    ck_assert_double_eq_tol(sum / N, 0.5, 0.003);
    ck_assert_double_eq_tol(squares / N, 1.0 / 3, 0.003);
    sum = squares = 0;
    for (int i = 0; i < N; i++) {
        double x = mot_random_normal(&random);
        ck_assert(isfinite(x));
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
    }
    ck_assert_double_eq_tol(sum / N, 0, 0.01);
    ck_assert_double_eq_tol(squares / N, 1, 0.02);
    ck_assert_double_eq_tol(fourth / N, 3, 0.1);
}
END_TEST

START_TEST(test_random_below_is_even)
{
    mot_random random;
    mot_random_init(&random, 2, MOT_STREAM_TEST, 0);
    int count[7] = {0};
    for (int i = 0; i < 70000; i++)
        count[mot_random_below(&random, 7)]++;
    for (int i = 0; i < 7; i++)
        ck_assert_int_lt(abs(count[i] - 10000), 400);
    ck_assert_uint_eq(mot_random_below(&random, 1), 0);
    /* A third of the draws are rejected here; without that the lower half would come twice as
     * often. */
    uint64_t n = UINT64_C(0xaaaaaaaaaaaaaaab);
    int low = 0;
    for (int i = 0; i < 30000; i++) {
        uint64_t draw = mot_random_below(&random, n);
        ck_assert(draw < n);
        low += draw < n / 2;
    }
    ck_assert_int_lt(abs(low - 15000), 400);
}
END_TEST

static int compare_int64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

START_TEST(test_permutation_holds_every_number_once)
{
    static int64_t order[1009], again[1009];
    for (int64_t n = 0; n <= 1009; n += n < 10 ? 1 : 333) {
        mot_random_permutation(7, MOT_STREAM_SHUFFLE, (uint64_t)n, n, order);
        mot_random_permutation(7, MOT_STREAM_SHUFFLE, (uint64_t)n, n, again);
        ck_assert_mem_eq(order, again, (size_t)n * sizeof *order);
        qsort(again, (size_t)n, sizeof *again, compare_int64);
        for (int64_t i = 0; i < n; i++)
            ck_assert_int_eq(again[i], i);
    }
}
END_TEST

/* The order of the data belongs to a seed for good; computed once with a program in Python. */
START_TEST(test_permutation_never_changes)
{
    static const int64_t known[2][10] = {{2, 4, 9, 3, 0, 1, 7, 8, 6, 5},
                                         {5, 1, 6, 4, 9, 7, 2, 8, 3, 0}};
    int64_t order[10];
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        mot_random_permutation(1, MOT_STREAM_SHUFFLE, epoch, 10, order);
        for (int i = 0; i < 10; i++)
            ck_assert_int_eq(order[i], known[epoch][i]);
    }
}
END_TEST

/* Each number is equally likely at each place. */
START_TEST(test_permutation_is_fair)
{
    int count[5][5] = {{0}};
    for (uint64_t i = 0; i < 20000; i++) {
        int64_t order[5];
        mot_random_permutation(3, MOT_STREAM_SPLIT, i, 5, order);
        for (int place = 0; place < 5; place++)
            count[place][order[place]]++;
    }
    for (int i = 0; i < 25; i++)
        ck_assert_int_lt(abs(count[i / 5][i % 5] - 4000), 300);
}
END_TEST

/* ---- operators and shapes ---- */

START_TEST(test_op_names_are_known)
{
    ck_assert_str_eq(mot_op_name(MOT_OP_ingest), "ingest");
    ck_assert_str_eq(mot_op_name(MOT_OP_adam), "adam");
    for (int i = 0; i < MOT_N_OPS; i++)
        ck_assert_uint_gt(strlen(mot_op_name((mot_op)i)), 1);
}
END_TEST

START_TEST(test_shape_counts_and_prints)
{
    mot_shape shape = {.n_dims = 3, .dim = {MOT_BATCH, 28, 3}};
    char text[MOT_SHAPE_TEXT];
    ck_assert_str_eq(mot_shape_print(&shape, text), "(B,28,3)");
    ck_assert(mot_shape_is_batched(&shape));
    ck_assert_int_eq(mot_shape_elements(&shape, 5), 5 * 28 * 3);
    mot_shape filled = mot_shape_with_batch(shape, 2);
    ck_assert_str_eq(mot_shape_print(&filled, text), "(2,28,3)");
    ck_assert(!mot_shape_equal(&shape, &filled));
    mot_shape scalar = {0};
    ck_assert_int_eq(mot_shape_elements(&scalar, 9), 1);
    ck_assert_str_eq(mot_shape_print(&scalar, text), "()");
}
END_TEST

START_TEST(test_median_is_the_upper_middle)
{
    ck_assert(isnan(mot_median(NULL, 0)));
    ck_assert_double_eq(mot_median((double[]){3}, 1), 3);
    ck_assert_double_eq(mot_median((double[]){9, -1, 4}, 3), 4);
    ck_assert_double_eq(mot_median((double[]){9, -1, 4, 5}, 4), 5);
}
END_TEST

START_TEST(test_median_of_means_sees_through_a_rhythm)
{
    double values[161];
    for (int i = 0; i < 161; i++)
        values[i] = i == 30 ? 1000 : i % 2 ? 1 : 5;
    ck_assert(isnan(mot_median_of_means(NULL, 0)));
    ck_assert_double_eq(mot_median_of_means((double[]){7}, 1), 7);
    ck_assert_double_eq(mot_median_of_means((double[]){9, -1, 4}, 3), 4);
    ck_assert_double_eq(mot_median_of_means(values, 10), 3);
    ck_assert_double_eq(mot_median_of_means(values, 161), 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *tests = tcase_create("base");
    tcase_add_test(tests, test_status_keeps_the_message_of_the_latest_failure);
    tcase_add_test(tests, test_status_cuts_a_long_message);
    tcase_add_test(tests, test_status_keeps_messages_of_threads_apart);
    tcase_add_test(tests, test_status_has_a_name_for_each);
    tcase_add_test(tests, test_log_sends_lines_up_to_its_level);
    tcase_add_test(tests, test_clock_runs_forward);
    tcase_add_test(tests, test_memory_refuses_sizes_that_overflow);
    tcase_add_test(tests, test_memory_grows_with_zeros);
    tcase_add_test(tests, test_memory_pages_are_aligned_whole_and_zero);
    tcase_add_test(tests, test_philox_gives_the_published_numbers);
    tcase_add_test(tests, test_random_counts_through_its_stream);
    tcase_add_test(tests, test_random_uniform_and_normal_have_their_moments);
    tcase_add_test(tests, test_random_below_is_even);
    tcase_add_test(tests, test_permutation_holds_every_number_once);
    tcase_add_test(tests, test_permutation_never_changes);
    tcase_add_test(tests, test_permutation_is_fair);
    tcase_add_test(tests, test_op_names_are_known);
    tcase_add_test(tests, test_shape_counts_and_prints);
    tcase_add_test(tests, test_median_is_the_upper_middle);
    tcase_add_test(tests, test_median_of_means_sees_through_a_rhythm);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
