/* Fusing graphs: what is joined with what, and what is left alone. */
#include "config.h"

#include "tests/unit/graph_build.h"

START_TEST(test_batch_norm_meets_twice_and_keeps_what_runs)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){3, {MOT_BATCH, 4, 5}}, &x);
    x = add_linear(graph, "fc1", add_flatten(graph, "flatten", x), 3, false);
    x = add_unary(graph, MOT_OP_relu, "relu1", add_batch_norm(graph, "bn", x, true));
    add_xent(graph, add_linear(graph, "fc2", x, 2, false));
    seal_sgd(graph, 0);
    check_sealed(graph);
    check_print(
        graph,
        "forward   input     ingest(20)        raw (B,4,5) u8, scale (1), shift (1)"
        " -> input (B,4,5)\n"
        "forward   fc1       linear            flatten (B,20), fc1.weight (3,20) -> fc1 (B,3)\n"
        "forward   bn        batch_norm_sums   fc1 (B,3), bn.running1 (3) -> bn.sums (7)\n"
        "forward   bn        batch_norm(relu)  fc1 (B,3), bn.running1 (3), bn.running2 (3), "
        "bn.sums (7), "
        "bn.weight (3), bn.bias (3) -> relu1 (B,3)\n"
        "forward   fc2       linear            relu1 (B,3), fc2.weight (2,3) -> fc2 (B,2)\n"
        "forward   loss      softmax_xent      fc2 (B,2), label (B) i32"
        " -> d_fc2 (B,2), loss.sums (4)\n"
        "backward  fc2       linear_dweight    d_fc2 (B,2), relu1 (B,3) -> d_fc2.weight (2,3)\n"
        "backward  fc2       linear_dinput     d_fc2 (B,2), fc2.weight (2,3) -> d_relu1 (B,3)\n"
        "backward  bn        batch_norm_grad_sums(relu)  d_relu1 (B,3), fc1 (B,3), bn.sums (7), "
        "bn.running1 (3), bn.weight (3), bn.bias (3) -> d_bn.sums (6), d_bn.weight (3), d_bn.bias "
        "(3)\n"
        "backward  bn        batch_norm_grad(relu)  d_relu1 (B,3), fc1 (B,3), bn.sums (7), "
        "bn.running1 (3), d_bn.sums (6), bn.weight (3), bn.bias (3) -> d_fc1 (B,3)\n"
        "backward  fc1       linear_dweight    d_fc1 (B,3), flatten (B,20) -> d_fc1.weight (3,20)\n"
        "update    update    sgd               gradients (112), loss.sums (4), ranges (4)"
        " -> parameters (112)\n"
        "update    bn        batch_norm_update  bn.sums (7) -> bn.running1 (3), bn.running2 (3)\n");
    ck_assert_int_eq(graph->n_flat_buffers, 32);
    ck_assert_int_eq(graph->n_exchanged, 32);
    mot_memory_plan training, evaluating;
    OK(mot_graph_plan_memory(graph, 4, false, &training));
    OK(mot_graph_plan_memory(graph, 4, true, &evaluating));
    /* What is exchanged lies before the gradients, buffers behind the parameters; neither is
     * exchanged nor has a place when evaluating. */
    const int first = graph->tensor[graph->parameter[0]].gradient, sums = graph->node[2].out[0];
    ck_assert_int_eq(graph->tensor[sums].kind, MOT_TENSOR_EXCHANGED);
    ck_assert_int_eq(training.place[sums].arena, MOT_ARENA_GRADIENT);
    ck_assert_uint_eq(training.place[sums].offset_bytes, 0);
    ck_assert_uint_ge(training.place[first].offset_bytes, 32 * 4);
    ck_assert_int_eq(evaluating.place[sums].arena, MOT_ARENA_NONE);
    ck_assert_int_eq(evaluating.place[graph->buffer[0]].arena, MOT_ARENA_PARAMETER);
    ck_assert_uint_eq(evaluating.place[graph->buffer[0]].offset_bytes, 112 * 4);
    ck_assert(!mot_node_runs(graph, 2, true));
    mot_memory_plan_free(&training);
    mot_memory_plan_free(&evaluating);
    mot_graph_free(graph);
}
END_TEST

