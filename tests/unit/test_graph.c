/* Building and differentiating graphs: structure as text, shapes, errors, costs. */
#include "config.h"

#include "tests/unit/graph_build.h"

#include <string.h>

static int find_tensor(const mot_graph *graph, const char *name)
{
    for (int t = 0; t < graph->n_tensors; t++)
        if (strcmp(graph->tensor[t].name, name) == 0)
            return t;
    ck_abort_msg("no tensor %s", name);
    return -1;
}

START_TEST(test_mlp_is_eight_nodes)
{
    mot_graph *graph = new_mlp(false);
    seal_sgd(graph, 0);
    check_sealed(graph);
    check_print(
        graph,
        "forward   input     ingest(784)       raw (B,1,28,28) u8, scale (1), shift (1)"
        " -> input (B,1,28,28)\n"
        "forward   fc1       linear(relu)      flatten (B,784), fc1.weight (128,784), fc1.bias "
        "(128)"
        " -> relu1 (B,128)\n"
        "forward   fc2       linear            relu1 (B,128), fc2.weight (10,128), fc2.bias (10)"
        " -> fc2 (B,10)\n"
        "forward   loss      softmax_xent      fc2 (B,10), label (B) i32"
        " -> d_fc2 (B,10), loss.sums (4)\n"
        "backward  fc2       linear_dweight    d_fc2 (B,10), relu1 (B,128)"
        " -> d_fc2.weight (10,128), d_fc2.bias (10)\n"
        "backward  fc2       linear_dinput     d_fc2 (B,10), fc2.weight (10,128), relu1 (B,128)"
        " -> d_fc1 (B,128)\n"
        "backward  fc1       linear_dweight    d_fc1 (B,128), flatten (B,784)"
        " -> d_fc1.weight (128,784), d_fc1.bias (128)\n"
        "update    update    sgd               gradients (101776), loss.sums (4), ranges (4)"
        " -> parameters (101776)\n");
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_dropout_is_its_own_gradient)
{
    mot_graph *graph = new_mlp(true);
    mot_attrs adam = {.beta1 = 0.9f, .beta2 = 0.999f};
    OK(mot_graph_seal(graph, MOT_OP_adam, &adam));
    check_sealed(graph);
    ck_assert_int_eq(graph->n_states, 2);
    check_print(
        graph,
        "forward   input     ingest(784)       raw (B,1,28,28) u8, scale (1), shift (1)"
        " -> input (B,1,28,28)\n"
        "forward   fc1       linear(relu)      flatten (B,784), fc1.weight (128,784), fc1.bias "
        "(128)"
        " -> relu1 (B,128)\n"
        "forward   dropout1  dropout(0.5,#1)   relu1 (B,128) -> dropout1 (B,128)\n"
        "forward   fc2       linear            dropout1 (B,128), fc2.weight (10,128), fc2.bias (10)"
        " -> fc2 (B,10)\n"
        "forward   loss      softmax_xent      fc2 (B,10), label (B) i32"
        " -> d_fc2 (B,10), loss.sums (4)\n"
        "backward  fc2       linear_dweight    d_fc2 (B,10), dropout1 (B,128)"
        " -> d_fc2.weight (10,128), d_fc2.bias (10)\n"
        "backward  fc2       linear_dinput     d_fc2 (B,10), fc2.weight (10,128)"
        " -> d_dropout1 (B,128)\n"
        "backward  dropout1  dropout(0.5,#1)   d_dropout1 (B,128) -> d_relu1 (B,128)\n"
        "backward  relu1     relu_grad         d_relu1 (B,128), relu1 (B,128) -> d_fc1 (B,128)\n"
        "backward  fc1       linear_dweight    d_fc1 (B,128), flatten (B,784)"
        " -> d_fc1.weight (128,784), d_fc1.bias (128)\n"
        "update    update    adam              gradients (101776), loss.sums (4), ranges (4)"
        " -> parameters (101776), state1 (101776), state2 (101776)\n");
    for (int i = 0; i < graph->n_nodes; i++)
        ck_assert_int_eq(mot_node_runs(graph, i, true), i == 0 || i == 1 || i == 3 || i == 4);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_gradients_of_two_uses_are_added)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 6}}, &x);
    int h = add_linear(graph, "a", x, 6, true);
    int y = add_linear(graph, "b", h, 6, false);
    add_xent(graph, add_add(graph, "sum", h, y));
    seal_sgd(graph, 0);
    check_sealed(graph);
    check_print(graph,
                "forward   input     ingest(6)         raw (B,6) u8, scale (1), shift (1)"
                " -> input (B,6)\n"
                "forward   a         linear            input (B,6), a.weight (6,6), a.bias (6)"
                " -> a (B,6)\n"
                "forward   b         linear            a (B,6), b.weight (6,6) -> b (B,6)\n"
                "forward   sum       add               a (B,6), b (B,6) -> sum (B,6)\n"
                "forward   loss      softmax_xent      sum (B,6), label (B) i32"
                " -> d_sum (B,6), loss.sums (4)\n"
                "backward  b         linear_dweight    d_sum (B,6), a (B,6) -> d_b.weight (6,6)\n"
                "backward  b         linear_dinput     d_sum (B,6), b.weight (6,6) -> d_a (B,6)\n"
                "backward  a         add               d_sum (B,6), d_a (B,6) -> d_a (B,6)\n"
                "backward  a         linear_dweight    d_a (B,6), input (B,6)"
                " -> d_a.weight (6,6), d_a.bias (6)\n"
                "update    update    sgd               gradients (112), loss.sums (4), ranges (4)"
                " -> parameters (112)\n");
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_shared_weight_has_one_gradient)
{
    int x, w, y;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 5}}, &x);
    w = add_parameter(graph, "tied", "weight", (mot_shape){2, {5, 5}});
    OK(mot_graph_append(graph, MOT_OP_linear, "a", NULL, (int[]){x, w}, 2, &y));
    OK(mot_graph_append(graph, MOT_OP_linear, "b", NULL, (int[]){y, w}, 2, &y));
    add_xent(graph, y);
    seal_sgd(graph, 0);
    check_sealed(graph);
    ck_assert_int_eq(count_ops(graph, MOT_OP_add), 1);
    const mot_tensor *gradient = &graph->tensor[graph->tensor[graph->parameter[0]].gradient];
    ck_assert_int_eq(graph->node[gradient->producer].op, MOT_OP_add);
    ck_assert_int_eq(graph->n_flat, 32);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_views_have_no_nodes)
{
    mot_graph *graph = new_mlp(false);
    int x = find_tensor(graph, "flatten"), view;
    mot_shape back = {3, {MOT_BATCH, 28, 28}}, wrong = {2, {MOT_BATCH, 783}}, flat = {1, {784}};
    OK(mot_graph_reshape(graph, x, "back", &back, &view));
    ck_assert_str_eq(graph->tensor[graph->tensor[view].view_of].name, "input");
    ck_assert_int_eq(graph->tensor[view].producer, 0);
    ck_assert_int_eq(mot_graph_reshape(graph, x, "wrong", &wrong, &view), MOT_ERR_SHAPE);
    ck_assert_str_eq(mot_error_message(), "reshape wrong: flatten (B,784) cannot become (B,783)");
    ck_assert_int_eq(mot_graph_reshape(graph, x, "flat", &flat, &view), MOT_ERR_SHAPE);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_no_gradient_for_what_no_parameter_leads_to)
{
    mot_graph *graph = new_mlp(false);
    seal_sgd(graph, 0);
    ck_assert_int_eq(count_ops(graph, MOT_OP_linear_dinput), 1);
    for (int t = 0; t < graph->n_tensors; t++) {
        ck_assert_str_ne(graph->tensor[t].name, "d_input");
        ck_assert_str_ne(graph->tensor[t].name, "d_flatten");
    }
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_gradients_are_complete_from_the_last_layer_on)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 8}}, &x);
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "fc%d", i + 1);
        x = add_linear(graph, name, x, 8, true);
    }
    add_xent(graph, x);
    seal_sgd(graph, 0.9f);
    check_sealed(graph);
    ck_assert_int_eq(graph->n_states, 1);
    for (int i = 1; i < graph->n_parameters; i++) {
        const mot_tensor *before = &graph->tensor[graph->parameter[i - 1]];
        const mot_tensor *after = &graph->tensor[graph->parameter[i]];
        bool same_layer = strncmp(before->name, after->name, 3) == 0;
        ck_assert(same_layer ? before->flat < after->flat : before->flat > after->flat);
    }
    /* dweight runs before dinput of the same layer. */
    for (int i = 0; i + 1 < graph->n_nodes; i++)
        if (graph->node[i].op == MOT_OP_linear_dinput)
            ck_assert_int_eq(graph->node[i - 1].op, MOT_OP_linear_dweight);
    mot_graph_free(graph);
}
END_TEST

