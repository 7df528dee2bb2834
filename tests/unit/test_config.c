/* Configurations: values and defaults by path, --set, printing, and one message for each mistake.
 */
#include "config.h"

#include "runtime/model/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

static const char small[] = "data:\n"
                            "  set: mnist\n"
                            "  normalize: [0.1307, 0.3081]\n"
                            "model:\n"
                            "  layers: [flatten, {linear: 128}, relu, {linear: 10}]\n"
                            "train:\n"
                            "  epochs: 3\n"
                            "  optimizer:\n"
                            "    lr: 1e-2\n";

static mot_config *parsed(const char *text)
{
    mot_config *config;
    OK(mot_config_parse(text, "m.yaml", &config));
    return config;
}

static int64_t get_int(const mot_config *config, const char *path)
{
    int64_t value;
    OK(mot_config_get_int(config, path, &value));
    return value;
}

static double get_float(const mot_config *config, const char *path)
{
    double value;
    OK(mot_config_get_float(config, path, &value));
    return value;
}

static const char *get_text(const mot_config *config, const char *path)
{
    const char *value;
    OK(mot_config_get_text(config, path, &value));
    return value;
}

static bool get_bool(const mot_config *config, const char *path)
{
    bool value;
    OK(mot_config_get_bool(config, path, &value));
    return value;
}

START_TEST(test_config_gives_values_and_defaults)
{
    mot_config *config = parsed(small);
    double x;
    ck_assert_str_eq(mot_config_name(config), "m.yaml");
    ck_assert_int_eq(get_int(config, "train.epochs"), 3);
    ck_assert_double_eq(get_float(config, "train.optimizer.lr"), 0.01);
    ck_assert_str_eq(get_text(config, "data.set"), "mnist");
    ck_assert_int_eq(get_int(config, "data.batch"), 64);
    ck_assert_double_eq(get_float(config, "train.optimizer.beta1"), 0.9);
    ck_assert_str_eq(get_text(config, "train.optimizer.beta2"), "auto");
    OK(mot_config_get_auto(config, "train.optimizer.beta2", 0.99, &x));
    ck_assert_double_eq(x, 0.99);
    OK(mot_config_get_auto(config, "train.optimizer.lr", 5, &x));
    ck_assert_double_eq(x, 0.01);
    ck_assert(get_bool(config, "data.shuffle"));
    ck_assert_str_eq(get_text(config, "train.optimizer.name"), "sgd");
    ck_assert_ptr_null(get_text(config, "data.file"));
    ck_assert(mot_config_is_set(config, "train.epochs"));
    ck_assert(!mot_config_is_set(config, "train.seed"));
    ck_assert_str_eq(mot_config_where(config, "train.optimizer.lr"), "m.yaml:9");
    ck_assert_str_eq(mot_config_where(config, "train.seed"), "m.yaml");
    ck_assert_int_eq(mot_config_get_yaml(config, "model.layers")->n, 4);
    mot_config_free(config);
    mot_config_free(NULL);
}
END_TEST

START_TEST(test_getters_refuse_what_is_not_there)
{
    mot_config *config = parsed("train: {epochs: 1}");
    int64_t n;
    double x;
    const char *text;
    ck_assert_int_eq(mot_config_get_int(config, "train.epoch", &n), MOT_ERR_ARGUMENT);
    ck_assert_int_eq(mot_config_get_float(config, "data.normalize", &x), MOT_ERR_ARGUMENT);
    ck_assert_int_eq(mot_config_get_text(config, "data.nothing", &text), MOT_ERR_ARGUMENT);
    mot_config_free(config);
}
END_TEST

START_TEST(test_lists_are_joined)
{
    mot_config *config = parsed("data:\n  normalize: [[0.5, 0.4, 0.3], [1, 2, 3]]\n"
                                "  categorical: [a, 'b c']\n  drop: d\n"
                                "train: {shares: [1, 0, 2.5]}\n");
    double *values;
    const char **texts;
    int n;
    OK(mot_config_get_floats(config, "data.normalize", &values, &n));
    ck_assert_int_eq(n, 6);
    ck_assert_double_eq(values[2], 0.3);
    ck_assert_double_eq(values[3], 1);
    free(values);
    ck_assert_str_eq(get_text(config, "train.shares"), "list");
    OK(mot_config_get_floats(config, "train.shares", &values, &n));
    ck_assert_int_eq(n, 3);
    free(values);
    OK(mot_config_get_texts(config, "data.categorical", &texts, &n));
    ck_assert_int_eq(n, 2);
    ck_assert_str_eq(texts[1], "b c");
    free(texts);
    OK(mot_config_get_texts(config, "data.drop", &texts, &n));
    ck_assert_int_eq(n, 1);
    ck_assert_str_eq(texts[0], "d");
    free(texts);
    OK(mot_config_get_floats(config, "data.shape", &values, &n));
    ck_assert_int_eq(n, 0);
    ck_assert_ptr_null(values);
    mot_config_free(config);
}
END_TEST

