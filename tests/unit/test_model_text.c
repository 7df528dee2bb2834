/* The text of a model: branches, repetitions and definitions written out, and what is said of those
 * that are wrong. */
#include "config.h"

#include "runtime/base/status.h"
#include "runtime/model/expand.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

/* ---- what becomes of a text ---- */

static void read_layers(const char *text, mot_yaml **yaml, mot_layers *layers)
{
    OK(mot_yaml_parse(text, strlen(text), "m.yaml", false, yaml));
    OK(mot_layers_read("m.yaml", mot_yaml_find(*yaml, "layers"), mot_yaml_find(*yaml, "define"),
                       MOT_CHECKPOINTS_WRITTEN, layers));
}

static const char *name_of(const mot_layers *layers, int i)
{
    return i < 0 ? "input" : layers->layer[i].name;
}

/* "fc1 < input; add1 < fc1 input; " */
static void check_layers(const char *text, const char *expected)
{
    mot_yaml *yaml;
    mot_layers layers;
    mot_text printed = {0};
    read_layers(text, &yaml, &layers);
    for (int i = 0; i < layers.n; i++) {
        OK(mot_text_add(&printed, "%s%s <", i ? "; " : "", layers.layer[i].name));
        for (int k = 0; k < layers.layer[i].n_from; k++) {
            ck_assert_int_lt(layers.layer[i].from[k], i);
            OK(mot_text_add(&printed, " %s", name_of(&layers, layers.layer[i].from[k])));
        }
    }
    ck_assert_str_eq(printed.data, expected);
    mot_text_free(&printed);
    mot_layers_free(&layers);
    mot_yaml_free(yaml);
}

/* {text, layers} */
static const char *const good[][2] = {
    {"layers: [flatten, {linear: 3}, relu, {linear: 2}]",
     "flatten1 < input; fc1 < flatten1; relu1 < fc1; fc2 < relu1"},
    /* Branches. */
    {"layers: [{linear: {out: 3, as: a}}, relu, add: a]",
     "fc1 < input; relu1 < fc1; add1 < relu1 fc1"},
    {"layers: [{linear: {out: 3, as: a}}, {relu: {from: input, as: b}}, add: [a, b, a]]",
     "fc1 < input; relu1 < input; add1 < fc1 relu1 fc1"},
    {"layers: [{relu: {as: a}}, {dropout: {p: 0, from: [input]}}, {concat: {from: a, dim: 2}}]",
     "relu1 < input; dropout1 < input; concat1 < dropout1 relu1"},
    /* Repetitions. */
    {"layers:\n  - repeat: 2\n    layers:\n      - linear: 3\n      - relu\n      - add: input\n",
     "block1.fc1 < input; block1.relu1 < block1.fc1; block1.add1 < block1.relu1 input; "
     "block2.fc1 < block1.add1; block2.relu1 < block2.fc1; block2.add1 < block2.relu1 block1.add1"},
    {"layers: [linear: 3, {repeat: 2, layers: [linear: 3]}, {linear: 3}]",
     "fc1 < input; fc2 < fc1; fc3 < fc2; fc4 < fc3"},
    {"layers: [{relu: {as: a}}, {repeat: 2, name: s, layers: [relu: {as: b}, add: [a, b]], as: c}, "
     "{repeat: 1, from: input, layers: [relu, relu]}, add: c]",
     "relu1 < input; s1.relu1 < relu1; s1.add1 < relu1 s1.relu1; s2.relu1 < s1.add1; "
     "s2.add1 < relu1 s2.relu1; block1.relu1 < input; "
     "block1.relu2 < block1.relu1; add1 < block1.relu2 s2.add1"},
    {"layers: [{repeat: 2, layers: [relu, {repeat: 2, layers: [relu, relu]}]}]",
     "block1.relu1 < input; block1.block1.relu1 < block1.relu1; "
     "block1.block1.relu2 < block1.block1.relu1; block1.block2.relu1 < block1.block1.relu2; "
     "block1.block2.relu2 < block1.block2.relu1; block2.relu1 < block1.block2.relu2; "
     "block2.block1.relu1 < block2.relu1; block2.block1.relu2 < block2.block1.relu1; "
     "block2.block2.relu1 < block2.block1.relu2; block2.block2.relu2 < block2.block2.relu1"},
    /* Definitions. */
    {"define: {two: {layers: [relu, relu]}}\nlayers: [two, two: {name: last}, two]",
     "two1.relu1 < input; two1.relu2 < two1.relu1; last.relu1 < two1.relu2; "
     "last.relu2 < last.relu1; two3.relu1 < last.relu2; two3.relu2 < two3.relu1"},
    {"define:\n  res:\n    parameters: {out: , n: 1}\n    layers:\n"
     "      - {repeat: $n, layers: [linear: $out]}\n      - {add: {from: input, as: sum}}\n"
     "layers:\n  - linear: {out: 3, as: sum}\n  - res: {out: 3, as: c}\n  - res: {out: 3, n: 2, "
     "from: sum, as: "
     "b}\n"
     "  - add: [b, c]\n",
     "fc1 < input; res1.fc1 < fc1; res1.add1 < res1.fc1 fc1; res2.fc1 < fc1; "
     "res2.fc2 < res2.fc1; res2.add1 < res2.fc2 fc1; add1 < res2.add1 res1.add1"},
    {"define:\n  a: {parameters: {x: 1}, layers: [b: {y: $x, z: $x}]}\n"
     "  b: {parameters: {y: , z: }, layers: [{linear: {out: \"${y}${z}\", name: \"l${y}\"}}]}\n"
     "layers: [a: 7, a]",
     "a1.b1.l7 < input; a2.b1.l1 < a1.b1.l7"},
    {"define: {x: {layers: [relu]}}\nlayers: [{repeat: 3, layers: [x]}]",
     "x1.relu1 < input; x2.relu1 < x1.relu1; x3.relu1 < x2.relu1"},
};