/* Eight residual blocks of norm, linear, gelu, linear, in the storage asked for. */
static mot_graph *new_residual(const mot_attrs *attrs)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 32}}, &x);
    x = add_linear(graph, "in", x, 32, true);
    for (int i = 0; i < 8; i++) {
        char name[4][16];
        for (int k = 0; k < 4; k++)
            snprintf(name[k], sizeof name[k], "%c%d", "nlgm"[k], i);
        int h = add_norm(graph, MOT_NORM_LAYER, name[0], x, 32, 32, true);
        h = add_activation(graph, MOT_ACT_GELU, name[2], add_linear(graph, name[1], h, 32, true));
        snprintf(name[0], sizeof name[0], "x%d", i);
        x = add_add(graph, name[0], x, add_linear(graph, name[3], h, 32, true));
    }
    add_xent(graph, add_linear(graph, "out", x, 10, true));
    OK(mot_graph_seal(graph, MOT_OP_sgd, attrs));
    check_sealed(graph);
    return graph;
}

static size_t activation_bytes(const mot_graph *graph, bool inference)
{
    mot_memory_plan plan;
    OK(mot_graph_plan_memory(graph, 64, inference, &plan));
    size_t size_bytes = plan.size_bytes[MOT_ARENA_ACTIVATION];
    mot_memory_plan_free(&plan);
    return size_bytes;
}

