/* Simulated devices, whose noise is pseudo-random and so the same in every run: shares follow speed
 * that changes and do not follow noise. */
#include "config.h"

#include "runtime/base/random.h"
#include "runtime/plan/plan.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 16 };

/* What the devices really are; `machine` is what the balancer believes. */
typedef struct world {
    mot_machine_device real[MOST], believed[MOST];
    mot_machine machine;
    int64_t batch, share[MOST];
    double noise; /* each measured time is off by up to this fraction */
    mot_random random;
    int n_changes;
} world;

static void begin(world *w, int n_devices, int64_t batch, double noise, uint64_t seed)
{
    *w = (world){.batch = batch, .noise = noise};
    w->machine = (mot_machine){.device = w->believed, .n_devices = n_devices};
    for (int i = 0; i < n_devices; i++) {
        w->real[i] = (mot_machine_device){.a_s = 1e-4, .b_s = 1e-5, .max_batch = 1e9};
        snprintf(w->real[i].id, sizeof w->real[i].id, "test:%d", i);
    }
    mot_random_init(&w->random, seed, MOT_STREAM_TEST, 0);
}

static void share_out(world *w)
{
    ck_assert_int_eq(mot_balance_shares(&w->machine, w->batch, w->share), MOT_OK);
}

/* The warm-up: what is believed is what is. */
static void measure_first(world *w)
{
    for (int i = 0; i < w->machine.n_devices; i++)
        w->believed[i] = w->real[i];
    share_out(w);
}

static double really_takes(const world *w, int i)
{
    const mot_machine_device *device = &w->real[i];
    return w->share[i] > 0 ? device->a_s + device->b_s * (double)w->share[i] : 0;
}

static void run(world *w, int periods)
{
    for (int period = 0; period < periods; period++) {
        double time_s[MOST];
        for (int i = 0; i < w->machine.n_devices; i++) {
            double off = w->noise * (2 * (double)mot_random_uniform(&w->random) - 1);
            time_s[i] = really_takes(w, i) * (1 + off);
        }
        if (mot_balance_observe(&w->machine, w->batch, w->share, time_s)) {
            share_out(w);
            w->n_changes++;
        }
    }
}

static double real_step_s(const world *w)
{
    double step_s = 0;
    for (int i = 0; i < w->machine.n_devices; i++)
        step_s = fmax(step_s, really_takes(w, i));
    return step_s;
}

static double best_step_s(const world *w)
{
    world copy = *w;
    copy.machine.device = copy.real;
    share_out(&copy);
    return real_step_s(&copy);
}

START_TEST(test_noise_moves_nothing)
{
    static const int n_devices[] = {1, 2, 3, 4, 8, 16};
    for (uint64_t seed = 0; seed < 10; seed++)
        for (int i = 0; i < 6; i++) {
            world w;
            begin(&w, n_devices[i], 512, 0.1, seed);
            for (int j = 0; j < n_devices[i]; j++)
                w.real[j].b_s *= 1 + (double)mot_random_below(&w.random, 7);
            measure_first(&w);
            run(&w, 1000);
            ck_assert_msg(w.n_changes == 0, "%d changes, %d devices, seed %d", w.n_changes,
                          n_devices[i], (int)seed);
        }
}
END_TEST

START_TEST(test_shares_follow_a_device_that_loses_half_its_speed)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        world w;
        begin(&w, 3, 600, 0.1, seed);
        w.real[2].b_s = 2e-5;
        measure_first(&w);
        run(&w, 50);
        ck_assert_int_eq(w.n_changes, 0);
        w.real[0].a_s *= 2;
        w.real[0].b_s *= 2;
        run(&w, 6);
        ck_assert_int_ge(w.n_changes, 1);
        run(&w, 30);
        ck_assert_int_le(w.n_changes, 4);
        ck_assert_msg(real_step_s(&w) < 1.07 * best_step_s(&w), "%g s, best %g s", real_step_s(&w),
                      best_step_s(&w));
        /* And back. */
        w.n_changes = 0;
        w.real[0].a_s /= 2;
        w.real[0].b_s /= 2;
        run(&w, 36);
        ck_assert_int_ge(w.n_changes, 1);
        ck_assert_int_le(w.n_changes, 4);
        ck_assert(real_step_s(&w) < 1.07 * best_step_s(&w));
    }
}
END_TEST

/* Too small a change to be taken at once: the moving average finds it. */
START_TEST(test_shares_follow_a_slow_drift)
{
    world w;
    begin(&w, 2, 512, 0.05, 1);
    measure_first(&w);
    for (int i = 0; i < 100; i++) {
        w.real[1].b_s *= 1.007; /* twice as slow in the end */
        run(&w, 5);
    }
    ck_assert_int_ge(w.n_changes, 2);
    ck_assert_int_le(w.n_changes, 15);
    ck_assert(real_step_s(&w) < 1.07 * best_step_s(&w));
}
END_TEST

