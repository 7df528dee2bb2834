/* concat, permute, slice, pad and spread: boxes of elements that go from one place to another; the
 * kernels are in kernels_cl/move.cl and move_tile.cl.
 *
 * A box is at most MOT_MAX_DIMS dimensions, each with its size and its steps in y and in x.
 * Dimensions of one element are left out, and two that lie one behind the other on both sides are
 * one; so what remains is the real shape of the copy, whatever the operator. */
#include "config.h"

#include "devices/variant.h"

#include <string.h>

enum { TILE = 32, TILE_ITEMS = 256, BAND = 64, LEAST_BAND = 8, OUTER = MOT_MAX_DIMS - 1 };
enum { LEAST_SIDE = 8 }; /* of what turns, so that runs of it are worth a detour */

typedef struct box {
    int n;
    int64_t size[MOT_MAX_DIMS], y[MOT_MAX_DIMS], x[MOT_MAX_DIMS];
    int64_t y_at, x_at;
} box;

/* ---- from operator to box ---- */

static void steps_of(const mot_shape *shape, int64_t *step)
{
    int64_t elements = 1;
    for (int i = shape->n_dims - 1; i >= 0; i--) {
        step[i] = elements;
        elements *= shape->dim[i];
    }
}

static box simplified(const box *from)
{
    box b = {.y_at = from->y_at, .x_at = from->x_at};
    for (int i = 0; i < from->n; i++) {
        const int last = b.n - 1;
        if (from->size[i] == 1)
            continue;
        if (last >= 0 && b.y[last] == from->y[i] * from->size[i] &&
            b.x[last] == from->x[i] * from->size[i]) {
            b.size[last] *= from->size[i];
            b.y[last] = from->y[i];
            b.x[last] = from->x[i];
            continue;
        }
        b.size[b.n] = from->size[i];
        b.y[b.n] = from->y[i];
        b.x[b.n++] = from->x[i];
    }
    if (b.n == 0) {
        b.n = 1;
        b.size[0] = b.y[0] = b.x[0] = 1;
    }
    return b;
}

/* The box that input `which` goes through; with several they follow each other along attrs.axis. */
static box box_of(const mot_operands *o, int which)
{
    const mot_shape *y = &o->out[0].shape, *x = &o->in[which].shape;
    const mot_attrs *a = &o->attrs;
    int64_t y_step[MOT_MAX_DIMS], x_step[MOT_MAX_DIMS];
    box b = {.n = y->n_dims};
    steps_of(y, y_step);
    steps_of(x, x_step);
    const mot_shape *counted = o->op == MOT_OP_concat || o->op == MOT_OP_pad ? x : y;
    memcpy(b.size, counted->dim, sizeof b.size);
    for (int i = 0; i < b.n; i++) {
        const bool is_new = i >= a->axis && i < a->axis + a->n_axes;
        const bool part = i > 0 && (o->op == MOT_OP_slice || o->op == MOT_OP_pad);
        const int64_t start = part ? a->start[i] : 0, step = part ? a->step[i] : 1;
        b.y[i] = y_step[i] * (o->op == MOT_OP_pad ? step : 1);
        if (o->op == MOT_OP_permute)
            b.x[i] = x_step[a->order[i]];
        else if (o->op == MOT_OP_spread)
            b.x[i] = is_new ? 0 : x_step[i < a->axis ? i : i - a->n_axes];
        else
            b.x[i] = x_step[i] * (o->op == MOT_OP_slice ? step : 1);
        b.y_at += o->op == MOT_OP_pad ? start * y_step[i] : 0;
        b.x_at += o->op == MOT_OP_slice ? start * x_step[i] : 0;
    }
    for (int i = 0; o->op == MOT_OP_concat && i < which; i++)
        b.y_at += o->in[i].shape.dim[a->axis] * y_step[a->axis];
    return simplified(&b);
}

/* ---- checks ---- */

