/* Packed files: what is packed is read back, parts and all; damaged ones are refused. */
#include "config.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/train/packed.h"
#include "tests/unit/files.h"

static mot_status open_data(const char *text, mot_data **out)
{
    mot_config *config;
    OK(mot_config_parse(text, "c.yaml", &config));
    mot_status status = mot_data_open(config, files_folder, out);
    mot_config_free(config);
    return status;
}

static mot_data *opened(const char *text)
{
    mot_data *data;
    OK(open_data(text, &data));
    return data;
}

static void pack(const char *text, const char *name)
{
    mot_data *data = opened(text);
    OK(mot_packed_write(data, file_at(name)));
    mot_data_close(data);
}

/* Do rows of two sets (index NULL: all in order) have the same samples and labels? */
static void check_same_rows(const mot_dataset *a, const int64_t *index, int64_t n,
                            const mot_dataset *b)
{
    size_t bytes = mot_dataset_sample_bytes(a), label_bytes = mot_dataset_label_bytes(a);
    char *raw[2], *label[2];
    ck_assert_int_eq(b->n, n);
    ck_assert(mot_shape_equal(&a->sample, &b->sample));
    ck_assert_int_eq(a->dtype, b->dtype);
    ck_assert_int_eq(a->n_classes, b->n_classes);
    for (int k = 0; k < 2; k++) {
        raw[k] = malloc(bytes);
        label[k] = malloc(label_bytes);
    }
    for (int64_t i = 0; i < n; i++) {
        mot_dataset_take(a, NULL, index ? index[i] : i, raw[0], label[0]);
        mot_dataset_take(b, NULL, i, raw[1], label[1]);
        ck_assert_mem_eq(raw[0], raw[1], bytes);
        ck_assert_mem_eq(label[0], label[1], label_bytes);
    }
    for (int k = 0; k < 2; k++) {
        free(raw[k]);
        free(label[k]);
    }
}

static void check_same_scale(const mot_sample_spec *a, const mot_sample_spec *b)
{
    ck_assert(!a->scale == !b->scale);
    ck_assert_int_eq(a->n_channels, b->n_channels);
    ck_assert_int_eq(a->group, b->group);
    for (int64_t i = 0; a->scale && i < a->n_channels; i++) {
        ck_assert_float_eq(a->scale[i], b->scale[i]);
        ck_assert_float_eq(a->shift[i], b->shift[i]);
    }
}

#define DIGITS "set: drawn-digits, samples: 50, test_samples: 20, normalize: [0.1, 0.3]"

START_TEST(test_pictures_come_back)
{
    mot_data *from = opened("data: {" DIGITS ", validation: 12, limit: 30}");
    OK(mot_packed_write(from, file_at("p")));
    OK(mot_packed_verify(file_at("p")));
    mot_data *data = opened("data: {set: packed, file: p}");
    check_same_rows(from->train, from->train_index, 30, data->train);
    check_same_rows(from->train, from->validation_index, 12, data->validation);
    check_same_rows(from->test, NULL, 20, data->test);
    check_same_scale(&from->spec, &data->spec);
    ck_assert(mot_shape_equal(&from->spec.input, &data->spec.input));
    ck_assert_int_eq(data->n_train, 30);
    ck_assert_int_eq(data->n_validation, 12);
    for (int64_t i = 0; i < 30; i++)
        ck_assert_int_eq(data->train_index[i], i);
    mot_data_close(data);
    mot_data_close(from);
    data = opened("data: {set: packed, file: p, limit: 7, normalize: [0, 1], augment: {crop: 2}}");
    ck_assert_int_eq(data->n_train, 7);
    ck_assert_float_eq(data->spec.scale[0], 1.0f / 255);
    mot_data_close(data);
    FAILS(open_data("data: {set: packed, file: p, validation: 5}", &data), MOT_ERR_ARGUMENT,
          "has a validation part already");
    pack("data: {" DIGITS "}", "q");
    data = opened("data: {set: packed, file: q, validation: 0.2}");
    ck_assert_int_eq(data->n_validation, 10);
    ck_assert_int_eq(data->n_train, 40);
    mot_data_close(data);
}
END_TEST

