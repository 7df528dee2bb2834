/* Small networks for sequences on real devices against the same in plain C and double precision.
 * A transformer: embedding, position, causal attention with a residual, and the embedding's table once
 * more as the output layer.  A recurrent one: embedding, LSTM, GRU, linear.  Gradients by finite
 * differences, and two devices against one. */
#include "config.h"

#include "tests/exec/run.h"
#include "tests/unit/reference_ops.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORDS = 5,
    LENGTH = 5,
    WIDTH = 6,
    HEADS = 2,
    DEPTH = WIDTH / HEADS,
    BATCH = 7,
    N_TABLE = WORDS * WIDTH,
    N_POSITION = LENGTH * WIDTH,
    N_QKV = 3 * WIDTH * WIDTH,
    N_PROJ = WIDTH * WIDTH,
    N_TRANSFORMER = N_TABLE + N_POSITION + N_QKV + 3 * WIDTH + N_PROJ + WIDTH,
    LSTM = 4,
    GRU = 5,
    N_LSTM = 4 * LSTM * (WIDTH + LSTM + 2),
    N_GRU = 3 * GRU * (LSTM + GRU + 2),
    N_RECURRENT = N_TABLE + N_LSTM + N_GRU + WORDS * (GRU + 1),
    MOST_PARAMETERS = 512
};

/* A network as a graph, and the loss of one sample with parameters p. */
typedef struct network {
    mot_graph *(*make)(float dropout);
    double (*loss)(const double *p, const int32_t *id, const int32_t *label);
    int n_parameters;
} network;

/* ---- the networks as graphs ---- */

static int parameter(mot_graph *g, const char *name, int64_t rows, int64_t columns)
{
    mot_shape shape = {columns ? 2 : 1, {rows, columns}};
    int out;
    must(mot_graph_parameter(g, name, &shape, (mot_init){MOT_INIT_UNIFORM, 0.5f}, &out));
    return out;
}

static int append(mot_graph *g, mot_op op, const char *name, const mot_attrs *attrs, int a, int b,
                  int c)
{
    int out[3], in[3] = {a, b, c};
    must(mot_graph_append(g, op, name, attrs, in, c >= 0 ? 3 : b >= 0 ? 2 : 1, out));
    return out[0];
}

/* Both begin with an embedding, whose table and output these are. */
static mot_graph *begin_graph(int *table, int *x)
{
    mot_graph *g;
    int ids;
    mot_shape shape = {2, {MOT_BATCH, LENGTH}};
    must(mot_graph_new(&g));
    must(mot_graph_source(g, MOT_TENSOR_RAW, "raw", MOT_I32, &shape, &ids));
    *table = parameter(g, "embed.weight", WORDS, WIDTH);
    *x = append(g, MOT_OP_embedding, "embed", NULL, ids, *table, -1);
    return g;
}

static mot_graph *end_graph(mot_graph *g, int x)
{
    mot_shape shape = {2, {MOT_BATCH, LENGTH}};
    int label;
    must(mot_graph_source(g, MOT_TENSOR_LABEL, "label", MOT_I32, &shape, &label));
    append(g, MOT_OP_softmax_xent, "loss", NULL, x, label, -1);
    must(mot_graph_seal(g, MOT_OP_sgd, &(mot_attrs){0}));
    return g;
}

static int drop(mot_graph *g, float dropout, int x)
{
    if (dropout > 0)
        x = append(g, MOT_OP_dropout, "drop", &(mot_attrs){.p = dropout, .layer = 1}, x, -1, -1);
    return x;
}