/* What is added is made between the norm and the sum, so that the norm goes to the sum's place. */
START_TEST(test_batch_norm_takes_a_sum_and_its_relu_along)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 4}}, &x);
    const int h = add_linear(graph, "a", x, 4, false);
    const int deep = add_batch_norm(graph, "bn", h, false);
    const int other = add_linear(graph, "b", h, 4, false);
    x = add_unary(graph, MOT_OP_relu, "relu", add_add(graph, "sum", other, deep));
    add_xent(graph, x);
    seal_sgd(graph, 0);
    check_sealed(graph);
    check_print(
        graph,
        "forward   input     ingest(4)         raw (B,4) u8, scale (1), shift (1)"
        " -> input (B,4)\n"
        "forward   a         linear            input (B,4), a.weight (4,4) -> a (B,4)\n"
        "forward   bn        batch_norm_sums   a (B,4), bn.running1 (4) -> bn.sums (9)\n"
        "forward   b         linear            a (B,4), b.weight (4,4) -> b (B,4)\n"
        "forward   bn        batch_norm(relu)  a (B,4), bn.running1 (4), bn.running2 (4), "
        "bn.sums (9), -, -, b (B,4) -> relu (B,4)\n"
        "forward   loss      softmax_xent      relu (B,4), label (B) i32"
        " -> d_relu (B,4), loss.sums (4)\n"
        "backward  bn        relu_grad         d_relu (B,4), relu (B,4) -> d_b (B,4)\n"
        "backward  bn        batch_norm_grad_sums  d_b (B,4), a (B,4), bn.sums (9), "
        "bn.running1 (4) -> d_bn.sums (8)\n"
        "backward  bn        batch_norm_grad   d_b (B,4), a (B,4), bn.sums (9), "
        "bn.running1 (4), d_bn.sums (8) -> d_a (B,4)\n"
        "backward  b         linear_dweight    d_b (B,4), a (B,4) -> d_b.weight (4,4)\n"
        "backward  b         linear_dinput     d_b (B,4), b.weight (4,4) -> d_a (B,4)\n"
        "backward  a         add               d_a (B,4), d_a (B,4) -> d_a (B,4)\n"
        "backward  a         linear_dweight    d_a (B,4), input (B,4) -> d_a.weight (4,4)\n"
        "update    update    sgd               gradients (32), loss.sums (4), ranges (4)"
        " -> parameters (32)\n"
        "update    bn        batch_norm_update  bn.sums (9) -> bn.running1 (4), bn.running2 (4)\n");
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_sums_take_a_relu_or_its_mask_along)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 4}}, &x);
    const int h = add_linear(graph, "a", x, 4, false);
    const int n = add_add(graph, "n", add_batch_norm(graph, "bn", h, true), h);
    const int s = add_unary(graph, MOT_OP_relu, "s", add_add(graph, "sum", n, h));
    x = add_add(graph, "out", add_linear(graph, "b", s, 4, false), s);
    add_xent(graph, x);
    seal_sgd(graph, 0);
    check_sealed(graph);
    check_print(graph,
                "forward   input     ingest(4)         raw (B,4) u8, scale (1), shift (1)"
                " -> input (B,4)\n"
                "forward   a         linear            input (B,4), a.weight (4,4)"
                " -> a (B,4)\n"
                "forward   bn        batch_norm_sums   a (B,4), bn.running1 (4)"
                " -> bn.sums (9)\n"
                "forward   bn        batch_norm        a (B,4), bn.running1 (4), "
                "bn.running2 (4), bn.sums (9), bn.weight (4), bn.bias (4), a (B,4) -> n (B,4)\n"
                "forward   sum       add(relu)         n (B,4), a (B,4) -> s (B,4)\n"
                "forward   b         linear            s (B,4), b.weight (4,4) -> b (B,4)\n"
                "forward   out       add               b (B,4), s (B,4) -> out (B,4)\n"
                "forward   loss      softmax_xent      out (B,4), label (B) i32"
                " -> d_out (B,4), loss.sums (4)\n"
                "backward  b         linear_dweight    d_out (B,4), s (B,4)"
                " -> d_b.weight (4,4)\n"
                "backward  b         linear_dinput     d_out (B,4), b.weight (4,4)"
                " -> d_s (B,4)\n"
                "backward  s         add               d_out (B,4), d_s (B,4), s (B,4)"
                " -> d_sum (B,4)\n"
                "backward  bn        batch_norm_grad_sums  d_sum (B,4), a (B,4), bn.sums (9), "
                "bn.running1 (4), bn.weight (4), bn.bias (4) -> d_bn.sums (8), d_bn.weight (4), "
                "d_bn.bias (4)\n"
                "backward  bn        batch_norm_grad   d_sum (B,4), a (B,4), bn.sums (9), "
                "bn.running1 (4), d_bn.sums (8), bn.weight (4), bn.bias (4) -> d_a (B,4)\n"
                "backward  a         add               d_sum (B,4), d_a (B,4) -> d_a (B,4)\n"
                "backward  a         add               d_a (B,4), d_sum (B,4) -> d_a (B,4)\n"
                "backward  a         linear_dweight    d_a (B,4), input (B,4)"
                " -> d_a.weight (4,4)\n"
                "update    update    sgd               gradients (64), loss.sums (4), "
                "ranges (4) -> parameters (64)\n"
                "update    bn        batch_norm_update  bn.sums (9)"
                " -> bn.running1 (4), bn.running2 (4)\n");
    mot_graph_free(graph);
}
END_TEST

