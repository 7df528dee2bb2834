/* The executor on real devices against the same network in plain C and double precision: gradients by
 * finite differences, updates, several devices against one, shares of zero, the ring of slots. */
#include "config.h"

#include "tests/exec/run.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    IN = 5,
    HIDDEN = 7,
    OUT = 3,
    BATCH = 11,
    N_PARAMETERS = HIDDEN * IN + HIDDEN + OUT * HIDDEN + OUT
};

/* ---- the network as a graph ---- */

static mot_graph *make_graph(mot_op optimizer, const mot_attrs *optimizer_attrs, float dropout)
{
    mot_graph *g;
    int raw, label, w1, b1, w2, b2, x, h, d, logits, loss[2];
    must(mot_graph_new(&g));
    must(mot_graph_source(g, MOT_TENSOR_RAW, "raw", MOT_F32, &(mot_shape){2, {MOT_BATCH, IN}},
                          &raw));
    must(mot_graph_source(g, MOT_TENSOR_LABEL, "label", MOT_I32, &(mot_shape){1, {MOT_BATCH}},
                          &label));
    mot_init init = {MOT_INIT_UNIFORM, 0.5f};
    must(
        mot_graph_append(g, MOT_OP_ingest, "input", &(mot_attrs){.group = 1}, (int[]){raw}, 1, &x));
    must(mot_graph_parameter(g, "fc1.weight", &(mot_shape){2, {HIDDEN, IN}}, init, &w1));
    must(mot_graph_parameter(g, "fc1.bias", &(mot_shape){1, {HIDDEN}}, init, &b1));
    must(mot_graph_append(g, MOT_OP_linear, "fc1", &(mot_attrs){0}, (int[]){x, w1, b1}, 3, &h));
    must(mot_graph_append(g, MOT_OP_relu, "relu1", &(mot_attrs){0}, (int[]){h}, 1, &d));
    if (dropout > 0)
        must(mot_graph_append(g, MOT_OP_dropout, "drop1", &(mot_attrs){.p = dropout, .layer = 3},
                              (int[]){d}, 1, &d));
    must(mot_graph_parameter(g, "fc2.weight", &(mot_shape){2, {OUT, HIDDEN}}, init, &w2));
    must(mot_graph_parameter(g, "fc2.bias", &(mot_shape){1, {OUT}}, init, &b2));
    must(
        mot_graph_append(g, MOT_OP_linear, "fc2", &(mot_attrs){0}, (int[]){d, w2, b2}, 3, &logits));
    must(mot_graph_append(g, MOT_OP_softmax_xent, "loss", &(mot_attrs){0}, (int[]){logits, label},
                          2, loss));
    must(mot_graph_seal(g, optimizer, optimizer_attrs));
    return g;
}

/* ---- the same in double ---- */

typedef struct sample_set {
    float x[64][IN];
    int32_t label[64];
} sample_set;

static void make_samples(sample_set *set)
{
    mot_random random;
    mot_random_init(&random, 5, MOT_STREAM_TEST, 1);
    for (int i = 0; i < 64; i++) {
        for (int k = 0; k < IN; k++)
            set->x[i][k] = mot_random_normal(&random);
        set->label[i] = (int32_t)mot_random_below(&random, OUT);
    }
}

/* Sum of losses of samples [first, first+n); p: w1, b1, w2, b2 row by row. */
static double reference_loss(const double *p, const sample_set *set, int first, int n)
{
    const double *w1 = p, *b1 = w1 + HIDDEN * IN, *w2 = b1 + HIDDEN, *b2 = w2 + OUT * HIDDEN;
    double sum = 0;
    for (int i = first; i < first + n; i++) {
        double h[HIDDEN], z[OUT], total = 0;
        for (int j = 0; j < HIDDEN; j++) {
            h[j] = b1[j];
            for (int k = 0; k < IN; k++)
                h[j] += w1[j * IN + k] * set->x[i][k];
            h[j] = h[j] > 0 ? h[j] : 0;
        }
        for (int j = 0; j < OUT; j++) {
            z[j] = b2[j];
            for (int k = 0; k < HIDDEN; k++)
                z[j] += w2[j * HIDDEN + k] * h[k];
            total += exp(z[j]);
        }
        sum += log(total) - z[set->label[i]];
    }
    return sum;
}