START_TEST(test_text_becomes_layers)
{
    check_layers(good[_i][0], good[_i][1]);
}
END_TEST

START_TEST(test_parameters_are_inserted)
{
    mot_yaml *yaml;
    mot_layers layers;
    int64_t order[3];
    read_layers("define:\n  a:\n    parameters: {n: 12, drop: , order: [2, 1]}\n    layers:\n"
                "      - linear: {out: $n, bias: no}\n      - linear: \"1${n}3\"\n"
                "      - dropout: $drop\n      - permute: $order\n      - permute: [$n, 3]\n"
                "layers: [a: {n: 2, drop: 0.25}]",
                &yaml, &layers);
    ck_assert_str_eq(mot_layer_text(&layers.layer[0], "out"), "2");
    ck_assert_str_eq(mot_layer_text(&layers.layer[1], "out"), "123");
    ck_assert_str_eq(mot_layer_text(&layers.layer[2], "p"), "0.25");
    ck_assert_int_eq(mot_layer_ints(&layers.layer[3], "order", order, 3), 2);
    ck_assert_int_eq(order[0], 2);
    ck_assert_int_eq(order[1], 1);
    ck_assert_int_eq(mot_layer_ints(&layers.layer[4], "order", order, 3), 2);
    ck_assert_int_eq(order[0], 2);
    ck_assert_int_eq(order[1], 3);
    mot_layers_free(&layers);
    mot_yaml_free(yaml);
}
END_TEST

/* The blocks that are computed again, by number, a digit a layer. */
static void check_checkpoints(const char *text, mot_checkpoints checkpoints, const char *expected)
{
    mot_yaml *yaml;
    mot_layers layers;
    mot_text printed = {0};
    OK(mot_yaml_parse(text, strlen(text), "m.yaml", false, &yaml));
    OK(mot_layers_read("m.yaml", mot_yaml_find(yaml, "layers"), mot_yaml_find(yaml, "define"),
                       checkpoints, &layers));
    for (int i = 0; i < layers.n; i++)
        OK(mot_text_add(&printed, "%d", layers.layer[i].checkpoint));
    ck_assert_str_eq(printed.data, expected);
    mot_text_free(&printed);
    mot_layers_free(&layers);
    mot_yaml_free(yaml);
}

/* {text, blocks} */
static const char *const checkpointed[][2] = {
    {"layers: [relu, {repeat: 2, checkpoint: true, layers: [relu, relu]}, relu]", "011220"},
    {"layers: [relu, {repeat: 2, checkpoint: no, layers: [relu, relu]}, relu]", "000000"},
    {"define: {two: {layers: [relu, relu]}}\nlayers: [two, two: {checkpoint: true}, two]",
     "001100"},
    /* Inner blocks belong to the outer one. */
    {"define: {two: {layers: [relu, {repeat: 2, checkpoint: true, layers: [relu]}]}}\n"
     "layers: [two, two: {checkpoint: true}, {repeat: 2, checkpoint: true, layers: [two, relu]}]",
     "01233344445555"},
    /* A parameter decides. */
    {"define: {two: {parameters: {again: no}, layers: [{repeat: 1, checkpoint: $again, layers: "
     "[relu, relu]}]}}\nlayers: [two, two: yes, two: {again: true}]",
     "001122"},
};

