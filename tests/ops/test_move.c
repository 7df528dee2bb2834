/* concat, permute, slice, pad, sum, spread: element by element, by their places. */
#include "config.h"

#include "tests/ops/ops.h"

#include <string.h>

/* 2 to 5 dimensions; the larger ones are rare, so that a case stays small. */
static mot_view any_view(mot_random *random, bool small)
{
    const int n_dims = (int)op_between(random, 2, MOT_MAX_DIMS);
    int64_t dim[MOT_MAX_DIMS];
    for (int i = 0; i < n_dims; i++)
        dim[i] = op_between(random, 1, small ? 4 : n_dims < 4 ? 40 : 9);
    dim[n_dims - 1] = op_between(random, 1, small ? 5 : n_dims < 3 ? 3000 : 40);
    return op_view(MOT_F32, n_dims, dim);
}

/* The place of element `e` of `shape`, by dimension, and back. */
static void place_of(const mot_shape *shape, int64_t e, int64_t *at)
{
    for (int i = shape->n_dims - 1; i >= 0; i--) {
        at[i] = e % shape->dim[i];
        e /= shape->dim[i];
    }
}

static int64_t element_at(const mot_shape *shape, const int64_t *at)
{
    int64_t e = 0;
    for (int i = 0; i < shape->n_dims; i++)
        e = e * shape->dim[i] + at[i];
    return e;
}

void make_concat(op_case *c, mot_random *random, bool small)
{
    mot_view view = any_view(random, small), parts[MOT_MAX_INPUTS];
    const int n = (int)op_between(random, 1, small ? 3 : MOT_MAX_INPUTS);
    const int axis = (int)op_between(random, 1, view.shape.n_dims - 1);
    const float *x[MOT_MAX_INPUTS];
    int64_t start = 0, at[MOT_MAX_DIMS];
    for (int i = 0; i < n; i++) {
        parts[i] = view;
        parts[i].shape.dim[axis] = op_between(random, 1, small ? 3 : 9);
        start += parts[i].shape.dim[axis];
        x[i] = op_input(c, random, i, parts[i]);
    }
    view.shape.dim[axis] = start;
    c->o.attrs.axis = axis;
    double *y = op_output(c, 0, view, 0.0);
    start = 0;
    for (int i = 0; i < n; i++) {
        for (int64_t e = 0; e < op_elements(&parts[i]); e++) {
            place_of(&parts[i].shape, e, at);
            at[axis] += start;
            y[element_at(&view.shape, at)] = (double)x[i][e];
        }
        start += parts[i].shape.dim[axis];
    }
}

void make_permute(op_case *c, mot_random *random, bool small)
{
    const mot_view from = any_view(random, small);
    mot_view to = from;
    const float *x = op_input(c, random, 0, from);
    const int n_dims = from.shape.n_dims;
    int *order = c->o.attrs.order;
    int64_t at[MOT_MAX_DIMS], moved[MOT_MAX_DIMS];
    for (int i = 0; i < n_dims; i++)
        order[i] = i;
    for (int i = n_dims - 1; i > 1; i--) { /* 0 stays */
        const int k = (int)op_between(random, 1, i), swapped = order[i];
        order[i] = order[k];
        order[k] = swapped;
    }
    for (int i = 0; i < n_dims; i++)
        to.shape.dim[i] = from.shape.dim[order[i]];
    double *y = op_output(c, 0, to, 0.0);
    for (int64_t e = 0; e < op_elements(&from); e++) {
        place_of(&from.shape, e, at);
        for (int i = 0; i < n_dims; i++)
            moved[i] = at[order[i]];
        y[element_at(&to.shape, moved)] = (double)x[e];
    }
}

/* A random part: starts and steps, and the shapes of the part and of the whole. */
static void draw_part(op_case *c, mot_random *random, bool small, mot_view *part, mot_view *whole)
{
    *part = *whole = any_view(random, small);
    for (int i = 1; i < part->shape.n_dims; i++) {
        const bool all = op_between(random, 0, 1);
        const int64_t start = all ? 0 : op_between(random, 0, 3);
        const int64_t step = all ? 1 : op_between(random, 1, 3);
        const int64_t behind = all ? 0 : op_between(random, 0, 3);
        c->o.attrs.start[i] = start;
        c->o.attrs.step[i] = step;
        whole->shape.dim[i] = start + (part->shape.dim[i] - 1) * step + 1 + behind;
    }
}

