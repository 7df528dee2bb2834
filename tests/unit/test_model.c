/* From a model text and what the data are like to a sealed graph: structure, names, initialization,
 * and what is said when layers and data do not fit together. */
#include "config.h"

#include "tests/unit/model_build.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const mot_sample_spec digits = {
    .input = {4, {MOT_BATCH, 1, 28, 28}}, .input_dtype = MOT_U8, .n_classes = 10};
static const mot_sample_spec table = {
    .input = {2, {MOT_BATCH, 11}}, .input_dtype = MOT_F32, .regression = true, .n_classes = 1};

START_TEST(test_mlp_is_eight_nodes)
{
    mot_graph *graph = built("data: {set: mnist}\n"
                             "model: {layers: [flatten, {linear: 128}, relu, {linear: 10}]}\n",
                             &digits);
    static const mot_op ops[] = {
        MOT_OP_ingest,         MOT_OP_linear,        MOT_OP_linear,         MOT_OP_softmax_xent,
        MOT_OP_linear_dweight, MOT_OP_linear_dinput, MOT_OP_linear_dweight, MOT_OP_sgd};
    ck_assert_int_eq(graph->n_nodes, 8);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(graph->node[i].op, ops[i]);
    ck_assert_int_eq(graph->node[1].attrs.activation, MOT_ACT_RELU);
    ck_assert_int_eq(graph->node[4].n_out, 2);
    ck_assert_int_eq(graph->node[5].n_in, 3);
    ck_assert_int_eq(graph->n_parameters, 4);
    ck_assert_str_eq(graph->tensor[graph->parameter[0]].name, "fc1.weight");
    ck_assert_str_eq(graph->tensor[graph->parameter[3]].name, "fc2.bias");
    ck_assert_int_eq(parameter(graph, "fc1.weight")->shape.dim[0], 128);
    ck_assert_int_eq(parameter(graph, "fc1.weight")->shape.dim[1], 784);
    /* Pixels become 0..1. */
    ck_assert_float_eq(graph->tensor[graph->node[0].in[1]].constant[0], 1.0f / 255);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_images_go_through_windows)
{
    mot_graph *graph =
        built("model:\n  layers:\n    - conv2d: {out: 8, kernel: [5, 3], padding: same}\n"
              "    - relu\n    - max_pool2d: 2\n    - relu: {name: again}\n"
              "    - conv2d: {out: 6, kernel: 3, stride: [2, 1], groups: 2, bias: no, init: he}\n"
              "    - avg_pool2d: {kernel: [2, 3], count_padding: no}\n    - global_avg_pool\n"
              "    - linear: 10\n",
              &digits);
    /* relu joins convolution; of the two relus' gradients that behind the pool's is left. */
    static const mot_op ops[] = {MOT_OP_ingest,          MOT_OP_conv2d,
                                 MOT_OP_max_pool2d,      MOT_OP_relu,
                                 MOT_OP_conv2d,          MOT_OP_avg_pool2d,
                                 MOT_OP_avg_pool2d,      MOT_OP_linear,
                                 MOT_OP_softmax_xent,    MOT_OP_linear_dweight,
                                 MOT_OP_linear_dinput,   MOT_OP_avg_pool2d_grad,
                                 MOT_OP_avg_pool2d_grad, MOT_OP_conv2d_dweight,
                                 MOT_OP_conv2d_dinput,   MOT_OP_max_pool2d_grad,
                                 MOT_OP_conv2d_dweight,  MOT_OP_sgd};
    ck_assert_int_eq(graph->n_nodes, sizeof ops / sizeof *ops);
    for (int i = 0; i < graph->n_nodes; i++)
        ck_assert_int_eq(graph->node[i].op, ops[i]);
    ck_assert_int_eq(graph->node[1].attrs.activation, MOT_ACT_RELU);
    ck_assert_int_eq(graph->node[14].n_in, 3); /* the mask of `again` */
    ck_assert_int_eq(graph->node[15].attrs.activation, MOT_ACT_RELU);
    static const mot_shape weight = {4, {6, 4, 3, 3}}, images = {4, {MOT_BATCH, 6, 6, 12}};
    ck_assert(mot_shape_equal(&parameter(graph, "conv2.weight")->shape, &weight));
    ck_assert(mot_shape_equal(&graph->tensor[graph->node[4].out[0]].shape, &images));
    ck_assert_double_eq_tol((double)parameter(graph, "conv1.weight")->init.scale, sqrt(1 / 15.0),
                            1e-6);
    ck_assert_double_eq_tol((double)parameter(graph, "conv2.weight")->init.scale, sqrt(2 / 36.0),
                            1e-6);
    ck_assert_int_eq(graph->node[5].attrs.window.stride[1], 3);
    ck_assert(!graph->node[5].attrs.window.count_padding);
    /* Every weight meets every place: 14x14 after the pool, 6x12 after the second convolution. */
    ck_assert_double_eq(mot_node_cost(graph, 4, 3).flops, 2.0 * 3 * 6 * 12 * 6 * 4 * 9);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_names_bias_and_optimizer_are_as_the_text_says)
{
    mot_graph *graph = built("model:\n  layers:\n    - linear: {out: 5, bias: no, name: in.0}\n"
                             "    - relu: {name: act}\n    - dropout: 0.25\n    - dropout: 0\n"
                             "    - linear: {out: 1, in: 5}\n"
                             "train: {optimizer: {name: adam, beta1: 0.8, weight_decay: 0.1}}\n",
                             &table);
    ck_assert_int_eq(graph->n_parameters, 3);
    parameter(graph, "in.0.weight");
    parameter(graph, "fc2.weight");
    int n_dropouts = 0;
    for (int i = 0; i < graph->n_nodes; i++)
        if (graph->node[i].op == MOT_OP_dropout) {
            ck_assert_float_eq(graph->node[i].attrs.p, 0.25f);
            ck_assert_uint_eq(graph->node[i].attrs.layer, 1);
            n_dropouts++;
        }
    ck_assert_int_eq(n_dropouts, 2); /* forward and backward */
    const mot_node *update = &graph->node[graph->n_nodes - 1];
    ck_assert_int_eq(update->op, MOT_OP_adam);
    ck_assert_float_eq(update->attrs.beta1, 0.8f);
    ck_assert_float_eq(update->attrs.beta2, 0.999f);
    ck_assert_float_eq(update->attrs.weight_decay, 0.1f);
    ck_assert_float_eq(update->attrs.eps, 1e-8f);
    ck_assert_int_eq(graph->n_states, 2);
    ck_assert_int_eq(graph->node[graph->loss_node].op, MOT_OP_pointwise_loss);
    ck_assert_int_eq(graph->node[graph->loss_node].attrs.loss, MOT_LOSS_MSE);
    ck_assert_int_eq(graph->node[0].n_in, 1); /* floats without a scale come in as they are */
    mot_graph_free(graph);
}
END_TEST

