/* lstm, gru and their gradients.
 *
 * plain   kernels_cl/recurrent.cl: a launch a position.
 * panels  kernels_cl/recurrent_panels.cl, for CPUs: w is packed, then one launch goes through all
 *         positions.  The workspace has the panels, then what a sample needs, by samples.
 */
#include "config.h"

#include "devices/variant.h"

enum { LEAST_CHUNK = 4, GROUPS_PER_THREAD = 2 };

typedef struct sizes {
    int64_t samples, length, width, rows; /* rows of w: gates times width */
} sizes;

static bool is_grad(const mot_operands *o)
{
    return o->op == MOT_OP_lstm_grad || o->op == MOT_OP_gru_grad;
}

static int n_gates(const mot_operands *o)
{
    return o->op == MOT_OP_lstm || o->op == MOT_OP_lstm_grad ? 4 : 3;
}

/* w is the last input of a gradient; forward a bias may follow. */
static const mot_view *weight(const mot_operands *o)
{
    return &o->in[is_grad(o) ? o->n_in - 1 : 1];
}

static const mot_view none = {0};

static const mot_view *bias(const mot_operands *o)
{
    return !is_grad(o) && mot_has_in(o, 2) ? &o->in[2] : &none;
}

static sizes sizes_of(const mot_operands *o)
{
    const mot_shape *x = &o->in[0].shape;
    return (sizes){.samples = x->dim[0],
                   .length = x->dim[1],
                   .width = mot_view_last(weight(o)),
                   .rows = n_gates(o) * mot_view_last(weight(o))};
}

/* Input 0, (B,T,n), says what B and T are; w is (rows,width). */
static mot_status check_sizes(const mot_operands *o)
{
    const mot_shape *x = &o->in[0].shape;
    char text[MOT_SHAPE_TEXT];
    if (x->n_dims != 3 || mot_shape_elements(x, 1) < 1)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: %s is not (B,T,C)", mot_op_name(o->op), o->name,
                        mot_shape_print(x, text));
    const sizes s = sizes_of(o);
    MOT_TRY(mot_check_elements(o, "w", weight(o), s.rows * s.width));
    MOT_TRY(mot_check_elements(o, is_grad(o) ? "dy" : "x", &o->in[0],
                               s.samples * s.length * (is_grad(o) ? s.width : s.rows)));
    return bias(o) == &none ? MOT_OK : mot_check_elements(o, "b", bias(o), s.rows);
}

/* The view has `n` floats a position. */
static mot_status check_view(const mot_operands *o, const char *what, const mot_view *view,
                             int64_t n)
{
    const sizes s = sizes_of(o);
    return mot_check_elements(o, what, view, s.samples * s.length * n);
}

static mot_status check(const mot_operands *o)
{
    const int n_out = o->op == MOT_OP_lstm ? 3 : 2;
    MOT_TRY(mot_check_operands(o, 2, 3, n_out, n_out, 0));
    MOT_TRY(check_sizes(o));
    const sizes s = sizes_of(o);
    MOT_TRY(mot_check_first(o, s.length));
    MOT_TRY(check_view(o, "y", &o->out[0], s.width));
    MOT_TRY(check_view(o, "gates", &o->out[1], 4 * s.width));
    return n_out == 3 ? check_view(o, "cells", &o->out[2], s.width) : MOT_OK;
}

static mot_status check_grad(const mot_operands *o)
{
    const bool lstm = o->op == MOT_OP_lstm_grad;
    const int n_in = lstm ? 5 : 4, n_out = lstm ? 2 : 3;
    MOT_TRY(mot_check_operands(o, n_in, n_in, n_out, n_out, 0));
    MOT_TRY(check_sizes(o));
    const sizes s = sizes_of(o);
    MOT_TRY(check_view(o, "y", &o->in[1], s.width));
    MOT_TRY(check_view(o, "gates", &o->in[2], 4 * s.width));
    if (lstm)
        MOT_TRY(check_view(o, "cells", &o->in[3], s.width));
    MOT_TRY(check_view(o, "dx", &o->out[0], s.rows));
    if (!lstm)
        MOT_TRY(check_view(o, "dstate", &o->out[1], s.rows));
    return check_view(o, "before", &o->out[n_out - 1], s.width);
}

static void add_sizes(const mot_recording *r, mot_launch *launch)
{
    const sizes s = sizes_of(r->o);
    mot_launch_long(launch, s.samples);
    mot_launch_long(launch, s.length);
    mot_launch_long(launch, s.width);
}

/* ---- plain ---- */

static int64_t workspace_plain(const mot_recording *r)
{
    const sizes s = sizes_of(r->o);
    return is_grad(r->o) ? s.samples * s.width : 0;
}

