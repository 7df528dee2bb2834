#include "config.h"

#include "runtime/train/sampling.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 4, DRAWS = 20000 };
static const float logits[N] = {0.5f, 2.0f, -1.0f, 2.0f};

static int32_t draw(double temperature, int64_t top_k, uint64_t seed, uint64_t position)
{
    const mot_sampling sampling = {temperature, top_k, seed};
    int32_t token = -1;
    ck_assert_msg(mot_sampling_draw(&sampling, logits, N, position, &token) == MOT_OK, "%s",
                  mot_error_message());
    return token;
}

START_TEST(test_the_likeliest_is_taken_at_temperature_0)
{
    for (uint64_t i = 0; i < 20; i++) {
        ck_assert_int_eq(draw(0, 0, 1, i), 1); /* of two alike the first */
        ck_assert_int_eq(draw(5, 1, 1, i), 1);
    }
}
END_TEST

START_TEST(test_tokens_are_as_frequent_as_they_are_likely)
{
    const double temperature = 0.7;
    double sum = 0;
    int64_t count[N] = {0};
    for (uint64_t i = 0; i < DRAWS; i++)
        count[draw(temperature, 0, 3, i)]++;
    for (int i = 0; i < N; i++)
        sum += exp((double)logits[i] / temperature);
    for (int i = 0; i < N; i++)
        ck_assert_double_eq_tol((double)count[i] / DRAWS,
                                exp((double)logits[i] / temperature) / sum, 0.015);
}
END_TEST

START_TEST(test_only_the_first_k_are_drawn)
{
    int64_t count[N] = {0};
    for (uint64_t i = 0; i < 500; i++)
        count[draw(3, 2, 4, i)]++;
    ck_assert_int_eq(count[0] + count[2], 0);
    ck_assert(count[1] > 150 && count[3] > 150);
}
END_TEST

START_TEST(test_seed_and_position_say_what_is_drawn)
{
    int differ = 0;
    for (uint64_t i = 0; i < 100; i++) {
        ck_assert_int_eq(draw(1, 0, 1, i), draw(1, 0, 1, i));
        differ += draw(1, 0, 1, i) != draw(1, 0, 2, i);
    }
    ck_assert_int_gt(differ, 20);
}
END_TEST

START_TEST(test_what_is_no_number_is_refused)
{
    const mot_sampling sampling = {1, 0, 1};
    int32_t token;
    ck_assert_int_eq(mot_sampling_draw(&sampling, (const float[]){1, NAN}, 2, 0, &token),
                     MOT_ERR_NUMERIC);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "token 1"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sampling");
    TCase *tests = tcase_create("sampling");
    tcase_add_test(tests, test_the_likeliest_is_taken_at_temperature_0);
    tcase_add_test(tests, test_tokens_are_as_frequent_as_they_are_likely);
    tcase_add_test(tests, test_only_the_first_k_are_drawn);
    tcase_add_test(tests, test_seed_and_position_say_what_is_drawn);
    tcase_add_test(tests, test_what_is_no_number_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