START_TEST(test_blocks_are_checkpointed)
{
    check_checkpoints(checkpointed[_i][0], MOT_CHECKPOINTS_WRITTEN, checkpointed[_i][1]);
}
END_TEST

START_TEST(test_checkpoints_can_be_chosen)
{
    const char text[] = "define: {two: {layers: [relu, {repeat: 2, checkpoint: true, layers: "
                        "[relu]}]}}\nlayers: [two, relu, {repeat: 2, layers: [two, relu]}]";
    check_checkpoints(text, MOT_CHECKPOINTS_NONE, "000000000000");
    check_checkpoints(text, MOT_CHECKPOINTS_WRITTEN, "012003400560");
    check_checkpoints(text, MOT_CHECKPOINTS_ALL, "111022223333");
}
END_TEST

/* ---- what is wrong ---- */

#define LAYERS "model:\n  layers:\n"
#define DEFINE "model:\n  define:\n"

/* {text, message} */
static const char *const bad[][2] = {
    /* Values. */
    {LAYERS "    - linear: 3\n    - add: skip\n",
     "m.yaml:4: no layer above gives a value skip (as: skip); there are input"},
    {LAYERS "    - linear: {out: 3, as: a}\n    - relu: {from: b}\n",
     "m.yaml:4: no layer above gives a value b (as: b); there are input, a"},
    {LAYERS "    - linear: {out: 3, from: later}\n    - relu: {as: later}\n",
     "m.yaml:3: no layer above gives a value later (as: later); there are input"},
    {LAYERS "    - relu: {as: me, from: me}\n",
     "m.yaml:3: no layer above gives a value me (as: me); there are input"},
    {LAYERS "    - relu: {as: a}\n    - relu: {as: a}\n",
     "m.yaml:4: the value a is there already, from line 3"},
    {LAYERS "    - relu: {as: input}\n",
     "m.yaml:3: `input` is what enters the list of layers; choose another name"},
    {LAYERS "    - relu: {as: 'a b'}\n",
     "m.yaml:3: the name 'a b'; expected 1 to 48 letters, digits, '_', '.' or '-'"},
    {LAYERS "    - relu: {as: }\n", "m.yaml:3: relu as has no value; expected a text"},
    {LAYERS "    - relu: {from: [input, input]}\n", "m.yaml:3: relu takes one value: from: NAME"},
    {LAYERS "    - add\n",
     "m.yaml:3: add needs a value: add: what is added: names of values, `[a, b]`, or one name for "
     "the output before and that"},
    {LAYERS "    - add: [input]\n", "m.yaml:3: add takes at least two values: [a, b]"},
    {LAYERS "    - add: {form: input}\n", "m.yaml:3: add has no value form; did you mean from?"},
    {LAYERS "    - linear: {out: 5, name: dead}\n    - relu: {from: input}\n",
     "m.yaml:3: layer dead: nothing takes what it gives; name it with `as`, and take it with "
     "`from` or `add`"},
    /* Repetitions. */
    {LAYERS "    - repeat: 0\n      layers: [relu]\n",
     "m.yaml:3: repeat is '0'; expected a whole number in [1,4096]"},
    {LAYERS "    - repeat: -1\n      layers: [relu]\n",
     "m.yaml:3: repeat is '-1'; expected a whole number in [1,4096]"},
    {LAYERS "    - repeat: twice\n      layers: [relu]\n",
     "m.yaml:3: repeat is 'twice'; expected a whole number in [1,4096]"},
    {LAYERS "    - repeat: 2\n",
     "m.yaml:3: repeat needs a list of layers: {repeat: 4, layers: [...]}"},
    {LAYERS "    - repeat\n",
     "m.yaml:3: repeat needs a list of layers: {repeat: 4, layers: [...]}"},
    {LAYERS "    - repeat: 2\n      layers: []\n",
     "m.yaml:4: layers: expected a list of layers, e.g. [flatten, {linear: 128}, relu, {linear: "
     "10}]"},
    {LAYERS "    - repeat: 2\n      layers: [relu]\n      out: 3\n",
     "m.yaml:5: repeat goes with layers, name, from, as and checkpoint, not out"},
    {LAYERS "    - repeat: 64\n      layers: [{repeat: 65, layers: [relu]}]\n",
     "m.yaml:4: more than 4096 layers, repetitions written out"},
    {LAYERS "    - repeat: 2\n      layers: [{linear: {out: 2, name: a}}]\n",
     "m.yaml:4: layer a: another layer has this name"},
    {LAYERS "    - repeat: 2\n      layers: [relu: {as: a}, relu]\n    - add: a\n",
     "m.yaml:5: no layer above gives a value a (as: a); there are input"},
    {LAYERS "    - repeat: 2\n      layers:\n        - linear: x\n",
     "m.yaml:5: linear out is 'x'; expected a whole number in [1,16777216]"},
    {LAYERS "    - repeat: 2\n      checkpoint: maybe\n      layers: [relu]\n",
     "m.yaml:4: checkpoint is 'maybe'; expected true or false"},
    {DEFINE "    res:\n      layers: [relu]\n  layers:\n    - res: {checkpoint: }\n",
     "m.yaml:6: checkpoint has no value; expected true or false"},
    {LAYERS "    - linear: {out: 3, checkpoint: true}\n",
     "m.yaml:3: linear has no value checkpoint, but out, in, bias, init, std, tied, name, as, "
     "from"},
    {DEFINE "    res:\n      parameters: {checkpoint: true}\n      layers: [relu]\n",
     "m.yaml:4: the parameter checkpoint of res: every block has a value of this name"},
    /* Definitions. */
    {DEFINE "    res:\n      parameters: {out: }\n      layers:\n        - linear: $out\n"
            "  layers:\n    - res\n",
     "m.yaml:8: res needs a value for out"},
    {DEFINE "    res:\n      parameters: {out: }\n      layers:\n        - linear: $out\n"
            "  layers:\n    - res: {out: 4, stride: 2}\n",
     "m.yaml:8: res has no parameter stride"},
    {DEFINE "    res:\n      parameters: {out: }\n      layers:\n        - linear: $out\n"
            "  layers:\n    - res: many\n",
     "m.yaml:8 (in res of line 8): linear out is 'many'; expected a whole number in [1,16777216]"},
    {DEFINE "    res:\n      parameters: {channels: }\n      layers:\n        - linear: $chanels\n",
     "m.yaml:6: res has no parameter chanels; did you mean channels?"},
    {DEFINE "    res:\n      parameters: {out: }\n      layers:\n        - linear: '3$'\n",
     "m.yaml:6: '3$': expected a parameter's name behind '$'"},
    {DEFINE "    res:\n      parameters: {out: }\n      layers:\n        - linear: ${out\n",
     "m.yaml:6: '${out': expected a parameter's name behind '$'"},
    {DEFINE "    res:\n      parameters: {p: [1]}\n      layers:\n        - linear: 1$p\n"
            "  layers: [res]\n",
     "m.yaml:6 (in res of line 7): '1$p': a list cannot be a part of a text"},
    {DEFINE "    res:\n      layers:\n        - relu\n        - linaer: 3\n",
     "m.yaml:6: unknown layer linaer; did you mean linear?"},
    {DEFINE "    res:\n      layers: [add: other]\n",
     "m.yaml:4: no layer above gives a value other (as: other); there are input"},
    {DEFINE "    residual:\n      layers: [relu]\n  layers:\n    - resiudal\n",
     "m.yaml:6: unknown layer resiudal; did you mean residual?"},
    {DEFINE "    res:\n      layers: [relu]\n  layers:\n    - res: 3\n",
     "m.yaml:6: res takes no value"},
    {DEFINE "    a:\n      layers: [b]\n    b:\n      layers: [relu, c]\n    c:\n      layers: "
            "[{repeat: 2, layers: [a]}]\n",
     "m.yaml:8: c leads back to a: a definition cannot hold itself"},
    {DEFINE "    a:\n      layers: [a]\n",
     "m.yaml:4: a leads back to a: a definition cannot hold itself"},
    {DEFINE "    relu:\n      layers: [flatten]\n",
     "m.yaml:3: relu is a word of its own; call the definition relu_"},
    {DEFINE "    res:\n      layer: [flatten]\n",
     "m.yaml:4: the definition res has parameters and layers, but no layer"},
    {DEFINE "    res: [relu]\n",
     "m.yaml:3: the definition res; expected parameters: {name: default, ...} and layers: [...]"},
    {DEFINE "    res:\n      parameters: [out]\n      layers: [relu]\n",
     "m.yaml:4: parameters of res: expected names with defaults, {out: , stride: 1}; one without a "
     "default must be given"},
    {DEFINE "    res:\n      parameters: {as: 1}\n      layers: [relu]\n",
     "m.yaml:4: the parameter as of res: every block has a value of this name"},
    {DEFINE "    res:\n      parameters: {a-b: 1}\n      layers: [relu]\n",
     "m.yaml:4: the parameter 'a-b'; expected letters, digits and '_'"},
    {"model: {define: [relu]}",
     "m.yaml:1: model.define: expected names of definitions, each with parameters and layers"},
    {DEFINE "    res:\n      layers:\n        - relu: {as: dead}\n        - relu: {from: input}\n"
            "  layers: [relu, res]\n",
     "m.yaml:5 (in res of line 7): layer res1.relu1: nothing takes what it gives; name it with "
     "`as`, and take it with `from` or `add`"},
};

