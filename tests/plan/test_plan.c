/* A network and a machine give the expected plan, word for word; texts read back; wrong texts are
 * refused with their line. */
#include "config.h"

#include "runtime/base/random.h"
#include "runtime/model/config.h"
#include "runtime/plan/plan.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a network: what the planner sees of it ---- */

enum { MOST_TENSORS = 16 };

/* Gradients in the order of memory; the sums, made by the loss, come last. */
typedef struct network {
    mot_tensor tensor[MOST_TENSORS];
    int parameter[MOST_TENSORS];
    mot_place place[MOST_TENSORS];
    mot_graph graph;
    mot_memory_plan memory;
} network;

static int64_t padded(int64_t n)
{
    return (n + 15) / 16 * 16;
}

/* Tensor 2i is a parameter of sizes[i] elements, 2i+1 its gradient, made by node makers[i]. */
static void make_network(network *net, const int64_t *sizes, const int *makers, int n)
{
    *net = (network){0};
    int64_t offset = 0;
    for (int i = 0; i < n; i++) {
        mot_shape shape = {.n_dims = 1, .dim = {sizes[i]}};
        net->parameter[i] = 2 * i;
        net->tensor[2 * i] = (mot_tensor){.name = "p",
                                          .kind = MOT_TENSOR_PARAMETER,
                                          .shape = shape,
                                          .producer = -1,
                                          .gradient = 2 * i + 1};
        net->tensor[2 * i + 1] = (mot_tensor){
            .name = "dp", .kind = MOT_TENSOR_GRADIENT, .shape = shape, .producer = makers[i]};
        net->place[2 * i] = (mot_place){MOT_ARENA_PARAMETER, (size_t)offset * 4};
        net->place[2 * i + 1] = (mot_place){MOT_ARENA_GRADIENT, (size_t)offset * 4};
        offset += padded(sizes[i]);
    }
    net->tensor[2 * n] = (mot_tensor){.name = "sums",
                                      .kind = MOT_TENSOR_GRADIENT,
                                      .producer = 4,
                                      .shape = {.n_dims = 1, .dim = {4}}};
    net->place[2 * n] = (mot_place){MOT_ARENA_GRADIENT, (size_t)offset * 4};
    net->graph = (mot_graph){.tensor = net->tensor,
                             .n_tensors = 2 * n + 1,
                             .parameter = net->parameter,
                             .n_parameters = n,
                             .sums = 2 * n,
                             .sealed = true};
    net->memory = (mot_memory_plan){.place = net->place, .n_flat = offset};
}

/* MLP 784-128-10 and a wide one; backward finishes the last layer first. */
static void make_mlp(network *net)
{
    make_network(net, (int64_t[]){1280, 10, 100352, 128}, (int[]){5, 5, 6, 6}, 4);
}

static const char two_devices[] =
    "motley-machine 1\n"
    "# the machine under the desk\n"
    "\n"
    "device pocl:0 rank 0 a_s 0.0001 b_s 2e-06 max_batch 4096 min_step_s 5e-05\n"
    "device pocl:1 rank 1 a_s 0.0002 b_s 1e-05 max_batch inf min_step_s 0\n";

static void expect_ok(mot_status status)
{
    ck_assert_msg(status == MOT_OK, "%s", mot_error_message());
}

static void expect_plan(const network *net, int64_t batch, size_t bucket_bytes,
                        const char *expected)
{
    mot_machine machine;
    int64_t share[8];
    mot_plan *plan, *again;
    char *text, *text_again;
    expect_ok(mot_machine_parse(two_devices, &machine));
    expect_ok(mot_balance_shares(&machine, batch, share));
    expect_ok(
        mot_plan_build(&net->graph, &net->memory, &machine, batch, share, bucket_bytes, &plan));
    expect_ok(mot_plan_print(plan, &machine, &text));
    ck_assert_str_eq(text, expected);
    expect_ok(mot_plan_parse(text, &again));
    expect_ok(mot_plan_print(again, &machine, &text_again));
    ck_assert_str_eq(text_again, text);
    free(text_again);
    free(text);
    mot_plan_free(again);
    mot_plan_free(plan);
    mot_machine_free(&machine);
}