/* Of forward, backward reads 16 bits and statistics; the gradient that waits for a block is stored. */
START_TEST(test_what_backward_reads_is_stored_in_16_bits)
{
    mot_graph *floats = new_residual(&(mot_attrs){0});
    mot_graph *graph = new_residual(&(mot_attrs){.storage = MOT_BF16});
    int n_waiting = 0;
    for (int i = 0; i < graph->n_nodes; i++) {
        const mot_node *node = &graph->node[i];
        n_waiting += node->op == MOT_OP_narrow && node->phase == MOT_PHASE_BACKWARD;
        for (int k = 0; k < node->n_in; k++) {
            const mot_tensor *t = node->in[k] < 0 ? NULL : &graph->tensor[node->in[k]];
            if (!t || t->producer < 0 || t->kind != MOT_TENSOR_ACTIVATION)
                continue;
            const mot_phase made = graph->node[t->producer].phase;
            if (node->phase == MOT_PHASE_FORWARD)
                ck_assert_int_eq(t->dtype, MOT_F32);
            else if (made == MOT_PHASE_FORWARD && t->producer != graph->loss_node)
                ck_assert(t->dtype == MOT_BF16 || t->shape.dim[1] == 1);
        }
    }
    ck_assert_int_eq(n_waiting, 8);
    ck_assert_uint_lt(activation_bytes(graph, false), 6 * activation_bytes(floats, false) / 10);
    ck_assert_uint_eq(activation_bytes(graph, true), activation_bytes(floats, true));
    ck_assert_int_lt(graph->scalars, 0);
    mot_graph_free(floats);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_fp16_scales_the_loss)
{
    mot_graph *graph = new_residual(&(mot_attrs){
        .storage = MOT_F16, .loss_scale = 1024, .loss_scale_every = 10, .clip_norm = 1});
    const mot_node *loss = &graph->node[graph->loss_node], *last = &graph->node[graph->n_nodes - 1];
    ck_assert_int_eq(loss[1].op, MOT_OP_scale_gradient);
    ck_assert_int_eq(loss[1].in[0], loss->out[0]);
    ck_assert_int_eq(last[-2].op, MOT_OP_unscale);
    ck_assert_int_eq(last[-1].op, MOT_OP_clip_norm);
    ck_assert_int_eq(last[-1].in[1], last[-2].out[0]);
    ck_assert_int_eq(last[-2].out[3], graph->scalars);
    ck_assert(graph->tensor[graph->loss_scale].training_only);
    ck_assert(graph->tensor[graph->loss_scale].init.scale == 1024);
    ck_assert(!mot_node_runs(graph, graph->loss_node + 1, true));
    mot_graph_free(graph);
}
END_TEST

