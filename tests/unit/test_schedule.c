/* Learning rates over time are those that PyTorch's schedulers give, step by step. */
#include "config.h"

#include "runtime/train/schedule.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

enum { MOST = 11 };

/* With learning rate 0.5 over `n` steps. */
static const struct {
    const char *schedule;
    int n;
    double lr[MOST];
} cases[] = {
    {"{}", 3, {0.5, 0.5, 0.5}},
    {"{warmup: 4}", 6, {0.1, 0.2, 0.3, 0.4, 0.5, 0.5}},
    /* StepLR(3, 0.5); SequentialLR([LinearLR(1/5, 1, 4), StepLR(2, 0.5)], [4]) */
    {"{name: step, every: 3, gamma: 0.5}",
     10,
     {0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.0625}},
    {"{name: step, every: 2, gamma: 0.5, warmup: 4}",
     10,
     {0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125}},
    /* CosineAnnealingLR(10, 0.1); SequentialLR([LinearLR(1/5, 1, 4), CosineAnnealingLR(6, 0.1)], [4]) */
    {"{name: cosine, final: 0.1}",
     10,
     {0.5, 0.490211303, 0.461803399, 0.41755705, 0.361803399, 0.3, 0.238196601, 0.18244295,
      0.138196601, 0.109788697}},
    {"{name: cosine, final: 0.1, warmup: 4}",
     10,
     {0.1, 0.2, 0.3, 0.4, 0.5, 0.473205081, 0.4, 0.3, 0.2, 0.126794919}},
    /* LinearLR(1, 0.2, 10); SequentialLR([LinearLR(0.1, 1, 3), LinearLR(1, 0.2, 7)], [3]) */
    {"{name: linear, final: 0.1}", 10, {0.5, 0.46, 0.42, 0.38, 0.34, 0.3, 0.26, 0.22, 0.18, 0.14}},
    {"{name: linear, final: 0.1, warmup: 3, start: 0.05}",
     10,
     {0.05, 0.2, 0.35, 0.5, 0.442857143, 0.385714286, 0.328571429, 0.271428571, 0.214285714,
      0.157142857}},
    /* OneCycleLR(0.5, 11); the same with pct_start=6/11, div_factor=5, final_div_factor=5 */
    {"{name: one-cycle}",
     11,
     {0.02, 0.211170557, 0.480130712, 0.489873284, 0.442237862, 0.363043525, 0.265291354,
      0.165029014, 0.0787162564, 0.0205227716, 2e-06}},
    {"{name: one-cycle, warmup: 6, start: 0.1, final: 0.02}",
     11,
     {0.1, 0.138196601, 0.238196601, 0.361803399, 0.461803399, 0.5, 0.454164079, 0.334164079,
      0.185835921, 0.0658359214, 0.02}},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static mot_config *with_schedule(const char *text)
{
    char line[256];
    mot_config *config;
    OK(mot_config_parse("train:\n", "m.yaml", &config));
    snprintf(line, sizeof line, "train.schedule=%s", text);
    OK(mot_config_set(config, line));
    return config;
}

START_TEST(test_rates_are_those_of_pytorch)
{
    mot_config *config = with_schedule(cases[_i].schedule);
    mot_schedule schedule;
    OK(mot_schedule_read(config, 0.5, &schedule));
    ck_assert_int_eq(schedule.length, 0);
    schedule.length = cases[_i].n;
    for (int t = 0; t < cases[_i].n; t++)
        ck_assert_double_eq_tol(mot_schedule_lr(&schedule, t), cases[_i].lr[t], 1e-8);
    mot_config_free(config);
}
END_TEST

START_TEST(test_rates_stay_behind_the_end)
{
    for (int i = 0; i < N_CASES; i++) {
        mot_config *config = with_schedule(cases[i].schedule);
        mot_schedule schedule;
        OK(mot_schedule_read(config, 0.5, &schedule));
        schedule.length = 8;
        double last = mot_schedule_lr(&schedule, 8);
        ck_assert(last > 0 && last <= 0.5);
        ck_assert_double_eq(mot_schedule_lr(&schedule, 9), last);
        ck_assert_double_eq(mot_schedule_lr(&schedule, 1000000), last);
        mot_config_free(config);
    }
}
END_TEST

/* Runs of one or two steps: nothing is divided by zero. */
START_TEST(test_short_schedules_give_numbers)
{
    for (int i = 0; i < N_CASES; i++)
        for (int length = 1; length <= 2; length++) {
            mot_config *config = with_schedule(cases[i].schedule);
            mot_schedule schedule;
            OK(mot_schedule_read(config, 0.5, &schedule));
            schedule.length = length;
            for (int t = 0; t < length; t++) {
                double lr = mot_schedule_lr(&schedule, t);
                ck_assert_msg(lr > 0 && lr <= 0.5, "%s: %g at %d of %d", cases[i].schedule, lr, t,
                              length);
            }
            mot_config_free(config);
        }
}
END_TEST

START_TEST(test_epochs_are_counted_when_asked)
{
    mot_config *config = with_schedule("{name: step, by: epoch, every: 2}");
    mot_schedule schedule;
    OK(mot_schedule_read(config, 1, &schedule));
    ck_assert(schedule.by_epoch);
    mot_config_free(config);
}
END_TEST

START_TEST(test_a_warmup_that_cannot_be_is_refused)
{
    static const char *const wrong[][2] = {
        {"{warmup: 2.5}",
         "--set train.schedule.warmup: train.schedule.warmup is 2.5; expected whole steps"},
        {"{warmup: 9, length: 9}",
         "--set train.schedule.warmup: train.schedule.warmup is 9, all of "
         "train.schedule.length (9)"}};
    for (int i = 0; i < 2; i++) {
        mot_config *config = with_schedule(wrong[i][0]);
        mot_schedule schedule;
        ck_assert_int_eq(mot_schedule_read(config, 1, &schedule), MOT_ERR_ARGUMENT);
        ck_assert_str_eq(mot_error_message(), wrong[i][1]);
        mot_config_free(config);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tests = tcase_create("schedule");
    tcase_add_loop_test(tests, test_rates_are_those_of_pytorch, 0, N_CASES);
    tcase_add_test(tests, test_rates_stay_behind_the_end);
    tcase_add_test(tests, test_short_schedules_give_numbers);
    tcase_add_test(tests, test_epochs_are_counted_when_asked);
    tcase_add_test(tests, test_a_warmup_that_cannot_be_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
