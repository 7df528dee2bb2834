/* conv2d, conv2d_dinput, conv2d_dweight. */
#include "config.h"

#include "tests/ops/ops.h"

#include <math.h>

/* ---- cases ---- */

typedef struct sizes {
    int64_t samples, channels, outs, places[2];
    mot_window window;
    mot_view x, w, y;
} sizes;

/* What networks have, 3x3 of any size most of all, and what only tests have: more padding than the
 * kernel sees, strides larger than the kernel, images as small as the window, a channel to each
 * group. */
static sizes draw(op_case *c, mot_random *random, bool small)
{
    static const int64_t usual[][6] = {/* channels, outs, height, width, kernel, stride */
                                       {1, 32, 14, 14, 3, 1}, {32, 24, 9, 8, 3, 1},
                                       {16, 16, 8, 8, 3, 2},  {24, 64, 7, 7, 1, 1},
                                       {3, 16, 20, 18, 7, 2}, {64, 40, 5, 5, 5, 1}};
    sizes s = {.samples = op_between(random, 1, small ? 2 : 5)};
    mot_window *v = &s.window;
    v->groups = 1;
    if (!small && op_between(random, 0, 1)) {
        const int64_t *u = usual[op_between(random, 0, 5)];
        s.channels = u[0];
        s.outs = u[1];
        for (int i = 0; i < 2; i++) {
            v->image[i] = u[2 + i];
            v->kernel[i] = u[4];
            v->stride[i] = u[5];
            v->padding[i] = u[4] / 2;
            v->dilation[i] = 1;
        }
    } else {
        const bool three = op_between(random, 0, 2) == 0; /* by three, side by side */
        v->groups = op_between(random, 0, 2) ? 1 : op_between(random, 2, 5);
        s.channels = v->groups * op_between(random, 1, small ? 3 : 10);
        s.outs = v->groups * op_between(random, 1, small ? 3 : 20);
        for (int i = 0; i < 2; i++) {
            v->kernel[i] = three ? 3 : op_between(random, 1, small ? 3 : 5);
            v->stride[i] = three ? 1 : op_between(random, 1, 4);
            v->dilation[i] = three ? 1 : op_between(random, 1, 3);
            v->padding[i] =
                op_between(random, 0, 2) ? op_between(random, 0, 2) : op_between(random, 0, 9);
            const int64_t spread = v->dilation[i] * (v->kernel[i] - 1) + 1;
            const int64_t least = spread - 2 * v->padding[i] > 1 ? spread - 2 * v->padding[i] : 1;
            v->image[i] = least + op_between(random, 0, small ? 3 : 14);
        }
    }
    for (int i = 0; i < 2; i++)
        s.places[i] = mot_window_places(v, i);
    c->o.attrs.window = *v;
    s.x = op_view(MOT_F32, 4, (int64_t[]){s.samples, s.channels, v->image[0], v->image[1]});
    s.w = op_view(MOT_F32, 4,
                  (int64_t[]){s.outs, s.channels / v->groups, v->kernel[0], v->kernel[1]});
    s.y = op_view(MOT_F32, 4, (int64_t[]){s.samples, s.outs, s.places[0], s.places[1]});
    return s;
}

/* ---- all multiply-adds ---- */

/* Call `add` for every element of x, w and y that meet. */
static void each(const sizes *s, void (*add)(int64_t x, int64_t w, int64_t y, void *user),
                 void *user)
{
    const mot_window *v = &s->window;
    const int64_t deep = s->channels / v->groups, wide = s->outs / v->groups;
    const int64_t n_places = s->places[0] * s->places[1], n_taps = v->kernel[0] * v->kernel[1];
    for (int64_t i = 0; i < s->samples * s->outs * n_places; i++) {
        const int64_t place = i % n_places, image = i / n_places, o = image % s->outs;
        for (int64_t c = 0; c < deep; c++)
            for (int64_t k = 0; k < n_taps; k++) {
                const int64_t row = place / s->places[1] * v->stride[0] - v->padding[0] +
                                    k / v->kernel[1] * v->dilation[0];
                const int64_t column = place % s->places[1] * v->stride[1] - v->padding[1] +
                                       k % v->kernel[1] * v->dilation[1];
                const int64_t plane = image / s->outs * s->channels + o / wide * deep + c;
                if (row >= 0 && row < v->image[0] && column >= 0 && column < v->image[1])
                    add((plane * v->image[0] + row) * v->image[1] + column,
                        (o * deep + c) * n_taps + k, i, user);
            }
    }
}

