/* Transposed convolution from the model text to the graph. */
#include "config.h"

#include "tests/unit/model_build.h"

#include <check.h>
#include <stdlib.h>

static const mot_sample_spec digits = {
    .input = {4, {MOT_BATCH, 1, 28, 28}}, .input_dtype = MOT_U8, .n_classes = 10};

START_TEST(test_transposed_convolution_makes_images_larger)
{
    mot_graph *graph = built("model:\n  layers:\n    - conv2d: {out: 8, kernel: 3, stride: 2}\n"
                             "    - conv2d_transpose: {out: 6, kernel: [4, 3], stride: [2, 3],"
                             " padding: [1, 2], output_padding: [0, 2], groups: 2}\n    - relu\n"
                             "    - conv2d_transpose: {out: 1, kernel: 1, bias: no}\n"
                             "    - flatten\n    - linear: 10\n",
                             &digits);
    /* (13 - 1) 2 - 2 + 3 + 1 down, (13 - 1) 3 - 4 + 2 + 2 + 1 across. */
    static const mot_shape images = {4, {MOT_BATCH, 6, 26, 37}}, weight = {4, {8, 3, 4, 3}};
    const mot_node *deconv = node(graph, "deconv1", MOT_OP_conv2d_dinput);
    ck_assert_int_eq(deconv->attrs.activation, MOT_ACT_RELU);
    ck_assert(mot_shape_equal(&graph->tensor[deconv->out[0]].shape, &images));
    ck_assert(mot_shape_equal(&parameter(graph, "deconv1.weight")->shape, &weight));
    ck_assert_int_eq(parameter(graph, "deconv1.bias")->shape.dim[0], 6);
    ck_assert_double_eq_tol((double)parameter(graph, "deconv1.weight")->init.scale, 1 / 6.0, 1e-6);
    ck_assert_int_eq(graph->node[3].n_in, 2);
    /* As many multiply-adds as the convolution that it is the gradient of. */
    ck_assert_double_eq(mot_node_cost(graph, 2, 5).flops, 2.0 * 5 * 13 * 13 * 8 * 3 * 12);
    mot_graph_free(graph);
}
END_TEST

static const struct {
    const char *text, *message;
} misfits[] = {
    {"model:\n  layers:\n    - conv2d_transpose: {out: 4, kernel: 3, stride: 2, "
     "output_padding: [0, 2]}\n",
     "m.yaml:3: layer deconv1: output_padding 2 must be less than the stride, 2"},
    {"model:\n  layers:\n    - conv2d_transpose: {out: 4, kernel: 3, padding: 15}\n",
     "m.yaml:3: layer deconv1: padding 15 leaves nothing of the 30 pixels that it makes"},
    {"model:\n  layers:\n    - flatten\n    - conv2d_transpose: {out: 4, kernel: 3}\n",
     "m.yaml:4: layer deconv1 takes images (B,C,H,W), but gets (B,784) from flatten1"},
    {"model:\n  layers:\n    - conv2d_transpose: {out: 4, kernel: 3, groups: 2}\n",
     "m.yaml:3: layer deconv1: 2 groups do not divide both its 4 channels and those of (B,1,28,28) "
     "from the input"},
    {"model:\n  layers:\n    - conv2d_transpose: 4\n",
     "m.yaml:3: layer deconv1 needs a kernel: conv2d_transpose: {out: 32, kernel: 3}"},
};

START_TEST(test_what_does_not_fit_is_named)
{
    mot_graph *graph;
    mot_status status = build(misfits[_i].text, &digits, &graph);
    ck_assert(status == MOT_ERR_SHAPE || status == MOT_ERR_ARGUMENT);
    ck_assert_str_eq(mot_error_message(), misfits[_i].message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model_transpose");
    TCase *tests = tcase_create("model_transpose");
    tcase_add_test(tests, test_transposed_convolution_makes_images_larger);
    tcase_add_loop_test(tests, test_what_does_not_fit_is_named, 0,
                        sizeof misfits / sizeof *misfits);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
