/* Texts as data sets: vocabularies, windows and their labels, how they are drawn, broken UTF-8. */
#include "config.h"

#include "runtime/train/text_set.h"
#include "tests/unit/files.h"

#include <math.h>

static mot_status open_data(const char *text, mot_data **out)
{
    mot_config *config;
    OK(mot_config_parse(text, "c.yaml", &config));
    mot_status status = mot_data_open(config, files_folder, out);
    mot_config_free(config);
    return status;
}

/* Sample `row` as text, and its labels as text behind a slash. */
static const char *window(const mot_data *data, const mot_dataset *set, const mot_draw *draw,
                          int64_t row)
{
    static char out[256];
    char raw[128];
    int32_t label[32];
    mot_text text = {0};
    ck_assert_int_le(set->sample.dim[0], 32);
    mot_dataset_take(set, draw, row, raw, label);
    for (int64_t i = 0; i < set->sample.dim[0]; i++)
        OK(mot_vocabulary_decode(
            data->vocabulary, set->dtype == MOT_U8 ? (uint8_t)raw[i] : ((int32_t *)raw)[i], &text));
    OK(mot_text_add(&text, "/"));
    for (int64_t i = 0; i < set->sample.dim[0]; i++)
        OK(mot_vocabulary_decode(data->vocabulary, label[i], &text));
    snprintf(out, sizeof out, "%s", text.data);
    mot_text_free(&text);
    return out;
}

START_TEST(test_windows_lie_side_by_side)
{
    mot_data *data;
    file_of_text("t.txt", "abcdefghijklmnopqrst");
    OK(open_data("data: {set: text, file: t.txt, context: 4, validation: 9}", &data));
    mot_shape input = {2, {MOT_BATCH, 4}};
    ck_assert(mot_shape_equal(&data->spec.input, &input));
    ck_assert(data->spec.tokens);
    ck_assert_int_eq(data->spec.input_dtype, MOT_U8);
    ck_assert_int_eq(data->spec.n_classes, 20);
    ck_assert_int_eq(data->n_train, 2); /* 11 tokens: the last two are labels only */
    ck_assert_int_eq(data->n_validation, 2);
    ck_assert_int_eq(mot_dataset_n_labels(data->train), 4);
    ck_assert_uint_eq(mot_dataset_label_bytes(data->train), 16);
    ck_assert_uint_eq(mot_dataset_sample_bytes(data->train), 4);
    ck_assert_str_eq(window(data, data->train, NULL, 0), "abcd/bcde");
    ck_assert_str_eq(window(data, data->train, NULL, 1), "efgh/fghi");
    ck_assert_str_eq(window(data, data->validation, NULL, 0), "lmno/mnop");
    ck_assert_str_eq(window(data, data->validation, NULL, 1), "pqrs/qrst");
    mot_data_close(data);
}
END_TEST

START_TEST(test_windows_begin_anywhere_and_by_number_only)
{
    enum { N = 4000 };
    mot_data *data;
    char text[5001], kept[64];
    int seen[40] = {0};
    for (int i = 0; i < 5000; i++)
        text[i] = (char)('A' + i % 40);
    text[5000] = '\0';
    file_of_text("t.txt", text);
    OK(open_data("data: {set: text, file: t.txt, context: 7, validation: 0, limit: 50}", &data));
    ck_assert_int_eq(data->n_train, 50);
    ck_assert_ptr_null(data->validation);
    mot_draw draw = {.seed = 4, .epoch = 2, .anywhere = true}, next = draw;
    next.epoch = 3;
    int changed = 0;
    for (int64_t i = 0; i < N; i++) {
        const char *now = window(data, data->train, &draw, i);
        seen[now[0] - 'A']++;
        strcpy(kept, now);
        for (int k = 0; k < 7; k++)
            ck_assert_int_eq((now[k] - 'A' + 1) % 40, now[8 + k] - 'A');
        changed += strcmp(window(data, data->train, &next, i), kept) != 0;
        ck_assert_str_eq(window(data, data->train, &draw, i), kept);
    }
    for (int k = 0; k < 40; k++)
        ck_assert_int_lt(abs(seen[k] - N / 40), 50);
    ck_assert_int_gt(changed, N * 9 / 10);
    draw.anywhere = false;
    ck_assert_str_eq(window(data, data->train, &draw, 1), "HIJKLMN/IJKLMNO");
    mot_data_close(data);
}
END_TEST

/* The first and the last window of a text both occur, and none beyond. */
START_TEST(test_every_window_occurs)
{
    mot_data *data;
    int first = 0, last = 0;
    file_of_text("t.txt", "abcdef");
    OK(open_data("data: {set: text, file: t.txt, context: 3, validation: 0}", &data));
    mot_draw draw = {.seed = 1, .anywhere = true};
    for (int64_t i = 0; i < 100; i++) {
        const char *now = window(data, data->train, &draw, i);
        first += strcmp(now, "abc/bcd") == 0;
        last += strcmp(now, "cde/def") == 0;
    }
    ck_assert(first > 10 && last > 10);
    mot_data_close(data);
}
END_TEST