static const mot_sample_spec words = {
    .input = {2, {MOT_BATCH, 8}}, .input_dtype = MOT_U8, .n_classes = 11, .tokens = true};

START_TEST(test_a_transformer_shares_its_table_and_has_pytorchs_names)
{
    mot_graph *graph =
        built("model:\n  layers:\n    - embedding: {vocabulary: 11, out: 6, std: 0.02}\n"
              "    - position: {length: 8}\n"
              "    - attention: {heads: 2, causal: true, std: 0.02, proj_std: 0.01}\n"
              "    - linear: {out: 11, bias: false, tied: embedding1}\n",
              &words);
    ck_assert_int_eq(graph->n_parameters, 6);
    ck_assert_float_eq(parameter(graph, "embedding1.weight")->init.scale, 0.02f);
    ck_assert_float_eq(parameter(graph, "position1.weight")->init.scale, 1);
    ck_assert_int_eq(parameter(graph, "position1.weight")->shape.dim[0], 8);
    ck_assert_int_eq(parameter(graph, "attn1.qkv.weight")->shape.dim[0], 18);
    ck_assert_float_eq(parameter(graph, "attn1.qkv.weight")->init.scale, 0.02f);
    ck_assert_int_eq(parameter(graph, "attn1.qkv.bias")->init.kind, MOT_INIT_ZERO);
    ck_assert_float_eq(parameter(graph, "attn1.proj.weight")->init.scale, 0.01f);
    ck_assert_int_eq(parameter(graph, "attn1.proj.bias")->shape.dim[0], 6);
    const mot_node *loss = &graph->node[graph->loss_node];
    ck_assert_int_eq(graph->tensor[loss->in[0]].shape.n_dims, 3);
    ck_assert_int_eq(graph->tensor[loss->in[1]].shape.n_dims, 2);
    /* The table's gradient is the sum of what the output layer and the embedding give. */
    const int gradient = parameter(graph, "embedding1.weight")->gradient;
    const mot_node *sum = &graph->node[graph->tensor[gradient].producer];
    ck_assert_int_eq(sum->op, MOT_OP_add);
    ck_assert_int_eq(graph->node[graph->tensor[sum->in[0]].producer].op, MOT_OP_linear_dweight);
    ck_assert_int_eq(graph->node[graph->tensor[sum->in[1]].producer].op, MOT_OP_embedding_dweight);
    for (int i = 0; i < graph->n_nodes; i++)
        if (graph->node[i].op == MOT_OP_attention)
            ck_assert(graph->node[i].attrs.causal && graph->node[i].attrs.heads == 2);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_recurrent_layers_have_pytorchs_names_and_start)
{
    mot_graph *graph =
        built("model:\n  layers:\n    - reshape: [28, 28]\n"
              "    - lstm: 5\n    - gru: {out: 4, bias: false, last: true}\n    - linear: 10\n",
              &digits);
    ck_assert_int_eq(graph->n_parameters, 8);
    ck_assert_int_eq(parameter(graph, "lstm1.weight_ih_l0")->shape.dim[0], 20);
    ck_assert_int_eq(parameter(graph, "lstm1.weight_ih_l0")->shape.dim[1], 28);
    ck_assert_int_eq(parameter(graph, "lstm1.weight_hh_l0")->shape.dim[1], 5);
    ck_assert_int_eq(parameter(graph, "lstm1.bias_ih_l0")->shape.dim[0], 20);
    ck_assert_float_eq(parameter(graph, "lstm1.bias_hh_l0")->init.scale, sqrtf(0.2f));
    ck_assert_float_eq(parameter(graph, "gru1.weight_ih_l0")->init.scale, 0.5f);
    ck_assert_int_eq(parameter(graph, "gru1.weight_hh_l0")->shape.dim[0], 12);
    const mot_node *loss = &graph->node[graph->loss_node];
    ck_assert_int_eq(graph->tensor[loss->in[0]].shape.n_dims, 2); /* of the last state only */
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_normalization_goes_into_ingest)
{
    const float scale[] = {1, 2, 3}, shift[] = {4, 5, 6};
    mot_sample_spec spec = {.input = {4, {MOT_BATCH, 3, 4, 4}},
                            .n_classes = 2,
                            .scale = scale,
                            .shift = shift,
                            .n_channels = 3,
                            .group = 16};
    mot_graph *graph = built("model: {layers: [flatten, {linear: 2}]}", &spec);
    ck_assert_int_eq(graph->node[0].attrs.group, 16);
    ck_assert_int_eq(graph->node[0].n_in, 3);
    ck_assert_float_eq(graph->tensor[graph->node[0].in[1]].constant[2], 3);
    ck_assert_float_eq(graph->tensor[graph->node[0].in[2]].constant[0], 4);
    mot_graph_free(graph);
    spec.group = 15;
    ck_assert_int_eq(build("model: {layers: [flatten, {linear: 2}]}", &spec, &graph),
                     MOT_ERR_SHAPE);
}
END_TEST