START_TEST(test_each_mistake_has_its_message)
{
    mot_config *config;
    ck_assert_int_eq(mot_config_parse(bad[_i][0], "m.yaml", &config), MOT_ERR_ARGUMENT);
    ck_assert_str_eq(mot_error_message(), bad[_i][1]);
}
END_TEST

/* A chain of definitions, each in the next, and values that would double in each. */
START_TEST(test_growth_is_limited)
{
    mot_text text = {0};
    mot_config *config;
    OK(mot_text_add(&text, "model:\n  define:\n"));
    for (int i = 0; i < 40; i++)
        OK(mot_text_add(&text, "    d%d: {layers: [d%d]}\n", i, i + 1));
    OK(mot_text_add(&text, "    d40: {layers: [relu]}\n"));
    ck_assert_int_eq(mot_config_parse(text.data, "m.yaml", &config), MOT_ERR_ARGUMENT);
    ck_assert_str_eq(mot_error_message(),
                     "m.yaml:35: definitions in definitions, more than 32 levels");
    mot_text_free(&text);

    text = (mot_text){0};
    OK(mot_text_add(&text, "model:\n  define:\n"));
    for (int i = 0; i < 20; i++)
        OK(mot_text_add(&text, "    d%d: {parameters: {p: }, layers: [d%d: [$p, $p]]}\n", i,
                        i + 1));
    OK(mot_text_add(&text, "    d20: {parameters: {p: }, layers: [permute: $p]}\n"
                           "  layers: [d0: 1]\n"));
    ck_assert_int_eq(mot_config_parse(text.data, "m.yaml", &config), MOT_ERR_ARGUMENT);
    ck_assert_str_eq(mot_error_message(),
                     "m.yaml:8 (in d5 of line 7): d6: more than 64 values for p");
    mot_text_free(&text);
}
END_TEST