static mot_graph *make_transformer(float dropout)
{
    int table, x;
    mot_graph *g = begin_graph(&table, &x);
    x = append(g, MOT_OP_position, "position", NULL, x,
               parameter(g, "position.weight", LENGTH, WIDTH), -1);
    x = drop(g, dropout, x);
    int weight = parameter(g, "qkv.weight", 3 * WIDTH, WIDTH);
    int qkv =
        append(g, MOT_OP_linear, "qkv", NULL, x, weight, parameter(g, "qkv.bias", 3 * WIDTH, 0));
    int y = append(g, MOT_OP_attention, "attn", &(mot_attrs){.heads = HEADS, .causal = true}, qkv,
                   -1, -1);
    weight = parameter(g, "proj.weight", WIDTH, WIDTH);
    y = append(g, MOT_OP_linear, "proj", NULL, y, weight, parameter(g, "proj.bias", WIDTH, 0));
    x = append(g, MOT_OP_add, "add", NULL, x, y, -1);
    return end_graph(g, append(g, MOT_OP_linear, "output", NULL, x, table, -1));
}

/* `<name>.<part>`, a matrix, and its bias. */
static void pair(mot_graph *g, const char *name, const char *part, int64_t rows, int64_t columns,
                 int out[2])
{
    char text[32];
    snprintf(text, sizeof text, "%s.weight_%s", name, part);
    out[0] = parameter(g, text, rows, columns);
    snprintf(text, sizeof text, "%s.bias_%s", name, part);
    out[1] = parameter(g, text, rows, 0);
}

static int append_recurrent(mot_graph *g, mot_op op, const char *name, int x, int64_t rows,
                            int64_t in, int64_t width)
{
    int p[2];
    pair(g, name, "ih", rows, in, p);
    x = append(g, MOT_OP_linear, name, NULL, x, p[0], p[1]);
    pair(g, name, "hh", rows, width, p);
    return append(g, op, name, NULL, x, p[0], p[1]);
}

static mot_graph *make_recurrent(float dropout)
{
    int table, x;
    mot_graph *g = begin_graph(&table, &x);
    x = append_recurrent(g, MOT_OP_lstm, "lstm", x, 4 * LSTM, WIDTH, LSTM);
    x = drop(g, dropout, x);
    x = append_recurrent(g, MOT_OP_gru, "gru", x, 3 * GRU, LSTM, GRU);
    const int weight = parameter(g, "output.weight", WORDS, GRU);
    return end_graph(g, append(g, MOT_OP_linear, "output", NULL, x, weight,
                               parameter(g, "output.bias", WORDS, 0)));
}

/* ---- the same in double ---- */

typedef struct sample_set {
    int32_t id[BATCH][LENGTH], label[BATCH][LENGTH];
} sample_set;

static void make_samples(sample_set *set)
{
    mot_random random;
    mot_random_init(&random, 5, MOT_STREAM_TEST, 1);
    for (int i = 0; i < BATCH; i++)
        for (int t = 0; t < LENGTH; t++) {
            set->id[i][t] = (int32_t)mot_random_below(&random, WORDS);
            set->label[i][t] = (int32_t)mot_random_below(&random, WORDS);
        }
}

/* y[n] = w (n,k) x + b */
static void linear(double *y, const double *x, const double *w, const double *b, int n, int k)
{
    for (int j = 0; j < n; j++) {
        y[j] = b ? b[j] : 0;
        for (int i = 0; i < k; i++)
            y[j] += w[j * k + i] * x[i];
    }
}

/* Position t's output of one head: qkv of all positions, the first t+1 of which it sees. */
static void attend(double *y, double qkv[LENGTH][3 * WIDTH], int head, int t)
{
    double e[LENGTH], sum = 0;
    const double *q = qkv[t] + head * DEPTH;
    for (int j = 0; j <= t; j++) {
        e[j] = 0;
        for (int d = 0; d < DEPTH; d++)
            e[j] += q[d] * qkv[j][WIDTH + head * DEPTH + d] / sqrt(DEPTH);
        sum += e[j] = exp(e[j]);
    }
    for (int d = 0; d < DEPTH; d++) {
        y[head * DEPTH + d] = 0;
        for (int j = 0; j <= t; j++)
            y[head * DEPTH + d] += e[j] / sum * qkv[j][2 * WIDTH + head * DEPTH + d];
    }
}