START_TEST(test_initializations_follow_their_formulas)
{
    static const struct {
        const char *name;
        mot_init_kind weight, bias;
        double weight_scale, bias_scale;
    } rows[] = {
        {"pytorch", MOT_INIT_UNIFORM, MOT_INIT_UNIFORM, 1 / 28.0, 1 / 28.0},
        {"he", MOT_INIT_NORMAL, MOT_INIT_ZERO, 0.0505076, 0},
        {"xavier", MOT_INIT_UNIFORM, MOT_INIT_ZERO, 0.0869291, 0},
        {"normal", MOT_INIT_NORMAL, MOT_INIT_ZERO, 0.01, 0},
        {"zeros", MOT_INIT_ZERO, MOT_INIT_ZERO, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "model: {init: %s, layers: [flatten, {linear: {out: 10, name: a}}]}",
                 rows[i].name);
        for (int own = 0; own < 2; own++) {
            mot_graph *graph = built(text, &digits);
            mot_init weight = parameter(graph, "a.weight")->init;
            mot_init bias = parameter(graph, "a.bias")->init;
            ck_assert_int_eq(weight.kind, rows[i].weight);
            ck_assert_int_eq(bias.kind, rows[i].bias);
            ck_assert_double_eq_tol((double)weight.scale, rows[i].weight_scale, 1e-6);
            ck_assert_double_eq_tol((double)bias.scale, rows[i].bias_scale, 1e-6);
            mot_graph_free(graph);
            snprintf(text, sizeof text,
                     "model: {layers: [flatten, {linear: {out: 10, name: a, init: %s}}]}",
                     rows[i].name);
        }
    }
}
END_TEST

