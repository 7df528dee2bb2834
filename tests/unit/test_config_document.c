/* doc/config.md and the examples say what the tables of keys and layers say.
 * After a change of a table: MOTLEY_WRITE_DOC=1 tests/unit/test_config_document writes the page
 * anew. */
#include "config.h"

#include "runtime/base/text.h"
#include "runtime/model/keys.h"
#include "runtime/model/layers.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

static const char *in_source(const char *path)
{
    static char text[4096];
    const char *source = getenv("srcdir");
    snprintf(text, sizeof text, "%s/%s", source ? source : ".", path);
    return text;
}

START_TEST(test_committed_page_is_the_generated_one)
{
    char *generated, *committed;
    size_t size_bytes;
    OK(mot_config_document(&generated));
    if (getenv("MOTLEY_WRITE_DOC"))
        OK(mot_file_write(in_source("doc/config.md"), generated, strlen(generated)));
    OK(mot_file_read(in_source("doc/config.md"), 1 << 20, &committed, &size_bytes));
    ck_assert_msg(strcmp(generated, committed) == 0,
                  "doc/config.md is not what the tables say; write it anew with "
                  "MOTLEY_WRITE_DOC=1 tests/unit/test_config_document");
    free(generated);
    free(committed);
}
END_TEST

static void check_row(const mot_key *key)
{
    ck_assert_msg(key->meaning && key->meaning[0], "%s has no meaning", key->path);
    bool words = key->type == MOT_KEY_CHOICE || key->type == MOT_KEY_SHARES;
    ck_assert_msg(!words || key->range, "%s has no words", key->path);
    if (!words && key->range) {
        char open, close;
        double low, high;
        int n = sscanf(key->range, "%c%lf,%lf%c", &open, &low, &high, &close);
        ck_assert_msg(n == 4 && strchr("[(", open) && strchr("])", close) && low < high,
                      "%s: %s is no interval", key->path, key->range);
    }
    if (key->value) {
        mot_origin origin = {.name = "table", .path = key->path};
        mot_yaml *value;
        ck_assert(key->type != MOT_KEY_INTS && key->type != MOT_KEY_FLOATS &&
                  key->type != MOT_KEY_TEXTS && key->type != MOT_KEY_NORMALIZE);
        OK(mot_yaml_parse(key->value, strlen(key->value), "table", true, &value));
        OK(mot_key_check(key, key->path, &origin, value));
        mot_yaml_free(value);
    }
}

START_TEST(test_rows_of_the_tables_are_sound)
{
    for (int i = 0; i < mot_config_n_keys; i++) {
        check_row(&mot_config_keys[i]);
        ck_assert_ptr_eq(mot_key_find(mot_config_keys[i].path), &mot_config_keys[i]);
        ck_assert_msg(!mot_key_is_block(mot_config_keys[i].path), "%s is key and block",
                      mot_config_keys[i].path);
    }
    for (int i = 0; i < mot_config_n_other_names; i++) {
        ck_assert_ptr_null(mot_key_find(mot_config_other_names[i][0]));
        ck_assert_ptr_nonnull(mot_key_find(mot_config_other_names[i][1]));
    }
    for (int i = 0; i < mot_n_layer_types; i++)
        for (int k = 0; k < mot_layer_types[i]->n_keys; k++)
            check_row(&mot_layer_types[i]->key[k]);
}
END_TEST

START_TEST(test_every_example_is_a_configuration)
{
    DIR *folder = opendir(in_source("examples"));
    int n = 0;
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        size_t length = strlen(entry->d_name);
        char name[512];
        mot_config *config;
        if (length < 6 || strcmp(entry->d_name + length - 5, ".yaml") != 0)
            continue;
        snprintf(name, sizeof name, "examples/%s", entry->d_name);
        OK(mot_config_read(in_source(name), &config));
        ck_assert(mot_config_is_set(config, "model.layers"));
        mot_config_free(config);
        n++;
    }
    closedir(folder);
    ck_assert_int_ge(n, 5);
}
END_TEST

START_TEST(test_the_first_example_is_the_recipe)
{
    mot_config *config;
    const char *text;
    int64_t n;
    double x, *pair;
    int n_pair;
    OK(mot_config_read(in_source("examples/mnist_mlp.yaml"), &config));
    OK(mot_config_get_text(config, "data.set", &text));
    ck_assert_str_eq(text, "mnist");
    OK(mot_config_get_int(config, "data.batch", &n));
    ck_assert_int_eq(n, 64);
    OK(mot_config_get_int(config, "train.epochs", &n));
    ck_assert_int_eq(n, 10);
    OK(mot_config_get_float(config, "train.optimizer.lr", &x));
    ck_assert_double_eq(x, 0.01);
    OK(mot_config_get_floats(config, "data.normalize", &pair, &n_pair));
    ck_assert_int_eq(n_pair, 2);
    ck_assert_double_eq(pair[0], 0.1307);
    ck_assert_double_eq(pair[1], 0.3081);
    free(pair);
    mot_config_free(config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_document");
    TCase *tests = tcase_create("config_document");
    tcase_add_test(tests, test_committed_page_is_the_generated_one);
    tcase_add_test(tests, test_rows_of_the_tables_are_sound);
    tcase_add_test(tests, test_every_example_is_a_configuration);
    tcase_add_test(tests, test_the_first_example_is_the_recipe);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
