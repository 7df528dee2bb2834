/* YAML that is broken, hostile or not taken: one message with the line, and nothing worse. */
#include "config.h"

#include "runtime/model/yaml.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

static mot_status parse(const char *text, mot_yaml **out)
{
    return mot_yaml_parse(text, strlen(text), "m.yaml", false, out);
}

/* {text, message} */
static const char *const broken[][2] = {
    {"", "m.yaml:1: the file is empty"},
    {"# only words\n\n", "m.yaml:1: the file is empty"},
    {"a: 1\n\tb: 2\n", "m.yaml:2: a tab in the indentation; YAML takes spaces"},
    {"a: 1\n \t\n", "m.yaml:2: a tab in the indentation; YAML takes spaces"},
    {"a:\n  \tb: 2\n", "m.yaml:2: a tab in the indentation; YAML takes spaces"},
    {"a: 1\na: 2\n", "m.yaml:2: a is there twice, first in line 1"},
    {"a: {b: 1, c: 2, b: 3}\n", "m.yaml:1: b is there twice, first in line 1"},
    {"a: &here 1\nb: *here\n", "m.yaml:1: anchors (&here) are not taken here; write it out"},
    {"a: *there\n", "m.yaml:1: aliases (*there) are not taken here; write it out"},
    {"a: &x {b: 1}\n", "m.yaml:1: anchors (&x) are not taken here; write it out"},
    {"a: &x [1]\n", "m.yaml:1: anchors (&x) are not taken here; write it out"},
    {"&x a: 1\n", "m.yaml:1: anchors (&x) are not taken here; write it out"},
    {"a: !!int 3\n", "m.yaml:1: tags (tag:yaml.org,2002:int) are not taken here"},
    {"a: !mine [3]\n", "m.yaml:1: tags (!mine) are not taken here"},
    {"a: 1\n---\nb: 2\n", "m.yaml:2: a second document begins; one is taken"},
    {"a: 1\n  b: 2\n", "m.yaml:2: not valid YAML: mapping values are not allowed in this context"},
    {"a: [1, 2\nb: 3\n", "m.yaml:2: not valid YAML: while parsing a flow sequence, did not find "
                         "expected ',' or ']'"},
    {"a: \"open\n",
     "m.yaml:2: not valid YAML: while scanning a quoted scalar, found unexpected end "
     "of stream"},
    {"a: %\n", "m.yaml:1: not valid YAML: while scanning for the next token, found character that "
               "cannot start any token"},
    {"a: \xff\n", "m.yaml:1: not plain UTF-8 text: invalid leading UTF-8 octet (0xff)"},
    {"a: 1\nb: \xc3(\n", "m.yaml:2: not plain UTF-8 text: invalid trailing UTF-8 octet (0x28)"},
    {"a: 1\nb: 2\nc: \x01\n", "m.yaml:3: not plain UTF-8 text: control characters are not allowed "
                              "(0x01)"},
    {"a: \"\\0\"\n", "m.yaml:1: a NUL character in a text"},
    {"? [1, 2]\n: 3\n", "m.yaml:1: a key is a plain word"},
    {"{[1]: 2}\n", "m.yaml:1: a key is a plain word"},
    {"\"\": 2\n", "m.yaml:1: a key of 0 characters"},
};

START_TEST(test_broken_text_has_its_message)
{
    mot_yaml *yaml;
    ck_assert_int_eq(parse(broken[_i][0], &yaml), MOT_ERR_FORMAT);
    ck_assert_str_eq(mot_error_message(), broken[_i][1]);
}
END_TEST

/* `n` times `piece`. */
static char *repeated(const char *piece, size_t n)
{
    size_t length = strlen(piece);
    char *text = malloc(n * length + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < n; i++)
        memcpy(text + i * length, piece, length);
    text[n * length] = '\0';
    return text;
}

static void check_refused(const char *piece, size_t n, const char *message)
{
    mot_yaml *yaml;
    char *text = repeated(piece, n);
    ck_assert_int_eq(parse(text, &yaml), MOT_ERR_FORMAT);
    ck_assert_str_eq(mot_error_message(), message);
    free(text);
}

START_TEST(test_depth_number_and_size_are_limited)
{
    check_refused("[", 100000, "m.yaml:1: more than 32 levels");
    check_refused("{a: ", 50000, "m.yaml:1: more than 32 levels");
    check_refused("- ", 1000, "m.yaml:1: more than 32 levels");
    check_refused("- 1\n", 30000, "m.yaml:20000: more than 20000 values");
    check_refused("# comment\n", 200000, "m.yaml: 2000000 bytes; at most 1048576 are taken");
    char *key = repeated("k", 300);
    strcpy(key + 290, ": 1");
    mot_yaml *yaml;
    ck_assert_int_eq(parse(key, &yaml), MOT_ERR_FORMAT);
    free(key);
}
END_TEST

START_TEST(test_tree_keeps_lines_and_quotes)
{
    mot_yaml *yaml;
    OK(parse("\xef\xbb\xbf# a byte order mark and CR LF\r\na: 1\r\nb:\r\n  - 'x'\r\n  - {c: }\r\n",
             &yaml));
    ck_assert_int_eq(yaml->kind, MOT_YAML_MAP);
    ck_assert_int_eq(yaml->n, 2);
    const mot_yaml *b = mot_yaml_find(yaml, "b");
    ck_assert_int_eq(b->kind, MOT_YAML_LIST);
    ck_assert_str_eq(b->item[0]->text, "x");
    ck_assert(b->item[0]->quoted);
    ck_assert_int_eq(b->item[0]->line, 4);
    ck_assert(mot_yaml_is_null(mot_yaml_find(b->item[1], "c")));
    ck_assert_ptr_null(mot_yaml_find(yaml, "z"));
    ck_assert_ptr_null(mot_yaml_find(b, "z"));
    mot_yaml_free(yaml);
    mot_yaml_free(NULL);
}
END_TEST

START_TEST(test_tabs_that_do_no_harm_are_taken)
{
    mot_yaml *yaml;
    OK(parse("a: 1\t# a tab before a comment\nb: [1,\t2]\n", &yaml));
    ck_assert_int_eq(yaml->n, 2);
    mot_yaml_free(yaml);
}
END_TEST

START_TEST(test_printed_tree_reads_back)
{
    mot_yaml *yaml, *copy, *again;
    mot_text first = {0}, second = {0};
    OK(parse("a: [1, -.5, ---x, '-', \"\\u00e9 \\\"q\\\" \\n\", {b: null, 'c: d': [], e: {}}]\n",
             &yaml));
    OK(mot_yaml_copy(yaml, &copy));
    mot_yaml_free(yaml);
    OK(mot_yaml_print(copy, &first));
    OK(parse(first.data, &again));
    OK(mot_yaml_print(again, &second));
    ck_assert_str_eq(first.data, second.data);
    mot_text_free(&first);
    mot_text_free(&second);
    mot_yaml_free(copy);
    mot_yaml_free(again);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_yaml");
    TCase *tests = tcase_create("config_yaml");
    tcase_set_timeout(tests, 30);
    tcase_add_loop_test(tests, test_broken_text_has_its_message, 0,
                        (int)(sizeof broken / sizeof *broken));
    tcase_add_test(tests, test_depth_number_and_size_are_limited);
    tcase_add_test(tests, test_tree_keeps_lines_and_quotes);
    tcase_add_test(tests, test_tabs_that_do_no_harm_are_taken);
    tcase_add_test(tests, test_printed_tree_reads_back);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
