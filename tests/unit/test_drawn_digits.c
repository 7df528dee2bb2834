/* Drawn digits: a pure function of (seed, number), balanced, and neither trivial nor noise. */
#include "config.h"

#include "runtime/train/data.h"
#include "runtime/train/digit_shapes.h"
#include "tests/unit/files.h"

#include <math.h>

enum { PIXELS = 28 * 28 };

static mot_dataset *drawn(int64_t first, int64_t n, uint64_t seed)
{
    mot_dataset *set;
    OK(mot_drawn_digits(first, n, seed, &set));
    return set;
}

START_TEST(test_a_digit_depends_on_seed_and_number_only)
{
    mot_dataset *all = drawn(0, 2000, 5), *part = drawn(1500, 7, 5), *other = drawn(0, 2000, 6);
    const uint8_t *raw = all->raw;
    ck_assert_mem_eq(raw + 1500 * PIXELS, part->raw, 7 * PIXELS);
    ck_assert_mem_eq(all->label + 1500, part->label, 7 * sizeof *all->label);
    ck_assert_mem_ne(raw, other->raw, 2000 * PIXELS);
    ck_assert_mem_ne(raw, raw + PIXELS, PIXELS);
    mot_dataset_free(all);
    mot_dataset_free(part);
    mot_dataset_free(other);
}
END_TEST

START_TEST(test_classes_are_balanced)
{
    enum { N = 10000 };
    mot_dataset *set = drawn(0, N, 1);
    int count[10] = {0};
    ck_assert_int_eq(set->n_classes, 10);
    for (int64_t i = 0; i < set->n; i++)
        count[set->label[i]]++;
    for (int c = 0; c < 10; c++) /* 1000 +- 4 deviations */
        ck_assert_msg(count[c] > 880 && count[c] < 1120, "%d digits are %d", count[c], c);
    mot_dataset_free(set);
}
END_TEST

START_TEST(test_digits_have_ink_in_the_middle_and_paper_around)
{
    enum { N = 1000 };
    mot_dataset *set = drawn(0, N, 2);
    const uint8_t *pixel = set->raw;
    double middle = 0, border = 0;
    for (int64_t i = 0; i < N; i++) {
        int dark = 0;
        for (int p = 0; p < PIXELS; p++) {
            int y = p / 28, x = p % 28;
            bool inside = y >= 4 && y < 24 && x >= 4 && x < 24;
            *(inside ? &middle : &border) += pixel[i * PIXELS + p];
            dark += pixel[i * PIXELS + p] > 80;
        }
        ck_assert_msg(dark >= 8 && dark < PIXELS / 2, "digit %d has %d dark pixels", (int)i, dark);
    }
    middle /= N * 400.0 * 255;
    border /= N * (PIXELS - 400.0) * 255;
    ck_assert_double_gt(middle, 0.12);
    ck_assert_double_lt(border, 0.06);
    mot_dataset_free(set);
}
END_TEST

/* The digits of a class vary so much that the nearest class mean is right often, but far from
 * always: the set is neither noise nor trivial for a linear rule. */
START_TEST(test_digits_are_hard_but_learnable)
{
    enum { N = 4000, N_TEST = 1000 };
    static double mean[10][PIXELS];
    int count[10] = {0}, right = 0;
    mot_dataset *train = drawn(0, N, 3), *test = drawn(N, N_TEST, 3);
    const uint8_t *pixel = train->raw;
    for (int64_t i = 0; i < N; i++) {
        count[train->label[i]]++;
        for (int p = 0; p < PIXELS; p++)
            mean[train->label[i]][p] += pixel[i * PIXELS + p];
    }
    pixel = test->raw;
    for (int64_t i = 0; i < N_TEST; i++) {
        double least = INFINITY;
        int nearest = -1;
        for (int c = 0; c < 10; c++) {
            double distance = 0;
            for (int p = 0; p < PIXELS; p++) {
                double d = mean[c][p] / count[c] - pixel[i * PIXELS + p];
                distance += d * d;
            }
            if (distance < least) {
                least = distance;
                nearest = c;
            }
        }
        right += nearest == test->label[i];
    }
    ck_assert_msg(right > N_TEST / 2 && right < N_TEST * 85 / 100, "%d of %d are right", right,
                  N_TEST);
    mot_dataset_free(train);
    mot_dataset_free(test);
}
END_TEST

START_TEST(test_every_shape_is_well_formed)
{
    for (int digit = 0; digit < 10; digit++) {
        int n = mot_digit_n_shapes(digit);
        ck_assert_int_ge(n, 3);
        for (int which = 0; which < n; which++) {
            const mot_digit_shape *shape = mot_digit_shape_get(digit, which);
            ck_assert_int_eq(shape->digit, digit);
            ck_assert_int_ge(shape->n_points, 2);
            ck_assert_int_le(shape->n_points, MOT_DIGIT_MOST_POINTS);
            for (int i = 0; i < shape->n_points; i++) {
                bool up = shape->point[i].x == 127;
                ck_assert(up ? i > 0 && i + 1 < shape->n_points : shape->point[i].x <= 60);
                ck_assert(up || (shape->point[i].y >= -100 && shape->point[i].y <= 100));
            }
            /* No trailing point was left out of the count. */
            if (shape->n_points < MOT_DIGIT_MOST_POINTS) {
                mot_digit_point rest = shape->point[shape->n_points];
                ck_assert(rest.x == 0 && rest.y == 0);
            }
        }
        ck_assert_ptr_null(mot_digit_shape_get(digit, n));
    }
}
END_TEST

START_TEST(test_impossible_numbers_are_refused)
{
    mot_dataset *set;
    FAILS(mot_drawn_digits(0, 0, 1, &set), MOT_ERR_ARGUMENT, "0 drawn digits");
    FAILS(mot_drawn_digits(-1, 5, 1, &set), MOT_ERR_ARGUMENT, "number -1");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("drawn_digits");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_a_digit_depends_on_seed_and_number_only);
    tcase_add_test(tests, test_classes_are_balanced);
    tcase_add_test(tests, test_digits_have_ink_in_the_middle_and_paper_around);
    tcase_add_test(tests, test_digits_are_hard_but_learnable);
    tcase_add_test(tests, test_every_shape_is_well_formed);
    tcase_add_test(tests, test_impossible_numbers_are_refused);
    return run_case("drawn_digits", tests);
}
