/* Activations and norms from the model text to the graph: names, attributes and defaults as PyTorch's. */
#include "config.h"

#include "tests/unit/model_build.h"

#include <check.h>
#include <stdlib.h>

static const mot_sample_spec table = {
    .input = {2, {MOT_BATCH, 11}}, .input_dtype = MOT_F32, .regression = true, .n_classes = 1};

START_TEST(test_activations_are_one_operator_with_pytorch_defaults)
{
    static const struct {
        const char *name;
        mot_activation activation;
        float slope;
    } expected[] = {{"gelu1", MOT_ACT_GELU, 0},
                    {"gelu2", MOT_ACT_GELU_TANH, 0},
                    {"gelu3", MOT_ACT_GELU_TANH, 0},
                    {"silu1", MOT_ACT_SILU, 0},
                    {"sigmoid1", MOT_ACT_SIGMOID, 0},
                    {"tanh1", MOT_ACT_TANH, 0},
                    {"leaky_relu1", MOT_ACT_LEAKY_RELU, 0.01f},
                    {"steep", MOT_ACT_LEAKY_RELU, 0.3f}};
    mot_graph *graph =
        built("model:\n  layers: [linear: 5, gelu, {gelu: tanh}, {gelu: {approximate: tanh}}, silu,"
              " sigmoid, tanh,\n    leaky_relu, {leaky_relu: {negative_slope: 0.3, name: steep}},"
              " linear: 1]\n",
              &table);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const mot_node *forward = node(graph, expected[i].name, MOT_OP_activation);
        const mot_node *backward = node(graph, expected[i].name, MOT_OP_activation_grad);
        ck_assert_int_eq(forward->attrs.activation, expected[i].activation);
        ck_assert_int_eq(backward->attrs.activation, expected[i].activation);
        ck_assert_float_eq(forward->attrs.slope, expected[i].slope);
        ck_assert_float_eq(backward->attrs.slope, expected[i].slope);
        /* What backward reads is kept: the input, or the output where that is enough. */
        ck_assert_int_eq(backward->in[1], expected[i].activation >= MOT_ACT_SIGMOID
                                              ? forward->out[0]
                                              : forward->in[0]);
    }
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_norms_have_parameters_as_in_pytorch)
{
    mot_sample_spec spec = {.input = {4, {MOT_BATCH, 6, 4, 5}}, .n_classes = 10};
    mot_graph *graph =
        built("model:\n  init: zeros\n  layers:\n    - group_norm: 3\n    - layer_norm\n"
              "    - layer_norm: {dims: 2, bias: false, name: b}\n    - rms_norm: 3\n"
              "    - group_norm: {groups: 2, affine: false, eps: 0.1}\n    - flatten\n"
              "    - rms_norm: {elementwise_affine: false}\n    - linear: 10\n",
              &spec);
    const mot_tensor *w = parameter(graph, "group_norm1.weight");
    ck_assert_int_eq(graph->n_parameters, 8);
    ck_assert_int_eq(w->shape.n_dims, 1);
    ck_assert_int_eq(w->shape.dim[0], 6);
    ck_assert_int_eq(w->init.kind, MOT_INIT_ONE); /* whatever model.init says */
    ck_assert_int_eq(parameter(graph, "group_norm1.bias")->init.kind, MOT_INIT_ZERO);
    ck_assert_int_eq(parameter(graph, "layer_norm1.weight")->shape.dim[0], 5);
    parameter(graph, "layer_norm1.bias");
    w = parameter(graph, "b.weight");
    ck_assert_int_eq(w->shape.n_dims, 2);
    ck_assert_int_eq(w->shape.dim[0], 4);
    ck_assert_int_eq(parameter(graph, "rms_norm1.weight")->shape.n_dims, 3);
    const mot_attrs *attrs = &node(graph, "group_norm1", MOT_OP_norm)->attrs;
    ck_assert_int_eq(attrs->norm, MOT_NORM_GROUP);
    ck_assert_int_eq(attrs->group, 40);
    ck_assert_double_eq(attrs->eps, 1e-5);
    ck_assert_int_eq(node(graph, "layer_norm1", MOT_OP_norm)->attrs.group, 5);
    ck_assert_int_eq(node(graph, "b", MOT_OP_norm)->attrs.group, 20);
    ck_assert_double_eq(node(graph, "rms_norm1", MOT_OP_norm)->attrs.eps, 1.1920929e-7);
    ck_assert_double_eq(node(graph, "group_norm2", MOT_OP_norm)->attrs.eps, 0.1);
    const mot_node *last = node(graph, "rms_norm2", MOT_OP_norm);
    ck_assert_int_eq(last->attrs.group, 120);
    ck_assert_int_eq(last->n_in, 1);
    const mot_shape *stats = &graph->tensor[node(graph, "group_norm1", MOT_OP_norm)->out[1]].shape;
    ck_assert_int_eq(stats->n_dims, 3);
    ck_assert_int_eq(stats->dim[1], 3);
    ck_assert_int_eq(node(graph, "b", MOT_OP_norm_grad)->n_out, 2);
    ck_assert_int_eq(node(graph, "group_norm2", MOT_OP_norm_grad)->n_out, 1);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_batch_norm_keeps_statistics_as_pytorch_does)
{
    mot_sample_spec spec = {.input = {4, {MOT_BATCH, 6, 4, 5}}, .n_classes = 10};
    mot_graph *graph = built(
        "model:\n  layers:\n    - batch_norm\n    - relu\n    - flatten\n"
        "    - batch_norm: {affine: false, eps: 0.1, momentum: 0.5, name: b}\n    - linear: 10\n",
        &spec);
    static const char *const buffers[] = {"batch_norm1.running_mean", "batch_norm1.running_var",
                                          "b.running_mean", "b.running_var"};
    ck_assert_int_eq(graph->n_parameters, 4);
    ck_assert_int_eq(parameter(graph, "batch_norm1.weight")->shape.dim[0], 6);
    ck_assert_int_eq(parameter(graph, "batch_norm1.weight")->init.kind, MOT_INIT_ONE);
    ck_assert_int_eq(parameter(graph, "batch_norm1.bias")->init.kind, MOT_INIT_ZERO);
    ck_assert_int_eq(graph->n_buffers, 4);
    for (int i = 0; i < 4; i++) {
        const mot_tensor *buffer = &graph->tensor[graph->buffer[i]];
        ck_assert_str_eq(buffer->name, buffers[i]);
        ck_assert_int_eq(buffer->kind, MOT_TENSOR_BUFFER);
        ck_assert_int_eq(buffer->shape.dim[0], i < 2 ? 6 : 120);
        ck_assert_int_eq(buffer->init.kind, i % 2 ? MOT_INIT_ONE : MOT_INIT_ZERO);
    }
    const mot_node *first = node(graph, "batch_norm1", MOT_OP_batch_norm);
    ck_assert_int_eq(first->attrs.activation, MOT_ACT_RELU); /* joined */
    ck_assert_double_eq(first->attrs.eps, 1e-5);
    ck_assert_double_eq(node(graph, "b", MOT_OP_batch_norm)->attrs.eps, 0.1);
    ck_assert_double_eq(node(graph, "batch_norm1", MOT_OP_batch_norm_update)->attrs.momentum, 0.1);
    ck_assert_double_eq(node(graph, "b", MOT_OP_batch_norm_update)->attrs.momentum, 0.5);
    mot_graph_free(graph);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model_norm");
    TCase *tests = tcase_create("model_norm");
    tcase_add_test(tests, test_activations_are_one_operator_with_pytorch_defaults);
    tcase_add_test(tests, test_norms_have_parameters_as_in_pytorch);
    tcase_add_test(tests, test_batch_norm_keeps_statistics_as_pytorch_does);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