START_TEST(test_characters_of_any_width)
{
    mot_data *data;
    file_of_text("t.txt", "z\xc3\xa9\xe2\x82\xacz\xf0\x9d\x84\x9e\xc3\xa9z");
    OK(open_data("data: {set: text, file: t.txt, context: 3, validation: 0}", &data));
    static const uint32_t codes[] = {'z', 0xe9, 0x20ac, 0x1d11e};
    ck_assert_int_eq(data->vocabulary->n, 4);
    ck_assert_mem_eq(data->vocabulary->code, codes, sizeof codes);
    ck_assert_int_eq(data->train->n_tokens, 7);
    ck_assert_str_eq(window(data, data->train, NULL, 1),
                     "z\xf0\x9d\x84\x9e\xc3\xa9/\xf0\x9d\x84\x9e\xc3\xa9z");
    mot_data_close(data);
    OK(open_data("data: {set: text, file: t.txt, tokens: bytes, context: 3, validation: 0}",
                 &data));
    ck_assert_int_eq(data->spec.n_classes, 256);
    ck_assert_int_eq(data->train->n_tokens, 14);
    ck_assert_str_eq(window(data, data->train, NULL, 0), "z\xc3\xa9/\xc3\xa9\xe2");
    mot_data_close(data);
}
END_TEST

START_TEST(test_many_characters_need_wider_tokens)
{
    mot_data *data;
    mot_text text = {0};
    for (int i = 0; i < 300; i++)
        OK(mot_text_add(&text, "%c%c", 0xC0 | (0x100 + i) >> 6, 0x80 | (i & 0x3F)));
    file_of("t.txt", text.data, text.length);
    OK(open_data("data: {set: text, file: t.txt, context: 8, validation: 0.5}", &data));
    ck_assert_int_eq(data->spec.n_classes, 300);
    ck_assert_int_eq(data->spec.input_dtype, MOT_I32);
    ck_assert_uint_eq(mot_dataset_sample_bytes(data->train), 32);
    ck_assert_int_eq(data->train->n_tokens, 150);
    int32_t raw[8], label[8];
    mot_dataset_take(data->validation, NULL, 1, raw, label);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(raw[i], 158 + i);
        ck_assert_int_eq(label[i], 159 + i);
    }
    mot_data_close(data);
    mot_text_free(&text);
}
END_TEST

START_TEST(test_a_vocabulary_can_be_given)
{
    mot_data *data;
    file_of_text("t.txt", "abc\nabc");
    file_of_text("u.txt", "ca\nb\xe2\x82\xac");
    OK(open_data("data: {set: text, file: t.txt, context: 2, validation: 0, vocabulary: [99, 98, "
                 "97, 10]}",
                 &data));
    static const uint8_t expected[] = {2, 1, 0, 3, 2, 1, 0};
    ck_assert_mem_eq(data->train->raw, expected, 7);
    ck_assert_int_eq(data->spec.n_classes, 4);
    mot_data_close(data);
    FAILS(open_data("data: {set: text, file: t.txt, test_file: u.txt, context: 2}", &data),
          MOT_ERR_ARGUMENT, "u.txt:2: the character U+20AC is not among the 4");
    FAILS(open_data("data: {set: text, file: t.txt, vocabulary: [97, 97]}", &data),
          MOT_ERR_ARGUMENT, "97 is there twice");
    FAILS(open_data("data: {set: text, file: t.txt, vocabulary: [97, 55296]}", &data),
          MOT_ERR_ARGUMENT, "55296 is no code point");
}
END_TEST

START_TEST(test_the_vocabulary_stays_with_the_configuration)
{
    mot_config *config, *again;
    mot_data *data;
    char *printed;
    const char *text = "data: {set: text, file: t.txt, context: 2, validation: 0}";
    file_of_text("t.txt", "ca\n\"b\xc2\x85");
    OK(mot_config_parse(text, "c.yaml", &config));
    OK(mot_data_open(config, files_folder, &data));
    OK(mot_text_set_resolve(data, config));
    OK(mot_config_print(config, &printed));
    mot_data_close(data);
    mot_config_free(config);
    file_of_text("t.txt", "cab"); /* another text: the same numbers */
    OK(mot_config_parse(printed, "config.yaml", &again));
    OK(mot_data_open(again, files_folder, &data));
    ck_assert_int_eq(data->vocabulary->n, 6);
    ck_assert_mem_eq(data->train->raw, ((const uint8_t[]){4, 2, 3}), 3);
    OK(mot_text_set_resolve(data, again));
    mot_data_close(data);
    mot_config_free(again);
    free(printed);
}
END_TEST