/* {regression, text, message} */
static const struct {
    bool regression;
    const char *text, *message;
} misfits[] = {
    {false, "model:\n  layers:\n    - linear: 10\n",
     "m.yaml:3: layer fc1 takes (B,K) or (B,T,K), but gets (B,1,28,28) from the input; put "
     "`flatten` in "
     "between"},
    {false,
     "model:\n  layers:\n    - flatten\n    - linear: 64\n    - relu\n"
     "    - linear: {in: 128, out: 10}\n",
     "m.yaml:6: layer fc2 takes 128 inputs, but gets 64, (B,64), from relu1"},
    {false, "data:\n  set: mnist\nmodel:\n  layers:\n    - flatten\n    - linear: 12\n",
     "m.yaml:6: the last layer, fc1, gives 12 outputs, but mnist has 10 classes"},
    {true, "data:\n  set: csv\nmodel:\n  layers:\n    - linear: 2\n",
     "m.yaml:5: the last layer, fc1, gives 2 outputs, but csv has 1 targets"},
    {false, "model:\n  layers:\n    - relu\n",
     "m.yaml:3: the last layer, relu1, gives (B,1,28,28); end with `flatten` and `linear: 10`"},
    {false, "data:\n  set: mnist\nmodel:\n  loss: mse\n  layers: [flatten, {linear: 10}]\n",
     "m.yaml:4: model.loss is mse, but the targets of mnist are classes: use cross-entropy, "
     "or for two of them bce"},
    {true, "data: {set: csv}\nmodel: {loss: cross-entropy, layers: [{linear: 1}]}\n",
     "m.yaml:2: model.loss is cross-entropy, but the targets of csv are numbers: use mse, l1, "
     "huber or bce"},
    {false, "model:\n  layers:\n    - layer_norm: 4\n    - flatten\n    - linear: 10\n",
     "m.yaml:3: layer layer_norm1 normalizes the last 4 dimensions of a sample, but gets "
     "(B,1,28,28) from the input"},
    {false, "model:\n  layers:\n    - flatten\n    - linear: 10\n    - rms_norm: 2\n",
     "m.yaml:5: layer rms_norm1 normalizes the last 2 dimensions of a sample, but gets (B,10) from "
     "fc1"},
    {false,
     "model:\n  layers:\n    - flatten\n    - linear: 10\n    - group_norm: {groups: 3, name: g}\n",
     "m.yaml:5: layer g has 3 groups, which do not divide the channels of (B,10) from fc1"},
    {false, "data: {set: mnist}\n",
     "m.yaml: model.layers is not set; expected a list of layers, e.g. [flatten, {linear: 128}, "
     "relu, {linear: 10}]"},
    {false,
     "model:\n  layers:\n    - flatten\n    - linear: {out: 5, name: a}\n"
     "    - linear: {out: 10, name: a}\n",
     "m.yaml:5: layer a: another layer has this name"},
    {false,
     "model:\n  layers:\n    - flatten\n    - linear: {out: 5, name: fc2}\n"
     "    - linear: 10\n",
     "m.yaml:5: layer fc2: another layer has this name"},
    {false, "model:\n  layers:\n    - flatten\n    - linear: 5\n    - add: input\n",
     "m.yaml:5: layer add1 takes values of one shape, but gets (B,5) and (B,1,28,28)"},
    {false, "model:\n  layers:\n    - concat: {from: input, dim: 4}\n",
     "m.yaml:3: layer concat1 takes values that differ in dimension 4 only, but gets (B,1,28,28) "
     "and "
     "(B,1,28,28)"},
    {false, "model:\n  layers:\n    - {flatten: {as: a}}\n    - concat: [a, input]\n",
     "m.yaml:4: layer concat1 takes values that differ in dimension 1 only, but gets (B,784) and "
     "(B,1,28,28)"},
    {false, "model:\n  layers:\n    - slice: {dim: 2, start: 20, end: 29}\n",
     "m.yaml:3: layer slice1 takes elements 20 to 29 of dimension 2, but gets (B,1,28,28) from the "
     "input"},
    {false, "model:\n  layers:\n    - relu\n    - slice: {dim: 4}\n",
     "m.yaml:4: layer slice1: there is no dimension 4 in (B,1,28,28), from relu1"},
    {false, "model:\n  layers:\n    - pad: {dim: [1, 4], after: 1}\n",
     "m.yaml:3: layer pad1: there is no dimension 4 in (B,1,28,28), from the input"},
    {false, "model:\n  layers:\n    - permute: [1, 2, 2]\n",
     "m.yaml:3: layer permute1: expected each of the dimensions 1 to 3 once, for it gets "
     "(B,1,28,28) "
     "from the input"},
    {false, "model:\n  layers:\n    - permute: [2, 1]\n",
     "m.yaml:3: layer permute1: expected each of the dimensions 1 to 3 once, for it gets "
     "(B,1,28,28) "
     "from the input"},
    {false, "model:\n  layers:\n    - mean: [2, 2]\n",
     "m.yaml:3: layer mean1: expected some of the dimensions 1 to 3, for it gets (B,1,28,28) from "
     "the input"},
    {false, "model:\n  layers:\n    - sum: 4\n",
     "m.yaml:3: layer sum1: expected some of the dimensions 1 to 3, for it gets (B,1,28,28) from "
     "the "
     "input"},
    {false, "model:\n  layers:\n    - reshape: [5, -1]\n",
     "m.yaml:3: layer reshape1 does not fit the 784 numbers of a sample, (B,1,28,28), from the "
     "input"},
    {false, "model:\n  layers:\n    - reshape: [1099511627776, 1099511627776]\n",
     "m.yaml:3: layer reshape1 does not fit the 784 numbers of a sample, (B,1,28,28), from the "
     "input"},
    {false, "model:\n  layers:\n    - reshape: [-1, -1]\n",
     "m.yaml:3: layer reshape1: expected sizes from 1 on; one may be -1, the rest"},
    {false, "model:\n  layers:\n    - reshape: [1, 1, 1, 1, 784]\n",
     "m.yaml:3: layer reshape1: a sample has 1 to 4 dimensions, not 5"},
    {false, "model:\n  layers:\n    - pad: {dim: [1, 2, 3], after: 16777216}\n    - flatten\n",
     "m.yaml:3: layer pad1: pad1: the shape (B,16777217,16777244,16777244) is empty or too large"},
    {false,
     "model:\n  define:\n    two:\n      parameters: {out: 3}\n      layers:\n"
     "        - linear: $out\n        - linear: {in: 4, out: 2}\n  layers:\n    - flatten\n"
     "    - two\n    - two: 4\n",
     "m.yaml:7 (in two of line 10): layer two1.fc2 takes 4 inputs, but gets 3, (B,3), from "
     "two1.fc1"},
    {false,
     "model:\n  define:\n    end:\n      layers: [flatten, linear: 9]\n  layers:\n    - end\n",
     "m.yaml:4 (in end of line 6): the last layer, end1.fc1, gives 9 outputs, but drawn-digits has "
     "10 "
     "classes"},
    {false, "model:\n  layers:\n    - flatten\n    - conv2d: {out: 8, kernel: 3}\n",
     "m.yaml:4: layer conv1 takes images (B,C,H,W), but gets (B,784) from flatten1"},
    {false, "model:\n  layers:\n    - max_pool2d: 9\n    - conv2d: {out: 8, kernel: [3, 4]}\n",
     "m.yaml:4: layer conv1: the images (B,1,3,3) from max_pool1 are too small: its window is 3x4, "
     "and with padding they are 3x3"},
    {false, "model:\n  layers:\n    - conv2d: 8\n",
     "m.yaml:3: layer conv1 needs a kernel: conv2d: {out: 32, kernel: 3}"},
    {false, "model:\n  layers:\n    - conv2d: {out: 8, kernel: 3, groups: 2}\n",
     "m.yaml:3: layer conv1: 2 groups do not divide both its 8 channels and those of (B,1,28,28) "
     "from the input"},
    {false, "model:\n  layers:\n    - conv2d: {out: 8, kernel: 4, padding: same}\n",
     "m.yaml:3: layer conv1: padding `same` goes with odd kernels and stride 1; here kernel 4, "
     "stride 1"},
    {false, "model:\n  layers:\n    - avg_pool2d: {kernel: 3, padding: 2}\n",
     "m.yaml:3: layer avg_pool1: padding 2 is more than half the kernel, 3"},
};