START_TEST(test_plan_of_the_mlp_in_one_bucket)
{
    network net;
    make_mlp(&net);
    expect_plan(&net, 256, 1 << 20,
                "motley-plan 1\n"
                "batch 256 devices 2 buckets 1 predicted_s 0.000586 equal_s 0.0014800000000000002\n"
                "device 0 share 218 first 0 id pocl:0 rank 0 time_s 0.000586\n"
                "device 1 share 38 first 218 id pocl:1 rank 1 time_s 0.00058\n"
                "bucket 0 offset 0 n 101780 after_node 6\n");
}
END_TEST

START_TEST(test_plan_of_the_mlp_in_buckets)
{
    network net;
    make_mlp(&net);
    expect_plan(&net, 16, 131072,
                "motley-plan 1\n"
                "batch 16 devices 2 buckets 3 predicted_s 0.000182 equal_s 0.00028000000000000003\n"
                "device 0 share 16 first 0 id pocl:0 rank 0 time_s 0.000182\n"
                "device 1 share 0 first 16 id pocl:1 rank 1 time_s 0\n"
                "bucket 0 offset 0 n 33920 after_node 6\n"
                "bucket 1 offset 33920 n 33920 after_node 6\n"
                "bucket 2 offset 67840 n 33940 after_node 6\n");
}
END_TEST

/* The plan for a batch of 256 pictures of size x size that a model's text gives, with EXPECTED in front. */
static void expect_plan_of_text(const char *model, int64_t size, size_t bucket_bytes,
                                const char *wanted)
{
    const mot_sample_spec spec = {.input = {4, {MOT_BATCH, 1, size, size}},
                                  .input_dtype = MOT_U8,
                                  .n_classes = 10,
                                  .n_channels = 1,
                                  .group = size * size};
    mot_config *config;
    mot_graph *graph;
    network net = {0};
    expect_ok(mot_config_parse(model, "model.yaml", &config));
    expect_ok(mot_model_build(config, &spec, &graph));
    expect_ok(mot_graph_plan_memory(graph, 256, false, &net.memory));
    net.graph = *graph;
    expect_plan(&net, 256, bucket_bytes, wanted);
    mot_memory_plan_free(&net.memory);
    mot_graph_free(graph);
    mot_config_free(config);
}

#define EXPECTED(n_buckets)                                                                        \
    "motley-plan 1\n"                                                                              \
    "batch 256 devices 2 buckets " n_buckets                                                       \
    " predicted_s 0.000586 equal_s 0.0014800000000000002\n"                                        \
    "device 0 share 218 first 0 id pocl:0 rank 0 time_s 0.000586\n"                                \
    "device 1 share 38 first 218 id pocl:1 rank 1 time_s 0.00058\n"

/* The whole way: text of a model and text of a machine give the text of a plan. */
START_TEST(test_plan_of_a_model_text)
{
    /* The last layer's gradients and the first half of the middle one's travel first. */
    expect_plan_of_text("data:\n  set: mnist\n  batch: 256\n"
                        "model:\n  layers:\n    - flatten\n    - linear: 1024\n    - relu\n"
                        "    - linear: 1024\n    - relu\n    - linear: 10\n"
                        "  loss: cross-entropy\n"
                        "train:\n  optimizer:\n    name: sgd\n    lr: 0.01\n",
                        28, 2 << 20,
                        EXPECTED("4") "bucket 0 offset 0 n 529920 after_node 7\n"
                                      "bucket 1 offset 529920 n 529936 after_node 7\n"
                                      "bucket 2 offset 1059856 n 401920 after_node 9\n"
                                      "bucket 3 offset 1461776 n 401924 after_node 9\n");
}
END_TEST

/* ---- buckets ---- */