START_TEST(test_the_part_held_out_stays_with_the_configuration)
{
    mot_config *config;
    mot_data *data;
    double held;
    file_of_text("t.txt", "0123456789012345678901234567890123456789");
    OK(mot_config_parse("data: {set: text, file: t.txt, context: 2}", "c.yaml", &config));
    OK(mot_data_open(config, files_folder, &data));
    OK(mot_text_set_resolve(data, config));
    OK(mot_config_get_float(config, "data.validation", &held));
    ck_assert_double_eq(held, 0.1);
    mot_data_close(data);
    mot_config_free(config);
}
END_TEST

START_TEST(test_what_is_not_utf8_is_refused)
{
    static const char *const wrong[] = {
        "ab\x80",         "ab\xc3",         "ab\xc0\x80",
        "ab\xe0\x80\x80", "ab\xed\xa0\x80", "ab\xf4\x90\x80\x80",
        "ab\xff",         "ab\xc3(",        "ab\xf8\x88\x80\x80\x80",
        "ab\xe2\x82"};
    mot_data *data;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        file_of_text("t.txt", wrong[i]);
        FAILS(open_data("data: {set: text, file: t.txt, context: 1}", &data), MOT_ERR_FORMAT,
              "t.txt is not UTF-8 at byte 2");
        FAILS(open_data("data: {set: text, file: t.txt, context: 1, vocabulary: [97, 98]}", &data),
              MOT_ERR_FORMAT, "t.txt is not UTF-8 at byte 2");
    }
}
END_TEST

START_TEST(test_too_little_text_is_refused)
{
    mot_data *data;
    file_of_text("t.txt", "0123456789");
    FAILS(open_data("data: {set: text, file: t.txt, context: 10}", &data), MOT_ERR_ARGUMENT,
          "10 tokens; a window of data.context 10 and the token behind it need 11");
    FAILS(open_data("data: {set: text, file: t.txt, context: 8}", &data), MOT_ERR_ARGUMENT,
          "1 tokens are held out for validation");
    FAILS(open_data("data: {set: text, file: t.txt, context: 3, validation: 7}", &data),
          MOT_ERR_ARGUMENT, "3 tokens are left to train on");
    FAILS(open_data("data: {set: text, file: t.txt, context: 3, validation: 7.5}", &data),
          MOT_ERR_ARGUMENT, "7.5 is neither");
    FAILS(open_data("data: {set: text}", &data), MOT_ERR_ARGUMENT, "text needs data.file");
    file_of_text("t.txt", "");
    FAILS(open_data("data: {set: text, file: t.txt}", &data), MOT_ERR_FORMAT, "t.txt is empty");
    FAILS(open_data("data: {set: text, file: t.txt, tokens: bytes}", &data), MOT_ERR_ARGUMENT,
          "0 tokens");
}
END_TEST

START_TEST(test_tiny_shakespeare_is_read)
{
    mot_config *config;
    mot_data *data;
    OK(mot_config_parse("data: {set: tiny-shakespeare, context: 16}", "c.yaml", &config));
    OK(mot_data_open(config, NULL, &data));
    ck_assert_int_eq(data->vocabulary->n, 65);
    ck_assert_int_eq(data->train->n_tokens, 1003854);
    ck_assert_int_eq(data->validation->n_tokens, 111540);
    ck_assert_int_eq(data->n_validation, 111539 / 16);
    ck_assert_str_eq(window(data, data->train, NULL, 0), "First Citizen:\nB/irst Citizen:\nBe");
    mot_data_close(data);
    mot_config_free(config);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("text_set");
    const char *data = getenv("MOTLEY_DATA");
    char folder[512];
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_test(tests, test_windows_lie_side_by_side);
    tcase_add_test(tests, test_windows_begin_anywhere_and_by_number_only);
    tcase_add_test(tests, test_every_window_occurs);
    tcase_add_test(tests, test_characters_of_any_width);
    tcase_add_test(tests, test_many_characters_need_wider_tokens);
    tcase_add_test(tests, test_a_vocabulary_can_be_given);
    tcase_add_test(tests, test_the_vocabulary_stays_with_the_configuration);
    tcase_add_test(tests, test_the_part_held_out_stays_with_the_configuration);
    tcase_add_test(tests, test_what_is_not_utf8_is_refused);
    tcase_add_test(tests, test_too_little_text_is_refused);
    snprintf(folder, sizeof folder, "%s/tiny-shakespeare", data ? data : "");
    if (access(folder, R_OK) == 0)
        tcase_add_test(tests, test_tiny_shakespeare_is_read);
    else
        printf("MOTLEY_DATA has no tiny-shakespeare: the real text is not tried\n");
    return run_case("text_set", tests);
}