START_TEST(test_set_overrides_by_path)
{
    mot_config *config = parsed(small);
    OK(mot_config_set(config, "train.epochs=5"));
    OK(mot_config_set(config, "train.optimizer.name=adam"));
    OK(mot_config_set(config, "data.normalize=[0.13,0.3]"));
    OK(mot_config_set(config, "model.layers=[{linear: 32},relu,{linear: 10}]"));
    OK(mot_config_set(config, "data.separator=,"));
    OK(mot_config_set(config, "data.file=a=b: c.csv"));
    OK(mot_config_set(config, "data.target='quoted'"));
    ck_assert_int_eq(get_int(config, "train.epochs"), 5);
    ck_assert_str_eq(get_text(config, "train.optimizer.name"), "adam");
    ck_assert_double_eq(get_float(config, "train.optimizer.lr"), 0.01);
    ck_assert_str_eq(get_text(config, "data.separator"), ",");
    ck_assert_str_eq(get_text(config, "data.file"), "a=b: c.csv");
    ck_assert_str_eq(get_text(config, "data.target"), "quoted");
    ck_assert_int_eq(mot_config_get_yaml(config, "model.layers")->n, 3);
    ck_assert_str_eq(mot_config_where(config, "train.epochs"), "--set train.epochs");
    /* A block is replaced as a whole. */
    OK(mot_config_set(config, "train.optimizer={momentum: 0.5}"));
    ck_assert_str_eq(get_text(config, "train.optimizer.name"), "sgd");
    ck_assert_double_eq(get_float(config, "train.optimizer.momentum"), 0.5);
    mot_config_free(config);
}
END_TEST

START_TEST(test_set_works_where_blocks_are_missing_or_empty)
{
    mot_config *config = parsed("data:\ntrain:\n");
    OK(mot_config_set(config, "train.optimizer.lr=0.5"));
    OK(mot_config_set(config, "data.batch=7"));
    OK(mot_config_set(config, "model.sequential=[flatten]"));
    ck_assert_double_eq(get_float(config, "train.optimizer.lr"), 0.5);
    ck_assert_int_eq(get_int(config, "data.batch"), 7);
    ck_assert_int_eq(mot_config_get_yaml(config, "model.layers")->n, 1);
    mot_config_free(config);
}
END_TEST

/* {assignment, message} */
static const char *const wrong_sets[][2] = {
    {"train.epochs", "--set train.epochs: expected path=value, e.g. train.epochs=3"},
    {"=3", "--set =3: expected path=value, e.g. train.epochs=3"},
    {"train.epochs=", "--set train.epochs: no value behind '='"},
    {"train.epochs=many",
     "--set train.epochs: train.epochs is 'many'; expected a whole number in [1,1000000000]"},
    {"train.epochs=0",
     "--set train.epochs: train.epochs is '0'; expected a whole number in [1,1000000000]"},
    {"train.epoch=3", "--set: unknown key train.epoch; did you mean train.epochs?"},
    {"lr=3", "--set: unknown key lr; did you mean train.optimizer.lr?"},
    {"zebra=3", "--set: unknown key zebra; the blocks are data, model and train, and doc/config.md "
                "lists their keys"},
    {"train.optimizer={lr: 1, mumentum: 2}", "--set train.optimizer.mumentum: unknown key "
                                             "train.optimizer.mumentum; did you mean "
                                             "train.optimizer.momentum?"},
    {"train.optimizer=adam",
     "--set train.optimizer: train.optimizer is 'adam'; expected a block of "
     "`key: value` lines"},
    {"data.normalize=[0.1", "--set data.normalize: not valid YAML: while parsing a flow sequence, "
                            "did not find expected ',' or ']'"},
    {"train.optimizer.name=sdg",
     "--set train.optimizer.name: train.optimizer.name is 'sdg'; expected one of sgd, adam, "
     "adamw, rmsprop, adagrad, lion, lamb"},
    {"train.shares=[0,0]", "--set train.shares: train.shares is [0, 0]; expected auto, equal, or a "
                           "list of weights from 0, not all 0"},
    {"model.layers=[linaer]", "--set model.layers: unknown layer linaer; did you mean linear?"},
};

