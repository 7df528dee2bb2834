/* Shares against an exhaustive search, and everything that can be wrong with the numbers. */
#include "config.h"

#include "runtime/base/random.h"
#include "runtime/plan/plan.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 5 };

static mot_machine_device device(double a_s, double b_s, double max_batch)
{
    return (mot_machine_device){.id = "test:0", .a_s = a_s, .b_s = b_s, .max_batch = max_batch};
}

static int64_t sum_of(const int64_t *share, int n)
{
    int64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += share[i];
    return sum;
}

static int used(const int64_t *share, int n)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        count += share[i] > 0;
    return count;
}

static void expect_shares(const mot_machine *machine, int64_t batch, const int64_t *expected)
{
    int64_t share[MOST];
    mot_status status = mot_balance_shares(machine, batch, share);
    ck_assert_msg(status == MOT_OK, "%s", mot_error_message());
    for (int i = 0; i < machine->n_devices; i++)
        ck_assert_msg(share[i] == expected[i], "device %d of batch %d got %d, not %d", i,
                      (int)batch, (int)share[i], (int)expected[i]);
}

/* ---- exhaustive search ---- */

typedef struct best {
    double step_s;
    int devices;
} best;

static void search(const mot_machine *machine, int i, int64_t left, int64_t *share, best *found)
{
    if (i == machine->n_devices) {
        if (left > 0)
            return;
        double step_s = mot_balance_step_s(machine, share);
        int devices = used(share, machine->n_devices);
        if (step_s < found->step_s || (step_s == found->step_s && devices < found->devices))
            *found = (best){step_s, devices};
        return;
    }
    for (share[i] = 0; share[i] <= left && (double)share[i] <= machine->device[i].max_batch;
         share[i]++)
        search(machine, i + 1, left - share[i], share, found);
    share[i] = 0;
}

/* Random machines with many ties: numbers are drawn from small sets, zero among them. */
static void draw_machine(mot_random *random, mot_machine *machine)
{
    static const double a[] = {0, 0, 1, 2, 5, 1e-3}, b[] = {0, 1, 1, 2, 3.7, 0.1, 1e-9};
    machine->n_devices = 1 + (int)mot_random_below(random, 4);
    for (int i = 0; i < machine->n_devices; i++) {
        machine->device[i] =
            device(a[mot_random_below(random, 6)], b[mot_random_below(random, 7)],
                   mot_random_below(random, 2) ? INFINITY : (double)mot_random_below(random, 9));
        if (mot_random_below(random, 3) == 0)
            machine->device[i].min_step_s = mot_random_uniform(random);
        if (mot_random_below(random, 2))
            machine->device[i].b_s *= mot_random_uniform(random);
    }
}

START_TEST(test_shares_are_the_best_of_all)
{
    mot_machine_device devices[MOST];
    mot_machine machine = {.device = devices};
    mot_random random;
    mot_random_init(&random, 1, MOT_STREAM_TEST, 0);
    int solved = 0;
    for (int i = 0; i < 4000; i++) {
        draw_machine(&random, &machine);
        int64_t batch = (int64_t)mot_random_below(&random, 13), share[MOST], tried[MOST];
        best found = {INFINITY, MOST};
        search(&machine, 0, batch, tried, &found);
        mot_status status = mot_balance_shares(&machine, batch, share);
        if (found.step_s == INFINITY) {
            ck_assert_int_eq(status, MOT_ERR_MEMORY);
            continue;
        }
        ck_assert_msg(status == MOT_OK, "case %d: %s", i, mot_error_message());
        ck_assert_int_eq(sum_of(share, machine.n_devices), batch);
        for (int j = 0; j < machine.n_devices; j++)
            ck_assert(share[j] >= 0 && (double)share[j] <= devices[j].max_batch);
        double step_s = mot_balance_step_s(&machine, share);
        ck_assert_msg(step_s == found.step_s, "case %d: %.17g s, best %.17g", i, step_s,
                      found.step_s);
        ck_assert_msg(used(share, machine.n_devices) == found.devices,
                      "case %d: %d devices, best %d", i, used(share, machine.n_devices),
                      found.devices);
        solved++;
    }
    ck_assert_int_gt(solved, 2000);
}
END_TEST