START_TEST(test_what_does_not_fit_is_named)
{
    mot_graph *graph;
    mot_status status = build(misfits[_i].text, misfits[_i].regression ? &table : &digits, &graph);
    ck_assert(status == MOT_ERR_SHAPE || status == MOT_ERR_ARGUMENT);
    ck_assert_str_eq(mot_error_message(), misfits[_i].message);
}
END_TEST

/* {layers, shape of the output of the last but one} on samples of (3,8,6) */
static const struct {
    const char *layers;
    mot_shape shape;
} shapes[] = {
    {"slice: {dim: 2, start: 1, end: 6, step: 2}", {4, {MOT_BATCH, 3, 3, 6}}},
    {"slice: {dim: [2, 3], step: 2}", {4, {MOT_BATCH, 3, 4, 3}}},
    {"slice: {dim: 1, start: 2}", {4, {MOT_BATCH, 1, 8, 6}}},
    {"pad: {dim: [1, 3], before: 2, after: 1}", {4, {MOT_BATCH, 6, 8, 9}}},
    {"permute: [3, 1, 2]", {4, {MOT_BATCH, 6, 3, 8}}},
    {"mean: [2, 3]", {2, {MOT_BATCH, 3}}},
    {"mean: [3, 1]", {2, {MOT_BATCH, 8}}},
    {"sum: 2", {3, {MOT_BATCH, 3, 6}}},
    {"reshape: [-1, 4]", {3, {MOT_BATCH, 36, 4}}},
    {"reshape: 144", {2, {MOT_BATCH, 144}}},
    {"concat: input", {4, {MOT_BATCH, 6, 8, 6}}},
    {"concat: {from: [input, input, input, input, input, input, input, input, input, input], "
     "dim: 3}",
     {4, {MOT_BATCH, 3, 8, 60}}},
    {"add: [input, input, input]", {4, {MOT_BATCH, 3, 8, 6}}},
};