static mot_plan *build(const network *net, size_t bucket_bytes)
{
    mot_machine machine;
    mot_plan *plan;
    expect_ok(mot_machine_parse(two_devices, &machine));
    expect_ok(mot_plan_build(&net->graph, &net->memory, &machine, 8, (int64_t[]){8, 0},
                             bucket_bytes, &plan));
    mot_machine_free(&machine);
    return plan;
}

/* What always holds, on random networks. */
START_TEST(test_buckets_cover_all_gradients_in_order)
{
    mot_random random;
    mot_random_init(&random, 1, MOT_STREAM_TEST, 0);
    for (int round = 0; round < 2000; round++) {
        network net;
        int64_t sizes[7];
        int makers[7], n = 1 + (int)mot_random_below(&random, 7), maker = 5;
        for (int i = 0; i < n; i++) {
            sizes[i] =
                1 + (int64_t)mot_random_below(&random, mot_random_below(&random, 2) ? 40 : 9999);
            makers[i] = maker += (int)mot_random_below(&random, 3);
        }
        make_network(&net, sizes, makers, n);
        size_t bucket_bytes = mot_random_below(&random, 40000);
        mot_plan *plan = build(&net, bucket_bytes);
        int64_t at = 0, sums_at = (int64_t)net.place[2 * n].offset_bytes / 4;
        int after = 0;
        for (int i = 0; i < plan->n_buckets; i++) {
            const mot_bucket *bucket = &plan->bucket[i];
            ck_assert_int_eq(bucket->offset, at);
            ck_assert_int_gt(bucket->n, 0);
            ck_assert_int_eq(bucket->offset % 16, 0);
            ck_assert_int_ge(bucket->after_node, after);
            at += bucket->n;
            after = bucket->after_node;
            /* Complete: no gradient inside is made later. */
            for (int j = 0; j < n; j++) {
                int64_t first = (int64_t)net.place[2 * j + 1].offset_bytes / 4;
                if (first < at && first + sizes[j] > bucket->offset)
                    ck_assert_int_le(makers[j], bucket->after_node);
            }
            /* About the size asked for, but for what one node makes. */
            if ((size_t)bucket->n * 4 > 3 * bucket_bytes + 12000)
                ck_assert_msg(false, "a bucket of %d floats", (int)bucket->n);
        }
        ck_assert_int_eq(at, sums_at + 4);
        ck_assert_int_le(plan->n_buckets, MOT_MAX_BUCKETS);
        mot_plan_free(plan);
    }
}
END_TEST

#define NORMS                                                                                      \
    "data:\n  set: mnist\n  batch: 256\n"                                                          \
    "model:\n  layers:\n    - flatten\n    - linear: 64\n    - batch_norm\n"                       \
    "    - linear: 64\n    - batch_norm\n    - linear: 10\n"                                       \
    "train:\n  optimizer:\n    name: sgd\n    lr: 0.01\n"

/* What is exchanged within the step stands among the gradients by its node, before those of the same;
 * where parts of a batch are added up, gradients leave when that is done. */
START_TEST(test_exchanges_stand_between_the_buckets)
{
    expect_plan_of_text(NORMS, 8, 10000,
                        EXPECTED("8") "exchange 0 offset 0 n 129 after_node 2\n"
                                      "exchange 1 offset 144 n 129 after_node 5\n"
                                      "exchange 2 offset 288 n 128 after_node 11\n"
                                      "bucket 3 offset 544 n 2464 after_node 13\n"
                                      "bucket 4 offset 3008 n 2480 after_node 13\n"
                                      "exchange 5 offset 416 n 128 after_node 15\n"
                                      "bucket 6 offset 5488 n 2144 after_node 17\n"
                                      "bucket 7 offset 7632 n 2148 after_node 17\n");
    expect_plan_of_text(NORMS "  accumulate: 2\n", 8, 10000,
                        EXPECTED("8") "exchange 0 offset 0 n 129 after_node 2\n"
                                      "exchange 1 offset 144 n 129 after_node 5\n"
                                      "exchange 2 offset 288 n 128 after_node 11\n"
                                      "exchange 3 offset 416 n 128 after_node 15\n"
                                      "bucket 4 offset 544 n 2464 after_node 18\n"
                                      "bucket 5 offset 3008 n 2480 after_node 18\n"
                                      "bucket 6 offset 5488 n 2144 after_node 18\n"
                                      "bucket 7 offset 7632 n 2148 after_node 18\n");
}
END_TEST