/* ---- cases that a person can check ---- */

START_TEST(test_plan_splits_batch_by_speed)
{
    mot_machine_device devices[] = {device(0, 1, 1e9), device(0, 7, 1e9)};
    mot_machine machine = {devices, 2, 0};
    expect_shares(&machine, 64, (int64_t[]){56, 8});
    expect_shares(&machine, 8, (int64_t[]){7, 1});
    expect_shares(&machine, 7, (int64_t[]){7, 0}); /* 7:0 is as fast as 6:1, with one device */
    expect_shares(&machine, 1, (int64_t[]){1, 0});
    expect_shares(&machine, 0, (int64_t[]){0, 0});
}
END_TEST

START_TEST(test_equal_devices_get_equal_shares_and_the_earlier_the_rest)
{
    mot_machine_device devices[] = {device(1e-4, 1e-6, 1e9), device(1e-4, 1e-6, 1e9),
                                    device(1e-4, 1e-6, 1e9)};
    mot_machine machine = {devices, 3, 0};
    expect_shares(&machine, 30, (int64_t[]){10, 10, 10});
    expect_shares(&machine, 31, (int64_t[]){11, 10, 10});
    expect_shares(&machine, 32, (int64_t[]){11, 11, 10});
    expect_shares(&machine, 2, (int64_t[]){1, 1, 0});
}
END_TEST

START_TEST(test_a_device_that_hurts_is_left_out)
{
    /* Its first sample alone takes longer than the whole batch elsewhere. */
    mot_machine_device devices[] = {device(1e-4, 1e-6, 1e9), device(5e-3, 1e-4, 1e9)};
    mot_machine machine = {devices, 2, 0};
    expect_shares(&machine, 512, (int64_t[]){512, 0});
    /* Its exchange costs more than it brings. */
    devices[1] = device(1e-4, 1e-6, 1e9);
    devices[1].min_step_s = 1e-3;
    expect_shares(&machine, 512, (int64_t[]){512, 0});
    expect_shares(&machine, 4000, (int64_t[]){2500, 1500});
    /* With little memory elsewhere it has to help nevertheless. */
    devices[0].max_batch = 500.9;
    expect_shares(&machine, 512, (int64_t[]){500, 12});
}
END_TEST

START_TEST(test_time_without_slope_or_start)
{
    mot_machine_device devices[] = {device(2, 0, 10), device(1, 0, 3), device(0, 1, 100)};
    mot_machine machine = {devices, 3, 0};
    expect_shares(&machine, 3, (int64_t[]){0, 3, 0});
    expect_shares(&machine, 4, (int64_t[]){0, 3, 1});
    expect_shares(&machine, 10, (int64_t[]){10, 0, 0});
    expect_shares(&machine, 15, (int64_t[]){10, 3, 2});
    /* Devices that cost nothing at all, before anything was measured. */
    for (int i = 0; i < 3; i++)
        devices[i] = device(0, 0, 5);
    expect_shares(&machine, 5, (int64_t[]){5, 0, 0});
    expect_shares(&machine, 11, (int64_t[]){5, 5, 1});
}
END_TEST

START_TEST(test_large_numbers_stay_exact)
{
    mot_machine_device devices[] = {device(1e-3, 1e-7, INFINITY), device(2e-3, 3e-7, INFINITY)};
    mot_machine machine = {devices, 2, 0};
    int64_t batch = INT64_C(1) << 40, share[2];
    ck_assert_int_eq(mot_balance_shares(&machine, batch, share), MOT_OK);
    ck_assert_int_eq(share[0] + share[1], batch);
    ck_assert_double_eq_tol((double)share[0] / (double)batch, 0.75, 1e-6);
    /* Slopes far below the rounding of the start. */
    devices[0] = device(1, 1e-25, INFINITY);
    devices[1] = device(1, 1e-25, INFINITY);
    expect_shares(&machine, 1000000, (int64_t[]){1000000, 0});
}
END_TEST