static mot_status misfit(const mot_operands *o, int which)
{
    char x[MOT_SHAPE_TEXT], y[MOT_SHAPE_TEXT];
    return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: %s does not go into %s", mot_op_name(o->op), o->name,
                    mot_shape_print(&o->in[which].shape, x), mot_shape_print(&o->out[0].shape, y));
}

static mot_status check_concat(const mot_operands *o)
{
    const mot_shape *y = &o->out[0].shape;
    const int axis = o->attrs.axis;
    int64_t sum = 0;
    MOT_TRY(mot_check_operands(o, o->n_in, MOT_MAX_INPUTS, 1, 1, 0));
    for (int i = 0; i < o->n_in; i++) {
        mot_shape x = o->in[i].shape;
        if (axis < 0 || axis >= x.n_dims)
            return misfit(o, i);
        sum += x.dim[axis];
        x.dim[axis] = axis < y->n_dims ? y->dim[axis] : 0;
        if (!mot_shape_equal(&x, y))
            return misfit(o, i);
    }
    return sum == y->dim[axis] ? MOT_OK : misfit(o, o->n_in - 1);
}

static mot_status check_permute(const mot_operands *o)
{
    const mot_shape *y = &o->out[0].shape, *x = &o->in[0].shape;
    unsigned seen = 0;
    MOT_TRY(mot_check_operands(o, 1, 1, 1, 1, 0));
    for (int i = 0; i < y->n_dims && y->n_dims == x->n_dims; i++) {
        const int from = o->attrs.order[i];
        if (from >= 0 && from < x->n_dims && x->dim[from] == y->dim[i])
            seen |= 1u << from;
    }
    return seen == (1u << x->n_dims) - 1 ? MOT_OK : misfit(o, 0);
}

static mot_status check_part(const mot_operands *o)
{
    const bool slice = o->op == MOT_OP_slice;
    const mot_shape *small = slice ? &o->out[0].shape : &o->in[0].shape;
    const mot_shape *large = slice ? &o->in[0].shape : &o->out[0].shape;
    MOT_TRY(mot_check_operands(o, 1, 1, 1, 1, 0));
    bool fits = small->n_dims == large->n_dims && small->dim[0] == large->dim[0];
    for (int i = 1; i < small->n_dims && fits; i++) {
        const int64_t start = o->attrs.start[i], step = o->attrs.step[i];
        fits = start >= 0 && step >= 1 && start < large->dim[i] &&
               (large->dim[i] - 1 - start) / step >= small->dim[i] - 1;
    }
    return fits ? MOT_OK : misfit(o, 0);
}

static mot_status check_spread(const mot_operands *o)
{
    const mot_shape *y = &o->out[0].shape, *x = &o->in[0].shape;
    const int axis = o->attrs.axis, n_axes = o->attrs.n_axes;
    MOT_TRY(mot_check_operands(o, 1, 1, 1, 1, 0));
    bool fits = axis >= 0 && n_axes >= 0 && axis <= x->n_dims && y->n_dims == x->n_dims + n_axes;
    for (int i = 0; i < x->n_dims && fits; i++)
        fits = x->dim[i] == y->dim[i < axis ? i : i + n_axes];
    return fits ? MOT_OK : misfit(o, 0);
}

/* ---- launches ---- */

static float factor_of(const mot_recording *r)
{
    return r->o->op == MOT_OP_spread ? r->o->attrs.factor : 1.0f;
}

static void begin_in(const mot_recording *r, mot_launch *launch, const char *source,
                     const char *kernel, int which, const box *b)
{
    mot_view y = r->o->out[0], x = r->o->in[which];
    y.offset += b->y_at;
    x.offset += b->x_at;
    mot_record_begin(r, launch, source, kernel);
    mot_launch_view(launch, &y);
    mot_launch_view(launch, &x);
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel, int which,
                  const box *b)
{
    begin_in(r, launch, "move", kernel, which, b);
}