START_TEST(test_names_have_a_greatest_length)
{
    mot_config *config;
    ck_assert_int_eq(
        mot_config_parse("model:\n  layers:\n"
                         "    - repeat: 2\n      name: aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd\n"
                         "      layers: [{linear: {out: 1, name: "
                         "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd}}, relu]\n",
                         "m.yaml", &config),
        MOT_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "m.yaml:5: the name aaaaaaaaaabbbb"));
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "82 characters; at most 78 are taken"));
}
END_TEST

/* What is set is checked with what is there, and what is refused changes nothing. */
START_TEST(test_definitions_can_be_set)
{
    mot_config *config;
    char *text;
    OK(mot_config_parse("model: {define: {a: {layers: [relu]}}, layers: [a]}", "m.yaml", &config));
    ck_assert_int_eq(mot_config_set(config, "model.define={b: {layers: [relu]}}"),
                     MOT_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "m.yaml:1: unknown layer a; there are "));
    ck_assert_int_eq(mot_config_set(config, "model.layers=[c]"), MOT_ERR_ARGUMENT);
    OK(mot_config_set(config, "model={define: {b: {layers: [relu]}}, layers: [b, b]}"));
    ck_assert_int_eq(mot_config_set(config, "model.layers=[b, linear]"), MOT_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "--set model: linear needs a value"));
    OK(mot_config_print(config, &text));
    ck_assert_ptr_nonnull(strstr(text, "  layers:\n    - b\n    - b\n  define:\n    b: {layers: "
                                       "[relu]}\n"));
    free(text);
    mot_config_free(config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model_text");
    TCase *tests = tcase_create("model_text");
    tcase_add_loop_test(tests, test_text_becomes_layers, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(tests, test_blocks_are_checkpointed, 0,
                        (int)(sizeof checkpointed / sizeof *checkpointed));
    tcase_add_test(tests, test_checkpoints_can_be_chosen);
    tcase_add_test(tests, test_parameters_are_inserted);
    tcase_add_loop_test(tests, test_each_mistake_has_its_message, 0,
                        (int)(sizeof bad / sizeof *bad));
    tcase_add_test(tests, test_growth_is_limited);
    tcase_add_test(tests, test_names_have_a_greatest_length);
    tcase_add_test(tests, test_definitions_can_be_set);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