START_TEST(test_gradients_of_one_node_leave_together)
{
    network net;
    make_network(&net, (int64_t[]){64, 16, 64, 16, 64, 16}, (int[]){5, 5, 6, 6, 7, 7}, 6);
    mot_plan *plan = build(&net, 256);
    ck_assert_int_eq(plan->n_buckets, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(plan->bucket[i].after_node, 5 + i);
        ck_assert_int_eq(plan->bucket[i].n, 80 + (i == 2 ? 4 : 0));
    }
    mot_plan_free(plan);
}
END_TEST

START_TEST(test_a_long_gradient_is_cut)
{
    network net;
    make_network(&net, (int64_t[]){1000000, 10}, (int[]){5, 6}, 2);
    mot_plan *plan = build(&net, 1 << 20);
    ck_assert_int_eq(plan->n_buckets, 5); /* four pieces of 1 MB, and the rest with the sums */
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(plan->bucket[i].n, 250000);
        ck_assert_int_eq(plan->bucket[i].after_node, 5);
    }
    ck_assert_int_eq(plan->bucket[4].n, 20);
    mot_plan_free(plan);
}
END_TEST

START_TEST(test_a_large_model_has_larger_buckets)
{
    network net;
    make_network(&net, (int64_t[]){400000000, 30000000, 10}, (int[]){5, 6, 7}, 3);
    mot_plan *plan = build(&net, 1 << 20);
    ck_assert_int_le(plan->n_buckets, MOT_MAX_BUCKETS);
    ck_assert_int_ge(plan->n_buckets, MOT_MAX_BUCKETS / 3);
    mot_plan_free(plan);
}
END_TEST

START_TEST(test_plan_refuses_shares_that_are_none)
{
    network net;
    mot_machine machine;
    mot_plan *plan = NULL;
    make_mlp(&net);
    expect_ok(mot_machine_parse(two_devices, &machine));
    const int64_t wrong[][2] = {{5, 2}, {5, 4}, {-1, 9}, {9, -1}, {INT64_MAX, INT64_MAX}};
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(
            mot_plan_build(&net.graph, &net.memory, &machine, 8, wrong[i], 4096, &plan),
            MOT_ERR_ARGUMENT);
    ck_assert_int_eq(
        mot_plan_build(&net.graph, &net.memory, &machine, 5000, (int64_t[]){5000, 0}, 4096, &plan),
        MOT_ERR_MEMORY);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "pocl:0"));
    net.tensor[0].gradient = -1; /* not sealed */
    ck_assert_int_eq(
        mot_plan_build(&net.graph, &net.memory, &machine, 8, (int64_t[]){8, 0}, 4096, &plan),
        MOT_ERR_ARGUMENT);
    ck_assert_ptr_null(plan);
    mot_machine_free(&machine);
}
END_TEST

/* ---- texts ---- */