/* Sizes but the first, steps of y and of x: the last dimension, with OUTER in front of it. */
static void pass_rows(const mot_recording *r, mot_launch *launch, const box *b)
{
    const int inner = b->n - 1, absent = OUTER - inner;
    for (int i = 1; i < OUTER; i++)
        mot_launch_long(launch, i < absent ? 1 : b->size[i - absent]);
    mot_launch_long(launch, b->size[inner]);
    for (int i = 0; i < MOT_MAX_DIMS; i++)
        mot_launch_long(launch, i < absent ? 0 : b->y[i - absent]);
    for (int i = 0; i < MOT_MAX_DIMS; i++)
        mot_launch_long(launch, i < absent ? 0 : b->x[i - absent]);
    mot_launch_float(launch, factor_of(r));
}

static int64_t rows_of(const box *b, int n_dims)
{
    int64_t rows = 1;
    for (int i = 0; i < n_dims; i++)
        rows *= b->size[i];
    return rows;
}

static mot_status zero(const mot_recording *r)
{
    const int64_t n = mot_view_elements(&r->o->out[0]);
    const mot_range range = mot_range_flat(&r->traits, n, 1 << 20);
    mot_launch launch;
    if (r->o->op != MOT_OP_pad || n == mot_view_elements(&r->o->in[0]))
        return MOT_OK;
    mot_record_begin(r, &launch, "move", "move_zero");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_long(&launch, n);
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static mot_status record_plain(const mot_recording *r)
{
    MOT_TRY(zero(r));
    for (int i = 0; i < r->o->n_in; i++) {
        const box b = box_of(r->o, i);
        mot_launch launch;
        begin(r, &launch, "move_plain", i, &b);
        pass_rows(r, &launch, &b);
        mot_launch_long(&launch, rows_of(&b, b.n));
        MOT_TRY(mot_record_end_plain(r, &launch, rows_of(&b, b.n)));
    }
    return MOT_OK;
}

/* Work-items that go side by side along `n` elements. */
static int64_t items_along(const mot_traits *traits, int64_t n)
{
    int64_t items = 32;
    if (traits->cpu)
        return 1;
    while (items < traits->group && items * traits->vector < n)
        items *= 2;
    return mot_min(items, traits->group);
}

static mot_status record_box_rows(const mot_recording *r, int which, const box *b)
{
    const int64_t n = b->size[b->n - 1], rows = rows_of(b, b->n - 1);
    /* As many elements a group as a flat array has: several rows, or a part of one. */
    const mot_range range = mot_range_flat(&r->traits, rows * n, 1 << 20);
    const int64_t chunk = mot_max(1, mot_min(rows, range.chunk / n));
    const int64_t length = range.chunk < n ? range.chunk : n;
    const int64_t parts = mot_ceil_div(n, length);
    mot_launch launch;
    begin(r, &launch, "move_rows", which, b);
    pass_rows(r, &launch, b);
    mot_launch_long(&launch, rows);
    mot_launch_long(&launch, chunk);
    mot_launch_long(&launch, parts);
    mot_launch_long(&launch, length);
    return mot_record_end_units(r, &launch, mot_ceil_div(rows, chunk) * parts,
                                items_along(&r->traits, length));
}

static mot_status record_rows(const mot_recording *r)
{
    MOT_TRY(zero(r));
    for (int i = 0; i < r->o->n_in; i++) {
        const box b = box_of(r->o, i);
        MOT_TRY(record_box_rows(r, i, &b));
    }
    return MOT_OK;
}

/* Other devices than CPUs need the rows to keep their work-items busy. */
static bool prefers_rows(const mot_recording *r)
{
    const box b = box_of(r->o, 0);
    return r->traits.cpu || (b.y[b.n - 1] == 1 && b.size[b.n - 1] >= 16 * r->traits.vector);
}

/* The dimension that is the innermost in x, where that is another one than in y; -1. */
static int turned(const box *b)
{
    if (b->y[b->n - 1] == 1 && b->x[b->n - 1] > 1)
        for (int i = 0; i < b->n - 1; i++)
            if (b->x[i] == 1)
                return i;
    return -1;
}

static bool turns(const mot_recording *r)
{
    if (r->o->op != MOT_OP_permute)
        return false;
    const box b = box_of(r->o, 0);
    return turned(&b) >= 0;
}

static bool applies_tile(const mot_recording *r)
{
    return r->traits.group >= TILE_ITEMS && turns(r);
}

static bool fills(const mot_recording *r, int64_t least)
{
    const box b = box_of(r->o, 0);
    return b.size[turned(&b)] >= least && b.size[b.n - 1] >= least;
}

static bool prefers_tile(const mot_recording *r)
{
    return !r->traits.cpu && fills(r, LEAST_SIDE);
}

/* The planes that turn, then `rows` elements that lie side by side in x and `columns` in y. */
static int64_t begin_turning(const mot_recording *r, mot_launch *launch, const char *source,
                             const char *kernel, const box *b)
{
    const int row = turned(b), column = b->n - 1;
    int plane[OUTER], n_planes = 0;
    int64_t planes = 1;
    for (int i = 0; i < column; i++)
        if (i != row) {
            planes *= b->size[i];
            plane[n_planes++] = i;
        }
    const int absent = OUTER - 1 - n_planes;
    begin_in(r, launch, source, kernel, 0, b);
    for (int i = 1; i < OUTER - 1; i++)
        mot_launch_long(launch, i < absent ? 1 : b->size[plane[i - absent]]);
    mot_launch_long(launch, b->size[row]);
    mot_launch_long(launch, b->size[column]);
    for (int i = 0; i < OUTER - 1; i++)
        mot_launch_long(launch, i < absent ? 0 : b->y[plane[i - absent]]);
    mot_launch_long(launch, b->y[row]);
    for (int i = 0; i < OUTER - 1; i++)
        mot_launch_long(launch, i < absent ? 0 : b->x[plane[i - absent]]);
    mot_launch_long(launch, b->x[column]);
    return planes;
}

static mot_status record_tile(const mot_recording *r)
{
    const box b = box_of(r->o, 0);
    mot_launch launch;
    const int64_t planes = begin_turning(r, &launch, "move_tile", "move_tile", &b);
    const int64_t tiles =
        planes * mot_ceil_div(b.size[turned(&b)], TILE) * mot_ceil_div(b.size[b.n - 1], TILE);
    return mot_record_end(r, &launch, tiles, TILE_ITEMS);
}

static bool prefers_turn(const mot_recording *r)
{
    return r->traits.cpu && fills(r, LEAST_SIDE);
}

static mot_status record_turn(const mot_recording *r)
{
    const box b = box_of(r->o, 0);
    mot_launch launch;
    const int64_t planes = begin_turning(r, &launch, "move", "move_turn", &b);
    const int64_t rows = b.size[turned(&b)];
    const mot_range range = mot_range_flat(&r->traits, rows_of(&b, b.n), 1 << 20);
    int64_t band = BAND; /* the higher, the longer the runs that are read */
    while (band > LEAST_BAND && planes * mot_ceil_div(rows, band) < range.groups)
        band /= 2;
    const int64_t bands = planes * mot_ceil_div(rows, band);
    const int64_t chunk = mot_ceil_div(bands, range.groups);
    mot_launch_long(&launch, band);
    mot_launch_long(&launch, bands);
    mot_launch_long(&launch, chunk);
    return mot_record_end_units(r, &launch, mot_ceil_div(bands, chunk), 1);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "rows", .prefers = prefers_rows, .record = record_rows},
    {.name = "tile", .applies = applies_tile, .prefers = prefers_tile, .record = record_tile},
    {.name = "turn", .applies = turns, .prefers = prefers_turn, .record = record_turn},
};

const mot_primitive mot_primitive_concat = {check_concat, variants, 2, NULL};
const mot_primitive mot_primitive_permute = {check_permute, variants, 4, NULL};
const mot_primitive mot_primitive_slice = {check_part, variants, 2, NULL};
const mot_primitive mot_primitive_pad = {check_part, variants, 2, NULL};
const mot_primitive mot_primitive_spread = {check_spread, variants, 2, NULL};