static int64_t in_whole(const op_case *c, const mot_view *part, const mot_view *whole, int64_t e)
{
    int64_t at[MOT_MAX_DIMS];
    place_of(&part->shape, e, at);
    for (int i = 1; i < part->shape.n_dims; i++)
        at[i] = c->o.attrs.start[i] + c->o.attrs.step[i] * at[i];
    return element_at(&whole->shape, at);
}

void make_slice(op_case *c, mot_random *random, bool small)
{
    mot_view part, whole;
    draw_part(c, random, small, &part, &whole);
    const float *x = op_input(c, random, 0, whole);
    double *y = op_output(c, 0, part, 0.0);
    for (int64_t e = 0; e < op_elements(&part); e++)
        y[e] = (double)x[in_whole(c, &part, &whole, e)];
}

void make_pad(op_case *c, mot_random *random, bool small)
{
    mot_view part, whole;
    draw_part(c, random, small, &part, &whole);
    const float *x = op_input(c, random, 0, part);
    double *y = op_output(c, 0, whole, 0.0);
    for (int64_t e = 0; e < op_elements(&part); e++)
        y[in_whole(c, &part, &whole, e)] = (double)x[e];
}

/* Some dimensions of `whole`, not the first, are not in `part`. */
static void draw_axes(op_case *c, mot_random *random, bool small, mot_view *part, mot_view *whole)
{
    *part = *whole = any_view(random, small);
    const int n_dims = whole->shape.n_dims, axis = (int)op_between(random, 1, n_dims - 1);
    const int n_axes = (int)op_between(random, 1, n_dims - axis);
    c->o.attrs.axis = axis;
    c->o.attrs.n_axes = n_axes;
    c->o.attrs.factor = op_between(random, 0, 1) ? 1.0f : 0.37f;
    part->shape.n_dims -= n_axes;
    for (int i = axis; i < part->shape.n_dims; i++)
        part->shape.dim[i] = whole->shape.dim[i + n_axes];
}

static int64_t in_part(const op_case *c, const mot_view *part, const mot_view *whole, int64_t e)
{
    const int axis = c->o.attrs.axis, n_axes = c->o.attrs.n_axes;
    int64_t at[MOT_MAX_DIMS];
    place_of(&whole->shape, e, at);
    memmove(at + axis, at + axis + n_axes,
            (size_t)(whole->shape.n_dims - axis - n_axes) * sizeof *at);
    return element_at(&part->shape, at);
}

/* Rows of whole vectors, to be added up: many short ones, or a few long ones. */
static void draw_rows(op_case *c, mot_random *random, mot_view *part, mot_view *whole)
{
    const bool many = op_between(random, 0, 1);
    *whole = op_view2(many ? op_between(random, 2100, 3000) : op_between(random, 1, 40),
                      4 * (many ? op_between(random, 1, 16) : op_between(random, 64, 1024)));
    *part = op_view(MOT_F32, 1, whole->shape.dim);
    c->o.attrs.axis = c->o.attrs.n_axes = 1;
    c->o.attrs.factor = 0.37f;
}

void make_sum(op_case *c, mot_random *random, bool small)
{
    mot_view part, whole;
    if (!small && op_between(random, 0, 1))
        draw_rows(c, random, &part, &whole);
    else
        draw_axes(c, random, small, &part, &whole);
    const float *x = op_input(c, random, 0, whole);
    double *y = op_output(c, 0, part, 2e-5);
    for (int64_t e = 0; e < op_elements(&whole); e++)
        y[in_part(c, &part, &whole, e)] += (double)c->o.attrs.factor * (double)x[e];
}

void make_spread(op_case *c, mot_random *random, bool small)
{
    mot_view part, whole;
    draw_axes(c, random, small, &part, &whole);
    const float *x = op_input(c, random, 0, part);
    double *y = op_output(c, 0, whole, 1e-7);
    for (int64_t e = 0; e < op_elements(&whole); e++)
        y[e] = (double)c->o.attrs.factor * (double)x[in_part(c, &part, &whole, e)];
}