/* Gradient of the mean loss by central differences. */
static void reference_gradient(const double *p, const sample_set *set, int n, double *g)
{
    double q[N_PARAMETERS];
    memcpy(q, p, sizeof q);
    for (int i = 0; i < N_PARAMETERS; i++) {
        const double step = 1e-5;
        q[i] = p[i] + step;
        double up = reference_loss(q, set, 0, n);
        q[i] = p[i] - step;
        double down = reference_loss(q, set, 0, n);
        q[i] = p[i];
        g[i] = (up - down) / (2 * step) / n;
    }
}

/* ---- a run ---- */

static void fill(run *r, const sample_set *set, int first)
{
    for (int i = 0; i < r->n_devices; i++) {
        void *raw, *label;
        must(mot_exec_input(r->exec, i, &raw, &label));
        for (int64_t s = 0; s < r->share[i]; s++) {
            int64_t at = first + r->plan->first[i] + s;
            memcpy((float *)raw + s * IN, set->x[at % 64], sizeof set->x[0]);
            ((int32_t *)label)[s] = set->label[at % 64];
        }
    }
}

static void train_steps(run *r, const sample_set *set, int n_steps)
{
    for (int step = 0; step < n_steps; step++) {
        mot_step_scalars scalars = {.step = step,
                                    .lr = 0.1f,
                                    .bias1 = 1 - powf(0.9f, (float)step + 1),
                                    .bias2 = 1 - powf(0.999f, (float)step + 1)};
        fill(r, set, step * BATCH);
        must(mot_exec_step(r->exec, &scalars));
    }
    must(mot_exec_finish(r->exec));
}

/* Start as a trainer does, and look: {scale, skipped steps}. */
static void start_loss_scale(run *r, float scale)
{
    float *buffers = calloc((size_t)r->graph->n_flat_buffers, sizeof *buffers);
    ck_assert_ptr_nonnull(buffers);
    buffers[r->graph->tensor[r->graph->loss_scale].flat] = scale;
    must(mot_exec_write_flat(r->exec, MOT_FLAT_BUFFERS, buffers));
    free(buffers);
}

static void get_loss_scale(run *r, float out[2])
{
    float *buffers = calloc((size_t)r->graph->n_flat_buffers, sizeof *buffers);
    ck_assert_ptr_nonnull(buffers);
    must(mot_exec_read_flat(r->exec, MOT_FLAT_BUFFERS, buffers));
    out[0] = buffers[r->graph->tensor[r->graph->loss_scale].flat];
    out[1] = buffers[r->graph->tensor[r->graph->loss_steps].flat + MOT_LOSS_SKIPPED];
    free(buffers);
}

static const mot_attrs plain_sgd = {0};
static const mot_attrs momentum_sgd = {.momentum = 0.9, .weight_decay = 0.01};
static const mot_attrs adam = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
static const mot_attrs clipped = {.beta1 = 0.9,
                                  .beta2 = 0.999,
                                  .eps = 1e-8,
                                  .weight_decay = 0.1,
                                  .clip_norm = 0.05,
                                  .average = 0.9};
static const mot_attrs lamb = {
    .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-6, .weight_decay = 0.1, .clip_value = 0.02};

/* One step of plain SGD with rate 0.1 moves each parameter by 0.1 times its gradient. */
START_TEST(test_gradient_is_that_of_finite_differences)
{
    sample_set set;
    run r;
    double before[N_PARAMETERS], after[N_PARAMETERS], gradient[N_PARAMETERS];
    make_samples(&set);
    open_run(&r, "pocl:0", make_graph(MOT_OP_sgd, &plain_sgd, 0), BATCH);
    draw_parameters(&r, 0.5f);
    get_parameters(&r, before);
    set_shares(&r, (int64_t[]){BATCH});
    train_steps(&r, &set, 1);
    get_parameters(&r, after);
    reference_gradient(before, &set, BATCH, gradient);
    for (int i = 0; i < N_PARAMETERS; i++)
        ck_assert_double_eq_tol((before[i] - after[i]) / 0.1, gradient[i], 2e-5);
    mot_step_result result;
    ck_assert(mot_exec_next_result(r.exec, &result));
    ck_assert_double_eq(result.samples, BATCH);
    ck_assert_double_eq_tol(result.loss, reference_loss(before, &set, 0, BATCH), 1e-4);
    close_run(&r);
}
END_TEST

