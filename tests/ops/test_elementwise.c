/* ingest, relu, relu_grad, add, dropout, scale_gradient. */
#include "config.h"

#include "tests/ops/ops.h"
#include "tests/unit/reference_ops.h"

#include <math.h>
#include <stdlib.h>

static mot_view any_view(mot_random *random, bool small)
{
    int64_t dim[3] = {op_between(random, 1, small ? 4 : 70), op_between(random, 1, small ? 5 : 40),
                      op_between(random, 1, small ? 9 : 90)};
    return op_view(MOT_F32, (int)op_between(random, 1, 3), dim);
}

static int maybe_in_place(mot_random *random)
{
    return op_between(random, 0, 2) == 0 ? 0 : -1;
}

void make_relu(op_case *c, mot_random *random, bool small)
{
    mot_view view = any_view(random, small);
    const float *x = op_input(c, random, 0, view);
    double *y = op_output(c, 0, view, 0.0);
    c->on_top = maybe_in_place(random);
    for (int64_t i = 0; i < op_elements(&view); i++)
        y[i] = fmax((double)x[i], 0.0);
}

void make_relu_grad(op_case *c, mot_random *random, bool small)
{
    mot_view view = any_view(random, small);
    const float *dy = op_input(c, random, 0, view), *y = op_input(c, random, 1, view);
    double *dx = op_output(c, 0, view, 0.0);
    c->on_top = maybe_in_place(random);
    for (int64_t i = 0; i < op_elements(&view); i++)
        dx[i] = y[i] > 0.0f ? (double)dy[i] : 0.0;
}

void make_add(op_case *c, mot_random *random, bool small)
{
    mot_view view = any_view(random, small);
    const float *a = op_input(c, random, 0, view), *b = op_input(c, random, 1, view);
    const int64_t then = op_between(random, 0, 2);
    const float *h = then == 2 ? op_input(c, random, 2, view) : NULL;
    double *y = op_output(c, 0, view, 1e-7);
    c->o.attrs.activation = then == 1 ? MOT_ACT_RELU : MOT_ACT_NONE;
    c->on_top = maybe_in_place(random);
    for (int64_t i = 0; i < op_elements(&view); i++)
        y[i] = ref_added(c->o.attrs.activation, (double)a[i] + (double)b[i],
                         h ? &(double){(double)h[i]} : NULL);
}

void make_scale_gradient(op_case *c, mot_random *random, bool small)
{
    mot_view view = any_view(random, small);
    const float *dy = op_input(c, random, 0, view);
    float *scale = op_input(c, random, 1, op_view(MOT_F32, 1, (int64_t[]){1}));
    double *dx = op_output(c, 0, view, 0.0);
    *scale = (float)(1 << op_between(random, 0, 20));
    c->on_top = maybe_in_place(random);
    for (int64_t i = 0; i < op_elements(&view); i++)
        dx[i] = (double)dy[i] * (double)*scale;
}

void make_dropout(op_case *c, mot_random *random, bool small)
{
    mot_view view = any_view(random, small);
    if (op_between(random, 0, 1)) /* whole counters */
        view.shape.dim[view.shape.n_dims - 1] *= 8;
    const float *x = op_input(c, random, 0, view), p = 0.1f * (float)op_between(random, 0, 9);
    const int64_t rows = view.shape.dim[0], row = op_elements(&view) / rows;
    double *y = op_output(c, 0, view, 1e-6);
    c->on_top = maybe_in_place(random);
    const uint32_t least = (uint32_t)lround(65536 * (double)p);
    c->o.attrs.p = p;
    c->o.attrs.layer = (uint32_t)op_between(random, 0, 1000);
    for (int i = 0; i < 4; i++)
        c->scalars[i] = mot_random_u32(random);
    for (int64_t i = 0; i < rows * row; i++) {
        const int64_t sample = i / row, e = i % row;
        uint32_t word[4];
        mot_philox(
            &c->scalars[MOT_SCALAR_SEED_LO],
            (uint32_t[]){(uint32_t)(e / 8), c->scalars[MOT_SCALAR_FIRST_SAMPLE] + (uint32_t)sample,
                         c->scalars[MOT_SCALAR_STEP], c->o.attrs.layer << 8 | MOT_STREAM_DROPOUT},
            word);
        const uint32_t number = word[e % 8 / 2] >> (e % 2 * 16) & 0xFFFF;
        y[i] = number >= least ? (double)x[i] * 65536 / (65536 - least) : 0.0;
    }
}

void make_ingest(op_case *c, mot_random *random, bool small)
{
    int64_t samples = op_between(random, 1, small ? 4 : 90);
    int64_t channels = op_between(random, 1, small ? 3 : 20);
    int64_t group = op_between(random, 0, 2) == 0 ? 1 : op_between(random, 1, small ? 9 : 99);
    mot_view view = op_view(MOT_F32, 3, (int64_t[]){samples, channels, group});
    const int have = (int)op_between(random, 0, 3);
    double *x = op_output(c, 0, view, 1e-5);
    float *raw = op_input(c, random, 0, view);
    c->o.attrs.group = group;
    const float *scale = have & 1 ? op_input(c, random, 1, op_view(MOT_F32, 1, &channels)) : NULL;
    const float *shift = have & 2 ? op_input(c, random, 2, op_view(MOT_F32, 1, &channels)) : NULL;
    const int type = (int)op_between(random, 0, 5);
    if (type == 0) { /* tokens */
        int32_t *tokens = calloc((size_t)op_elements(&view), sizeof *tokens);
        for (int64_t i = 0; i < op_elements(&view); i++)
            raw[i] = (float)(tokens[i] = (int32_t)op_between(random, 0, 100000));
        c->o.in[0].dtype = MOT_I32;
        c->in[0] = tokens;
    } else if (type < 4) { /* bytes */
        unsigned char *bytes = calloc((size_t)op_elements(&view), 1);
        for (int64_t i = 0; i < op_elements(&view); i++)
            raw[i] = bytes[i] = (unsigned char)op_between(random, 0, 255);
        c->o.in[0].dtype = MOT_U8;
        c->in[0] = bytes;
    }
    for (int64_t i = 0; i < op_elements(&view); i++) {
        const int64_t channel = i / group % channels;
        x[i] = (double)raw[i] * (scale ? (double)scale[channel] : 1.0) +
               (shift ? (double)shift[channel] : 0.0);
    }
    if (c->in[0] != raw)
        free(raw);
}
