/* Augmentation, mixup with it: known pictures, what is drawn, and that nothing depends on who draws it. */
#include "config.h"

#include "runtime/train/data.h"
#include "runtime/train/mixup.h"
#include "tests/unit/files.h"

#include <math.h>

enum { FILL = 99 };

/* Pixel (y, x) of the picture has the byte 10 y + x, 50 more in the second channel. */
static void fill_picture(const mot_shape *sample, uint8_t *out)
{
    for (int64_t c = 0; c < sample->dim[0]; c++)
        for (int64_t y = 0; y < sample->dim[1]; y++)
            for (int64_t x = 0; x < sample->dim[2]; x++)
                *out++ = (uint8_t)(50 * c + 10 * y + x);
}

/* Paint a picture of this size, two channels, and compare with `expected` in the first one. */
static void check_paint(mot_augment augment, mot_view_change change, int64_t height, int64_t width,
                        const int *expected)
{
    mot_shape sample = {3, {2, height, width}};
    uint8_t in[128], out[128], fill[2] = {FILL, FILL + 50};
    ck_assert_int_le(2 * height * width, 128);
    augment.fill = fill;
    fill_picture(&sample, in);
    memset(out, 7, sizeof out);
    mot_augment_paint(&augment, &change, &sample, in, out);
    for (int64_t i = 0; i < height * width; i++) {
        ck_assert_msg(out[i] == expected[i], "pixel %d is %d, not %d", (int)i, out[i], expected[i]);
        ck_assert_int_eq(out[height * width + i], expected[i] + 50);
    }
    ck_assert_int_eq(out[2 * height * width], 7);
}

START_TEST(test_pictures_move_and_mirror)
{
    mot_augment augment = {.crop = 9};
    static const int moved[] = {99, 10, 11, 99, 20, 21, 99, 99, 99};
    check_paint(augment, (mot_view_change){.right = -1, .down = 1}, 3, 3, moved);
    static const int other[] = {99, 99, 99, 99, 1, 2, 3, 99};
    check_paint(augment, (mot_view_change){.right = 1, .down = -1}, 2, 4, other);
    static const int mirrored[] = {2, 1, 0, 12, 11, 10};
    check_paint(augment, (mot_view_change){.flip = true}, 2, 3, mirrored);
    /* mirrored after it has moved: the gap on the right comes to the left */
    static const int both[] = {99, 2, 1, 99, 12, 11};
    check_paint(augment, (mot_view_change){.right = 1, .flip = true}, 2, 3, both);
    static const int gone[] = {99, 99, 99, 99};
    check_paint(augment, (mot_view_change){.right = 9}, 2, 2, gone);
    check_paint(augment, (mot_view_change){.right = -9}, 2, 2, gone);
    check_paint(augment, (mot_view_change){.down = -2}, 2, 2, gone);
}
END_TEST

START_TEST(test_pictures_turn)
{
    mot_augment augment = {.rotate = 180};
    static const int clockwise[] = {20, 10, 0, 21, 11, 1, 22, 12, 2};
    check_paint(augment, (mot_view_change){.turn = 90}, 3, 3, clockwise);
    static const int around[] = {12, 11, 10, 2, 1, 0};
    check_paint(augment, (mot_view_change){.turn = 180}, 2, 3, around);
    static const int same[] = {0, 1, 2, 10, 11, 12};
    check_paint(augment, (mot_view_change){.turn = 0}, 2, 3, same);
    /* as without turning, when the angle is 0 */
    static const int both[] = {99, 2, 1, 99, 12, 11};
    check_paint(augment, (mot_view_change){.right = 1, .flip = true}, 2, 3, both);
    /* Corners leave the picture; the middle stays. */
    mot_shape sample = {3, {1, 9, 9}};
    uint8_t in[81], out[81], fill = 200;
    augment.fill = &fill;
    memset(in, 100, sizeof in);
    mot_augment_paint(&augment, &(mot_view_change){.turn = 45}, &sample, in, out);
    ck_assert_int_eq(out[0], 200);
    ck_assert_int_eq(out[80], 200);
    ck_assert_int_eq(out[40], 100);
    ck_assert_int_eq(out[4 * 9 + 1], 100);
}
END_TEST