START_TEST(test_layers_have_their_shapes)
{
    mot_sample_spec spec = {
        .input = {4, {MOT_BATCH, 3, 8, 6}}, .input_dtype = MOT_U8, .n_classes = 10};
    mot_config *config;
    mot_model *model;
    char text[512], a[MOT_SHAPE_TEXT], b[MOT_SHAPE_TEXT];
    snprintf(text, sizeof text, "model: {layers: [{%s}, flatten, {linear: 10}]}",
             shapes[_i].layers);
    OK(mot_config_parse(text, "m.yaml", &config));
    OK(mot_model_open(config, &spec, MOT_CHECKPOINTS_WRITTEN, &model));
    ck_assert_int_eq(model->n_layers, 3);
    ck_assert_str_eq(mot_shape_print(&model->layer[0].shape, a),
                     mot_shape_print(&shapes[_i].shape, b));
    const int64_t n = mot_shape_elements(&shapes[_i].shape, 1);
    ck_assert_int_eq(model->layer[2].parameters, 10 * n + 10);
    ck_assert_double_eq(model->layer[2].multiply_adds, 10.0 * (double)n);
    ck_assert_double_eq(model->layer[0].multiply_adds, 0);
    ck_assert_int_eq(model->layer[0].from[0], -1);
    ck_assert_int_eq(model->layer[1].from[0], 0);
    mot_model_free(model);
    mot_config_free(config);
}
END_TEST

