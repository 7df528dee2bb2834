/* lstm, gru and their gradients.  The reference goes through one sample after the other, forward in
 * double; the gradients start from what it keeps, rounded to float, as the device's would. */
#include "config.h"

#include "tests/ops/ops.h"
#include "tests/unit/reference_ops.h"

#include <stdlib.h>

typedef struct recurrent_case {
    int64_t samples, length, width;
    int n_gates;
    float *w, *b; /* b may be NULL */
} recurrent_case;

/* Some widths that fill vectors, and odd ones; more samples than a tile has. */
static recurrent_case draw(mot_random *random, bool small, int n_gates)
{
    static const int64_t widths[] = {8, 16, 32, 48, 64};
    recurrent_case r = {.samples = op_between(random, 1, small ? 3 : 23),
                        .length = op_between(random, 1, small ? 4 : 12),
                        .width = op_between(random, 1, small ? 9 : 40),
                        .n_gates = n_gates};
    if (!small && op_between(random, 0, 1))
        r.width = widths[op_between(random, 0, 4)];
    return r;
}

static mot_view at_positions(const recurrent_case *r, int64_t n)
{
    return op_view(MOT_F32, 3, (int64_t[]){r->samples, r->length, n});
}

/* p = w h + b of a sample; h NULL: 0. */
static void product(const recurrent_case *r, const double *h, double *p)
{
    for (int64_t row = 0; row < r->n_gates * r->width; row++) {
        p[row] = r->b ? (double)r->b[row] : 0;
        for (int64_t k = 0; h && k < r->width; k++)
            p[row] += (double)r->w[row * r->width + k] * h[k];
    }
}

/* One position; y and cells are behind those of the position before, which is there where not
 * `begins`. */
static void lstm_position(const recurrent_case *r, const float *x, bool begins, double *y,
                          double *gates, double *cells)
{
    const int64_t n = r->width;
    double *p = op_doubles(4 * n);
    product(r, begins ? NULL : y - n, p);
    for (int64_t j = 0; j < n; j++) {
        for (int k = 0; k < 4; k++) {
            const double sum = p[k * n + j] + (double)x[k * n + j];
            gates[k * n + j] = k == 2 ? tanh(sum) : ref_sigmoid(sum);
        }
        cells[j] = gates[j] * gates[2 * n + j] + (begins ? 0 : gates[n + j] * cells[j - n]);
        y[j] = gates[3 * n + j] * tanh(cells[j]);
    }
    free(p);
}

static void gru_position(const recurrent_case *r, const float *x, bool begins, double *y,
                         double *gates)
{
    const int64_t n = r->width;
    double *p = op_doubles(3 * n);
    product(r, begins ? NULL : y - n, p);
    for (int64_t j = 0; j < n; j++) {
        const double reset = ref_sigmoid(p[j] + (double)x[j]);
        const double z = ref_sigmoid(p[n + j] + (double)x[n + j]);
        const double m = tanh((double)x[2 * n + j] + reset * p[2 * n + j]);
        gates[j] = reset;
        gates[n + j] = z;
        gates[2 * n + j] = m;
        gates[3 * n + j] = p[2 * n + j];
        y[j] = (1 - z) * m + (begins ? 0 : z * y[j - n]);
    }
    free(p);
}

/* cells NULL: gru. */
static void forward(const recurrent_case *r, const float *x, double *y, double *gates,
                    double *cells)
{
    const int64_t n = r->width;
    for (int64_t at = 0; at < r->samples * r->length; at++) {
        const bool begins = at % r->length == 0;
        const float *own = x + at * r->n_gates * n;
        if (cells)
            lstm_position(r, own, begins, y + at * n, gates + 4 * at * n, cells + at * n);
        else
            gru_position(r, own, begins, y + at * n, gates + 4 * at * n);
    }
}

static void make_forward(op_case *c, mot_random *random, bool small, int n_gates)
{
    recurrent_case r = draw(random, small, n_gates);
    const int64_t rows = n_gates * r.width;
    const float *x = op_input(c, random, 0, at_positions(&r, rows));
    r.w = op_input(c, random, 1, op_view2(rows, r.width));
    if (op_between(random, 0, 2) > 0)
        r.b = op_input(c, random, 2, op_view(MOT_F32, 1, &rows));
    double *y = op_output(c, 0, at_positions(&r, r.width), 2e-5);
    double *gates = op_output(c, 1, at_positions(&r, 4 * r.width), 2e-5);
    double *cells = n_gates == 4 ? op_output(c, 2, at_positions(&r, r.width), 2e-5) : NULL;
    forward(&r, x, y, gates, cells);
    op_begin_later(c, random, r.length);
}

void make_lstm(op_case *c, mot_random *random, bool small)
{
    make_forward(c, random, small, 4);
}

void make_gru(op_case *c, mot_random *random, bool small)
{
    make_forward(c, random, small, 3);
}

/* ---- gradients ---- */

/* What forward keeps of random x, as input i. */
static void keep(op_case *c, mot_random *random, int i, const double *from, mot_view view)
{
    float *to = op_input(c, random, i, view);
    for (int64_t k = 0; k < op_elements(&view); k++)
        to[k] = (float)from[k];
}

