/* max_pool2d, avg_pool2d and their gradients. */
#include "config.h"

#include "tests/ops/ops.h"

#include <math.h>

typedef struct sizes {
    int64_t planes, places[2];
    mot_window window;
    mot_view x, y;
} sizes;

static sizes draw(op_case *c, mot_random *random, bool small)
{
    mot_window v = {.groups = 1, .count_padding = op_between(random, 0, 1)};
    const bool usual = op_between(random, 0, 1), whole = !usual && op_between(random, 0, 3) == 0;
    for (int i = 0; i < 2; i++) {
        v.kernel[i] = usual ? 2 : op_between(random, 1, small ? 3 : 6);
        v.stride[i] = usual ? 2 : op_between(random, 1, 4);
        v.padding[i] = usual ? 0 : op_between(random, 0, v.kernel[i] / 2);
        v.dilation[i] = 1;
        v.image[i] = v.kernel[i] - v.padding[i] + op_between(random, 0, small ? 4 : 40);
        if (whole) {
            v.kernel[i] = v.image[i];
            v.padding[i] = 0;
        }
    }
    sizes s = {.window = v, .places = {mot_window_places(&v, 0), mot_window_places(&v, 1)}};
    const int64_t samples = op_between(random, 1, small ? 2 : 5);
    const int64_t channels = op_between(random, 1, small ? 3 : 9);
    s.planes = samples * channels;
    s.x = op_view(MOT_F32, 4, (int64_t[]){samples, channels, v.image[0], v.image[1]});
    s.y = op_view(MOT_F32, 4, (int64_t[]){samples, channels, s.places[0], s.places[1]});
    c->o.attrs.window = v;
    return s;
}

/* Coarse numbers, so that there are equal ones. */
static float *input_with_ties(op_case *c, mot_random *random, int i, mot_view view)
{
    float *x = op_input(c, random, i, view);
    for (int64_t k = 0; k < op_elements(&view); k++)
        x[k] = rintf(4 * x[k]) / 4;
    return x;
}

/* ---- what a window sees ---- */

/* The pixels, by their place in x, of window i of all (planes x places); how many. */
static int see(const sizes *s, int64_t i, int64_t *pixel)
{
    const mot_window *v = &s->window;
    const int64_t n_places = s->places[0] * s->places[1], place = i % n_places;
    int n = 0;
    for (int64_t k = 0; k < v->kernel[0] * v->kernel[1]; k++) {
        const int64_t row = place / s->places[1] * v->stride[0] - v->padding[0] + k / v->kernel[1];
        const int64_t column =
            place % s->places[1] * v->stride[1] - v->padding[1] + k % v->kernel[1];
        if (row >= 0 && row < v->image[0] && column >= 0 && column < v->image[1])
            pixel[n++] = (i / n_places * v->image[0] + row) * v->image[1] + column;
    }
    return n;
}

enum { MOST_SEEN = 64 * 64 };

static int64_t largest(const sizes *s, const float *x, int64_t i)
{
    int64_t pixel[MOST_SEEN];
    const int n = see(s, i, pixel);
    int64_t best = pixel[0];
    for (int k = 1; k < n; k++)
        if (x[pixel[k]] > x[best])
            best = pixel[k];
    return best;
}

static double divisor(const sizes *s, int n)
{
    return s->window.count_padding ? (double)(s->window.kernel[0] * s->window.kernel[1]) : n;
}

/* ---- makers ---- */

void make_max_pool2d(op_case *c, mot_random *random, bool small)
{
    const sizes s = draw(c, random, small);
    const float *x = input_with_ties(c, random, 0, s.x);
    double *y = op_output(c, 0, s.y, 0.0);
    for (int64_t i = 0; i < op_elements(&s.y); i++)
        y[i] = (double)x[largest(&s, x, i)];
}

void make_max_pool2d_grad(op_case *c, mot_random *random, bool small)
{
    const sizes s = draw(c, random, small);
    const float *dy = op_input(c, random, 0, s.y), *x = input_with_ties(c, random, 1, s.x);
    double *dx = op_output(c, 0, s.x, 1e-6);
    for (int64_t i = 0; i < op_elements(&s.y); i++)
        dx[largest(&s, x, i)] += (double)dy[i];
    if (op_between(random, 0, 1)) {
        c->o.attrs.activation = MOT_ACT_RELU;
        for (int64_t i = 0; i < op_elements(&s.x); i++)
            dx[i] = x[i] > 0.0f ? dx[i] : 0.0;
    }
}

void make_avg_pool2d(op_case *c, mot_random *random, bool small)
{
    const sizes s = draw(c, random, small);
    const float *x = op_input(c, random, 0, s.x);
    double *y = op_output(c, 0, s.y, 1e-6);
    for (int64_t i = 0; i < op_elements(&s.y); i++) {
        int64_t pixel[MOST_SEEN];
        const int n = see(&s, i, pixel);
        for (int k = 0; k < n; k++)
            y[i] += (double)x[pixel[k]] / divisor(&s, n);
    }
}

void make_avg_pool2d_grad(op_case *c, mot_random *random, bool small)
{
    const sizes s = draw(c, random, small);
    const float *dy = op_input(c, random, 0, s.y);
    double *dx = op_output(c, 0, s.x, 1e-6);
    for (int64_t i = 0; i < op_elements(&s.y); i++) {
        int64_t pixel[MOST_SEEN];
        const int n = see(&s, i, pixel);
        for (int k = 0; k < n; k++)
            dx[pixel[k]] += (double)dy[i] / divisor(&s, n);
    }
}