static const struct {
    const mot_sample_spec *spec;
    const char *layers, *message;
} sequence_misfits[] = {
    {&digits, "embedding: {vocabulary: 5, out: 4}",
     "m.yaml:3: layer embedding1 takes ids, whole numbers (B,T), but gets (B,1,28,28) of other "
     "numbers from the input"},
    {&words, "embedding: 5", "m.yaml:3: layer embedding1 needs `out`, the length of a row"},
    {&digits, "position",
     "m.yaml:3: layer position1 takes sequences (B,T,C), but gets (B,1,28,28) "
     "from the input"},
    {&words, "embedding: {vocabulary: 5, out: 4}\n    - position: {length: 9}",
     "m.yaml:4: layer position1 is for 9 positions, but gets 8, (B,8,4), from embedding1"},
    {&words, "attention: 2",
     "m.yaml:3: layer attn1 takes sequences (B,T,C), but gets (B,8) from the input"},
    {&words, "lstm: 4", "m.yaml:3: layer lstm1 takes sequences (B,T,C), but gets (B,8) from the input"},
    {&words, "embedding: {vocabulary: 5, out: 4}\n    - attention: 3",
     "m.yaml:4: layer attn1 has 3 heads, which do not divide the 4 numbers of a position of "
     "(B,8,4) "
     "from embedding1"},
    {&words, "embedding: {vocabulary: 5, out: 4}\n    - linear: {out: 11, tied: embedding1}",
     "m.yaml:4: layer fc1 needs a weight (11,4), but embedding1.weight is (5,4)"},
    {&words, "embedding: {vocabulary: 5, out: 4}\n    - linear: {out: 11, tied: table}",
     "m.yaml:4: layer fc1 is tied to table, but no layer before it has this name and a weight"},
    {&words, "embedding: {vocabulary: 11, out: 4}",
     "m.yaml:3: the last layer, embedding1, gives 4 outputs, but drawn-digits has 11 classes"},
};

START_TEST(test_what_does_not_fit_a_sequence_is_named)
{
    mot_graph *graph;
    char text[256];
    snprintf(text, sizeof text, "model:\n  layers:\n    - %s\n", sequence_misfits[_i].layers);
    mot_status status = build(text, sequence_misfits[_i].spec, &graph);
    ck_assert(status == MOT_ERR_SHAPE || status == MOT_ERR_ARGUMENT);
    ck_assert_str_eq(mot_error_message(), sequence_misfits[_i].message);
}
END_TEST

START_TEST(test_model_without_parameters_is_refused)
{
    mot_sample_spec spec = digits;
    mot_graph *graph;
    spec.n_classes = 784;
    ck_assert_int_eq(build("model: {layers: [flatten]}", &spec, &graph), MOT_ERR_ARGUMENT);
    ck_assert_str_eq(mot_error_message(),
                     "m.yaml:1: no layer has parameters to train, e.g. linear");
}
END_TEST

START_TEST(test_layers_too_large_for_any_memory_are_refused)
{
    mot_sample_spec spec = {.input = {2, {MOT_BATCH, (int64_t)1 << 40}}, .n_classes = 16777216};
    mot_graph *graph;
    ck_assert_int_eq(build("model: {layers: [{linear: 16777216}]}", &spec, &graph), MOT_ERR_SHAPE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model");
    TCase *tests = tcase_create("model");
    tcase_add_test(tests, test_mlp_is_eight_nodes);
    tcase_add_test(tests, test_images_go_through_windows);
    tcase_add_test(tests, test_names_bias_and_optimizer_are_as_the_text_says);
    tcase_add_test(tests, test_a_transformer_shares_its_table_and_has_pytorchs_names);
    tcase_add_loop_test(tests, test_what_does_not_fit_a_sequence_is_named, 0,
                        (int)(sizeof sequence_misfits / sizeof *sequence_misfits));
    tcase_add_test(tests, test_recurrent_layers_have_pytorchs_names_and_start);
    tcase_add_test(tests, test_normalization_goes_into_ingest);
    tcase_add_test(tests, test_initializations_follow_their_formulas);
    tcase_add_loop_test(tests, test_what_does_not_fit_is_named, 0,
                        (int)(sizeof misfits / sizeof *misfits));
    tcase_add_loop_test(tests, test_layers_have_their_shapes, 0,
                        (int)(sizeof shapes / sizeof *shapes));
    tcase_add_test(tests, test_model_without_parameters_is_refused);
    tcase_add_test(tests, test_layers_too_large_for_any_memory_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
