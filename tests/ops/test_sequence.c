/* embedding, position, attention and their gradients. */
#include "config.h"

#include "tests/ops/ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- embedding ---- */

/* The ids as they are read; the caller frees them where the case has them as bytes. */
static int32_t *draw_ids(op_case *c, mot_random *random, int i, int64_t samples, int64_t length,
                         int64_t vocabulary)
{
    int32_t *ids = calloc((size_t)(samples * length), sizeof *ids);
    c->o.in[i] = op_view(MOT_I32, 2, (int64_t[]){samples, length});
    c->in[i] = ids;
    c->o.n_in = 2;
    for (int64_t p = 0; p < samples * length; p++)
        ids[p] = (int32_t)op_between(random, 0, vocabulary - 1);
    if (vocabulary <= 256 && op_between(random, 0, 1)) {
        unsigned char *bytes = calloc((size_t)(samples * length), 1);
        for (int64_t p = 0; p < samples * length; p++)
            bytes[p] = (unsigned char)ids[p];
        c->o.in[i].dtype = MOT_U8;
        c->in[i] = bytes;
        return ids;
    }
    if (op_between(random, 0, 3) == 0) { /* clamped: nothing outside is touched */
        ids[0] = -7;
        ids[samples * length - 1] = (int32_t)vocabulary + 1000;
    }
    return ids;
}

static int64_t row_of(int32_t id, int64_t vocabulary)
{
    return id < 0 ? 0 : id >= vocabulary ? vocabulary - 1 : id;
}

typedef struct table_case {
    int64_t samples, length, vocabulary, columns;
} table_case;

/* Now and then a small table and many positions, or rows of whole vectors. */
static table_case draw_table(mot_random *random, bool small)
{
    table_case t = {op_between(random, 1, small ? 3 : 12), op_between(random, 1, small ? 5 : 70),
                    op_between(random, 1, small ? 9 : 300),
                    op_between(random, 1, small ? 20 : 150)};
    if (op_between(random, 0, 1)) {
        t.samples *= small ? 1 : 5;
        t.vocabulary = op_between(random, 1, op_between(random, 0, 1) ? 9 : 60);
    }
    if (op_between(random, 0, 2) > 0)
        t.columns = (t.columns + 3) / 4 * 4;
    return t;
}

void make_embedding(op_case *c, mot_random *random, bool small)
{
    const table_case t = draw_table(random, small);
    int32_t *ids = draw_ids(c, random, 0, t.samples, t.length, t.vocabulary);
    const float *w = op_input(c, random, 1, op_view2(t.vocabulary, t.columns));
    double *y =
        op_output(c, 0, op_view(MOT_F32, 3, (int64_t[]){t.samples, t.length, t.columns}), 0.0);
    for (int64_t i = 0; i < t.samples * t.length * t.columns; i++)
        y[i] = w[row_of(ids[i / t.columns], t.vocabulary) * t.columns + i % t.columns];
    if (c->in[0] != ids)
        free(ids);
}

void make_embedding_dweight(op_case *c, mot_random *random, bool small)
{
    const table_case t = draw_table(random, small);
    const float *dy =
        op_input(c, random, 0, op_view(MOT_F32, 3, (int64_t[]){t.samples, t.length, t.columns}));
    int32_t *ids = draw_ids(c, random, 1, t.samples, t.length, t.vocabulary);
    double *dw = op_output(c, 0, op_view2(t.vocabulary, t.columns), 1e-5);
    c->o.attrs.rows = t.vocabulary;
    for (int64_t i = 0; i < t.samples * t.length * t.columns; i++)
        dw[row_of(ids[i / t.columns], t.vocabulary) * t.columns + i % t.columns] += (double)dy[i];
    if (c->in[1] != ids)
        free(ids);
}

/* ---- position ---- */

static mot_view draw_sequences(mot_random *random, bool small)
{
    return op_view(MOT_F32, 3,
                   (int64_t[]){op_between(random, 1, small ? 3 : 12),
                               op_between(random, 1, small ? 5 : 70),
                               op_between(random, 0, 1) ? 4 * op_between(random, 1, small ? 3 : 40)
                                                        : op_between(random, 1, small ? 9 : 150)});
}