START_TEST(test_a_turned_ramp_is_interpolated)
{
    mot_shape sample = {3, {1, 21, 21}};
    mot_augment augment = {.rotate = 30};
    uint8_t in[441], out[441], fill = 0;
    augment.fill = &fill;
    for (int i = 0; i < 441; i++)
        in[i] = (uint8_t)(60 + 5 * (i % 21) + 2 * (i / 21));
    for (int degrees = -30; degrees <= 30; degrees += 6) {
        double a = degrees * 3.14159265358979 / 180;
        mot_augment_paint(&augment, &(mot_view_change){.turn = degrees}, &sample, in, out);
        for (int y = -5; y <= 5; y++)
            for (int x = -5; x <= 5; x++) {
                double from_x = cos(a) * x + sin(a) * y, from_y = cos(a) * y - sin(a) * x;
                double expected = 60 + 5 * (10 + from_x) + 2 * (10 + from_y);
                ck_assert_double_eq_tol(out[(y + 10) * 21 + x + 10], expected, 0.6);
            }
    }
}
END_TEST

START_TEST(test_a_square_is_blanked)
{
    static const int middle[] = {0, 1, 2, 3, 10, 99, 99, 13, 20, 99, 99, 23, 30, 31, 32, 33};
    check_paint((mot_augment){.cutout = 2}, (mot_view_change){.cut_x = 2, .cut_y = 2}, 4, 4,
                middle);
    static const int corner[] = {99, 99, 2, 99, 99, 12, 20, 21, 22};
    check_paint((mot_augment){.cutout = 3}, (mot_view_change){.cut_x = 0, .cut_y = 0}, 3, 3,
                corner);
    static const int all[] = {99, 99, 99, 99};
    check_paint((mot_augment){.cutout = 4096}, (mot_view_change){.cut_x = 1, .cut_y = 0}, 2, 2,
                all);
}
END_TEST

/* Every move is as likely as any other; half are mirrored; what is not asked for is not done. */
START_TEST(test_what_is_drawn_is_spread)
{
    enum { N = 20000 };
    mot_shape sample = {3, {1, 8, 8}};
    mot_augment augment = {.crop = 2, .flip = true, .rotate = 10, .cutout = 1};
    int right[5] = {0}, down[5] = {0}, cut[8] = {0}, flips = 0;
    double turn = 0, most = 0;
    for (uint64_t i = 0; i < N; i++) {
        mot_random random;
        mot_random_init(&random, 3, MOT_STREAM_AUGMENT, i);
        mot_view_change change = mot_augment_draw(&augment, &sample, &random);
        right[change.right + 2]++;
        down[change.down + 2]++;
        cut[change.cut_x]++;
        flips += change.flip;
        turn += change.turn;
        most = fmax(most, fabs(change.turn));
    }
    for (int k = 0; k < 5; k++) {
        ck_assert_int_lt(abs(right[k] - N / 5), 300);
        ck_assert_int_lt(abs(down[k] - N / 5), 300);
    }
    for (int k = 0; k < 8; k++)
        ck_assert_int_lt(abs(cut[k] - N / 8), 250);
    ck_assert_int_lt(abs(flips - N / 2), 400);
    ck_assert_double_lt(fabs(turn / N), 0.2);
    ck_assert(most > 9.9 && most <= 10);
    mot_random random, same;
    mot_random_init(&random, 3, MOT_STREAM_AUGMENT, 1);
    mot_random_init(&same, 3, MOT_STREAM_AUGMENT, 1);
    mot_view_change all = mot_augment_draw(&augment, &sample, &random);
    mot_view_change crop = mot_augment_draw(&(mot_augment){.crop = 2}, &sample, &same);
    ck_assert_int_eq(all.right, crop.right);
    ck_assert_int_eq(all.down, crop.down);
    ck_assert(!crop.flip);
    ck_assert_double_eq(crop.turn, 0);
}
END_TEST

static mot_data *opened(const char *text)
{
    mot_config *config;
    mot_data *data;
    OK(mot_config_parse(text, "c.yaml", &config));
    OK(mot_data_open(config, files_folder, &data));
    mot_config_free(config);
    return data;
}

