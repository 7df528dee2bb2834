/* Networks on images, from the model's text to the step, against the same in plain C and double
 * precision: the gradient by finite differences, and parts of a batch against the whole. */
#include "config.h"

#include "runtime/model/config.h"
#include "tests/exec/run.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 2, HEIGHT = 7, WIDTH = 6, PIXELS = CHANNELS * HEIGHT * WIDTH };
enum { OUT = 3, BATCH = 9, MOST = 1024 };

/* Every kind of layer for images, with all that a window can have. */
static const char text[] =
    "model:\n"
    "  layers:\n"
    "    - conv2d: {out: 4, kernel: 3, padding: same}\n"
    "    - relu\n"
    "    - max_pool2d: {kernel: 3, stride: 2, padding: 1}\n"
    "    - conv2d: {out: 6, kernel: [2, 3], padding: [2, 3], stride: [2, 1],"
    " dilation: [2, 1], groups: 2}\n"
    "    - relu\n"
    "    - conv2d_transpose: {out: 4, kernel: [2, 3], stride: [2, 1],"
    " padding: [1, 0], output_padding: [1, 0], dilation: [1, 2], groups: 2}\n"
    "    - relu\n"
    "    - conv2d: {out: 5, kernel: 2, bias: false}\n"
    "    - avg_pool2d: {kernel: 2, stride: 1, padding: 1}\n"
    "    - global_avg_pool\n"
    "    - linear: 3\n"
    "train: {optimizer: {name: sgd, lr: 0.1}}\n";

static mot_graph *make_graph(void)
{
    const mot_sample_spec spec = {
        .input = {4, {MOT_BATCH, CHANNELS, HEIGHT, WIDTH}}, .n_classes = OUT, .n_channels = 1};
    mot_config *config;
    mot_graph *graph;
    must(mot_config_parse(text, "images.yaml", &config));
    must(mot_model_build(config, &spec, &graph));
    mot_config_free(config);
    return graph;
}

/* ---- the same in double ---- */

typedef struct images {
    int channels, size[2];
    double x[MOST];
} images;

/* A window of `kernel` with its step, padding and dilation, down and across. */
typedef struct window {
    int kernel[2], stride[2], padding[2], dilation[2];
} window;

static int places(const images *in, const window *w, int i)
{
    return (in->size[i] + 2 * w->padding[i] - w->dilation[i] * (w->kernel[i] - 1) - 1) /
               w->stride[i] +
           1;
}

/* The pixel that the window sees with tap k at place `at` (row by row), NULL outside. */
static const double *pixel(const images *in, const window *w, int channel, int at, int k)
{
    const int across = places(in, w, 1);
    const int y = at / across * w->stride[0] - w->padding[0] + k / w->kernel[1] * w->dilation[0];
    const int x = at % across * w->stride[1] - w->padding[1] + k % w->kernel[1] * w->dilation[1];
    if (y < 0 || y >= in->size[0] || x < 0 || x >= in->size[1])
        return NULL;
    return &in->x[(channel * in->size[0] + y) * in->size[1] + x];
}

static images made(const images *in, const window *w, int channels)
{
    return (images){.channels = channels, .size = {places(in, w, 0), places(in, w, 1)}};
}

/* Takes the weights from *p. */
static images convolve(const images *in, const window *w, int outs, int groups, bool bias,
                       bool relu, const double **p)
{
    images out = made(in, w, outs);
    const int n = out.size[0] * out.size[1], taps = w->kernel[0] * w->kernel[1];
    const int deep = in->channels / groups;
    const double *weight = *p, *b = *p + outs * deep * taps;
    for (int i = 0; i < outs * n; i++) {
        const int o = i / n, first = o / (outs / groups) * deep;
        out.x[i] = bias ? b[o] : 0;
        for (int k = 0; k < deep * taps; k++) {
            const double *x = pixel(in, w, first + k / taps, i % n, k % taps);
            out.x[i] += x ? weight[o * deep * taps + k] * *x : 0;
        }
        if (relu && out.x[i] < 0)
            out.x[i] = 0;
    }
    *p = b + (bias ? outs : 0);
    return out;
}

/* Every pixel of `in` adds its window to images of this height and width; takes the weights from *p. */
static images spread(const images *in, const window *w, int outs, int height, int width, int groups,
                     const double **p)
{
    images out = {.channels = outs, .size = {height, width}};
    const int n = height * width, taps = w->kernel[0] * w->kernel[1], wide = outs / groups;
    const int n_in = in->size[0] * in->size[1];
    const double *weight = *p, *b = *p + in->channels * wide * taps;
    for (int i = 0; i < outs * n; i++)
        out.x[i] = b[i / n];
    for (int i = 0; i < in->channels * n_in; i++)
        for (int k = 0; k < wide * taps; k++) {
            const int c = i / n_in, o = c / (in->channels / groups) * wide + k / taps;
            const double *to = pixel(&out, w, o, i % n_in, k % taps);
            if (to)
                out.x[to - out.x] += weight[c * wide * taps + k] * in->x[i];
        }
    for (int i = 0; i < outs * n; i++)
        out.x[i] = fmax(out.x[i], 0);
    *p = b + outs;
    return out;
}

