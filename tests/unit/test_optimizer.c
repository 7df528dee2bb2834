/* Optimizers from the configuration: their defaults, what does not go together, and the ranges of the
 * flat layout that groups of parameters become. */
#include "config.h"

#include "runtime/model/optimizer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

static mot_config *with(const char *optimizer, const char *train)
{
    char line[256];
    mot_config *config;
    OK(mot_config_parse("model: {layers: [{linear: 40}, relu, {linear: 3}]}", "m.yaml", &config));
    if (train) {
        snprintf(line, sizeof line, "train=%s", train);
        OK(mot_config_set(config, line));
    }
    snprintf(line, sizeof line, "train.optimizer=%s", optimizer);
    OK(mot_config_set(config, line));
    return config;
}

START_TEST(test_defaults_are_each_optimizers_own)
{
    static const struct {
        const char *optimizer;
        mot_op op;
        double lr, weight_decay, beta2, eps;
    } want[] = {
        {"{}", MOT_OP_sgd, 0.01, 0, 0.999, 1e-8},
        {"{name: adam}", MOT_OP_adam, 0.001, 0, 0.999, 1e-8},
        {"{name: adamw}", MOT_OP_adamw, 0.001, 0.01, 0.999, 1e-8},
        {"{name: adamw, lr: 3, weight_decay: 0, beta2: 0.5, eps: 0.1}", MOT_OP_adamw, 3, 0, 0.5,
         0.1},
        {"{name: rmsprop}", MOT_OP_rmsprop, 0.01, 0, 0.99, 1e-8},
        {"{name: adagrad}", MOT_OP_adagrad, 0.01, 0, 0.999, 1e-10},
        {"{name: lion}", MOT_OP_lion, 0.0001, 0, 0.99, 1e-8},
        {"{name: lamb}", MOT_OP_lamb, 0.001, 0, 0.999, 1e-6},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        mot_config *config = with(want[i].optimizer, NULL);
        mot_optimizer o;
        OK(mot_optimizer_read(config, &o));
        ck_assert_int_eq(o.op, want[i].op);
        ck_assert_double_eq(o.lr, want[i].lr);
        ck_assert_double_eq(o.attrs.weight_decay, want[i].weight_decay);
        ck_assert_double_eq(o.attrs.beta1, 0.9);
        ck_assert_double_eq(o.attrs.beta2, want[i].beta2);
        ck_assert_double_eq(o.attrs.eps, want[i].eps);
        mot_config_free(config);
    }
}
END_TEST

START_TEST(test_what_does_not_go_together_is_refused)
{
    static const char *const wrong[][2] = {
        {"{nesterov: true}",
         "--set train.optimizer.nesterov: train.optimizer.nesterov is true, but "
         "train.optimizer.momentum is 0"},
        {"{name: adam, nesterov: true}",
         "--set train.optimizer.nesterov: train.optimizer.nesterov is "
         "for the optimizer sgd, not adam"},
        {"{centered: true}", "--set train.optimizer.centered: train.optimizer.centered is for the "
                             "optimizer rmsprop, not sgd"}};
    for (int i = 0; i < 3; i++) {
        mot_config *config = with(wrong[i][0], NULL);
        mot_optimizer o;
        ck_assert_int_eq(mot_optimizer_read(config, &o), MOT_ERR_ARGUMENT);
        ck_assert_str_eq(mot_error_message(), wrong[i][1]);
        mot_config_free(config);
    }
}
END_TEST

static mot_status build(const char *optimizer, const char *train, mot_graph **out)
{
    mot_sample_spec spec = {.input = {2, {MOT_BATCH, 64}}, .input_dtype = MOT_F32, .n_classes = 3};
    mot_config *config = with(optimizer, train);
    mot_status status = mot_model_build(config, &spec, out);
    mot_config_free(config);
    return status;
}

static const mot_tensor *find(const mot_graph *graph, const char *name)
{
    for (int i = 0; i < graph->n_tensors; i++)
        if (strcmp(graph->tensor[i].name, name) == 0)
            return &graph->tensor[i];
    ck_abort_msg("no tensor %s", name);
    return NULL;
}

/* Row `i` of the ranges: its first element, factor, decay and parameter. */
static void check_row(const mot_graph *graph, int i, int64_t first, double lr_scale, double decay,
                      int parameter)
{
    const float *row = find(graph, "ranges")->constant + 4 * i;
    uint32_t unit, number;
    memcpy(&unit, &row[0], sizeof unit);
    memcpy(&number, &row[3], sizeof number);
    ck_assert_int_eq(16 * (int64_t)unit, first);
    ck_assert_double_eq(row[1], lr_scale);
    ck_assert_double_eq_tol(row[2], decay, 1e-8);
    if (parameter >= 0)
        ck_assert_uint_eq(number, (uint32_t)parameter);
}