START_TEST(test_tables_come_back_as_the_network_gets_them)
{
    FILE *file = fopen(file_at("t.csv"), "w");
    fprintf(file, "a,b,colour,y\n");
    for (int i = 0; i < 40; i++)
        fprintf(file, "%d,%g,%s,%g\n", i, 0.1 * i * i, i % 3 ? "red" : "blue", i * 1e5 + 0.3);
    fclose(file);
    static const char *const texts[] = {
        "data: {set: csv, file: t.csv, categorical: [colour], task: regression, validation: 5}",
        "data: {set: csv, file: t.csv, target: colour, test_fraction: 0.3}"};
    for (int i = 0; i < 2; i++) {
        mot_data *from = opened(texts[i]);
        OK(mot_packed_write(from, file_at("p")));
        mot_data *data = opened("data: {set: packed, file: p}");
        check_same_rows(from->train, from->train_index, from->n_train, data->train);
        check_same_rows(from->test, NULL, from->test->n, data->test);
        check_same_scale(&from->spec, &data->spec);
        ck_assert_int_eq(data->spec.regression, i == 0);
        ck_assert_double_eq(data->target_scale, from->target_scale);
        ck_assert_double_eq(data->target_shift, from->target_shift);
        if (i == 1) {
            ck_assert_str_eq(data->train->class_name[0], "blue");
            ck_assert_str_eq(data->test->class_name[1], "red");
        }
        mot_data_close(data);
        mot_data_close(from);
    }
}
END_TEST

START_TEST(test_texts_come_back_in_any_windows)
{
    mot_data *from, *data;
    file_of_text("t.txt", "the quick brown fox jumps over the lazy dog");
    from = opened("data: {set: text, file: t.txt, context: 4, validation: 10}");
    OK(mot_packed_write(from, file_at("p")));
    data = opened("data: {set: packed, file: p, context: 4}");
    ck_assert(data->spec.tokens);
    check_same_rows(from->train, NULL, from->train->n, data->train);
    check_same_rows(from->validation, NULL, from->validation->n, data->validation);
    ck_assert_int_eq(data->vocabulary->n, 27);
    ck_assert_mem_eq(data->vocabulary->code, from->vocabulary->code, 27 * sizeof(uint32_t));
    mot_data_close(data);
    data = opened("data: {set: packed, file: p, context: 8}");
    ck_assert_int_eq(data->train->sample.dim[0], 8);
    mot_data_close(data);
    FAILS(open_data("data: {set: packed, file: p, context: 10}", &data), MOT_ERR_ARGUMENT,
          "10 tokens; a window");
    mot_data_close(from);
    pack("data: {set: text, file: t.txt, tokens: bytes, context: 4, validation: 0}", "q");
    data = opened("data: {set: packed, file: q, context: 4, validation: 0.5}");
    ck_assert_ptr_null(data->vocabulary->code);
    ck_assert_int_eq(data->train->n_tokens, 21);
    ck_assert_int_eq(data->validation->n_tokens, 22);
    mot_data_close(data);
}
END_TEST

/* ---- damage ---- */

static char *packed;
static size_t packed_bytes;

static void read_packed(void)
{
    pack("data: {" DIGITS "}", "p");
    OK(mot_file_read(file_at("p"), 1 << 24, &packed, &packed_bytes));
}

static void forget_packed(void)
{
    free(packed);
}

START_TEST(test_truncated_files_are_refused)
{
    const size_t cuts[] = {0, 1, 31, 32, 100, 4096, 5000, packed_bytes / 2, packed_bytes - 1};
    mot_data *data;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        file_of("q", packed, cuts[i]);
        ck_assert_int_eq(open_data("data: {set: packed, file: q}", &data), MOT_ERR_FORMAT);
        ck_assert_msg(strstr(mot_error_message(), file_at("q")), "%s", mot_error_message());
        ck_assert_msg(cuts[i] < 32 || strstr(mot_error_message(), "it is cut off"), "%s",
                      mot_error_message());
    }
    FAILS(open_data("data: {set: packed, file: none}", &data), MOT_ERR_FILE, "none");
    FAILS(open_data("data: {set: packed}", &data), MOT_ERR_ARGUMENT, "packed needs data.file");
    FAILS(open_data("data: {set: packed, file: .}", &data), MOT_ERR_FORMAT, "no plain file");
}
END_TEST

START_TEST(test_changed_bytes_are_found)
{
    static const struct {
        long at; /* from the end, when negative */
        const char *part;
        bool verify; /* by mot_packed_verify only */
    } changes[] = {{0, "no packed data set", false},
                   {8, "checksum of its description", false},
                   {16, "checksum of its description", false},
                   {24, "but says that it has", false},
                   {40, "checksum of its description", false},
                   {4096 + 5, "the samples of its train part have changed", true},
                   {-4096, "the labels of its test part have changed", false}};
    mot_data *data;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        long at = changes[i].at;
        char *byte = packed + (at < 0 ? (long)packed_bytes + at : at);
        *byte ^= 1;
        file_of("q", packed, packed_bytes);
        *byte ^= 1;
        FAILS(mot_packed_verify(file_at("q")), MOT_ERR_FORMAT, changes[i].part);
        if (changes[i].verify)
            mot_data_close(opened("data: {set: packed, file: q}"));
        else
            FAILS(open_data("data: {set: packed, file: q}", &data), MOT_ERR_FORMAT,
                  changes[i].part);
    }
}
END_TEST