START_TEST(test_machine_reads_back_the_same_bits)
{
    mot_machine_device devices[20] = {{.id = "a:0"}};
    mot_machine machine = {devices, 20, 0}, again;
    mot_random random;
    mot_random_init(&random, 4, MOT_STREAM_TEST, 0);
    for (int i = 0; i < 20; i++) {
        snprintf(devices[i].id, sizeof devices[i].id, "intel:%d/2.1", i);
        devices[i].rank = i / 3;
        devices[i].a_s = mot_random_uniform(&random) * pow(10, -i);
        devices[i].b_s = mot_random_uniform(&random) / 3.0;
        devices[i].max_batch = i ? 1e5 * (double)mot_random_uniform(&random) : INFINITY;
        devices[i].min_step_s = 1.0 / (i + 3);
    }
    char *text;
    expect_ok(mot_machine_print(&machine, &text));
    expect_ok(mot_machine_parse(text, &again));
    ck_assert_int_eq(again.n_devices, 20);
    for (int i = 0; i < 20; i++) {
        const mot_machine_device *a = &devices[i], *b = &again.device[i];
        ck_assert_str_eq(a->id, b->id);
        ck_assert_int_eq(a->rank, b->rank);
        ck_assert(a->a_s == b->a_s && a->b_s == b->b_s && a->max_batch == b->max_batch &&
                  a->min_step_s == b->min_step_s);
    }
    mot_machine_free(&again);
    free(text);
    snprintf(devices[3].id, sizeof devices[3].id, "two words");
    ck_assert_int_eq(mot_machine_print(&machine, &text), MOT_ERR_ARGUMENT);
}
END_TEST

/* Each text is refused with MOT_ERR_FORMAT and these words. */
typedef struct refusal {
    const char *text, *words;
} refusal;