void make_position(op_case *c, mot_random *random, bool small)
{
    const mot_view view = draw_sequences(random, small);
    const int64_t *dim = view.shape.dim, n = dim[1] * dim[2];
    const float *x = op_input(c, random, 0, view);
    const float *w = op_input(c, random, 1, op_view2(dim[1], dim[2]));
    double *y = op_output(c, 0, view, 1e-7);
    c->on_top = op_between(random, 0, 2) == 0 ? 0 : -1;
    for (int64_t i = 0; i < dim[0] * n; i++)
        y[i] = (double)x[i] + (double)w[i % n];
}

void make_position_dweight(op_case *c, mot_random *random, bool small)
{
    const mot_view view = draw_sequences(random, small);
    const int64_t *dim = view.shape.dim, n = dim[1] * dim[2];
    const float *dy = op_input(c, random, 0, view);
    double *dw = op_output(c, 0, op_view2(dim[1], dim[2]), 1e-6);
    for (int64_t i = 0; i < dim[0] * n; i++)
        dw[i % n] += (double)dy[i];
}

/* ---- attention ---- */

typedef struct attention_case {
    int64_t samples, length, heads, depth, width;
    bool causal;
    bool low; /* all scores are about -120, whose exponential is none in float */
} attention_case;

/* Some lengths and depths that networks have, and odd ones; a block of keys is 64.  Of small
 * ones some have whole vectors. */
static attention_case draw_attention(op_case *c, mot_random *random, bool small)
{
    static const int64_t lengths[] = {64, 65, 128, 150}, depths[] = {16, 32, 33, 64, 80, 128};
    attention_case a = {.samples = op_between(random, 1, small ? 1 : 2),
                        .length = op_between(random, 1, small ? 9 : 90),
                        .heads = op_between(random, 1, small ? 2 : 3),
                        .depth = op_between(random, 1, small ? 9 : 40)};
    if (!small && op_between(random, 0, 1)) {
        a.length = lengths[op_between(random, 0, 3)];
        a.depth = depths[op_between(random, 0, 5)];
    }
    if (small && op_between(random, 0, 2) == 0)
        a.depth = 4 * op_between(random, 1, 8);
    a.width = a.heads * a.depth;
    a.causal = op_between(random, 0, 1);
    a.low = op_between(random, 0, 3) == 0;
    c->o.attrs.heads = a.heads;
    c->o.attrs.causal = a.causal;
    return a;
}

static mot_view rows_view(const attention_case *a, int64_t width)
{
    return op_view(MOT_F32, 3, (int64_t[]){a->samples, a->length, width});
}

static mot_view lse_view(const attention_case *a)
{
    return op_view(MOT_F32, 3, (int64_t[]){a->samples, a->heads, a->length});
}

/* What scores of 120 lose by rounding is lost by their exponentials. */
static double attention_tolerance(const attention_case *a, double usual)
{
    return a->low ? 30 * usual : usual;
}

/* Queries and keys far enough from zero that probabilities differ. */
static float *draw_qkv(op_case *c, mot_random *random, int i, const attention_case *a)
{
    float *qkv = op_input(c, random, i, rows_view(a, 3 * a->width));
    const float most = a->low ? 22.0f / powf((float)a->depth, 0.25f) : 3.0f;
    for (int64_t r = 0; r < a->samples * a->length; r++)
        for (int64_t e = 0; e < 2 * a->width; e++) {
            float *x = &qkv[r * 3 * a->width + e];
            *x = most * (!a->low ? *x : e < a->width ? fabsf(*x) : -fabsf(*x));
        }
    return qkv;
}

/* Query (0), key (1) or value (2) of a position, and a row of y. */
static const float *part(const attention_case *a, const float *qkv, int which, int64_t sample,
                         int64_t head, int64_t t)
{
    return qkv + ((sample * a->length + t) * 3 + which) * a->width + head * a->depth;
}

static int64_t row(const attention_case *a, int64_t sample, int64_t head, int64_t t)
{
    return (sample * a->length + t) * a->width + head * a->depth;
}