/* The same with what is kept for backward in 16 bits: within what these round to. */
START_TEST(test_gradient_is_close_with_16_bits)
{
    static const mot_attrs attrs[] = {
        {.storage = MOT_BF16}, {.storage = MOT_F16, .loss_scale = 1024, .loss_scale_every = 1}};
    static const double tolerance[] = {4e-3, 6e-4};
    for (int s = 0; s < 2; s++) {
        sample_set set;
        run r;
        double before[N_PARAMETERS], after[N_PARAMETERS], gradient[N_PARAMETERS], most = 0;
        make_samples(&set);
        open_run(&r, "pocl:0", make_graph(MOT_OP_sgd, &attrs[s], 0), BATCH);
        draw_parameters(&r, 0.5f);
        get_parameters(&r, before);
        if (s == 1)
            start_loss_scale(&r, 1024);
        set_shares(&r, (int64_t[]){BATCH});
        train_steps(&r, &set, 1);
        get_parameters(&r, after);
        reference_gradient(before, &set, BATCH, gradient);
        for (int i = 0; i < N_PARAMETERS; i++)
            most = fmax(most, fabs((before[i] - after[i]) / 0.1 - gradient[i]));
        ck_assert_double_lt(most, tolerance[s]);
        ck_assert_double_gt(most, 1e-6); /* it was rounded */
        close_run(&r);
    }
}
END_TEST

/* A scale with which the gradient overflows: nothing changes until it is halved often enough, and then
 * the run goes on as the one that began there, Adam's count of steps and the average included. */
START_TEST(test_steps_that_overflow_change_nothing)
{
    enum { SKIPPED = 3 };
    static const mot_attrs attrs = {.storage = MOT_F16,
                                    .loss_scale_every = 1000,
                                    .beta1 = 0.9,
                                    .beta2 = 0.999,
                                    .eps = 1e-8,
                                    .average = 0.9};
    double before[N_PARAMETERS], p[2][N_PARAMETERS];
    sample_set set;
    make_samples(&set);
    for (int k = 0; k < 2; k++) {
        run r;
        float scale[2];
        open_run(&r, "pocl:0", make_graph(MOT_OP_adam, &attrs, 0), BATCH);
        draw_parameters(&r, 0.5f);
        get_parameters(&r, before);
        /* Of samples' number times the scale, which is above 2^3. */
        start_loss_scale(&r, k == 0 ? 0x1p127f : 0x1p124f);
        set_shares(&r, (int64_t[]){BATCH});
        for (int step = 0; step < 2 * SKIPPED; step++) {
            fill(&r, &set, 0);
            must(mot_exec_step(r.exec, &(mot_step_scalars){.step = step, .lr = 0.1f}));
            must(mot_exec_finish(r.exec));
            get_parameters(&r, p[k]);
            get_loss_scale(&r, scale);
            if (k == 0 && step < SKIPPED)
                ck_assert_mem_eq(p[k], before, sizeof before);
            if (k == 1 && step == SKIPPED - 1)
                break;
        }
        ck_assert(scale[0] == 0x1p124f || scale[0] == 0x1p123f);
        ck_assert(scale[1] == (k == 0 ? SKIPPED : 0));
        close_run(&r);
    }
    ck_assert_mem_ne(p[0], before, sizeof before);
    ck_assert_mem_eq(p[0], p[1], sizeof before);
}
END_TEST

