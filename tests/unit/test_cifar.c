/* CIFAR's binary files: records in order over several files, part of the files, broken ones. */
#include "config.h"

#include "runtime/train/cifar.h"
#include "runtime/train/gzip_file.h"
#include "tests/unit/files.h"

enum { RECORD = 1 + MOT_CIFAR_PIXELS, RECORD_100 = 2 + MOT_CIFAR_PIXELS };

/* A file of n records whose labels are first, first+1, ... (of 10) and whose pixels tell record and
 * place. */
static void write_records(const char *name, int n, int first, int n_labels)
{
    static uint8_t bytes[8 * RECORD_100];
    size_t record = (size_t)n_labels + MOT_CIFAR_PIXELS;
    ck_assert_int_le(n, 8);
    for (int i = 0; i < n; i++) {
        uint8_t *at = bytes + (size_t)i * record;
        at[0] = 77; /* the coarse class, which is not looked at */
        at[n_labels - 1] = (uint8_t)((first + i) % 10);
        for (int k = 0; k < MOT_CIFAR_PIXELS; k++)
            at[n_labels + k] = (uint8_t)((first + i) * 16 + k / 1024 + k % 7);
    }
    file_of(name, bytes, (size_t)n * record);
}

static void check_records(const mot_dataset *set, int n, int first)
{
    const uint8_t *raw = set->raw;
    mot_shape sample = {3, {3, 32, 32}};
    ck_assert_int_eq(set->n, n);
    ck_assert_int_eq(set->dtype, MOT_U8);
    ck_assert(mot_shape_equal(&set->sample, &sample));
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(set->label[i], (first + i) % 10);
        for (int k = 0; k < MOT_CIFAR_PIXELS; k++)
            ck_assert_int_eq(raw[i * MOT_CIFAR_PIXELS + k],
                             (uint8_t)((first + i) * 16 + k / 1024 + k % 7));
    }
}

static mot_status open_data(const char *text, mot_data **out)
{
    mot_config *config;
    OK(mot_config_parse(text, "c.yaml", &config));
    mot_status status = mot_data_open(config, files_folder, out);
    mot_config_free(config);
    return status;
}

START_TEST(test_files_follow_one_another)
{
    char a[256], b[256];
    const char *path[] = {a, b};
    mot_dataset *set;
    write_records("a.bin", 3, 0, 1);
    write_records("b.bin", 8, 3, 1);
    strcpy(a, file_at("a.bin"));
    strcpy(b, file_at("b.bin"));
    OK(mot_cifar_read(path, 2, 1, &set));
    check_records(set, 11, 0);
    ck_assert_int_eq(set->n_classes, 10);
    ck_assert_str_eq(set->class_name[9], "truck");
    mot_dataset_free(set);
}
END_TEST

START_TEST(test_parts_of_the_set_are_used_and_it_is_said)
{
    mot_data *data;
    write_records("data_batch_2.bin", 4, 0, 1);
    write_records("data_batch_5.bin", 2, 4, 1);
    OK(open_data("data: {set: cifar10, normalize: [[0.5, 0.25, 0], [0.5, 2, 1]]}", &data));
    check_records(data->train, 6, 0);
    ck_assert_ptr_null(data->test);
    ck_assert_str_eq(data->note, "cifar10: 2 of 5 training files are there, with 6 pictures, and "
                                 "no test_batch.bin: nothing to test on");
    ck_assert_int_eq(data->spec.n_channels, 3);
    ck_assert_int_eq(data->spec.group, 1024);
    ck_assert_float_eq_tol(data->spec.scale[1] * 255, 0.5, 1e-6);
    ck_assert_float_eq_tol(data->spec.shift[0], -1, 1e-6);
    mot_data_close(data);
    for (int i = 1; i <= 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "data_batch_%d.bin", i);
        write_records(name, 1, i - 1, 1);
    }
    write_records("test_batch.bin", 3, 5, 1);
    OK(open_data("data: {set: cifar10}", &data));
    check_records(data->train, 5, 0);
    check_records(data->test, 3, 5);
    ck_assert_ptr_null(data->note);
    mot_data_close(data);
}
END_TEST

START_TEST(test_cifar100_has_the_fine_classes)
{
    mot_data *data;
    write_records("train.bin", 5, 1, 2);
    write_records("test.bin", 2, 6, 2);
    OK(open_data("data: {set: cifar100}", &data));
    check_records(data->train, 5, 1);
    check_records(data->test, 2, 6);
    ck_assert_int_eq(data->spec.n_classes, 100);
    mot_data_close(data);
}
END_TEST

START_TEST(test_broken_files_are_refused)
{
    mot_data *data;
    static uint8_t bytes[2 * RECORD];
    FAILS(open_data("data: {set: cifar10}", &data), MOT_ERR_FILE,
          "unpack https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz");
    file_of("data_batch_1.bin", bytes, 0);
    FAILS(open_data("data: {set: cifar10}", &data), MOT_ERR_FORMAT, "data_batch_1.bin: 0 bytes");
    file_of("data_batch_1.bin", bytes, sizeof bytes - 1);
    FAILS(open_data("data: {set: cifar10}", &data), MOT_ERR_FORMAT,
          "6145 bytes are not a whole number of records of 3073");
    bytes[RECORD] = 10;
    file_of("data_batch_1.bin", bytes, sizeof bytes);
    FAILS(open_data("data: {set: cifar10}", &data), MOT_ERR_FORMAT,
          "record 1 has class 10, but there are 10 classes");
    write_records("data_batch_1.bin", 2, 0, 1);
    file_of("test_batch.bin", bytes, 100);
    FAILS(open_data("data: {set: cifar10}", &data), MOT_ERR_FORMAT, "test_batch.bin: 100 bytes");
}
END_TEST

/* Label counts of the published files. */
START_TEST(test_the_real_files_have_their_labels)
{
    static const int expected[] = {1989, 1981, 2042, 2011, 2009, 1925, 2038, 2027, 2012, 1966};
    mot_config *config;
    mot_data *data;
    int count[10] = {0};
    OK(mot_config_parse("data: {set: cifar10}", "c.yaml", &config));
    OK(mot_data_open(config, NULL, &data));
    ck_assert_int_eq(data->test->n, 10000);
    if (data->train->n == 20000) { /* the two batches of which the counts are known */
        for (int64_t i = 0; i < data->train->n; i++)
            count[data->train->label[i]]++;
        ck_assert_mem_eq(count, expected, sizeof expected);
    }
    memset(count, 0, sizeof count);
    for (int64_t i = 0; i < data->test->n; i++)
        count[data->test->label[i]]++;
    for (int c = 0; c < 10; c++)
        ck_assert_int_eq(count[c], 1000);
    mot_data_close(data);
    mot_config_free(config);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("cifar");
    const char *data = getenv("MOTLEY_DATA");
    char folder[512];
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_test(tests, test_files_follow_one_another);
    tcase_add_test(tests, test_parts_of_the_set_are_used_and_it_is_said);
    tcase_add_test(tests, test_cifar100_has_the_fine_classes);
    tcase_add_test(tests, test_broken_files_are_refused);
    snprintf(folder, sizeof folder, "%s/cifar-10", data ? data : "");
    if (access(folder, R_OK) == 0)
        tcase_add_test(tests, test_the_real_files_have_their_labels);
    else
        printf("MOTLEY_DATA has no cifar-10: the real files are not tried\n");
    return run_case("cifar", tests);
}