START_TEST(test_wrong_sets_change_nothing)
{
    mot_config *config = parsed(small);
    char *before, *after;
    OK(mot_config_print(config, &before));
    for (size_t i = 0; i < sizeof wrong_sets / sizeof *wrong_sets; i++) {
        ck_assert_int_ne(mot_config_set(config, wrong_sets[i][0]), MOT_OK);
        ck_assert_str_eq(mot_error_message(), wrong_sets[i][1]);
    }
    OK(mot_config_print(config, &after));
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    mot_config_free(config);
}
END_TEST

/* {text, message}; the message begins with the line */
static const char *const wrong_texts[][2] = {
    {"train:\n  epoch: 3\n", "m.yaml:2: unknown key train.epoch; did you mean train.epochs?"},
    {"epochs: 3\n", "m.yaml:1: unknown key epochs; did you mean train.epochs?"},
    {"trian: {epochs: 3}\n", "m.yaml:1: unknown key trian; the blocks are data, model and train, "
                             "and doc/config.md lists their keys"},
    {"train:\n  epochs: three\n",
     "m.yaml:2: train.epochs is 'three'; expected a whole number in [1,1000000000]"},
    {"train:\n  epochs: 1.5\n",
     "m.yaml:2: train.epochs is '1.5'; expected a whole number in [1,1000000000]"},
    {"train:\n  epochs: '3'\n",
     "m.yaml:2: train.epochs is '3'; expected a whole number in [1,1000000000]"},
    {"train:\n  epochs: 99999999999999999999\n",
     "m.yaml:2: train.epochs is '99999999999999999999'; expected a whole number in [1,1000000000]"},
    {"train:\n  epochs:\n",
     "m.yaml:2: train.epochs has no value; expected a whole number in [1,1000000000]"},
    {"train:\n  epochs: [1]\n",
     "m.yaml:2: train.epochs is [1]; expected a whole number in [1,1000000000]"},
    {"train:\n  epochs:\n    much: 3\n",
     "m.yaml:2: train.epochs is {much: 3}; expected a whole number in [1,1000000000]"},
    {"train:\n  optimizer:\n    lr: nan\n",
     "m.yaml:3: train.optimizer.lr is 'nan'; expected auto, or a number in [0,1000000]"},
    {"train:\n  optimizer:\n    momentum: 1\n",
     "m.yaml:3: train.optimizer.momentum is '1'; expected a number in [0,1)"},
    {"train:\n  optimizer: adam\n",
     "m.yaml:2: train.optimizer is 'adam'; expected a block of `key: value` lines"},
    {"train:\n  optimizer:\n    groups: {match: a}\n",
     "m.yaml:3: train.optimizer.groups: expected a list of groups, e.g. [{match: \"*.bias\", "
     "weight_decay: 0}]"},
    {"train:\n  optimizer:\n    groups: [{weight_decay: 0}]\n",
     "m.yaml:3: a group without `match`; expected a list of groups, e.g. [{match: \"*.bias\", "
     "weight_decay: 0}]"},
    {"train:\n  optimizer:\n    groups:\n      - match: a\n        weight_dekay: 0\n",
     "m.yaml:5: a group has no value weight_dekay; did you mean weight_decay?"},
    {"train:\n  optimizer:\n    groups:\n      - match: a\n        lr_scale: -1\n",
     "m.yaml:5: lr_scale is '-1'; expected a number in [0,1000000]"},
    {"train:\n  ema: 1\n", "m.yaml:2: train.ema is '1'; expected a number in [0,1)"},
    {"train:\n  storage: fp8\n",
     "m.yaml:2: train.storage is 'fp8'; expected one of float32, bf16, fp16"},
    {"train:\n  loss_scale: 0\n",
     "m.yaml:2: train.loss_scale is '0'; expected auto, or a number in [1,16777216]"},
    {"train:\n  schedule:\n    name: cosin\n",
     "m.yaml:3: train.schedule.name is 'cosin'; expected one of constant, step, cosine, linear, "
     "one-cycle"},
    {"data:\n  shuffle: maybe\n", "m.yaml:2: data.shuffle is 'maybe'; expected true or false"},
    {"data: 3\n", "m.yaml:1: data is '3'; expected a block of `key: value` lines"},
    {"data: []\n", "m.yaml:1: data is a list; expected a block of `key: value` lines"},
    {"data:\n  set: mnits\n",
     "m.yaml:2: data.set is 'mnits'; expected one of drawn-digits, mnist, fashion-mnist, cifar10, "
     "cifar100, digits, iris, wine-quality-red, wine-quality-white, california-housing, "
     "tiny-shakespeare, idx, images, csv, text, packed"},
    {"data:\n  normalize: [0.1]\n", "m.yaml:2: data.normalize is [0.1]; expected [mean, deviation] "
                                    "or [[means], [deviations]], deviations above 0"},
    {"data:\n  normalize: [0.1, 0]\n",
     "m.yaml:2: data.normalize is [0.1, 0]; expected [mean, deviation] or [[means], [deviations]], "
     "deviations above 0"},
    {"data:\n  normalize: [[1, 2], [1]]\n",
     "m.yaml:2: data.normalize is [[1, 2], [1]]; expected [mean, deviation] or [[means], "
     "[deviations]], deviations above 0"},
    {"model:\n  layers: relu\n",
     "m.yaml:2: model.layers: expected a list of layers, e.g. [flatten, "
     "{linear: 128}, relu, {linear: 10}]"},
    {"model:\n  layers: []\n", "m.yaml:2: model.layers: expected a list of layers, e.g. [flatten, "
                               "{linear: 128}, relu, {linear: 10}]"},
    {"model:\n  layers:\n    - flatten\n    - linaer: 3\n",
     "m.yaml:4: unknown layer linaer; did you mean linear?"},
    {"model:\n  layers:\n    - transformer\n",
     "m.yaml:3: unknown layer transformer; there are flatten, linear, conv2d, ..."},
    {"model:\n  layers:\n    - linear\n",
     "m.yaml:3: linear needs a value: linear: number of outputs"},
    {"model:\n  layers:\n    - linear: 0\n",
     "m.yaml:3: linear out is '0'; expected a whole number in [1,16777216]"},
    {"model:\n  layers:\n    - max_pool2d: [2, 2, 2]\n",
     "m.yaml:3: max_pool2d kernel is [2, 2, 2]; expected one whole number, or [down, across], in "
     "[1,1024]"},
    {"model:\n  layers:\n    - conv2d: {out: 3, kernel: 0}\n",
     "m.yaml:3: conv2d kernel is '0'; expected one whole number, or [down, across], in [1,1024]"},
    {"model:\n  layers:\n    - conv2d: {out: 3, kernel: 3, padding: valid}\n",
     "m.yaml:3: conv2d padding is 'valid'; expected same, or one whole number, or [down, across], "
     "in [0,4096]"},
    {"model:\n  layers:\n    - linear: {out: 3, bais: no}\n",
     "m.yaml:3: linear has no value bais; did you mean bias?"},
    {"model:\n  layers:\n    - linear: {out: 3, name: 'a b'}\n",
     "m.yaml:3: the name 'a b'; expected 1 to 48 letters, digits, '_', '.' or '-'"},
    {"model:\n  layers:\n    - linear: 3\n      bias: no\n",
     "m.yaml:3: a layer is one name with its values, linear: {..., bias: ...}"},
    {"model:\n  layers:\n    - relu: 3\n", "m.yaml:3: relu takes no value"},
    {"model:\n  layers:\n    - dropout: 1\n",
     "m.yaml:3: dropout p is '1'; expected a number in [0,0.999]"},
    {"model:\n  layers:\n    - [relu]\n", "m.yaml:3: expected a layer, e.g. relu, or linear: 128"},
    {"model:\n  layers:\n    -\n", "m.yaml:3: expected a layer, e.g. relu, or linear: 128"},
    {"model:\n  layers: [relu]\n  sequential: [relu]\n",
     "m.yaml:3: model.sequential and model.layers are one key; give it once"},
};