START_TEST(test_without_groups_there_is_one_range)
{
    mot_graph *graph;
    OK(build("{weight_decay: 0.25}", NULL, &graph));
    ck_assert_int_eq(find(graph, "ranges")->shape.dim[0], 4);
    check_row(graph, 0, 0, 1, 0.25, -1);
    mot_graph_free(graph);
}
END_TEST

/* The first group that matches counts; neighbours with equal rules are one range. */
START_TEST(test_groups_become_ranges)
{
    mot_graph *graph;
    OK(build("{weight_decay: 0.25, groups: [{match: [fc2.bias, \"fc1.b*\"], weight_decay: 0}, "
             "{match: \"*.bias\", lr_scale: 9}, {match: \"fc1.*\", lr_scale: 0.5}]}",
             NULL, &graph));
    const mot_tensor *w1 = find(graph, "fc1.weight"), *b1 = find(graph, "fc1.bias");
    const mot_tensor *w2 = find(graph, "fc2.weight"), *b2 = find(graph, "fc2.bias");
    ck_assert(w2->flat == 0 && b2->flat < w1->flat && w1->flat < b1->flat);
    ck_assert_int_eq(find(graph, "ranges")->shape.dim[0], 16);
    check_row(graph, 0, 0, 1, 0.25, -1);
    check_row(graph, 1, b2->flat, 1, 0, -1);
    check_row(graph, 2, w1->flat, 0.5, 0.25, -1);
    check_row(graph, 3, b1->flat, 1, 0, -1);
    mot_graph_free(graph);
}
END_TEST

/* lamb takes norms of each parameter: pieces of one, none longer than 1024. */
START_TEST(test_lamb_gets_pieces_of_parameters)
{
    mot_graph *graph;
    OK(build("{name: lamb}", NULL, &graph));
    const mot_tensor *w1 = find(graph, "fc1.weight"), *b1 = find(graph, "fc1.bias");
    ck_assert_int_eq(find(graph, "ranges")->shape.dim[0], 4 * 6);
    check_row(graph, 0, 0, 1, 0, 2);
    check_row(graph, 1, find(graph, "fc2.bias")->flat, 1, 0, 3);
    check_row(graph, 2, w1->flat, 1, 0, 0);
    check_row(graph, 3, w1->flat + 1024, 1, 0, 0);
    check_row(graph, 4, w1->flat + 2048, 1, 0, 0);
    check_row(graph, 5, b1->flat, 1, 0, 1);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_a_pattern_without_a_parameter_is_refused)
{
    mot_graph *graph;
    ck_assert_int_eq(
        build("{groups: [{match: [\"*.bias\", \"norm*\"], weight_decay: 0}]}", NULL, &graph),
        MOT_ERR_ARGUMENT);
    ck_assert_str_eq(mot_error_message(),
                     "--set train.optimizer.groups: train.optimizer.groups: no parameter matches "
                     "'norm*'; the first is fc1.weight, the last fc2.bias");
}
END_TEST

/* Clipping comes before the optimizer, the average behind it; the average is what is evaluated. */
START_TEST(test_clipping_and_average_surround_the_optimizer)
{
    mot_graph *graph;
    mot_memory_plan train, inference;
    OK(build("{name: adam}", "{clip_norm: 1, ema: 0.9}", &graph));
    const mot_node *last = &graph->node[graph->n_nodes - 1];
    ck_assert_int_eq(last[-2].op, MOT_OP_clip_norm);
    ck_assert_int_eq(last[-1].op, MOT_OP_adam);
    ck_assert_int_eq(last->op, MOT_OP_average);
    ck_assert_int_eq(last[-1].in[1], last[-2].out[0]);
    ck_assert_int_eq(graph->n_states, 3);
    ck_assert_int_eq(graph->average, 2);
    ck_assert_int_eq(last->out[0], graph->state[2]);
    OK(mot_graph_plan_memory(graph, 8, false, &train));
    OK(mot_graph_plan_memory(graph, 8, true, &inference));
    for (int i = 0; i < graph->n_parameters; i++) {
        int t = graph->parameter[i];
        mot_place at = train.place[t], seen = inference.place[t];
        ck_assert_int_eq(at.arena, MOT_ARENA_PARAMETER);
        ck_assert_int_eq(seen.arena, MOT_ARENA_STATE);
        ck_assert_uint_eq(seen.offset_bytes, at.offset_bytes + 8 * (size_t)graph->n_flat);
    }
    mot_memory_plan_free(&train);
    mot_memory_plan_free(&inference);
    mot_graph_free(graph);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("optimizer");
    TCase *tests = tcase_create("optimizer");
    tcase_add_test(tests, test_defaults_are_each_optimizers_own);
    tcase_add_test(tests, test_what_does_not_go_together_is_refused);
    tcase_add_test(tests, test_without_groups_there_is_one_range);
    tcase_add_test(tests, test_groups_become_ranges);
    tcase_add_test(tests, test_lamb_gets_pieces_of_parameters);
    tcase_add_test(tests, test_a_pattern_without_a_parameter_is_refused);
    tcase_add_test(tests, test_clipping_and_average_surround_the_optimizer);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
