/* The data block: parts, splits, normalization, and where files are looked for.  The known sets are
 * read where MOTLEY_DATA names a folder with them. */
#include "config.h"

#include "runtime/train/data.h"
#include "tests/unit/files.h"

#include <math.h>

static mot_config *config_of(const char *text)
{
    mot_config *config;
    OK(mot_config_parse(text, "c.yaml", &config));
    return config;
}

/* The data of a configuration with only a data block, or its failure. */
static mot_status open_data(const char *text, const char *dir, mot_data **out)
{
    mot_config *config = config_of(text);
    mot_status status = mot_data_open(config, dir, out);
    mot_config_free(config);
    return status;
}

static mot_data *opened(const char *text, const char *dir)
{
    mot_data *data;
    OK(open_data(text, dir, &data));
    return data;
}

/* Are the two lists ascending, without a common row, inside 0..n-1? */
static void check_split(const mot_data *data)
{
    char *seen = calloc((size_t)data->train->n, 1);
    for (int part = 0; part < 2; part++) {
        const int64_t *index = part ? data->validation_index : data->train_index;
        int64_t n = part ? data->n_validation : data->n_train;
        for (int64_t i = 0; i < n; i++) {
            ck_assert(i == 0 || index[i] > index[i - 1]);
            ck_assert(index[i] >= 0 && index[i] < data->train->n);
            ck_assert(!seen[index[i]]);
            seen[index[i]] = 1;
        }
    }
    free(seen);
}

START_TEST(test_drawn_digits_need_no_files)
{
    mot_data *data = opened("data: {set: drawn-digits, samples: 300, test_samples: 50}", NULL);
    mot_shape input = {4, {MOT_BATCH, 1, 28, 28}};
    ck_assert(mot_shape_equal(&data->spec.input, &input));
    ck_assert_int_eq(data->spec.input_dtype, MOT_U8);
    ck_assert_int_eq(data->spec.n_classes, 10);
    ck_assert_int_eq(data->n_train, 300);
    ck_assert_int_eq(data->n_validation, 0);
    ck_assert_int_eq(data->test->n, 50);
    ck_assert_int_eq(data->spec.n_channels, 1);
    ck_assert_int_eq(data->spec.group, 784);
    ck_assert_float_eq(data->spec.scale[0], 1.0f / 255);
    ck_assert_float_eq(data->spec.shift[0], 0);
    check_split(data);
    mot_data_close(data);
}
END_TEST

START_TEST(test_the_test_part_does_not_depend_on_the_training_part)
{
    mot_data *few = opened("data: {set: drawn-digits, samples: 10, test_samples: 20}", NULL);
    mot_data *many = opened("data: {set: drawn-digits, samples: 90, test_samples: 20}", NULL);
    ck_assert_mem_eq(few->test->raw, many->test->raw, 20 * 784);
    ck_assert_mem_eq(few->train->raw, many->train->raw, 10 * 784);
    ck_assert_mem_ne(few->train->raw, few->test->raw, 10 * 784);
    mot_data_close(few);
    mot_data_close(many);
}
END_TEST

START_TEST(test_validation_and_limit_take_random_rows)
{
    static const struct {
        const char *more;
        int64_t n_train, n_validation;
    } cases[] = {{"validation: 30", 70, 30},
                 {"validation: 0.25", 75, 25},
                 {"validation: 30, limit: 20", 20, 30},
                 {"limit: 1000", 100, 0},
                 {"validation: 99", 1, 99}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "data: {set: drawn-digits, samples: 100, test_samples: 0, %s}",
                 cases[i].more);
        mot_data *data = opened(text, NULL);
        ck_assert_ptr_null(data->test);
        ck_assert_int_eq(data->n_train, cases[i].n_train);
        ck_assert_int_eq(data->n_validation, cases[i].n_validation);
        check_split(data);
        mot_data_close(data);
    }
    mot_data *a = opened("data: {set: drawn-digits, samples: 100, validation: 30}", NULL);
    mot_data *b = opened("data: {set: drawn-digits, samples: 100, validation: 30}", NULL);
    mot_data *c = opened("data: {set: drawn-digits, samples: 100, validation: 30, seed: 2}", NULL);
    ck_assert_mem_eq(a->validation_index, b->validation_index, 30 * sizeof(int64_t));
    ck_assert_mem_ne(a->validation_index, c->validation_index, 30 * sizeof(int64_t));
    ck_assert_int_ne(a->validation_index[29], 29); /* not just the first ones */
    mot_data_close(a);
    mot_data_close(b);
    mot_data_close(c);
}
END_TEST