static double dot(const float *x, const float *y, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

/* Probabilities of one query; returns the log of the sum of exponentials. */
static double probabilities(const attention_case *a, const float *qkv, int64_t sample, int64_t head,
                            int64_t i, double *p)
{
    const int64_t n = a->causal ? i + 1 : a->length;
    double most = -INFINITY, sum = 0.0;
    for (int64_t j = 0; j < a->length; j++) {
        p[j] = dot(part(a, qkv, 0, sample, head, i), part(a, qkv, 1, sample, head, j), a->depth) /
               sqrt((double)a->depth);
        most = j < n ? fmax(most, p[j]) : most;
    }
    for (int64_t j = 0; j < a->length; j++)
        sum += p[j] = j < n ? exp(p[j] - most) : 0.0;
    for (int64_t j = 0; j < a->length; j++)
        p[j] /= sum;
    return most + log(sum);
}

/* One query forward: y and lse. */
static void attend(const attention_case *a, const float *qkv, int64_t sample, int64_t head,
                   int64_t i, double *p, double *y, double *lse)
{
    y += row(a, sample, head, i);
    lse[(sample * a->heads + head) * a->length + i] = probabilities(a, qkv, sample, head, i, p);
    for (int64_t j = 0; j < a->length; j++)
        for (int64_t d = 0; d < a->depth; d++)
            y[d] += p[j] * (double)part(a, qkv, 2, sample, head, j)[d];
}

static void attend_all(const attention_case *a, const float *qkv, double *y, double *lse)
{
    double *p = op_doubles(a->length);
    for (int64_t sample = 0; sample < a->samples; sample++)
        for (int64_t head = 0; head < a->heads; head++)
            for (int64_t i = 0; i < a->length; i++)
                attend(a, qkv, sample, head, i, p, y, lse);
    free(p);
}

void make_attention(op_case *c, mot_random *random, bool small)
{
    const attention_case a = draw_attention(c, random, small);
    const float *qkv = draw_qkv(c, random, 0, &a);
    double *y = op_output(c, 0, rows_view(&a, a.width), attention_tolerance(&a, 1e-5));
    double *lse = op_output(c, 1, lse_view(&a), attention_tolerance(&a, 1e-5));
    attend_all(&a, qkv, y, lse);
    op_begin_later(c, random, a.length);
}

/* One query backward: its dq, and its parts of all dk and dv. */
static void attend_back(const attention_case *a, const float *qkv, const float *dy, int64_t sample,
                        int64_t head, int64_t i, double *p, double *dqkv)
{
    const float *dyi = dy + row(a, sample, head, i), *q = part(a, qkv, 0, sample, head, i);
    double *dq = dqkv + (part(a, qkv, 0, sample, head, i) - qkv), delta = 0.0;
    probabilities(a, qkv, sample, head, i, p);
    for (int64_t j = 0; j < a->length; j++)
        delta += p[j] * dot(dyi, part(a, qkv, 2, sample, head, j), a->depth);
    for (int64_t j = 0; j < a->length; j++) {
        const float *k = part(a, qkv, 1, sample, head, j), *v = k + a->width;
        double *dk = dqkv + (k - qkv), *dv = dqkv + (v - qkv);
        const double ds = p[j] * (dot(dyi, v, a->depth) - delta) / sqrt((double)a->depth);
        for (int64_t d = 0; d < a->depth; d++) {
            dq[d] += ds * (double)k[d];
            dk[d] += ds * (double)q[d];
            dv[d] += p[j] * (double)dyi[d];
        }
    }
}

void make_attention_grad(op_case *c, mot_random *random, bool small)
{
    const attention_case a = draw_attention(c, random, small);
    const float *dy = op_input(c, random, 0, rows_view(&a, a.width));
    const float *qkv = draw_qkv(c, random, 1, &a);
    float *y = op_input(c, random, 2, rows_view(&a, a.width));
    float *lse = op_input(c, random, 3, lse_view(&a));
    double *dqkv = op_output(c, 0, rows_view(&a, 3 * a.width), attention_tolerance(&a, 3e-5));
    const int64_t n_y = a.samples * a.length * a.width, n_lse = a.samples * a.length * a.heads;
    double *p = op_doubles(a.length), *exact_y = op_doubles(n_y), *exact_lse = op_doubles(n_lse);
    attend_all(&a, qkv, exact_y, exact_lse);
    for (int64_t i = 0; i < n_y; i++)
        y[i] = (float)exact_y[i];
    for (int64_t i = 0; i < n_lse; i++)
        lse[i] = (float)exact_lse[i];
    for (int64_t sample = 0; sample < a.samples; sample++)
        for (int64_t head = 0; head < a.heads; head++)
            for (int64_t i = 0; i < a.length; i++)
                attend_back(&a, qkv, dy, sample, head, i, p, dqkv);
    free(p);
    free(exact_y);
    free(exact_lse);
}