START_TEST(test_each_mistake_has_its_message)
{
    const char *const *wrong = wrong_texts[_i];
    mot_config *config;
    ck_assert_int_eq(mot_config_parse(wrong[0], "m.yaml", &config), MOT_ERR_ARGUMENT);
    /* "..." stands for the rest: lists of what there is grow. */
    const char *rest = strstr(wrong[1], "...");
    if (rest && rest[3] == '\0')
        ck_assert_msg(strncmp(mot_error_message(), wrong[1], (size_t)(rest - wrong[1])) == 0, "%s",
                      mot_error_message());
    else
        ck_assert_str_eq(mot_error_message(), wrong[1]);
}
END_TEST

START_TEST(test_printed_configuration_reads_back)
{
    mot_config *config = parsed(
        "data:\n  file: \"a \\\"b\\\" \\\\ \\x01: #\u00e9.csv\"\n  separator: '\\t'\n  target: "
        "'null'\n"
        "  categorical: [a, 'b, c', '']\n  normalize: [[-.5, +1], [.5, 2e-3]]\n"
        "model:\n  layers: [flatten, {linear: {out: 3, bias: no, name: a.b}}, {relu: {}}, relu: ,"
        " {dropout: 0.5}, {linear: 2}]\n"
        "train: {shares: [1, 2], optimizer: {name: adam}}\n");
    mot_config *again, *copy;
    char *first, *second, *third;
    OK(mot_config_print(config, &first));
    OK(mot_config_parse(first, "again.yaml", &again));
    OK(mot_config_print(again, &second));
    ck_assert_str_eq(first, second);
    ck_assert_str_eq(get_text(again, "data.file"), get_text(config, "data.file"));
    ck_assert_str_eq(get_text(again, "data.target"), "null");
    OK(mot_config_copy(config, &copy));
    OK(mot_config_set(config, "train.epochs=77"));
    OK(mot_config_print(copy, &third));
    ck_assert_str_eq(first, third);
    free(first);
    free(second);
    free(third);
    mot_config_free(config);
    mot_config_free(again);
    mot_config_free(copy);
}
END_TEST

