/* Counting classes: ties, what is no number, labels that do not count, many classes. */
#include "config.h"

#include "runtime/train/class_counts.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

static mot_class_counts *counts_of(int64_t n)
{
    mot_class_counts *c;
    OK(mot_class_counts_new(n, &c));
    return c;
}

START_TEST(test_first_of_equals_is_the_largest)
{
    mot_class_counts *c = counts_of(3);
    mot_class_counts_add(c, (float[]){1, 2, 2}, false, 2);
    mot_class_counts_add(c, (float[]){1, 2, 2}, false, 1);
    mot_class_counts_add(c, (float[]){0, 0, 0}, false, 0);
    ck_assert_int_eq(c->confusion[2 * 3 + 1], 1);
    ck_assert_int_eq(c->predicted[1], 2);
    ck_assert_int_eq(c->correct[0] + c->correct[1], 2);
    ck_assert_int_eq(c->correct[2], 0);
    mot_class_counts_free(c);
}
END_TEST

START_TEST(test_top_is_by_place_and_equals_in_order)
{
    mot_class_counts *c = counts_of(7);
    const float equal[7] = {1, 1, 1, 1, 1, 1, 1}, none[7] = {9, NAN, NAN, NAN, NAN, 5, 4};
    for (int32_t label = 0; label < 7; label++)
        mot_class_counts_add(c, equal, false, label);
    ck_assert_int_eq(*c->in_top, 5);
    mot_class_counts_add(c, none, false, 5); /* behind 9 and all that are no numbers */
    ck_assert_int_eq(*c->in_top, 5);
    mot_class_counts_add(c, none, false, 1); /* itself no number */
    ck_assert_int_eq(*c->in_top, 5);
    mot_class_counts_free(c);
}
END_TEST

START_TEST(test_one_output_stands_for_two_classes)
{
    mot_class_counts *c = counts_of(2);
    mot_class_counts_add(c, (float[]){0.1f}, true, 1);
    mot_class_counts_add(c, (float[]){-0.1f}, true, 1);
    mot_class_counts_add(c, (float[]){0}, true, 0);
    ck_assert_int_eq(c->confusion[3], 1);
    ck_assert_int_eq(c->confusion[2], 1);
    ck_assert_int_eq(c->confusion[0], 1);
    mot_class_counts_free(c);
}
END_TEST

START_TEST(test_what_does_not_count_is_nowhere)
{
    mot_comm *comm;
    mot_class_counts *c = counts_of(MOT_MOST_CONFUSED + 1);
    float *outputs = calloc((size_t)c->n_classes, sizeof *outputs);
    ck_assert_ptr_nonnull(outputs);
    ck_assert_ptr_null(c->confusion);
    outputs[256] = 1;
    mot_class_counts_add(c, outputs, false, -1);
    for (int64_t i = 0; i < c->n_counts; i++)
        ck_assert_int_eq(c->count[i], 0);
    mot_class_counts_add(c, outputs, false, 256);
    OK(mot_comm_open(&comm));
    OK(mot_class_counts_sum(c, comm)); /* of one rank */
    mot_comm_close(comm);
    ck_assert_int_eq(c->correct[256], 1);
    ck_assert_int_eq(c->labelled[256], 1);
    ck_assert_int_eq(*c->in_top, 1);
    free(outputs);
    mot_class_counts_free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("class_counts");
    TCase *tests = tcase_create("class_counts");
    tcase_add_test(tests, test_first_of_equals_is_the_largest);
    tcase_add_test(tests, test_top_is_by_place_and_equals_in_order);
    tcase_add_test(tests, test_one_output_stands_for_two_classes);
    tcase_add_test(tests, test_what_does_not_count_is_nowhere);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
