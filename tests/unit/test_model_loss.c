/* Losses from the configuration to the graph: which, with what, and what does not go together. */
#include "config.h"

#include "tests/unit/model_build.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static const mot_sample_spec digits = {
    .input = {4, {MOT_BATCH, 1, 28, 28}}, .input_dtype = MOT_U8, .n_classes = 10};
static const mot_sample_spec two = {
    .input = {2, {MOT_BATCH, 11}}, .input_dtype = MOT_F32, .n_classes = 2};
static const mot_sample_spec table = {
    .input = {2, {MOT_BATCH, 11}}, .input_dtype = MOT_F32, .regression = true, .n_classes = 1};

/* `model` with one output. */
static const struct {
    const mot_sample_spec *spec;
    const char *model;
    mot_loss loss;
    float delta;
} losses[] = {
    {&table, "", MOT_LOSS_MSE, 0},
    {&table, "loss: auto, ", MOT_LOSS_MSE, 0},
    {&table, "loss: l1, ", MOT_LOSS_L1, 0},
    {&table, "loss: huber, ", MOT_LOSS_HUBER, 1},
    {&table, "loss: huber, huber_delta: 0.25, ", MOT_LOSS_HUBER, 0.25f},
    {&table, "loss: bce, ", MOT_LOSS_BCE, 0},
    {&two, "loss: bce, ", MOT_LOSS_BCE, 0},
};

START_TEST(test_losses_are_kinds_of_one_operator)
{
    char text[128];
    snprintf(text, sizeof text, "model: {%slayers: [{linear: 1}]}\n", losses[_i].model);
    mot_graph *graph = built(text, losses[_i].spec);
    const mot_node *loss = node(graph, "loss", MOT_OP_pointwise_loss);
    ck_assert_int_eq(loss->attrs.loss, losses[_i].loss);
    ck_assert_float_eq(loss->attrs.delta, losses[_i].delta);
    ck_assert_int_eq(graph->tensor[graph->label].dtype, MOT_F32); /* classes too: 0 and 1 */
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_labels_are_smoothed)
{
    mot_graph *graph =
        built("model: {label_smoothing: 0.1, layers: [flatten, {linear: 10}]}\n", &digits);
    ck_assert_float_eq(node(graph, "loss", MOT_OP_softmax_xent)->attrs.smoothing, 0.1f);
    mot_graph_free(graph);
    graph = built("model: {layers: [{linear: 2}]}\n", &two);
    ck_assert_float_eq(node(graph, "loss", MOT_OP_softmax_xent)->attrs.smoothing, 0);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_mixed_labels_are_two_classes_and_a_weight)
{
    static const char data[] = "data: {augment: {mixup: 0.2}}\n";
    char text[128];
    snprintf(text, sizeof text, "%smodel: {layers: [flatten, {linear: 10}]}\n", data);
    mot_graph *graph = built(text, &digits);
    ck_assert(mot_shape_equal(&graph->tensor[graph->label].shape, &(mot_shape){2, {MOT_BATCH, 3}}));
    mot_graph_free(graph);
    snprintf(text, sizeof text, "%smodel: {loss: bce, layers: [{linear: 1}]}\n", data);
    graph = built(text, &two);
    ck_assert(mot_shape_equal(&graph->tensor[graph->label].shape, &(mot_shape){2, {MOT_BATCH, 1}}));
    mot_graph_free(graph);
}
END_TEST

static const struct {
    const mot_sample_spec *spec;
    const char *text, *message;
} misfits[] = {
    {&table, "data: {set: csv}\nmodel: {loss: l1, label_smoothing: 0.1, layers: [{linear: 1}]}\n",
     "m.yaml:2: model.label_smoothing goes with cross-entropy, not l1"},
    {&table, "data: {set: csv, ignore_label: 3}\nmodel: {layers: [{linear: 1}]}\n",
     "m.yaml:1: data.ignore_label goes with cross-entropy, not mse"},
    {&digits, "data: {set: mnist}\nmodel: {loss: bce, layers: [flatten, {linear: 1}]}\n",
     "m.yaml:2: model.loss is bce, for two classes or numbers between 0 and 1, but mnist has 10 "
     "classes: use cross-entropy"},
    {&two, "data: {set: csv}\nmodel: {loss: bce, layers: [{linear: 2}]}\n",
     "m.yaml:2: the last layer, fc1, gives 2 outputs; two classes need one with model.loss bce"},
    {&two, "data: {set: csv}\nmodel: {loss: huber, layers: [{linear: 2}]}\n",
     "m.yaml:2: model.loss is huber, but the targets of csv are classes: use cross-entropy, or for "
     "two of them bce"},
};

START_TEST(test_what_does_not_go_together_is_named)
{
    mot_graph *graph;
    mot_status status = build(misfits[_i].text, misfits[_i].spec, &graph);
    ck_assert(status == MOT_ERR_SHAPE || status == MOT_ERR_ARGUMENT);
    ck_assert_str_eq(mot_error_message(), misfits[_i].message);
}
END_TEST

/* Values of keys are refused when they are read. */
START_TEST(test_values_have_ranges)
{
    static const char *const wrong[] = {
        "huber_delta: 0",        "huber_delta: -1", "huber_delta: .nan", "label_smoothing: 1",
        "label_smoothing: -0.1", "loss: l2",        "loss: [l1]"};
    char text[128];
    mot_graph *graph;
    snprintf(text, sizeof text, "model: {%s, layers: [{linear: 1}]}\n", wrong[_i]);
    ck_assert_int_eq(build(text, &table, &graph), MOT_ERR_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model_loss");
    TCase *tests = tcase_create("model_loss");
    tcase_add_loop_test(tests, test_losses_are_kinds_of_one_operator, 0,
                        sizeof losses / sizeof *losses);
    tcase_add_test(tests, test_labels_are_smoothed);
    tcase_add_test(tests, test_mixed_labels_are_two_classes_and_a_weight);
    tcase_add_loop_test(tests, test_what_does_not_go_together_is_named, 0,
                        sizeof misfits / sizeof *misfits);
    tcase_add_loop_test(tests, test_values_have_ranges, 0, 7);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