START_TEST(test_a_sample_does_not_depend_on_the_order)
{
    enum { N = 64, BYTES = 784 };
    mot_data *data = opened("data: {set: drawn-digits, samples: 64, test_samples: 0, augment: "
                            "{crop: 4, flip: true, rotate: 15, cutout: 6}}");
    static uint8_t forward[N][BYTES], backward[N][BYTES], other[N][BYTES];
    mot_draw draw = {.seed = 5, .epoch = 3, .augment = &data->augment}, next = draw, seed = draw;
    next.epoch = 4;
    seed.seed = 6;
    int32_t label;
    int same_epoch = 0, same_seed = 0, stored = 0;
    for (int64_t i = 0; i < N; i++) {
        mot_dataset_take(data->train, &draw, i, forward[i], &label);
        ck_assert_int_eq(label, data->train->label[i]);
        mot_dataset_take(data->train, &draw, N - 1 - i, backward[N - 1 - i], &label);
    }
    ck_assert_mem_eq(forward, backward, sizeof forward);
    for (int64_t i = 0; i < N; i++) {
        const uint8_t *raw = (const uint8_t *)data->train->raw + i * BYTES;
        mot_dataset_take(data->train, &next, i, other[i], &label);
        same_epoch += memcmp(forward[i], other[i], BYTES) == 0;
        mot_dataset_take(data->train, &seed, i, other[i], &label);
        same_seed += memcmp(forward[i], other[i], BYTES) == 0;
        stored += memcmp(forward[i], raw, BYTES) == 0;
        mot_dataset_take(data->train, NULL, i, other[i], &label);
        ck_assert_mem_eq(other[i], raw, BYTES);
    }
    ck_assert_int_eq(same_epoch + same_seed + stored, 0);
    mot_data_close(data);
}
END_TEST

START_TEST(test_gaps_are_what_normalization_makes_zero)
{
    mot_data *data = opened("data: {set: drawn-digits, samples: 2, test_samples: 0, "
                            "normalize: [0.2, 0.5], augment: {crop: 40}}");
    ck_assert_int_eq(data->augment.fill[0], 51);
    mot_data_close(data);
    data = opened("data: {set: drawn-digits, samples: 2, test_samples: 0, augment: {flip: true}}");
    ck_assert_int_eq(data->augment.fill[0], 0);
    mot_data_close(data);
}
END_TEST

START_TEST(test_only_pictures_are_augmented)
{
    mot_config *config;
    mot_data *data;
    file_of_text("t.csv", "x,y\n1,0\n2,1\n3,0\n4,1\n5,1\n");
    OK(mot_config_parse("data: {set: csv, file: t.csv, augment: {flip: true}}", "c.yaml", &config));
    FAILS(mot_data_open(config, files_folder, &data), MOT_ERR_SHAPE,
          "c.yaml:1: data.augment is for pictures (C,H,W) of bytes");
    mot_config_free(config);
    FAILS(mot_config_parse("data: {augment: {rotate: 200}}", "c.yaml", &config), MOT_ERR_ARGUMENT,
          "data.augment.rotate is '200'");
}
END_TEST

/* ---- mixup ---- */

/* The parts are from Beta(alpha, alpha), whose variance is 1 / (4 (2 alpha + 1)); the larger of lambda
 * and 1 - lambda is as far from a half.  Every partner is as likely as any other. */
START_TEST(test_mixtures_are_drawn_from_beta)
{
    enum { N = 20000 };
    static const double alphas[] = {1e-4, 0.01, 0.2, 0.4, 1, 3, 40};
    for (size_t a = 0; a < sizeof alphas / sizeof *alphas; a++) {
        double squares = 0;
        int partner[8] = {0};
        for (uint64_t i = 0; i < N; i++) {
            mot_random random;
            mot_random_init(&random, 3, MOT_STREAM_MIXUP, i);
            mot_mixture m = mot_mixup_draw(alphas[a], 8, &random);
            double from_half = (double)m.weight / MOT_MIXUP_WHOLE - 0.5;
            ck_assert(from_half >= 0 && from_half <= 0.5);
            squares += from_half * from_half;
            partner[m.partner]++;
        }
        ck_assert_double_eq_tol(squares / N * 4 * (2 * alphas[a] + 1), 1, 0.03);
        for (int k = 0; k < 8; k++)
            ck_assert_int_lt(abs(partner[k] - N / 8), 250);
    }
}
END_TEST

START_TEST(test_mixtures_are_exact)
{
    uint8_t x[3] = {200, 255, 3};
    float y[2] = {1, -2};
    mot_mixup_bytes(MOT_MIXUP_WHOLE / 4 * 3, (uint8_t[]){100, 255, 0}, 3, x);
    ck_assert_mem_eq(x, ((uint8_t[]){175, 255, 2}), 3);
    mot_mixup_bytes(MOT_MIXUP_WHOLE, (uint8_t[]){1, 2, 3}, 3, x);
    ck_assert_mem_eq(x, ((uint8_t[]){175, 255, 2}), 3);
    mot_mixup_floats(MOT_MIXUP_WHOLE / 4 * 3, (float[]){5, 2}, 2, y);
    ck_assert_float_eq(y[0], 2);
    ck_assert_float_eq(y[1], -1);
}
END_TEST