typedef struct arrays {
    const float *a, *b;
    double *sum;
} arrays;

static void add_y(int64_t x, int64_t w, int64_t y, void *user)
{
    const arrays *all = user;
    all->sum[y] += (double)all->a[x] * (double)all->b[w];
}

static void add_dx(int64_t x, int64_t w, int64_t y, void *user)
{
    const arrays *all = user;
    all->sum[x] += (double)all->a[y] * (double)all->b[w];
}

static void add_dw(int64_t x, int64_t w, int64_t y, void *user)
{
    const arrays *all = user;
    all->sum[w] += (double)all->a[y] * (double)all->b[x];
}

static double tolerance(int64_t terms)
{
    return 1e-5 * sqrt((double)terms);
}

/* ---- makers ---- */

void make_conv2d(op_case *c, mot_random *random, bool small)
{
    const sizes s = draw(c, random, small);
    const int64_t depth = op_elements(&s.w) / s.outs, n_places = s.places[0] * s.places[1];
    arrays all = {op_input(c, random, 0, s.x), op_input(c, random, 1, s.w),
                  op_output(c, 0, s.y, tolerance(depth))};
    each(&s, add_y, &all);
    if (op_between(random, 0, 1)) {
        const float *b = op_input(c, random, 2, op_view(MOT_F32, 1, &s.outs));
        for (int64_t i = 0; i < op_elements(&s.y); i++)
            all.sum[i] += (double)b[i / n_places % s.outs];
    }
    if (op_between(random, 0, 1)) {
        c->o.attrs.activation = MOT_ACT_RELU;
        for (int64_t i = 0; i < op_elements(&s.y); i++)
            all.sum[i] = fmax(all.sum[i], 0.0);
    }
}

void make_conv2d_dinput(op_case *c, mot_random *random, bool small)
{
    const sizes s = draw(c, random, small);
    const int64_t depth = op_elements(&s.w) / (s.channels / s.window.groups);
    arrays all = {op_input(c, random, 0, s.y), op_input(c, random, 1, s.w),
                  op_output(c, 0, s.x, tolerance(depth))};
    each(&s, add_dx, &all);
    const int64_t n_pixels = s.window.image[0] * s.window.image[1];
    const float *h = NULL, *b = NULL;
    if (op_between(random, 0, 1)) /* backward */
        h = op_input(c, random, 2, s.x);
    if (op_between(random, 0, 1)) /* forward */
        b = op_input(c, random, 3, op_view(MOT_F32, 1, &s.channels));
    if (op_between(random, 0, 1))
        c->o.attrs.activation = MOT_ACT_RELU;
    for (int64_t i = 0; i < op_elements(&s.x); i++) {
        all.sum[i] += b ? (double)b[i / n_pixels % s.channels] : 0;
        if ((c->o.attrs.activation == MOT_ACT_RELU && all.sum[i] < 0) || (h && !(h[i] > 0.0f)))
            all.sum[i] = 0;
    }
}

void make_conv2d_dweight(op_case *c, mot_random *random, bool small)
{
    const sizes s = draw(c, random, small);
    const int64_t n_places = s.places[0] * s.places[1];
    arrays all = {op_input(c, random, 0, s.y), op_input(c, random, 1, s.x),
                  op_output(c, 0, s.w, tolerance(s.samples * n_places))};
    each(&s, add_dw, &all);
    if (op_between(random, 0, 1)) {
        double *db = op_output(c, 1, op_view(MOT_F32, 1, &s.outs), tolerance(s.samples * n_places));
        for (int64_t i = 0; i < op_elements(&s.y); i++)
            db[i / n_places % s.outs] += (double)all.a[i];
    }
}