START_TEST(test_one_hiccup_moves_nothing)
{
    world w;
    begin(&w, 2, 512, 0.03, 1);
    measure_first(&w);
    for (int i = 0; i < 20; i++) {
        mot_machine_device before = w.real[0];
        w.real[0].a_s += i % 2 ? 0.5 : 0.002; /* a hundred times, or twice, as long */
        run(&w, 1 + i % 2);
        w.real[0] = before;
        run(&w, 4);
    }
    ck_assert_int_eq(w.n_changes, 0);
}
END_TEST

START_TEST(test_a_wrong_first_fit_is_put_right)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        world w;
        begin(&w, 4, 512, 0.1, seed);
        w.real[1].b_s *= 3;
        w.real[3].b_s *= 10;
        measure_first(&w);
        for (int i = 0; i < 4;
             i++) { /* all alike, and the start unknown, as with one measurement */
            w.believed[i].a_s = 0;
            w.believed[i].b_s = 2e-5;
        }
        share_out(&w);
        run(&w, 60);
        ck_assert_msg(real_step_s(&w) < 1.1 * best_step_s(&w), "%g s, best %g s", real_step_s(&w),
                      best_step_s(&w));
        int settled = w.n_changes;
        run(&w, 200);
        ck_assert_int_le(w.n_changes - settled, 2);
    }
}
END_TEST

START_TEST(test_a_device_left_out_keeps_its_fit_and_gets_another_chance)
{
    world w;
    begin(&w, 2, 512, 0.05, 3);
    measure_first(&w);
    int64_t fair = w.share[1];
    /* 1. Somebody else uses device 1 for a while: it is left out. */
    w.real[1].a_s *= 60;
    w.real[1].b_s *= 60;
    run(&w, 10);
    ck_assert_int_eq(w.share[1], 0);
    /* 2. It is free again, which nobody can measure; it is tried again all the same. */
    w.real[1].a_s /= 60;
    w.real[1].b_s /= 60;
    run(&w, 400);
    ck_assert_int_gt(w.share[1], fair * 8 / 10);
    ck_assert(real_step_s(&w) < 1.07 * best_step_s(&w));
    /* 3. Were it slow for ever, trying it would cost little. */
    w.real[1].a_s *= 60;
    w.real[1].b_s *= 60;
    run(&w, 10);
    double best_s = best_step_s(&w), total_s = 0;
    for (int i = 0; i < 1000; i++) {
        run(&w, 1);
        total_s += real_step_s(&w);
    }
    ck_assert_msg(total_s < 1.1 * 1000 * best_s, "%g of the best", total_s / (1000 * best_s));
}
END_TEST

START_TEST(test_a_device_left_out_from_the_start_keeps_its_fit)
{
    world w;
    begin(&w, 2, 512, 0.1, 4);
    w.real[1].a_s = 1;
    measure_first(&w);
    ck_assert_int_eq(w.share[1], 0);
    run(&w, 500);
    ck_assert(w.believed[1].a_s == 1 && w.believed[1].b_s == 1e-5);
    ck_assert_int_eq(w.n_changes, 0);
    /* It is taken when the others have become worse than it is. */
    w.real[0].b_s *= 1000;
    run(&w, 10);
    ck_assert_int_gt(w.share[1], 0);
}
END_TEST

START_TEST(test_measurements_that_are_none_change_nothing)
{
    world w;
    begin(&w, 2, 512, 0, 5);
    measure_first(&w);
    const double bad[] = {NAN, INFINITY, 0, -1};
    for (int i = 0; i < 20; i++)
        ck_assert(!mot_balance_observe(&w.machine, w.batch, w.share,
                                       (double[]){bad[i % 4], bad[(i / 4) % 4]}));
    ck_assert(w.believed[0].a_s == w.real[0].a_s && w.believed[1].b_s == w.real[1].b_s);
    /* A device of which nothing is known yet learns from its first measurement. */
    w.believed[0].a_s = w.believed[0].b_s = 0;
    mot_balance_observe(&w.machine, w.batch, w.share, (double[]){0.01, 0.01});
    ck_assert_double_eq_tol(w.believed[0].b_s * (double)w.share[0], 0.01, 1e-9);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("observe");
    TCase *tests = tcase_create("observe");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, test_noise_moves_nothing);
    tcase_add_test(tests, test_shares_follow_a_device_that_loses_half_its_speed);
    tcase_add_test(tests, test_shares_follow_a_slow_drift);
    tcase_add_test(tests, test_one_hiccup_moves_nothing);
    tcase_add_test(tests, test_a_wrong_first_fit_is_put_right);
    tcase_add_test(tests, test_a_device_left_out_keeps_its_fit_and_gets_another_chance);
    tcase_add_test(tests, test_a_device_left_out_from_the_start_keeps_its_fit);
    tcase_add_test(tests, test_measurements_that_are_none_change_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