static void train_with(const char *selection, const int64_t *share, mot_op optimizer,
                       const mot_attrs *attrs, float dropout, double *p, double *loss,
                       uint64_t *hash)
{
    sample_set set;
    run r;
    make_samples(&set);
    open_run(&r, selection, make_graph(optimizer, attrs, dropout), BATCH);
    draw_parameters(&r, 0.5f);
    set_shares(&r, share);
    train_steps(&r, &set, 20);
    get_parameters(&r, p);
    for (int i = 0; i < r.n_devices; i++)
        must(mot_exec_hash(r.exec, i, &hash[i]));
    *loss = 0;
    for (mot_step_result result; mot_exec_next_result(r.exec, &result);)
        *loss = result.loss;
    close_run(&r);
}

/* What the average is after some steps, and that it is what evaluation looks at. */
START_TEST(test_the_average_of_the_parameters_is_evaluated)
{
    enum { STEPS = 4 };
    sample_set set;
    run r;
    double p[N_PARAMETERS], average[N_PARAMETERS];
    mot_step_result result;
    make_samples(&set);
    open_run(&r, "pocl:0", make_graph(MOT_OP_adamw, &clipped, 0), BATCH);
    draw_parameters(&r, 0.5f);
    set_shares(&r, (int64_t[]){BATCH});
    for (int step = 0; step < STEPS; step++) {
        fill(&r, &set, 0);
        must(mot_exec_step(
            r.exec, &(mot_step_scalars){.step = step, .lr = 0.1f, .bias1 = 0.1f, .bias2 = 0.001f}));
        must(mot_exec_finish(r.exec));
        get_parameters(&r, p);
        for (int i = 0; i < N_PARAMETERS; i++)
            average[i] = step == 0 ? p[i] : 0.9 * average[i] + (1 - 0.9) * p[i];
    }
    while (mot_exec_next_result(r.exec, &result))
        continue;
    fill(&r, &set, 0);
    must(mot_exec_evaluate(r.exec, NULL));
    ck_assert(mot_exec_next_result(r.exec, &result));
    double expected = reference_loss(average, &set, 0, BATCH);
    ck_assert_double_eq_tol(result.loss, expected, 1e-4);
    ck_assert_double_gt(fabs(reference_loss(p, &set, 0, BATCH) - expected), 1e-2);
    close_run(&r);
}
END_TEST

/* Shares of two devices, a device with none among them, give what one device gives; the first kind with
 * joined launches. */
START_TEST(test_two_devices_equal_one)
{
    static const struct {
        mot_op op;
        const mot_attrs *attrs;
        float dropout;
    } kind[] = {{MOT_OP_sgd, &momentum_sgd, 0},
                {MOT_OP_adam, &adam, 0},
                {MOT_OP_sgd, &plain_sgd, 0.4f},
                {MOT_OP_adamw, &clipped, 0.2f},
                {MOT_OP_lamb, &lamb, 0}};
    static const int64_t share[][2] = {{6, 5}, {10, 1}, {0, 11}, {11, 0}};
    double one[N_PARAMETERS], two[N_PARAMETERS], loss_one, loss_two;
    uint64_t hash[4];
    setenv("POCL_DEVICES", "pthread basic", 1);
    setenv("MOTLEY_JOIN", _i < 4 ? "" : "0", 1); /* "": as the device does it */
    int k = _i < 12 ? _i / 4 : _i - 9;
    const int64_t *shares = share[_i < 12 ? _i % 4 : 0];
    train_with("pocl:0", (int64_t[]){BATCH}, kind[k].op, kind[k].attrs, kind[k].dropout, one,
               &loss_one, hash);
    train_with("pocl:0,pocl:1", shares, kind[k].op, kind[k].attrs, kind[k].dropout, two, &loss_two,
               hash);
    ck_assert_uint_eq(hash[0], hash[1]);
    for (int i = 0; i < N_PARAMETERS; i++)
        ck_assert_double_eq_tol(one[i], two[i], 1e-5);
    ck_assert_double_eq_tol(loss_one, loss_two, 1e-4);
}
END_TEST