/* The case's inputs: dy, then all that forward keeps, then w. */
static void run_forward(op_case *c, mot_random *random, recurrent_case *r)
{
    const int64_t n = r->samples * r->length * r->width, rows = r->n_gates * r->width;
    double *y = op_doubles(n), *gates = op_doubles(4 * n);
    double *cells = r->n_gates == 4 ? op_doubles(n) : NULL;
    float *x = op_floats(random, n * r->n_gates);
    op_input(c, random, 0, at_positions(r, r->width));
    r->w = op_input(c, random, r->n_gates, op_view2(rows, r->width));
    if (r->n_gates == 3)
        r->b = op_floats(random, rows);
    forward(r, x, y, gates, cells);
    keep(c, random, 1, y, at_positions(r, r->width));
    keep(c, random, 2, gates, at_positions(r, 4 * r->width));
    if (cells)
        keep(c, random, 3, cells, at_positions(r, r->width));
    free(y);
    free(gates);
    free(cells);
    free(x);
    free(r->b);
}

/* dh += w^T dstate */
static void back(const recurrent_case *r, const double *dstate, double *dh)
{
    for (int64_t row = 0; row < r->n_gates * r->width; row++)
        for (int64_t k = 0; k < r->width; k++)
            dh[k] += (double)r->w[row * r->width + k] * dstate[row];
}

/* y is before's source: a position earlier. */
static void shift(const recurrent_case *r, const float *y, double *before)
{
    for (int64_t i = 0; i < r->samples * r->length * r->width; i++)
        before[i] = i / r->width % r->length == 0 ? 0 : (double)y[i - r->width];
}

void make_lstm_grad(op_case *c, mot_random *random, bool small)
{
    recurrent_case r = draw(random, small, 4);
    const int64_t n = r.width;
    r.w = NULL;
    run_forward(c, random, &r);
    /* w is the input behind the cells. */
    const float *dy = c->in[0], *gates = c->in[2], *cells = c->in[3];
    double *dx = op_output(c, 0, at_positions(&r, 4 * n), 5e-5);
    double *before = op_output(c, 1, at_positions(&r, n), 0.0);
    double *dh = op_doubles(n), *carry = op_doubles(n);
    for (int64_t at = r.samples * r.length - 1; at >= 0; at--) {
        const bool begins = at % r.length == 0, ends = at % r.length == r.length - 1;
        const float *gate = gates + 4 * at * n;
        double *to = dx + 4 * at * n;
        for (int64_t j = 0; j < n; j++)
            dh[j] = (double)dy[at * n + j];
        if (!ends)
            back(&r, to + 4 * n, dh);
        for (int64_t j = 0; j < n; j++) {
            const double i = (double)gate[j], f = (double)gate[n + j], g = (double)gate[2 * n + j];
            const double o = (double)gate[3 * n + j], u = tanh((double)cells[at * n + j]);
            const double dc = dh[j] * o * (1 - u * u) + (ends ? 0 : carry[j]);
            to[j] = dc * g * i * (1 - i);
            to[n + j] = begins ? 0 : dc * (double)cells[(at - 1) * n + j] * f * (1 - f);
            to[2 * n + j] = dc * i * (1 - g * g);
            to[3 * n + j] = dh[j] * u * o * (1 - o);
            carry[j] = dc * f;
        }
    }
    shift(&r, c->in[1], before);
    free(dh);
    free(carry);
}

void make_gru_grad(op_case *c, mot_random *random, bool small)
{
    recurrent_case r = draw(random, small, 3);
    const int64_t n = r.width;
    run_forward(c, random, &r);
    const float *dy = c->in[0], *y = c->in[1], *gates = c->in[2];
    double *dx = op_output(c, 0, at_positions(&r, 3 * n), 5e-5);
    double *dstate = op_output(c, 1, at_positions(&r, 3 * n), 5e-5);
    double *before = op_output(c, 2, at_positions(&r, n), 0.0);
    double *dh = op_doubles(n), *carry = op_doubles(n);
    for (int64_t at = r.samples * r.length - 1; at >= 0; at--) {
        const bool begins = at % r.length == 0, ends = at % r.length == r.length - 1;
        const float *gate = gates + 4 * at * n;
        double *to = dx + 3 * at * n, *state = dstate + 3 * at * n;
        for (int64_t j = 0; j < n; j++)
            dh[j] = (double)dy[at * n + j] + (ends ? 0 : carry[j]);
        if (!ends)
            back(&r, state + 3 * n, dh);
        for (int64_t j = 0; j < n; j++) {
            const double reset = (double)gate[j], z = (double)gate[n + j];
            const double m = (double)gate[2 * n + j], h = begins ? 0 : (double)y[(at - 1) * n + j];
            const double dm = dh[j] * (1 - z) * (1 - m * m);
            to[j] = state[j] = dm * (double)gate[3 * n + j] * reset * (1 - reset);
            to[n + j] = state[n + j] = dh[j] * (h - m) * z * (1 - z);
            to[2 * n + j] = dm;
            state[2 * n + j] = dm * reset;
            carry[j] = dh[j] * z;
        }
    }
    shift(&r, y, before);
    free(dh);
    free(carry);
}