static images pool(const images *in, const window *w, bool largest)
{
    images out = made(in, w, in->channels);
    const int n = out.size[0] * out.size[1], taps = w->kernel[0] * w->kernel[1];
    for (int i = 0; i < in->channels * n; i++) {
        out.x[i] = largest ? -INFINITY : 0;
        for (int k = 0; k < taps; k++) {
            const double *x = pixel(in, w, i / n, i % n, k);
            if (x)
                out.x[i] = largest ? fmax(out.x[i], *x) : out.x[i] + *x / taps;
        }
    }
    return out;
}

static double cross_entropy(const images *in, const double *p, int label)
{
    const int n = in->size[0] * in->size[1];
    double z[OUT], total = 0;
    for (int j = 0; j < OUT; j++) {
        z[j] = p[OUT * in->channels + j];
        for (int k = 0; k < in->channels * n; k++)
            z[j] += p[j * in->channels + k / n] * in->x[k] / n;
        total += exp(z[j]);
    }
    return log(total) - z[label];
}

static double reference_loss(const double *p, const float *sample, int label)
{
    static const window three = {{3, 3}, {1, 1}, {1, 1}, {1, 1}},
                        apart = {{3, 3}, {2, 2}, {1, 1}, {1, 1}},
                        odd = {{2, 3}, {2, 1}, {2, 3}, {2, 1}},
                        back = {{2, 3}, {2, 1}, {1, 0}, {1, 2}},
                        two = {{2, 2}, {1, 1}, {0, 0}, {1, 1}},
                        mean = {{2, 2}, {1, 1}, {1, 1}, {1, 1}};
    images x = {.channels = CHANNELS, .size = {HEIGHT, WIDTH}};
    for (int i = 0; i < PIXELS; i++)
        x.x[i] = (double)sample[i];
    x = convolve(&x, &three, 4, 1, true, true, &p);
    x = pool(&x, &apart, true);
    x = convolve(&x, &odd, 6, 2, true, true, &p);
    x = spread(&x, &back, 4, 5, 11, 2, &p);
    x = convolve(&x, &two, 5, 1, false, false, &p);
    x = pool(&x, &mean, false);
    return cross_entropy(&x, p, label);
}

typedef struct sample_set {
    float x[BATCH][PIXELS];
    int32_t label[BATCH];
} sample_set;

static void make_samples(sample_set *set)
{
    mot_random random;
    mot_random_init(&random, 11, MOT_STREAM_TEST, 1);
    for (int i = 0; i < BATCH; i++) {
        for (int k = 0; k < PIXELS; k++)
            set->x[i][k] = mot_random_normal(&random);
        set->label[i] = (int32_t)mot_random_below(&random, OUT);
    }
}

static double mean_loss(const double *p, const sample_set *set)
{
    double sum = 0;
    for (int i = 0; i < BATCH; i++)
        sum += reference_loss(p, set->x[i], set->label[i]);
    return sum / BATCH;
}

/* ---- one step on devices ---- */

static void step(run *r, const sample_set *set)
{
    for (int i = 0; i < r->n_devices; i++) {
        void *raw, *label;
        must(mot_exec_input(r->exec, i, &raw, &label));
        memcpy(raw, set->x[r->plan->first[i]], (size_t)r->share[i] * sizeof set->x[0]);
        memcpy(label, set->label + r->plan->first[i], (size_t)r->share[i] * sizeof set->label[0]);
    }
    must(mot_exec_step(r->exec, &(mot_step_scalars){.lr = 0.1f, .bias1 = 1, .bias2 = 1}));
    must(mot_exec_finish(r->exec));
}

/* Parameters before and after one step of plain SGD with rate 0.1. */
static int train(const char *selection, const int64_t *share, const sample_set *set, double *before,
                 double *after)
{
    run r;
    open_run(&r, selection, make_graph(), BATCH);
    set_shares(&r, share);
    draw_parameters(&r, 0.5f);
    const int n = get_parameters(&r, before);
    step(&r, set);
    get_parameters(&r, after);
    close_run(&r);
    return n;
}

START_TEST(test_gradient_is_that_of_finite_differences)
{
    sample_set set;
    double before[MOST], after[MOST];
    make_samples(&set);
    const int n = train("pocl:0", (int64_t[]){BATCH}, &set, before, after);
    ck_assert_int_eq(n, 4 * 2 * 9 + 4 + 6 * 2 * 6 + 6 + 6 * 2 * 6 + 4 + 5 * 4 * 4 + 3 * 5 + 3);
    for (int i = 0; i < n; i++) {
        const double at = before[i], little = 1e-6;
        before[i] = at + little;
        const double up = mean_loss(before, &set);
        before[i] = at - little;
        const double down = mean_loss(before, &set);
        before[i] = at;
        ck_assert_msg(fabs((at - after[i]) / 0.1 - (up - down) / (2 * little)) < 3e-5,
                      "parameter %d: %g, expected %g", i, (at - after[i]) / 0.1,
                      (up - down) / (2 * little));
    }
}
END_TEST

START_TEST(test_parts_of_a_batch_are_the_whole)
{
    sample_set set;
    double before[MOST], whole[MOST], parts[MOST];
    make_samples(&set);
    const int n = train("pocl:0", (int64_t[]){BATCH}, &set, before, whole);
    train("pocl:0/2", (int64_t[]){2, BATCH - 2}, &set, before, parts);
    for (int i = 0; i < n; i++)
        ck_assert_double_eq_tol(parts[i], whole[i], 1e-6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("images");
    TCase *tcase = tcase_create("images");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_gradient_is_that_of_finite_differences);
    tcase_add_test(tcase, test_parts_of_a_batch_are_the_whole);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