START_TEST(test_resolved_configuration_shows_every_default)
{
    mot_config *config = parsed(small);
    char *text;
    OK(mot_config_print(config, &text));
    ck_assert_ptr_nonnull(strstr(text, "  normalize: [0.1307, 0.3081]\n"));
    ck_assert_ptr_nonnull(strstr(text, "model:\n  layers:\n    - flatten\n    - linear: 128\n"));
    ck_assert_ptr_nonnull(strstr(text, "  optimizer:\n    name: sgd\n    lr: 1e-2\n"));
    ck_assert_ptr_nonnull(strstr(text, "  seed: 1\n"));
    free(text);
    mot_config_free(config);
}
END_TEST

START_TEST(test_files_are_read_and_missing_ones_named)
{
    char path[] = "/tmp/motley-config-XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    FILE *file = fdopen(descriptor, "w");
    fputs(small, file);
    fclose(file);
    mot_config *config;
    OK(mot_config_read(path, &config));
    ck_assert_int_eq(get_int(config, "train.epochs"), 3);
    mot_config_free(config);
    remove(path);
    ck_assert_int_eq(mot_config_read(path, &config), MOT_ERR_FILE);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), path));
    ck_assert_int_eq(mot_config_read("/", &config), MOT_ERR_FILE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tests = tcase_create("config");
    tcase_add_test(tests, test_config_gives_values_and_defaults);
    tcase_add_test(tests, test_getters_refuse_what_is_not_there);
    tcase_add_test(tests, test_lists_are_joined);
    tcase_add_test(tests, test_set_overrides_by_path);
    tcase_add_test(tests, test_set_works_where_blocks_are_missing_or_empty);
    tcase_add_test(tests, test_wrong_sets_change_nothing);
    tcase_add_loop_test(tests, test_each_mistake_has_its_message, 0,
                        (int)(sizeof wrong_texts / sizeof *wrong_texts));
    tcase_add_test(tests, test_printed_configuration_reads_back);
    tcase_add_test(tests, test_resolved_configuration_shows_every_default);
    tcase_add_test(tests, test_files_are_read_and_missing_ones_named);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