/* A file with a right checksum around a description of the test's own. */
static mot_status parse_description(const char *description)
{
    static uint64_t bytes[3 * MOT_PAGE / 8];
    size_t length = strlen(description);
    mot_data *data;
    ck_assert_uint_lt(length + MOT_PACKED_HEAD, MOT_PAGE);
    memset(bytes, 0, sizeof bytes);
    mot_packed_head(description, length, sizeof bytes, (unsigned char *)bytes);
    memcpy((char *)bytes + MOT_PACKED_HEAD, description, length);
    OK(mot_alloc(1, sizeof *data, &data));
    mot_status status = mot_packed_parse("file", bytes, sizeof bytes, 4, data);
    mot_data_close(data);
    return status;
}

#define HEAD "{\"type\":\"u8\",\"tokens\":false,\"regression\":false,\"classes\":3,"
#define PART(n, samples, labels)                                                                   \
    "{\"name\":\"train\",\"n\":" n ",\"samples\":" samples ",\"labels\":" labels                   \
    ",\"labels_hash\":\"34c96acdcadb1bbb\"}"
#define SAMPLE(dims) "\"sample\":[" dims "],"

START_TEST(test_lying_descriptions_are_refused)
{
    static const char *const wrong[][2] = {
        {"", "no JSON object"},
        {"[]", "no JSON object"},
        {"{}", "'tokens'"},
        {HEAD "\"classes\":3}", "no JSON object"},
        {HEAD "\"x\":1}", "'sample'"},
        {HEAD SAMPLE("") "\"x\":1}", "'sample'"},
        {HEAD SAMPLE("2,0") "\"x\":1}", "'sample'"},
        {HEAD SAMPLE("1,1,1,1,1,1,1,1,1,1") "\"x\":1}", "'sample'"},
        {HEAD SAMPLE("4294967296,4294967296") "\"x\":1}", "'sample'"},
        {HEAD SAMPLE("2") "\"parts\":[]}", "'parts'"},
        {HEAD SAMPLE("2") "\"parts\":[{\"name\":\"train\"}]}", "'n'"},
        {HEAD SAMPLE("2") "\"parts\":[{\"name\":\"other\"}]}", "'name'"},
        {HEAD SAMPLE("2") "\"parts\":[" PART("0", "0", "4096") "]}", "'n'"},
        {HEAD SAMPLE("2") "\"parts\":[" PART("1", "1", "4096") "]}", "'samples'"},
        {HEAD SAMPLE("2") "\"parts\":[" PART("1", "8192", "4096") "]}", "'samples'"},
        {HEAD SAMPLE("2") "\"parts\":[" PART("1", "-4096", "4096") "]}", "'samples'"},
        {HEAD SAMPLE("9000") "\"parts\":[" PART("1", "0", "4096") "]}", "'samples'"},
        {HEAD SAMPLE("2") "\"parts\":[" PART("1000000000000000", "0", "0") "]}", "'samples'"},
        {HEAD SAMPLE("2") "\"parts\":[" PART("2000", "0", "4096") "]}", "'labels'"},
        {HEAD SAMPLE("2") "\"parts\":[" PART("1", "0", "12288") "]}", "'labels'"},
        {HEAD SAMPLE("2") "\"parts\":[" PART("9", "0", "4096") "]}", "labels of its train part"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        FAILS(parse_description(wrong[i][0]), MOT_ERR_FORMAT, wrong[i][1]);
}
END_TEST

START_TEST(test_tokens_out_of_range_are_refused)
{
    mot_data *data;
    file_of_text("t.txt", "abcabcabc");
    pack("data: {set: text, file: t.txt, context: 2, validation: 0}", "p");
    char *bytes;
    size_t size;
    OK(mot_file_read(file_at("p"), 1 << 20, &bytes, &size));
    bytes[4096 + 3] = 3;
    file_of("p", bytes, size);
    FAILS(open_data("data: {set: packed, file: p, context: 2}", &data), MOT_ERR_FORMAT,
          "token 3 is 3, but there are 3");
    free(bytes);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("packed"), *damage = tcase_create("damage");
    Suite *suite = suite_create("packed");
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_test(tests, test_pictures_come_back);
    tcase_add_test(tests, test_tables_come_back_as_the_network_gets_them);
    tcase_add_test(tests, test_texts_come_back_in_any_windows);
    tcase_add_test(tests, test_lying_descriptions_are_refused);
    tcase_add_test(tests, test_tokens_out_of_range_are_refused);
    tcase_add_checked_fixture(damage, files_begin, files_end);
    tcase_add_checked_fixture(damage, read_packed, forget_packed);
    tcase_add_test(damage, test_truncated_files_are_refused);
    tcase_add_test(damage, test_changed_bytes_are_found);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, damage);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