/* ---- errors ---- */

START_TEST(test_shape_errors_name_both_layers)
{
    int x, w, y;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 12}}, &x);
    y = add_linear(graph, "first", x, 7, true);
    w = add_parameter(graph, "second", "weight", (mot_shape){2, {3, 8}});
    ck_assert_int_eq(mot_graph_append(graph, MOT_OP_linear, "second", NULL, (int[]){y, w}, 2, &y),
                     MOT_ERR_SHAPE);
    ck_assert_str_eq(mot_error_message(),
                     "linear second: needs a weight (N,K) with the K of its input; got first (B,7) "
                     "from layer first, second.weight (3,8)");
    ck_assert_int_eq(mot_graph_append(graph, MOT_OP_add, "sum", NULL, (int[]){x, y}, 2, &y),
                     MOT_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "from layer input"));
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "from layer first"));
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_wrong_graphs_are_refused)
{
    int x, y;
    mot_attrs attrs = {.p = 1.0f};
    mot_graph *graph = new_graph((mot_shape){4, {MOT_BATCH, 1, 2, 2}}, &x);
    mot_shape w = {2, {3, 4}}, empty = {2, {3, 0}}, huge = {3, {1 << 30, 1 << 30, 1 << 30}};
    int p = add_parameter(graph, "a", "weight", w);
    ck_assert_int_eq(mot_graph_append(graph, MOT_OP_linear, "a", NULL, (int[]){x, p}, 2, &y),
                     MOT_ERR_SHAPE);
    ck_assert_int_eq(mot_graph_append(graph, MOT_OP_dropout, "d", &attrs, &x, 1, &y),
                     MOT_ERR_ARGUMENT);
    ck_assert_int_eq(mot_graph_append(graph, MOT_OP_add, "s", NULL, &x, 1, &y), MOT_ERR_ARGUMENT);
    ck_assert_int_eq(mot_graph_append(graph, MOT_OP_sgd, "s", NULL, (int[]){p, p}, 2, &y),
                     MOT_ERR_ARGUMENT);
    ck_assert_int_eq(mot_graph_parameter(graph, "a.weight", &w, (mot_init){0}, &y),
                     MOT_ERR_ARGUMENT);
    ck_assert_int_eq(mot_graph_parameter(graph, "b", &empty, (mot_init){0}, &y), MOT_ERR_SHAPE);
    ck_assert_int_eq(mot_graph_parameter(graph, "c", &huge, (mot_init){0}, &y), MOT_ERR_SHAPE);
    ck_assert_int_eq(mot_graph_seal(graph, MOT_OP_sgd, NULL), MOT_ERR_ARGUMENT);
    ck_assert_str_eq(mot_error_message(), "the graph has no loss");
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_seal_refuses_what_cannot_be_trained)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 4}}, &x);
    add_xent(graph, x);
    ck_assert_int_eq(mot_graph_seal(graph, MOT_OP_sgd, NULL), MOT_ERR_ARGUMENT);
    mot_graph_free(graph);

    graph = new_graph((mot_shape){2, {MOT_BATCH, 4}}, &x);
    add_linear(graph, "unused", x, 4, true);
    add_xent(graph, add_linear(graph, "used", x, 4, true));
    ck_assert_int_eq(mot_graph_seal(graph, MOT_OP_sgd, NULL), MOT_ERR_ARGUMENT);
    ck_assert_str_eq(mot_error_message(), "the loss does not depend on parameter unused.weight");
    mot_graph_free(graph);

    graph = new_graph((mot_shape){2, {MOT_BATCH, 4}}, &x);
    x = add_unary(graph, MOT_OP_softmax, "softmax", add_linear(graph, "a", x, 4, true));
    add_xent(graph, x);
    ck_assert_int_eq(mot_graph_seal(graph, MOT_OP_sgd, NULL), MOT_ERR_UNSUPPORTED);
    mot_graph_free(graph);

    graph = new_mlp(false);
    ck_assert_int_eq(mot_graph_seal(graph, MOT_OP_linear, NULL), MOT_ERR_ARGUMENT);
    seal_sgd(graph, 0);
    ck_assert_int_eq(mot_graph_seal(graph, MOT_OP_sgd, NULL), MOT_ERR_ARGUMENT);
    mot_graph_free(graph);
    mot_graph_free(NULL);
}
END_TEST