/* The partner is a sample that is trained on, seen as it is in this epoch. */
START_TEST(test_a_mixture_is_of_two_views)
{
    enum { N = 64, BYTES = 784 };
    mot_data *data =
        opened("data: {set: drawn-digits, samples: 64, test_samples: 0, validation: 24, "
               "ignore_label: 3, augment: {crop: 4, mixup: 1}}");
    ck_assert_int_eq(data->n_train, 40);
    mot_augment alone = data->augment;
    alone.mixup = 0;
    mot_draw draw = {5, 3, true, &data->augment, data->train_index, data->n_train};
    mot_draw views = draw;
    views.augment = &alone;
    static uint8_t view[N][BYTES], mixed[BYTES];
    int32_t own[N];
    int n_mixed = 0;
    for (int64_t i = 0; i < N; i++)
        mot_dataset_take(data->train, &views, i, view[i], &own[i]);
    for (int64_t i = data->n_train - 1; i >= 0; i--) {
        const int64_t row = data->train_index[i];
        int32_t label[3];
        mot_random random;
        mot_dataset_take(data->train, &draw, row, mixed, label);
        mot_random_init(&random, 5, MOT_STREAM_MIXUP, ((uint64_t)3 << 40) ^ (uint64_t)row);
        mot_mixture m = mot_mixup_draw(1, data->n_train, &random);
        const int64_t partner = data->train_index[m.partner];
        ck_assert_int_eq(label[0], own[row]);
        if (own[row] < 0 || own[partner] < 0) { /* alone */
            ck_assert_int_eq(label[2], MOT_MIXUP_WHOLE);
            ck_assert_mem_eq(mixed, view[row], BYTES);
            continue;
        }
        ck_assert_int_eq(label[1], own[partner]);
        ck_assert_int_eq(label[2], m.weight);
        mot_mixup_bytes(m.weight, view[partner], BYTES, view[row]);
        ck_assert_mem_eq(mixed, view[row], BYTES);
        mot_dataset_take(data->train, &views, row, view[row], &own[row]);
        n_mixed++;
    }
    ck_assert(n_mixed > 20 && n_mixed < 40);
    mot_data_close(data);
}
END_TEST

START_TEST(test_rows_of_a_table_are_mixed)
{
    file_of_text("m.csv", "x,y\n1,10\n2,20\n3,30\n4,40\n5,50\n");
    mot_data *data = opened("data: {set: csv, file: m.csv, test_fraction: 0, task: regression, "
                            "standardize: false, standardize_target: false, augment: {mixup: 2}}");
    mot_draw draw = {5, 3, true, &data->augment, data->train_index, data->n_train};
    int n_between = 0;
    for (int64_t i = 0; i < data->n_train; i++) {
        float x, y;
        mot_dataset_take(data->train, &draw, i, &x, &y);
        ck_assert_float_eq_tol(y, 10 * x, 1e-4f);
        n_between += x != rintf(x);
    }
    ck_assert_int_gt(n_between, 0);
    mot_data_close(data);
}
END_TEST

START_TEST(test_tokens_are_not_mixed)
{
    mot_config *config;
    mot_data *data;
    file_of_text("t.txt", "abcdefghijklmnopqrstuvwxyz");
    OK(mot_config_parse(
        "data: {set: text, file: t.txt, context: 4, validation: 0,\n  augment: {mixup: 0.2}}",
        "c.yaml", &config));
    FAILS(mot_data_open(config, files_folder, &data), MOT_ERR_ARGUMENT,
          "c.yaml:2: data.augment.mixup is for pictures and tables");
    mot_config_free(config);
    FAILS(mot_config_parse("data: {augment: {mixup: -1}}", "c.yaml", &config), MOT_ERR_ARGUMENT,
          "data.augment.mixup is '-1'");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("augment");
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_test(tests, test_pictures_move_and_mirror);
    tcase_add_test(tests, test_pictures_turn);
    tcase_add_test(tests, test_a_turned_ramp_is_interpolated);
    tcase_add_test(tests, test_a_square_is_blanked);
    tcase_add_test(tests, test_what_is_drawn_is_spread);
    tcase_add_test(tests, test_a_sample_does_not_depend_on_the_order);
    tcase_add_test(tests, test_gaps_are_what_normalization_makes_zero);
    tcase_add_test(tests, test_only_pictures_are_augmented);
    tcase_add_test(tests, test_mixtures_are_drawn_from_beta);
    tcase_add_test(tests, test_mixtures_are_exact);
    tcase_add_test(tests, test_a_mixture_is_of_two_views);
    tcase_add_test(tests, test_rows_of_a_table_are_mixed);
    tcase_add_test(tests, test_tokens_are_not_mixed);
    return run_case("augment", tests);
}