static double cross_entropy(const double *logits, int32_t label)
{
    double sum = 0;
    for (int v = 0; v < WORDS; v++)
        sum += exp(logits[v]);
    return log(sum) - logits[label];
}

static double transformer_loss(const double *p, const int32_t *id, const int32_t *label)
{
    const double *position = p + N_TABLE, *qkv_w = position + N_POSITION, *qkv_b = qkv_w + N_QKV;
    const double *proj_w = qkv_b + 3 * WIDTH, *proj_b = proj_w + N_PROJ;
    double x[LENGTH][WIDTH], qkv[LENGTH][3 * WIDTH], loss = 0;
    for (int t = 0; t < LENGTH; t++) {
        for (int c = 0; c < WIDTH; c++)
            x[t][c] = p[id[t] * WIDTH + c] + position[t * WIDTH + c];
        linear(qkv[t], x[t], qkv_w, qkv_b, 3 * WIDTH, WIDTH);
    }
    for (int t = 0; t < LENGTH; t++) {
        double y[WIDTH], z[WIDTH], logits[WORDS];
        for (int head = 0; head < HEADS; head++)
            attend(y, qkv, head, t);
        linear(z, y, proj_w, proj_b, WIDTH, WIDTH);
        for (int c = 0; c < WIDTH; c++)
            z[c] += x[t][c];
        linear(logits, z, p, NULL, WORDS, WIDTH);
        loss += cross_entropy(logits, label[t]);
    }
    return loss;
}

/* A position of the LSTM: h and c change; `p` are its parameters. */
static void lstm(double *h, double *c, const double *x, const double *p)
{
    const double *b_ih = p + 4 * LSTM * WIDTH, *w_hh = b_ih + 4 * LSTM;
    double own[4 * LSTM], state[4 * LSTM];
    linear(own, x, p, b_ih, 4 * LSTM, WIDTH);
    linear(state, h, w_hh, w_hh + 4 * LSTM * LSTM, 4 * LSTM, LSTM);
    for (int j = 0; j < 4 * LSTM; j++)
        own[j] += state[j];
    for (int j = 0; j < LSTM; j++) {
        c[j] = ref_sigmoid(own[LSTM + j]) * c[j] + ref_sigmoid(own[j]) * tanh(own[2 * LSTM + j]);
        h[j] = ref_sigmoid(own[3 * LSTM + j]) * tanh(c[j]);
    }
}

static void gru(double *h, const double *x, const double *p)
{
    const double *b_ih = p + 3 * GRU * LSTM, *w_hh = b_ih + 3 * GRU;
    double own[3 * GRU], state[3 * GRU];
    linear(own, x, p, b_ih, 3 * GRU, LSTM);
    linear(state, h, w_hh, w_hh + 3 * GRU * GRU, 3 * GRU, GRU);
    for (int j = 0; j < GRU; j++) {
        const double r = ref_sigmoid(own[j] + state[j]),
                     n = tanh(own[2 * GRU + j] + r * state[2 * GRU + j]);
        const double z = ref_sigmoid(own[GRU + j] + state[GRU + j]);
        h[j] = (1 - z) * n + z * h[j];
    }
}

static double recurrent_loss(const double *p, const int32_t *id, const int32_t *label)
{
    const double *lstm_p = p + N_TABLE, *gru_p = lstm_p + N_LSTM, *output = gru_p + N_GRU;
    double h[LSTM] = {0}, c[LSTM] = {0}, state[GRU] = {0}, logits[WORDS], loss = 0;
    for (int t = 0; t < LENGTH; t++) {
        lstm(h, c, p + id[t] * WIDTH, lstm_p);
        gru(state, h, gru_p);
        linear(logits, state, output, output + WORDS * GRU, WORDS, GRU);
        loss += cross_entropy(logits, label[t]);
    }
    return loss;
}

static const network networks[] = {{make_transformer, transformer_loss, N_TRANSFORMER},
                                   {make_recurrent, recurrent_loss, N_RECURRENT}};