/* ---- cost ---- */

START_TEST(test_costs_are_those_of_the_formulas)
{
    mot_graph *graph = new_mlp(false);
    seal_sgd(graph, 0);
    double b = 64, product = 2 * b * 784 * 128, last = 2 * b * 128 * 10;
    ck_assert_double_eq(mot_node_cost(graph, 1, 64).flops, product);
    ck_assert_double_eq(mot_node_cost(graph, 1, 64).bytes,
                        4 * (b * 784 + 128 * 784 + 128 + b * 128));
    ck_assert_double_eq(mot_node_cost(graph, 5, 64).flops, last);
    ck_assert_double_eq(mot_node_cost(graph, 6, 64).flops, product + b * 128);
    mot_cost step = mot_graph_cost(graph, 64), update = mot_graph_cost(graph, 0);
    ck_assert_double_ge(step.flops, 2 * product + 3 * last);
    ck_assert_double_le(step.flops, 1.02 * (2 * product + 3 * last));
    /* Gradient read, parameter read and written, and the sums. */
    ck_assert_double_eq(update.bytes, 4 * (3.0 * (double)graph->n_flat + 8));
    ck_assert_double_eq(mot_graph_cost(graph, 128).flops, 2 * step.flops);
    mot_graph_free(graph);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("graph");
    TCase *tests = tcase_create("graph");
    tcase_add_test(tests, test_mlp_is_eight_nodes);
    tcase_add_test(tests, test_dropout_is_its_own_gradient);
    tcase_add_test(tests, test_gradients_of_two_uses_are_added);
    tcase_add_test(tests, test_shared_weight_has_one_gradient);
    tcase_add_test(tests, test_views_have_no_nodes);
    tcase_add_test(tests, test_no_gradient_for_what_no_parameter_leads_to);
    tcase_add_test(tests, test_gradients_are_complete_from_the_last_layer_on);
    tcase_add_test(tests, test_what_backward_reads_is_stored_in_16_bits);
    tcase_add_test(tests, test_fp16_scales_the_loss);
    tcase_add_test(tests, test_shape_errors_name_both_layers);
    tcase_add_test(tests, test_wrong_graphs_are_refused);
    tcase_add_test(tests, test_seal_refuses_what_cannot_be_trained);
    tcase_add_test(tests, test_costs_are_those_of_the_formulas);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