START_TEST(test_impossible_splits_are_refused)
{
    mot_data *data;
    FAILS(open_data("data: {set: drawn-digits, samples: 9, validation: 9}", NULL, &data),
          MOT_ERR_ARGUMENT, "9 of 9 training rows leaves none");
    FAILS(open_data("data: {set: drawn-digits, samples: 9, validation: 2.5}", NULL, &data),
          MOT_ERR_ARGUMENT, "2.5 is neither");
}
END_TEST

/* Three images of 2 channels, 1x2. */
static void write_small_idx(void)
{
    static const uint8_t raw[12] = {0, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    static const int32_t label[3] = {2, 0, 1};
    mot_dataset set = {.name = "s",
                       .sample = {3, {2, 1, 2}},
                       .dtype = MOT_U8,
                       .n = 3,
                       .raw = raw,
                       .n_classes = 3,
                       .label = label};
    OK(mot_idx_write(&set, file_at("i.gz"), file_at("l")));
}

START_TEST(test_idx_files_are_found_and_normalized_by_channel)
{
    write_small_idx();
    mot_data *data = opened("data: {set: idx, train_images: i, train_labels: l.gz, "
                            "normalize: [[0.5, 0.25], [0.5, 2]]}",
                            files_folder);
    mot_shape input = {4, {MOT_BATCH, 2, 1, 2}};
    ck_assert(mot_shape_equal(&data->spec.input, &input));
    ck_assert_ptr_null(data->test);
    ck_assert_int_eq(data->spec.n_channels, 2);
    ck_assert_int_eq(data->spec.group, 2);
    ck_assert_float_eq_tol(data->spec.scale[0] * 255 + data->spec.shift[0], 1, 1e-6);
    ck_assert_float_eq_tol(data->spec.shift[0], -1, 1e-6);
    ck_assert_float_eq_tol(data->spec.scale[1] * 255 + data->spec.shift[1], 0.375, 1e-6);
    mot_data_close(data);
    FAILS(open_data("data: {set: idx, train_images: i, train_labels: l, "
                    "normalize: [[1, 2, 3], [1, 2, 3]]}",
                    files_folder, &data),
          MOT_ERR_SHAPE, "2 channels need 2 or 4");
    FAILS(open_data("data: {set: idx, train_images: i, train_labels: l, test_images: i}",
                    files_folder, &data),
          MOT_ERR_ARGUMENT, "go together");
    FAILS(open_data("data: {set: idx, train_images: i}", files_folder, &data), MOT_ERR_ARGUMENT,
          "needs data.train_labels");
    FAILS(open_data("data: {set: idx, train_images: i, train_labels: l, classes: 2}", files_folder,
                    &data),
          MOT_ERR_FORMAT, "label 0 is 2, but there are 2 classes");
}
END_TEST

START_TEST(test_tables_are_split_and_standardized_over_training_rows)
{
    FILE *file = fopen(file_at("t.csv"), "w");
    fprintf(file, "a,b,y\n");
    for (int i = 0; i < 100; i++)
        fprintf(file, "%d,%g,%g\n", i, 5 - i * 0.25, i * 1000.0);
    fclose(file);
    mot_data *data = opened("data: {set: csv, file: t.csv, task: regression, test_fraction: 0.2, "
                            "validation: 10}",
                            files_folder);
    ck_assert_int_eq(data->test->n, 20);
    ck_assert_int_eq(data->train->n, 80);
    ck_assert_int_eq(data->n_train, 70);
    ck_assert_int_eq(data->spec.n_channels, 2);
    ck_assert_int_eq(data->spec.group, 1);
    check_split(data);
    /* Every row is in one part once, and targets come back in original units. */
    int seen[100] = {0};
    double sum[2] = {0}, squares[2] = {0}, target = 0;
    for (int part = 0; part < 2; part++) {
        const mot_dataset *set = part ? data->test : data->train;
        for (int64_t r = 0; r < set->n; r++) {
            const float *x = (const float *)set->raw + r * 2;
            seen[(int)x[0]]++;
            ck_assert_double_eq_tol(set->target[r] * data->target_scale + data->target_shift,
                                    x[0] * 1000.0, 0.1);
        }
    }
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(seen[i], 1);
    for (int64_t i = 0; i < data->n_train; i++) {
        int64_t row = data->train_index[i];
        target += data->train->target[row];
        for (int c = 0; c < 2; c++) {
            double x = ((const float *)data->train->raw)[row * 2 + c];
            double y = x * data->spec.scale[c] + data->spec.shift[c];
            sum[c] += y;
            squares[c] += y * y;
        }
    }
    for (int c = 0; c < 2; c++) {
        ck_assert_double_eq_tol(sum[c] / 70, 0, 1e-5);
        ck_assert_double_eq_tol(squares[c] / 70, 1, 1e-4);
    }
    ck_assert_double_eq_tol(target / 70, 0, 1e-5);
    mot_data_close(data);
}
END_TEST

START_TEST(test_table_options_of_the_configuration_reach_the_table)
{
    file_of_text("t.tsv", "id\tx\tcolour\ty\n1\t0\tred\ta\n2\t\tred\tb\n3\t8\tblue\ta\n");
    mot_data *data = opened("data: {set: csv, file: t.tsv, separator: tab, drop: id, header: true, "
                            "missing: mean, categorical: [colour], test_fraction: 0, "
                            "standardize: false, shape: [3, 1, 1]}",
                            files_folder);
    static const float expected[] = {0, 0, 1, 4, 0, 1, 8, 1, 0};
    mot_shape input = {4, {MOT_BATCH, 3, 1, 1}};
    ck_assert(mot_shape_equal(&data->spec.input, &input));
    ck_assert_ptr_null(data->test);
    ck_assert_ptr_null(data->spec.scale);
    ck_assert(!data->spec.regression);
    ck_assert_int_eq(data->spec.n_classes, 2);
    ck_assert_mem_eq(data->train->raw, expected, sizeof expected);
    mot_data_close(data);
    FAILS(open_data("data: {set: csv, file: t.tsv, separator: ab}", files_folder, &data),
          MOT_ERR_ARGUMENT, "data.separator 'ab'");
    FAILS(open_data("data: {set: csv}", files_folder, &data), MOT_ERR_ARGUMENT, "needs data.file");
    file_of_text("u.csv", "id\tx\tcolour\n");
    FAILS(open_data("data: {set: csv, file: t.tsv, test_file: u.csv, missing: mean}", files_folder,
                    &data),
          MOT_ERR_FORMAT, "u.csv has a header, but no rows");
}
END_TEST

START_TEST(test_a_test_file_is_the_test_part)
{
    file_of_text("t.csv", "x,y\n1,0\n2,1\n3,0\n4,1\n");
    file_of_text("u.csv", "x,y\n5,1\n");
    mot_data *data =
        opened("data: {set: csv, file: t.csv, test_file: u.csv, classes: 2}", files_folder);
    ck_assert_int_eq(data->train->n, 4);
    ck_assert_int_eq(data->test->n, 1);
    ck_assert_int_eq(data->test->label[0], 1);
    mot_data_close(data);
}
END_TEST

START_TEST(test_missing_sets_say_how_to_get_them)
{
    mot_data *data;
    unsetenv("MOTLEY_DATA");
    FAILS(open_data("data: {set: mnist}", NULL, &data), MOT_ERR_FILE,
          "`examples/get-data mnist DIR`");
    setenv("MOTLEY_DATA", files_folder, 1);
    FAILS(open_data("data: {set: wine-quality-red}", NULL, &data), MOT_ERR_FILE,
          "examples/get-data wine-quality");
    FAILS(open_data("data: {set: iris, dir: /nowhere}", NULL, &data), MOT_ERR_FILE,
          "/nowhere/iris/iris.csv");
    FAILS(open_data("data: {set: iris, dir: /nowhere}", "/elsewhere", &data), MOT_ERR_FILE,
          "/elsewhere/iris.csv");
    FAILS(open_data("data: {set: csv, file: none.csv}", NULL, &data), MOT_ERR_FILE, "none.csv");
    file_of_text("iris.csv", "6,2,a,b,c\n1,0\n2,1\n3,2\n4,0\n5,1\n6,2\n");
    FAILS(open_data("data: {set: iris}", NULL, &data), MOT_ERR_FORMAT, "iris.csv:2: 2 columns");
}
END_TEST

/* ---- the real sets ---- */

static const struct {
    const char *set;
    int64_t n_train, n_test, n_inputs, n_classes;
    bool regression;
} known[] = {
    {"mnist", 60000, 10000, 784, 10, false},
    {"fashion-mnist", 60000, 10000, 784, 10, false},
    {"digits", 3823, 1797, 64, 10, false},
    {"iris", 120, 30, 4, 3, false},
    {"wine-quality-red", 1279, 320, 11, 1, true},
    {"wine-quality-white", 3918, 980, 11, 1, true},
    {"california-housing", 16512, 4128, 13, 1, true},
};

START_TEST(test_known_sets_are_read)
{
    char text[64];
    snprintf(text, sizeof text, "data: {set: %s}", known[_i].set);
    mot_data *data = opened(text, NULL);
    ck_assert_int_eq(data->train->n, known[_i].n_train);
    ck_assert_int_eq(data->test->n, known[_i].n_test);
    ck_assert_int_eq(mot_shape_elements(&data->train->sample, 1), known[_i].n_inputs);
    ck_assert_int_eq(data->spec.n_classes, known[_i].n_classes);
    ck_assert_int_eq(data->spec.regression, known[_i].regression);
    for (int64_t i = 0; data->train->dtype == MOT_F32 && i < data->train->n * known[_i].n_inputs;
         i++)
        ck_assert(isfinite(((const float *)data->train->raw)[i]));
    mot_data_close(data);
}
END_TEST

START_TEST(test_mnist_has_its_label_counts)
{
    static const int expected[] = {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009};
    int count[10] = {0};
    mot_data *data = opened("data: {set: mnist}", NULL);
    for (int64_t i = 0; i < data->test->n; i++)
        count[data->test->label[i]]++;
    ck_assert_mem_eq(count, expected, sizeof expected);
    mot_data_close(data);
}
END_TEST

START_TEST(test_wine_grades_can_be_classes)
{
    mot_data *data = opened("data: {set: wine-quality-red, task: classification}", NULL);
    ck_assert_int_eq(data->spec.n_classes, 6);
    ck_assert_str_eq(data->train->class_name[0], "3");
    ck_assert_str_eq(data->test->class_name[5], "8");
    mot_data_close(data);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("data");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_test(tests, test_drawn_digits_need_no_files);
    tcase_add_test(tests, test_the_test_part_does_not_depend_on_the_training_part);
    tcase_add_test(tests, test_validation_and_limit_take_random_rows);
    tcase_add_test(tests, test_impossible_splits_are_refused);
    tcase_add_test(tests, test_idx_files_are_found_and_normalized_by_channel);
    tcase_add_test(tests, test_tables_are_split_and_standardized_over_training_rows);
    tcase_add_test(tests, test_table_options_of_the_configuration_reach_the_table);
    tcase_add_test(tests, test_a_test_file_is_the_test_part);
    tcase_add_test(tests, test_missing_sets_say_how_to_get_them);
    if (getenv("MOTLEY_DATA")) {
        tcase_add_loop_test(tests, test_known_sets_are_read, 0,
                            (int)(sizeof known / sizeof *known));
        tcase_add_test(tests, test_mnist_has_its_label_counts);
        tcase_add_test(tests, test_wine_grades_can_be_classes);
    } else {
        printf("MOTLEY_DATA is not set: the known sets are not tried\n");
    }
    return run_case("data", tests);
}