START_TEST(test_the_same_plan_gives_the_same_bits)
{
    double p[N_PARAMETERS], loss;
    uint64_t first[4], second[4];
    setenv("POCL_DEVICES", "pthread basic", 1);
    train_with("pocl:0,pocl:1", (int64_t[]){7, 4}, MOT_OP_adam, &adam, 0.2f, p, &loss, first);
    train_with("pocl:0,pocl:1", (int64_t[]){7, 4}, MOT_OP_adam, &adam, 0.2f, p, &loss, second);
    ck_assert_uint_eq(first[0], second[0]);
}
END_TEST

/* A replica that sat out is brought up to date when it comes back. */
START_TEST(test_a_device_that_comes_back_has_current_parameters)
{
    sample_set set;
    run r;
    uint64_t hash[2];
    setenv("POCL_DEVICES", "pthread basic", 1);
    make_samples(&set);
    open_run(&r, "pocl:0,pocl:1", make_graph(MOT_OP_adam, &adam, 0), BATCH);
    draw_parameters(&r, 0.5f);
    set_shares(&r, (int64_t[]){BATCH, 0});
    must(mot_exec_set_plan(r.exec, r.plan, 0, (bool[]){true, false}));
    r.share[1] = 0;
    for (int step = 0; step < 3; step++) {
        void *raw, *label;
        must(mot_exec_input(r.exec, 0, &raw, &label));
        memcpy(raw, set.x, sizeof(float) * BATCH * IN);
        memcpy(label, set.label, 4 * BATCH);
        must(mot_exec_step(r.exec,
                           &(mot_step_scalars){.step = step, .lr = 0.1f, .bias1 = 1, .bias2 = 1}));
    }
    must(mot_exec_hash(r.exec, 0, &hash[0]));
    must(mot_exec_hash(r.exec, 1, &hash[1]));
    ck_assert_uint_ne(hash[0], hash[1]);
    set_shares(&r, (int64_t[]){5, 6});
    train_steps(&r, &set, 3);
    must(mot_exec_hash(r.exec, 0, &hash[0]));
    must(mot_exec_hash(r.exec, 1, &hash[1]));
    ck_assert_uint_eq(hash[0], hash[1]);
    close_run(&r);
}
END_TEST

START_TEST(test_evaluation_sums_losses_and_gives_outputs)
{
    sample_set set;
    run r;
    double p[N_PARAMETERS];
    float outputs[BATCH * OUT];
    mot_step_result result;
    setenv("POCL_DEVICES", "pthread basic", 1);
    make_samples(&set);
    open_run(&r, "pocl:0,pocl:1", make_graph(MOT_OP_sgd, &plain_sgd, 0.5f), BATCH);
    draw_parameters(&r, 0.5f);
    get_parameters(&r, p);
    set_shares(&r, (int64_t[]){4, 7});
    fill(&r, &set, 0);
    must(mot_exec_evaluate(r.exec, outputs));
    ck_assert(mot_exec_next_result(r.exec, &result));
    ck_assert_double_eq(result.samples, BATCH);
    ck_assert_double_eq_tol(result.loss, reference_loss(p, &set, 0, BATCH), 1e-4);
    double loss = 0;
    for (int i = 0; i < BATCH; i++) {
        const float *z = outputs + i * OUT;
        loss += log(exp(z[0]) + exp(z[1]) + exp(z[2])) - z[set.label[i]];
    }
    ck_assert_double_eq_tol(loss, result.loss, 1e-4);
    close_run(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exec");
    TCase *tests = tcase_create("exec");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_gradient_is_that_of_finite_differences);
    tcase_add_test(tests, test_gradient_is_close_with_16_bits);
    tcase_add_test(tests, test_steps_that_overflow_change_nothing);
    tcase_add_test(tests, test_the_average_of_the_parameters_is_evaluated);
    tcase_add_loop_test(tests, test_two_devices_equal_one, 0, 14);
    tcase_add_test(tests, test_the_same_plan_gives_the_same_bits);
    tcase_add_test(tests, test_a_device_that_comes_back_has_current_parameters);
    tcase_add_test(tests, test_evaluation_sums_losses_and_gives_outputs);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