/* A norm that needs no gradient is not met for one, whatever the term beside it needs. */
START_TEST(test_batch_norm_sums_no_gradient_that_nobody_reads)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 4}}, &x);
    const int n = add_batch_norm(graph, "bn", x, false);
    add_xent(graph, add_add(graph, "sum", n, add_linear(graph, "a", x, 4, false)));
    seal_sgd(graph, 0);
    check_sealed(graph);
    ck_assert_int_eq(count_ops(graph, MOT_OP_add), 0);
    ck_assert_int_eq(count_ops(graph, MOT_OP_batch_norm_grad_sums), 0);
    ck_assert_int_eq(count_ops(graph, MOT_OP_linear_dweight), 1);
    mot_graph_free(graph);
}
END_TEST

/* What a checkpointed block gives is kept as it leaves the block. */
START_TEST(test_nothing_is_fused_across_a_block)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 4}}, &x);
    graph->checkpoint = 1;
    x = add_linear(graph, "a", x, 4, true);
    graph->checkpoint = 0;
    x = add_unary(graph, MOT_OP_relu, "relu", x);
    add_xent(graph, add_linear(graph, "b", x, 4, true));
    seal_sgd(graph, 0);
    check_sealed(graph);
    ck_assert_int_eq(count_ops(graph, MOT_OP_relu), 1);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_relu_that_others_read_is_not_fused)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 4}}, &x);
    int z = add_linear(graph, "a", x, 4, true);
    int h = add_unary(graph, MOT_OP_relu, "relu", z);
    add_xent(graph, add_add(graph, "sum", h, z));
    seal_sgd(graph, 0);
    check_sealed(graph);
    ck_assert_int_eq(count_ops(graph, MOT_OP_relu), 1);
    ck_assert_int_eq(graph->node[1].attrs.activation, MOT_ACT_NONE);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_output_is_not_fused_away)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 4}}, &x);
    int z = add_linear(graph, "a", x, 4, true);
    int h = add_unary(graph, MOT_OP_relu, "relu", z);
    add_xent(graph, h);
    ck_assert_int_eq(graph->output, h);
    seal_sgd(graph, 0);
    check_sealed(graph);
    ck_assert_str_eq(graph->tensor[graph->output].name, "relu");
    ck_assert_int_eq(graph->tensor[graph->output].producer, 1);
    ck_assert_int_eq(count_ops(graph, MOT_OP_relu), 0);
    mot_graph_free(graph);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fusing");
    TCase *tests = tcase_create("fusing");
    tcase_add_test(tests, test_batch_norm_meets_twice_and_keeps_what_runs);
    tcase_add_test(tests, test_batch_norm_takes_a_sum_and_its_relu_along);
    tcase_add_test(tests, test_sums_take_a_relu_or_its_mask_along);
    tcase_add_test(tests, test_batch_norm_sums_no_gradient_that_nobody_reads);
    tcase_add_test(tests, test_nothing_is_fused_across_a_block);
    tcase_add_test(tests, test_relu_that_others_read_is_not_fused);
    tcase_add_test(tests, test_output_is_not_fused_away);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