START_TEST(test_wrong_machines_are_refused_with_their_line)
{
#define HEAD "motley-machine 1\n"
#define REST " a_s 1 b_s 1 max_batch 1 min_step_s 1"
    const refusal cases[] = {
        {"", "line 0: 'motley-machine 1' is missing"},
        {"machine\n", "line 1"},
        {"motley-machine 2\n", "line 1: motley-machine '2'"},
        {HEAD, "there is no device"},
        {HEAD "# device\n\nbox a:0 rank 0" REST, "line 4: 'box'"},
        {HEAD "device a:0" REST, "line 2: 'rank'"},
        {HEAD "device a:0 rank -1" REST, "line 2: rank '-1'"},
        {HEAD "device a:0 rank 99999999999" REST, "rank '99999999999'"},
        {HEAD "device a:0 rank 0 a_s nan b_s 1 max_batch 1 min_step_s 1", "a_s 'nan'"},
        {HEAD "device a:0 rank 0 a_s 1 b_s -1 max_batch 1 min_step_s 1", "b_s '-1'"},
        {HEAD "device a:0 rank 0 a_s 1 b_s inf max_batch 1 min_step_s 1", "b_s 'inf'"},
        {HEAD "device a:0 rank 0 a_s 1 b_s 1x max_batch 1 min_step_s 1", "b_s '1x'"},
        {HEAD "device a:0 rank 0 a_s 1 b_s 1 max_batch 1 min_step_s", "'min_step_s'"},
        {HEAD "device a:0 rank 0" REST " colour 3\ndevice a:1 rank 0" REST, "line 2: 'colour'"},
        {HEAD "device a:0 rank 0" REST " colour 3", "line 2: 'colour'"},
        {HEAD "device a23456789012345678901234567890123456789012345678 rank 0" REST,
         "47 characters"},
        {HEAD "device 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3",
         "32 words"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mot_machine machine = {NULL, 77, 0};
        ck_assert_int_eq(mot_machine_parse(cases[i].text, &machine), MOT_ERR_FORMAT);
        ck_assert_msg(strstr(mot_error_message(), cases[i].words), "'%s' is not in '%s'",
                      cases[i].words, mot_error_message());
        ck_assert_int_eq(machine.n_devices, 77);
    }
}
END_TEST

#define PLAN                                                                                       \
    "motley-plan 1\n"                                                                              \
    "batch 8 devices 2 buckets 2 predicted_s 0.5 equal_s 1\n"                                      \
    "device 0 share 5 first 0\n"                                                                   \
    "device 1 share 3 first 5 id a:1 rank 0 time_s 0.5\n"                                          \
    "bucket 0 offset 0 n 16 after_node 5\n"                                                        \
    "bucket 1 offset 16 n 20 after_node 5\n"

START_TEST(test_wrong_plans_are_refused_with_their_line)
{
    mot_plan *plan;
    expect_ok(mot_plan_parse(PLAN, &plan));
    mot_plan_free(plan);
    /* what is replaced in the right text, by what, and the words of the refusal */
    const char *const cases[][3] = {
        {"motley-plan 1", "motley-plan 3", "line 1"},
        {"batch 8", "batch -8", "line 2: batch"},
        {"batch 8", "batch 9", "add up to 8, the batch is 9"},
        {"batch 8", "batch 7", "line 4: share"},
        {"devices 2", "devices 3", "line 5: 'bucket'"},
        {"devices 2", "devices 2000000000", "line 2: devices"},
        {"devices 2", "devices 1", "line 3: the shares"},
        {"buckets 2", "buckets 3", "the text ends"},
        {"buckets 2", "buckets 1", "line 6: 'bucket' behind the end"},
        {"predicted_s 0.5", "predicted_s -0.5", "line 2: predicted_s"},
        {"first 5", "first 4", "line 4: first"},
        {"device 1", "device 2", "line 4: device"},
        {"offset 16", "offset 17", "line 6: offset"},
        {"n 20", "n 0", "line 6: n"},
        {"n 20 after_node 5", "n 20 after_node 4", "line 6: after_node"},
        {"n 16 after_node 5", "n 16 after_node 5 or 6", "line 5: 'or'"},
        {"time_s 0.5", "time_s x", "line 4: time_s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        const char *at = strstr(PLAN, cases[i][0]);
        ck_assert_ptr_nonnull(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - PLAN), PLAN, cases[i][1],
                 at + strlen(cases[i][0]));
        ck_assert_msg(mot_plan_parse(text, &plan) == MOT_ERR_FORMAT, "%s passed", cases[i][1]);
        ck_assert_msg(strstr(mot_error_message(), cases[i][2]), "'%s' is not in '%s'", cases[i][2],
                      mot_error_message());
    }
}
END_TEST

/* Every beginning of a text, and texts with one character changed: never a crash. */
START_TEST(test_damaged_texts_do_no_harm)
{
    const char *const whole[] = {two_devices, PLAN};
    mot_random random;
    mot_random_init(&random, 5, MOT_STREAM_TEST, 0);
    for (int round = 0; round < 20000; round++) {
        char text[1024];
        int which = round % 2;
        size_t length = strlen(whole[which]);
        memcpy(text, whole[which], length + 1);
        text[mot_random_below(&random, length)] = (char)(32 + mot_random_below(&random, 95));
        if (round % 3 == 0)
            text[mot_random_below(&random, length)] = '\0';
        mot_machine machine;
        mot_plan *plan;
        if (which == 0 && mot_machine_parse(text, &machine) == MOT_OK)
            mot_machine_free(&machine);
        if (which == 1 && mot_plan_parse(text, &plan) == MOT_OK)
            mot_plan_free(plan);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan");
    TCase *tests = tcase_create("plan");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, test_plan_of_the_mlp_in_one_bucket);
    tcase_add_test(tests, test_plan_of_the_mlp_in_buckets);
    tcase_add_test(tests, test_plan_of_a_model_text);
    tcase_add_test(tests, test_buckets_cover_all_gradients_in_order);
    tcase_add_test(tests, test_a_large_model_has_larger_buckets);
    tcase_add_test(tests, test_exchanges_stand_between_the_buckets);
    tcase_add_test(tests, test_gradients_of_one_node_leave_together);
    tcase_add_test(tests, test_a_long_gradient_is_cut);
    tcase_add_test(tests, test_plan_refuses_shares_that_are_none);
    tcase_add_test(tests, test_machine_reads_back_the_same_bits);
    tcase_add_test(tests, test_wrong_machines_are_refused_with_their_line);
    tcase_add_test(tests, test_wrong_plans_are_refused_with_their_line);
    tcase_add_test(tests, test_damaged_texts_do_no_harm);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