START_TEST(test_many_devices_are_quick_and_add_up)
{
    enum { N = 2000 };
    static mot_machine_device devices[N];
    static int64_t share[N];
    mot_machine machine = {devices, N, 0};
    mot_random random;
    mot_random_init(&random, 2, MOT_STREAM_TEST, 0);
    for (int i = 0; i < N; i++)
        devices[i] = device(mot_random_uniform(&random), mot_random_uniform(&random), 1e6);
    ck_assert_int_eq(mot_balance_shares(&machine, 1000003, share), MOT_OK);
    ck_assert_int_eq(sum_of(share, N), 1000003);
    /* Nobody could take one sample from the slowest without becoming as slow: the optimum. */
    double step_s = mot_balance_step_s(&machine, share);
    for (int i = 0; i < N; i++)
        ck_assert(devices[i].a_s + devices[i].b_s * (double)(share[i] + 1) >= step_s);
}
END_TEST

START_TEST(test_wrong_numbers_are_refused)
{
    int64_t share[2] = {-7, -7};
    const double bad[] = {NAN, INFINITY, -1, -INFINITY};
    for (int i = 0; i < 4; i++) {
        mot_machine_device devices[] = {device(1, 1, 9), device(bad[i], 1, 9)};
        mot_machine machine = {devices, 2, 0};
        snprintf(devices[1].id, sizeof devices[1].id, "bad:1");
        ck_assert_int_eq(mot_balance_shares(&machine, 4, share), MOT_ERR_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(mot_error_message(), "bad:1"));
        devices[1] = device(1, bad[i], 9);
        ck_assert_int_eq(mot_balance_shares(&machine, 4, share), MOT_ERR_ARGUMENT);
        devices[1] = device(1, 1, 9);
        devices[1].min_step_s = bad[i];
        ck_assert_int_eq(mot_balance_equal(&machine, 4, share), MOT_ERR_ARGUMENT);
    }
    mot_machine_device devices[] = {device(1, 1, NAN)};
    ck_assert_int_eq(mot_balance_shares(&(mot_machine){devices, 1, 0}, 4, share), MOT_ERR_ARGUMENT);
    devices[0].max_batch = 9;
    ck_assert_int_eq(mot_balance_shares(&(mot_machine){devices, 1, 0}, -1, share),
                     MOT_ERR_ARGUMENT);
    ck_assert_int_eq(mot_balance_shares(&(mot_machine){devices, 0, 0}, 1, share), MOT_ERR_ARGUMENT);
    ck_assert_int_eq(share[0], -7);
}
END_TEST

START_TEST(test_a_batch_that_does_not_fit_names_the_sum)
{
    mot_machine_device devices[] = {device(1, 1, 100.5), device(1, 1, 20), device(1, 1, 0)};
    mot_machine machine = {devices, 3, 0};
    int64_t share[3];
    ck_assert_int_eq(mot_balance_shares(&machine, 121, share), MOT_ERR_MEMORY);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "121"));
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "120"));
    ck_assert_int_eq(mot_balance_equal(&machine, 121, share), MOT_ERR_MEMORY);
    expect_shares(&machine, 120, (int64_t[]){100, 20, 0});
}
END_TEST

/* ---- equal and weighted ---- */

