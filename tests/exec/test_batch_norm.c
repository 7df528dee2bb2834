/* Batch norm on devices that meet within the step: any shares, also none, give what one device gives,
 * running statistics too, and a device that sat out gets them when it comes back. */
#include "config.h"

#include "runtime/model/config.h"
#include "tests/exec/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { IN = 6, OUT = 3, BATCH = 11, STEPS = 4, MOST = 256 };

static const char text[] =
    "model:\n"
    "  layers: [linear: 8, batch_norm, relu, linear: 5, batch_norm: {momentum: "
    "0.5}, linear: 3]\n"
    "train: {optimizer: {name: sgd, lr: 0.1, momentum: 0.9}}\n";

static mot_graph *make_graph(const char *more)
{
    const mot_sample_spec spec = {
        .input = {2, {MOT_BATCH, IN}}, .input_dtype = MOT_F32, .n_classes = OUT, .n_channels = 1};
    mot_config *config;
    mot_graph *graph;
    must(mot_config_parse(text, "norms.yaml", &config));
    if (more)
        must(mot_config_set(config, more));
    must(mot_model_build(config, &spec, &graph));
    mot_config_free(config);
    return graph;
}

/* Samples of step `step`, each device its share; `first` of them are over already. */
static void fill(run *r, int step, int64_t first)
{
    for (int i = 0; i < r->n_devices; i++) {
        void *raw, *label;
        must(mot_exec_input(r->exec, i, &raw, &label));
        for (int64_t s = 0; s < r->share[i]; s++, first++) {
            mot_random random;
            mot_random_init(&random, 5, MOT_STREAM_TEST, (uint64_t)(100 * step + first));
            for (int k = 0; k < IN; k++)
                ((float *)raw)[s * IN + k] = 3 * mot_random_normal(&random) + (float)k;
            ((int32_t *)label)[s] = (int32_t)mot_random_below(&random, OUT);
        }
    }
}

static void take_step(run *r, int step)
{
    fill(r, step, 0);
    must(mot_exec_step(r->exec,
                       &(mot_step_scalars){.step = step, .lr = 0.1f, .bias1 = 1, .bias2 = 1}));
}

/* Parameters, then running statistics; how many. */
static int get_all(run *r, double *p)
{
    const int64_t n_floats = r->graph->n_flat_buffers;
    float *flat;
    int n = get_parameters(r, p);
    must(mot_alloc((size_t)n_floats, sizeof *flat, &flat));
    must(mot_exec_read_flat(r->exec, MOT_FLAT_BUFFERS, flat));
    for (int64_t i = 0; i < n_floats; i++)
        p[n++] = (double)flat[i];
    free(flat);
    return n;
}

/* Variances begin as 1; means, where there is nothing else, as 0. */
static void start(run *r)
{
    float *flat;
    draw_parameters(r, 0.5f);
    must(mot_alloc((size_t)r->graph->n_flat_buffers, sizeof *flat, &flat));
    for (int i = 0; i < r->graph->n_buffers; i++) {
        const mot_tensor *t = &r->graph->tensor[r->graph->buffer[i]];
        for (int64_t k = 0; k < mot_shape_elements(&t->shape, 1); k++)
            flat[t->flat + k] = t->init.kind == MOT_INIT_ONE ? 1.0f : 0.0f;
    }
    must(mot_exec_write_flat(r->exec, MOT_FLAT_BUFFERS, flat));
    free(flat);
}

static int train(const char *devices, const int64_t *share, double *p)
{
    run r;
    uint64_t hash[2];
    open_run(&r, devices, make_graph(NULL), BATCH);
    start(&r);
    set_shares(&r, share);
    for (int step = 0; step < STEPS; step++)
        take_step(&r, step);
    const int n = get_all(&r, p);
    for (int i = 0; i < r.n_devices; i++)
        must(mot_exec_hash(r.exec, i, &hash[i]));
    if (r.n_devices == 2)
        ck_assert_uint_eq(hash[0], hash[1]);
    close_run(&r);
    return n;
}

START_TEST(test_any_shares_give_the_step_of_one_device)
{
    static const int64_t share[][2] = {{6, 5}, {10, 1}, {0, 11}, {11, 0}};
    double one[MOST], two[MOST];
    setenv("POCL_DEVICES", "pthread basic", 1);
    const int n = train("pocl:0", (int64_t[]){BATCH}, one);
    ck_assert_int_eq(train("pocl:0,pocl:1", share[_i], two), n);
    for (int i = 0; i < n; i++)
        ck_assert_double_eq_tol(one[i], two[i], 2e-5);
}
END_TEST

/* Parts of 5 and 6 samples: a device without a share of the last one gives what it kept. */
START_TEST(test_a_batch_in_parts_meets_in_each)
{
    double p[2][MOST];
    int n = 0;
    setenv("POCL_DEVICES", "pthread basic", 1);
    for (int k = 0; k < 2; k++) {
        run r;
        open_run(&r, k ? "pocl:0,pocl:1" : "pocl:0", make_graph("train.accumulate=2"), BATCH);
        start(&r);
        for (int step = 0; step < STEPS; step++) {
            set_shares(&r, k ? (int64_t[]){2, 3} : (int64_t[]){5});
            fill(&r, step, 0);
            must(mot_exec_step(r.exec, &(mot_step_scalars){.step = step, .more = true}));
            set_shares(&r, k ? (int64_t[]){6, 0} : (int64_t[]){6});
            fill(&r, step, 5);
            must(mot_exec_step(
                r.exec, &(mot_step_scalars){
                            .step = step, .first_sample = 5, .lr = 0.1f, .bias1 = 1, .bias2 = 1}));
        }
        n = get_all(&r, p[k]);
        close_run(&r);
    }
    for (int i = 0; i < n; i++)
        ck_assert_double_eq_tol(p[0][i], p[1][i], 2e-5);
}
END_TEST

START_TEST(test_a_device_that_comes_back_has_current_statistics)
{
    run r;
    uint64_t hash[2];
    setenv("POCL_DEVICES", "pthread basic", 1);
    open_run(&r, "pocl:0,pocl:1", make_graph("train.optimizer.lr=0"), BATCH);
    start(&r);
    set_shares(&r, (int64_t[]){BATCH, 0});
    must(mot_exec_set_plan(r.exec, r.plan, 0, (bool[]){true, false}));
    for (int step = 0; step < STEPS; step++) {
        fill(&r, step, 0);
        must(mot_exec_step(r.exec, &(mot_step_scalars){.step = step, .bias1 = 1, .bias2 = 1}));
    }
    /* Nothing was learnt, so only running statistics can differ. */
    for (int i = 0; i < 2; i++)
        must(mot_exec_hash(r.exec, i, &hash[i]));
    ck_assert_uint_ne(hash[0], hash[1]);
    set_shares(&r, (int64_t[]){5, 6});
    for (int i = 0; i < 2; i++)
        must(mot_exec_hash(r.exec, i, &hash[i]));
    ck_assert_uint_eq(hash[0], hash[1]);
    close_run(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch_norm");
    TCase *tests = tcase_create("batch_norm");
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, test_any_shares_give_the_step_of_one_device, 0, 4);
    tcase_add_test(tests, test_a_batch_in_parts_meets_in_each);
    tcase_add_test(tests, test_a_device_that_comes_back_has_current_statistics);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