static mot_status record_position(const mot_recording *r, int64_t t)
{
    static const char *const kernels[] = {"lstm_plain", "gru_plain", "lstm_grad_plain",
                                          "gru_grad_plain"};
    const mot_operands *o = r->o;
    const sizes s = sizes_of(o);
    const bool grad = is_grad(o);
    const mot_view carry = mot_workspace_at(o, 0, workspace_plain(r));
    mot_launch launch;
    mot_record_begin(r, &launch, "recurrent", kernels[2 * grad + (n_gates(o) == 3)]);
    for (int i = 0; i < o->n_out; i++)
        mot_launch_view(&launch, &o->out[i]);
    if (grad)
        mot_launch_view(&launch, &carry);
    for (int i = 0; i < (grad ? o->n_in : 2); i++)
        mot_launch_view(&launch, &o->in[i]);
    if (!grad)
        mot_launch_view(&launch, bias(o));
    add_sizes(r, &launch);
    if (!grad)
        mot_launch_int(&launch, bias(o) != &none);
    mot_launch_long(&launch, t);
    return mot_record_end_plain(r, &launch, s.samples * s.width);
}

static mot_status record_plain(const mot_recording *r)
{
    const int64_t length = sizes_of(r->o).length;
    for (int64_t i = r->o->attrs.first; i < length; i++)
        MOT_TRY(record_position(r, is_grad(r->o) ? length - 1 - i : i));
    return MOT_OK;
}

/* ---- panels ---- */

/* What a sample's state is multiplied with: forward w^T, backward w. */
typedef struct panels {
    int64_t columns, deep, down, across; /* element (d, c) is w[d down + c across] */
    int64_t span;                        /* columns of all panels */
    int64_t room;                        /* floats that a sample needs */
    int64_t elements;                    /* of all panels with their first rows */
} panels;

static panels panels_of(const mot_recording *r)
{
    const sizes s = sizes_of(r->o);
    const int64_t panel = 2 * r->traits.vector;
    panels p = is_grad(r->o) ? (panels){s.width, s.rows, s.width, 1, .room = s.width}
                             : (panels){s.rows, s.width, 1, s.width, .room = 0};
    p.span = panel * mot_ceil_div(p.columns, panel);
    p.room += p.span;
    p.elements = p.span * (p.deep + 1);
    return p;
}

static int64_t workspace_panels(const mot_recording *r)
{
    const panels p = panels_of(r);
    return p.elements + sizes_of(r->o).samples * p.room;
}

static mot_status pack(const mot_recording *r, const panels *p, const mot_view *packed)
{
    mot_launch launch;
    mot_record_begin(r, &launch, "recurrent_panels", "recurrent_pack");
    mot_launch_view(&launch, packed);
    mot_launch_view(&launch, weight(r->o));
    mot_launch_view(&launch, bias(r->o));
    mot_launch_long(&launch, p->columns);
    mot_launch_long(&launch, p->deep);
    mot_launch_long(&launch, p->down);
    mot_launch_long(&launch, p->across);
    mot_launch_int(&launch, bias(r->o) != &none);
    return mot_record_end_units(r, &launch, p->span / (2 * r->traits.vector), 1);
}

static mot_status record_panels(const mot_recording *r)
{
    static const char *const kernels[] = {"lstm_panels", "gru_panels", "lstm_grad_panels",
                                          "gru_grad_panels"};
    const mot_operands *o = r->o;
    const sizes s = sizes_of(o);
    const panels p = panels_of(r);
    const mot_view packed = mot_workspace_at(o, 0, p.elements);
    const mot_view scratch = mot_workspace_at(o, p.elements, s.samples * p.room);
    const int64_t groups = GROUPS_PER_THREAD * r->traits.threads;
    const int64_t chunk = mot_min(s.samples, mot_max(LEAST_CHUNK, mot_ceil_div(s.samples, groups)));
    mot_launch launch;
    MOT_TRY(pack(r, &p, &packed));
    mot_record_begin(r, &launch, "recurrent_panels", kernels[2 * is_grad(o) + (n_gates(o) == 3)]);
    for (int i = 0; i < o->n_out; i++)
        mot_launch_view(&launch, &o->out[i]);
    mot_launch_view(&launch, &scratch);
    for (int i = 0; i < (is_grad(o) ? o->n_in - 1 : 1); i++)
        mot_launch_view(&launch, &o->in[i]);
    mot_launch_view(&launch, &packed);
    add_sizes(r, &launch);
    mot_launch_long(&launch, p.span);
    mot_launch_long(&launch, p.room);
    mot_launch_long(&launch, chunk);
    if (!is_grad(o))
        mot_launch_long(&launch, o->attrs.first);
    return mot_record_end_units(r, &launch, mot_ceil_div(s.samples, chunk), 1);
}

static const mot_variant variants[] = {
    {.name = "plain", .workspace = workspace_plain, .record = record_plain},
    {.name = "panels",
     .prefers = mot_on_cpu,
     .workspace = workspace_panels,
     .record = record_panels},
};

const mot_primitive mot_primitive_lstm = {check, variants, 2, NULL};
const mot_primitive mot_primitive_gru = {check, variants, 2, NULL};
const mot_primitive mot_primitive_lstm_grad = {check_grad, variants, 2, NULL};
const mot_primitive mot_primitive_gru_grad = {check_grad, variants, 2, NULL};