START_TEST(test_equal_shares_respect_memory)
{
    mot_machine_device devices[] = {device(1, 1, 2), device(1, 9, 100), device(3, 1, 100)};
    mot_machine machine = {devices, 3, 0};
    struct {
        int64_t batch, share[3];
    } cases[] = {{0, {0, 0, 0}}, {1, {1, 0, 0}}, {2, {1, 1, 0}},      {3, {1, 1, 1}},
                 {7, {2, 3, 2}}, {9, {2, 4, 3}}, {202, {2, 100, 100}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t share[3];
        ck_assert_int_eq(mot_balance_equal(&machine, cases[i].batch, share), MOT_OK);
        ck_assert_mem_eq(share, cases[i].share, sizeof share);
    }
}
END_TEST

START_TEST(test_weights_are_met_as_near_as_whole_numbers_can)
{
    int64_t share[3];
    ck_assert_int_eq(mot_balance_weights((double[]){7, 1}, 2, 64, share), MOT_OK);
    ck_assert_int_eq(share[0], 56);
    ck_assert_int_eq(mot_balance_weights((double[]){1, 0}, 2, 37, share), MOT_OK);
    ck_assert_int_eq(share[0], 37);
    ck_assert_int_eq(mot_balance_weights((double[]){1, 1, 1}, 3, 5, share), MOT_OK);
    ck_assert_mem_eq(share, ((int64_t[]){2, 2, 1}), sizeof share);
    mot_random random;
    mot_random_init(&random, 3, MOT_STREAM_TEST, 0);
    for (int i = 0; i < 1000; i++) {
        double weights[3], sum = 0;
        int64_t batch = (int64_t)mot_random_below(&random, 1000);
        for (int j = 0; j < 3; j++)
            sum += weights[j] = mot_random_uniform(&random) + 1e-9;
        ck_assert_int_eq(mot_balance_weights(weights, 3, batch, share), MOT_OK);
        ck_assert_int_eq(sum_of(share, 3), batch);
        for (int j = 0; j < 3; j++)
            ck_assert(fabs((double)share[j] - (double)batch * weights[j] / sum) < 1);
    }
    ck_assert_int_eq(mot_balance_weights((double[]){0, 0}, 2, 4, share), MOT_ERR_ARGUMENT);
    ck_assert_int_eq(mot_balance_weights((double[]){1, NAN}, 2, 4, share), MOT_ERR_ARGUMENT);
    ck_assert_int_eq(mot_balance_weights((double[]){1, -1}, 2, 4, share), MOT_ERR_ARGUMENT);
    ck_assert_int_eq(mot_balance_weights(NULL, 0, 4, share), MOT_ERR_ARGUMENT);
}
END_TEST

/* ---- fit ---- */

static void expect_fit(const double *n, const double *t, int points, double a, double b)
{
    double a_s, b_s;
    mot_fit_line(n, t, points, &a_s, &b_s);
    ck_assert_double_eq_tol(a_s, a, 1e-12 + 1e-9 * a);
    ck_assert_double_eq_tol(b_s, b, 1e-12 + 1e-9 * b);
}

START_TEST(test_fit_finds_the_line)
{
    expect_fit((double[]){8, 16, 64}, (double[]){1.8, 2.6, 7.4}, 3, 1, 0.1);
    expect_fit((double[]){64}, (double[]){6.4}, 1, 0, 0.1);
    expect_fit((double[]){64, 64}, (double[]){6.4, 12.8}, 2, 0, 0.15);
    expect_fit((double[]){1, 2, 3}, (double[]){3, 2, 1}, 3, 2, 0); /* falls: a mean */
    expect_fit((double[]){1, 2}, (double[]){1, 3}, 2, 0, 7.0 / 5); /* a < 0: through 0 */
    expect_fit((double[]){8, 9, 16}, (double[]){1.8, NAN, 2.6}, 3, 1, 0.1);
    expect_fit(NULL, NULL, 0, 0, 0);
    expect_fit((double[]){1e-4, 4e-4}, (double[]){1e-9, 4e-9}, 2, 0, 1e-5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("balance");
    TCase *tests = tcase_create("balance");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, test_shares_are_the_best_of_all);
    tcase_add_test(tests, test_plan_splits_batch_by_speed);
    tcase_add_test(tests, test_equal_devices_get_equal_shares_and_the_earlier_the_rest);
    tcase_add_test(tests, test_a_device_that_hurts_is_left_out);
    tcase_add_test(tests, test_time_without_slope_or_start);
    tcase_add_test(tests, test_large_numbers_stay_exact);
    tcase_add_test(tests, test_many_devices_are_quick_and_add_up);
    tcase_add_test(tests, test_wrong_numbers_are_refused);
    tcase_add_test(tests, test_a_batch_that_does_not_fit_names_the_sum);
    tcase_add_test(tests, test_equal_shares_respect_memory);
    tcase_add_test(tests, test_weights_are_met_as_near_as_whole_numbers_can);
    tcase_add_test(tests, test_fit_finds_the_line);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