enum { N_NETWORKS = sizeof networks / sizeof *networks };

/* Sum of losses over all positions of all samples. */
static double reference_loss(const network *net, const double *p, const sample_set *set)
{
    double sum = 0;
    for (int i = 0; i < BATCH; i++)
        sum += net->loss(p, set->id[i], set->label[i]);
    return sum;
}

/* ---- a run ---- */

static void train(run *r, const sample_set *set, int n_steps)
{
    for (int step = 0; step < n_steps; step++) {
        for (int i = 0; i < r->n_devices; i++) {
            void *raw, *label;
            must(mot_exec_input(r->exec, i, &raw, &label));
            const size_t bytes = (size_t)r->share[i] * sizeof set->id[0];
            memcpy(raw, set->id[r->plan->first[i]], bytes);
            memcpy(label, set->label[r->plan->first[i]], bytes);
        }
        must(mot_exec_step(r->exec,
                           &(mot_step_scalars){.step = step, .lr = 0.1f, .bias1 = 1, .bias2 = 1}));
    }
    must(mot_exec_finish(r->exec));
}

/* One step of plain SGD with rate 0.1 moves each parameter by 0.1 times its gradient, which is that
 * of the mean over all positions. */
START_TEST(test_gradient_is_that_of_finite_differences)
{
    const network *net = &networks[_i];
    sample_set set;
    run r;
    double before[MOST_PARAMETERS], after[MOST_PARAMETERS];
    mot_step_result result;
    make_samples(&set);
    open_run(&r, "pocl:0", net->make(0), BATCH);
    set_shares(&r, (int64_t[]){BATCH});
    draw_parameters(&r, 1);
    ck_assert_int_eq(get_parameters(&r, before), net->n_parameters);
    train(&r, &set, 1);
    get_parameters(&r, after);
    ck_assert(mot_exec_next_result(r.exec, &result));
    ck_assert_double_eq(result.samples, BATCH * LENGTH);
    ck_assert_double_eq_tol(result.loss, reference_loss(net, before, &set), 1e-4);
    for (int i = 0; i < net->n_parameters; i++) {
        const double own = before[i], step = 1e-5;
        before[i] = own + step;
        const double up = reference_loss(net, before, &set);
        before[i] = own - step;
        const double down = reference_loss(net, before, &set);
        before[i] = own;
        ck_assert_double_eq_tol((own - after[i]) / 0.1, (up - down) / (2 * step) / (BATCH * LENGTH),
                                2e-5);
    }
    close_run(&r);
}
END_TEST

static void train_with(const network *net, const char *selection, const int64_t *share, double *p)
{
    sample_set set;
    run r;
    uint64_t hash[2] = {0, 0};
    make_samples(&set);
    open_run(&r, selection, net->make(0.3f), BATCH);
    set_shares(&r, share);
    draw_parameters(&r, 1);
    train(&r, &set, 10);
    get_parameters(&r, p);
    for (int i = 0; i < r.n_devices; i++)
        must(mot_exec_hash(r.exec, i, &hash[i]));
    ck_assert(r.n_devices < 2 || hash[0] == hash[1]);
    close_run(&r);
}

START_TEST(test_two_devices_equal_one)
{
    const network *net = &networks[_i];
    double one[MOST_PARAMETERS], two[MOST_PARAMETERS];
    setenv("POCL_DEVICES", "pthread basic", 1);
    train_with(net, "pocl:0", (int64_t[]){BATCH}, one);
    train_with(net, "pocl:0,pocl:1", (int64_t[]){2, 5}, two);
    for (int i = 0; i < net->n_parameters; i++)
        ck_assert_double_eq_tol(one[i], two[i], 1e-5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sequence");
    TCase *tests = tcase_create("sequence");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_gradient_is_that_of_finite_differences, 0, N_NETWORKS);
    tcase_add_loop_test(tests, test_two_devices_equal_one, 0, N_NETWORKS);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
