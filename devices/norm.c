/* norm and norm_grad; the kernels are in kernels_cl/norm.cl and norm_grad.cl, which say how layer
 * norm, RMS norm and group norm are one. */
#include "config.h"

#include "devices/norm.h"

#include "devices/lanes.h"

#include <inttypes.h>

enum { SUM_ITEMS = 65536 };                 /* enough work-items for any GPU */
enum { SHORT_ROW = 512, SHORT_GROUP = 64 }; /* rows up to this length get groups of this size */

static const mot_view none = {0};

/* x and the weight are inputs `x` and `w`; bias or its gradient is there where `bias` says so. */
static mot_norm_layout layout_of(const mot_operands *o, int x, int w, bool bias)
{
    const int64_t elements = mot_view_elements(&o->in[x]), sample = mot_view_columns(&o->in[x]);
    mot_norm_layout l = {.columns = mot_max(o->attrs.group, 1), .groups = 1, .run = 1};
    l.rows = elements / l.columns;
    l.flags = (mot_has_in(o, w) ? MOT_NORM_HAS_WEIGHT : 0) | (bias ? MOT_NORM_HAS_BIAS : 0) |
              (o->attrs.norm == MOT_NORM_RMS ? MOT_NORM_HAS_NO_MEAN : 0);
    l.n = mot_has_in(o, w) ? mot_view_elements(&o->in[w]) : l.columns;
    if (o->attrs.norm == MOT_NORM_GROUP && mot_has_in(o, w)) {
        l.groups = sample / l.columns;
        l.run = sample / mot_max(l.n, 1);
    }
    return l;
}

mot_norm_layout mot_norm_layout_forward(const mot_operands *o)
{
    return layout_of(o, 0, 1, mot_has_in(o, 2));
}

mot_norm_layout mot_norm_layout_grad(const mot_operands *o)
{
    return layout_of(o, 1, 3, mot_has_out(o, 2));
}

static mot_status check_layout(const mot_operands *o, const mot_norm_layout *l, const mot_view *x)
{
    const int64_t sample = mot_view_columns(x);
    if (o->attrs.group < 1 || sample < 1 || sample % l->columns != 0 || l->run < 1 ||
        l->columns % l->run != 0 || l->n * l->run != l->groups * l->columns)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s %s: samples of %" PRId64 " elements, %" PRId64
                        " of them normalized together, and %" PRId64 " weights do not fit",
                        mot_op_name(o->op), o->name, sample, o->attrs.group, l->n);
    return MOT_OK;
}

static mot_status check_norm(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 1, 3, 2, 2, 0));
    const mot_norm_layout l = mot_norm_layout_forward(o);
    MOT_TRY(check_layout(o, &l, &o->in[0]));
    if (l.flags & MOT_NORM_HAS_BIAS)
        MOT_TRY(mot_check_elements(o, "bias", &o->in[2], l.flags & MOT_NORM_HAS_WEIGHT ? l.n : 0));
    MOT_TRY(mot_check_elements(o, "y", &o->out[0], mot_view_elements(&o->in[0])));
    return mot_check_elements(o, "stats", &o->out[1], 2 * l.rows);
}

static mot_status check_grad(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 3, 4, 1, 3, 0));
    const mot_norm_layout l = mot_norm_layout_grad(o);
    const int64_t elements = mot_view_elements(&o->in[1]);
    MOT_TRY(check_layout(o, &l, &o->in[1]));
    MOT_TRY(mot_check_elements(o, "dy", &o->in[0], elements));
    MOT_TRY(mot_check_elements(o, "stats", &o->in[2], 2 * l.rows));
    MOT_TRY(mot_check_elements(o, "dx", &o->out[0], elements));
    if (mot_has_out(o, 1) != mot_has_in(o, 3) || (mot_has_out(o, 2) && !mot_has_in(o, 3)))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: the weight and its gradient come together",
                        mot_op_name(o->op), o->name);
    for (int i = 1; i < o->n_out; i++)
        MOT_TRY(mot_check_elements(o, i == 1 ? "dw" : "db", &o->out[i], l.n));
    return MOT_OK;
}

static int64_t most_groups(const mot_recording *r, const mot_norm_layout *l)
{
    return mot_min(l->rows, (int64_t)r->traits.threads * 32);
}

/* chunk: rows of a group.  A CPU's groups have 4096 elements at least, else starting one costs more
 * than its work. */
static mot_range range_vector(const mot_recording *r, const mot_norm_layout *l)
{
    const int64_t most = mot_min(l->rows, r->traits.threads * 8);
    const int64_t rule = mot_max(1, mot_min(l->rows * l->columns / 4096, most));
    const int64_t groups = mot_groups_of(r, rule, most_groups(r, l));
    const int64_t chunk = mot_ceil_div(l->rows, groups);
    return (mot_range){.groups = mot_ceil_div(l->rows, chunk), .local = 1, .chunk = chunk};
}

/* A group leaves 2 n sums: small beside the elements that it reads. */
static mot_range range_grad(const mot_recording *r, const mot_norm_layout *l)
{
    mot_range range = range_vector(r, l);
    if (l->flags & MOT_NORM_HAS_WEIGHT && r->parameter[0] == 0) {
        const int64_t least = mot_ceil_div(16 * l->n, l->columns);
        range.chunk = mot_min(l->rows, mot_max(range.chunk, least));
        range.groups = mot_ceil_div(l->rows, range.chunk);
    }
    return range;
}

static int candidates_vector(const mot_recording *r, mot_choice *out, int most)
{
    const bool forward = r->o->op == MOT_OP_norm;
    const mot_norm_layout l = forward ? mot_norm_layout_forward(r->o) : mot_norm_layout_grad(r->o);
    const mot_range rule = forward ? range_vector(r, &l) : range_grad(r, &l);
    return mot_groups_candidates(rule.groups, most_groups(r, &l), out, most);
}

static mot_range range_group(const mot_recording *r, const mot_norm_layout *l)
{
    const int64_t chunk = mot_ceil_div(l->rows, SUM_ITEMS), group = r->traits.group;
    return (mot_range){.groups = mot_ceil_div(l->rows, chunk),
                       .local = l->columns <= SHORT_ROW ? mot_min(SHORT_GROUP, group) : group,
                       .chunk = chunk};
}

static void sizes(mot_launch *launch, const mot_norm_layout *l)
{
    mot_launch_long(launch, l->rows);
    mot_launch_long(launch, l->columns);
    mot_launch_long(launch, l->groups);
    mot_launch_long(launch, l->run);
}

/* ---- arguments ---- */

void mot_norm_add_arguments(mot_launch *launch, const mot_operands *o, const mot_norm_layout *l)
{
    mot_launch_view(launch, &o->out[0]);
    mot_launch_view(launch, &o->out[1]);
    mot_launch_view(launch, &o->in[0]);
    mot_launch_view(launch, l->flags & MOT_NORM_HAS_WEIGHT ? &o->in[1] : &none);
    mot_launch_view(launch, l->flags & MOT_NORM_HAS_BIAS ? &o->in[2] : &none);
    sizes(launch, l);
    mot_launch_float(launch, (float)o->attrs.eps);
    mot_launch_int(launch, l->flags);
}

static void inputs(mot_launch *launch, const mot_operands *o)
{
    for (int i = 0; i < 3; i++)
        mot_launch_view(launch, &o->in[i]);
}

void mot_norm_add_grad_arguments(mot_launch *launch, const mot_operands *o,
                                 const mot_norm_layout *l)
{
    inputs(launch, o);
    mot_launch_view(launch, l->flags & MOT_NORM_HAS_WEIGHT ? &o->in[3] : &none);
    sizes(launch, l);
    mot_launch_int(launch, l->flags);
}

void mot_norm_add_parameters(mot_launch *launch, const mot_operands *o, const mot_norm_layout *l)
{
    mot_launch_view(launch, l->flags & MOT_NORM_HAS_WEIGHT ? &o->out[1] : &none);
    mot_launch_view(launch, l->flags & MOT_NORM_HAS_BIAS ? &o->out[2] : &none);
}

/* ---- forward ---- */

static mot_norm_layout begin_norm(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    const mot_norm_layout l = mot_norm_layout_forward(r->o);
    mot_record_begin(r, launch, "norm", kernel);
    mot_norm_add_arguments(launch, r->o, &l);
    return l;
}

static mot_status norm_plain(const mot_recording *r)
{
    mot_launch launch;
    const mot_norm_layout l = begin_norm(r, &launch, "norm_plain");
    return mot_record_end_plain(r, &launch, l.rows);
}

static mot_status norm_vector(const mot_recording *r)
{
    mot_launch launch;
    const mot_norm_layout l = begin_norm(r, &launch, "norm_vector");
    const mot_range range = range_vector(r, &l);
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static mot_status norm_group(const mot_recording *r)
{
    mot_launch launch;
    const mot_norm_layout l = begin_norm(r, &launch, "norm_group");
    const mot_range range = range_group(r, &l);
    mot_launch_long(&launch, range.chunk);
    mot_launch_local(&launch, sizeof(float) * (size_t)range.local);
    return mot_record_end(r, &launch, range.groups, range.local);
}

/* ---- backward ---- */

static void begin_dx(const mot_recording *r, mot_launch *launch, const char *kernel,
                     const mot_norm_layout *l)
{
    mot_record_begin(r, launch, "norm_grad", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    mot_norm_add_grad_arguments(launch, r->o, l);
}

/* Add up the sums that several groups left. */
static mot_status finish(const mot_recording *r, const mot_norm_layout *l, int64_t n_parts)
{
    const mot_view parts = mot_workspace_at(r->o, 0, 2 * l->n * n_parts);
    const mot_range range = mot_range_flat(&r->traits, l->n, SUM_ITEMS);
    mot_launch launch;
    mot_record_begin(r, &launch, "norm_grad", "norm_finish");
    mot_norm_add_parameters(&launch, r->o, l);
    mot_launch_view(&launch, &parts);
    mot_launch_int(&launch, l->flags);
    mot_launch_long(&launch, l->n);
    mot_launch_long(&launch, n_parts);
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

/* The parameters' gradients, with the samples in `n_parts`. */
static mot_status sums(const mot_recording *r, const mot_norm_layout *l, int64_t chunk,
                       int64_t n_parts)
{
    const mot_view parts = mot_workspace_at(r->o, 0, n_parts > 1 ? 2 * l->n * n_parts : 0);
    mot_launch launch;
    mot_record_begin(r, &launch, "norm_grad", "norm_sums");
    mot_norm_add_parameters(&launch, r->o, l);
    mot_launch_view(&launch, n_parts > 1 ? &parts : &none);
    inputs(&launch, r->o);
    sizes(&launch, l);
    mot_launch_int(&launch, l->flags);
    mot_launch_long(&launch, l->n);
    mot_launch_long(&launch, chunk);
    mot_launch_long(&launch, n_parts);
    MOT_TRY(mot_record_end_plain(r, &launch, l->n * n_parts));
    if (n_parts == 1)
        return MOT_OK;
    return r->traits.group >= MOT_LANES_ITEMS ? mot_norm_finish_lanes(r, l, n_parts)
                                              : finish(r, l, n_parts);
}

static mot_status grad_plain(const mot_recording *r)
{
    const mot_norm_layout l = mot_norm_layout_grad(r->o);
    mot_launch launch;
    if (l.flags & MOT_NORM_HAS_WEIGHT)
        MOT_TRY(sums(r, &l, l.rows / l.groups, 1));
    begin_dx(r, &launch, "norm_dx_plain", &l);
    return mot_record_end_plain(r, &launch, l.rows);
}

static int64_t workspace_vector(const mot_recording *r)
{
    const mot_norm_layout l = mot_norm_layout_grad(r->o);
    return l.flags & MOT_NORM_HAS_WEIGHT ? 2 * l.n * range_grad(r, &l).groups : 0;
}

static mot_status grad_vector(const mot_recording *r)
{
    const mot_norm_layout l = mot_norm_layout_grad(r->o);
    const mot_range range = range_grad(r, &l);
    const mot_view parts = mot_workspace_at(r->o, 0, workspace_vector(r));
    mot_launch launch;
    mot_record_begin(r, &launch, "norm_grad", "norm_grad_vector");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_norm_add_parameters(&launch, r->o, &l);
    mot_launch_view(&launch, l.flags & MOT_NORM_HAS_WEIGHT ? &parts : &none);
    inputs(&launch, r->o);
    mot_launch_view(&launch, l.flags & MOT_NORM_HAS_WEIGHT ? &r->o->in[3] : &none);
    sizes(&launch, &l);
    mot_launch_int(&launch, l.flags);
    mot_launch_long(&launch, l.n);
    mot_launch_long(&launch, range.chunk);
    MOT_TRY(mot_record_end_units(r, &launch, range.groups, range.local));
    return l.flags & MOT_NORM_HAS_WEIGHT && range.groups > 1 ? finish(r, &l, range.groups) : MOT_OK;
}

/* Samples of a work-item that sums: at least 8, and no more work-items than fill a GPU. */
static int64_t sum_chunk(const mot_norm_layout *l)
{
    const int64_t samples = l->rows / l->groups;
    const int64_t n_parts = mot_max(1, mot_min(samples / 8, SUM_ITEMS / l->n));
    return mot_ceil_div(samples, n_parts);
}

/* Do so many elements share a parameter that a whole group should add them up? */
static bool has_long_runs(const mot_norm_layout *l)
{
    return l->run >= 16;
}

static int64_t workspace_group(const mot_recording *r)
{
    const mot_norm_layout l = mot_norm_layout_grad(r->o);
    if (!(l.flags & MOT_NORM_HAS_WEIGHT) || has_long_runs(&l))
        return 0;
    return 2 * l.n * mot_ceil_div(l.rows / l.groups, sum_chunk(&l));
}

static mot_status sums_group(const mot_recording *r, const mot_norm_layout *l)
{
    mot_launch launch;
    mot_record_begin(r, &launch, "norm_grad", "norm_sums_group");
    mot_norm_add_parameters(&launch, r->o, l);
    inputs(&launch, r->o);
    sizes(&launch, l);
    mot_launch_int(&launch, l->flags);
    mot_launch_long(&launch, l->n);
    mot_launch_local(&launch, sizeof(float) * (size_t)r->traits.group);
    return mot_record_end(r, &launch, l->n, r->traits.group);
}

static mot_status grad_group(const mot_recording *r)
{
    const mot_norm_layout l = mot_norm_layout_grad(r->o);
    const mot_range range = range_group(r, &l);
    mot_launch launch;
    if (l.flags & MOT_NORM_HAS_WEIGHT && has_long_runs(&l))
        MOT_TRY(sums_group(r, &l));
    else if (l.flags & MOT_NORM_HAS_WEIGHT)
        MOT_TRY(sums(r, &l, sum_chunk(&l), mot_ceil_div(l.rows / l.groups, sum_chunk(&l))));
    begin_dx(r, &launch, "norm_dx_group", &l);
    mot_launch_long(&launch, range.chunk);
    mot_launch_local(&launch, sizeof(float) * (size_t)range.local);
    return mot_record_end(r, &launch, range.groups, range.local);
}

static const mot_variant norm_variants[] = {
    {.name = "plain", .record = norm_plain},
    {.name = "vector",
     .record = norm_vector,
     .suits = mot_on_cpu,
     .parameters = mot_groups_parameter,
     .candidates = candidates_vector},
    {.name = "group", .prefers = mot_off_cpu, .record = norm_group},
    {.name = "lanes",
     .applies = mot_norm_applies_lanes,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .record = mot_norm_lanes},
};

static const mot_variant grad_variants[] = {
    {.name = "plain", .record = grad_plain},
    {.name = "vector",
     .workspace = workspace_vector,
     .record = grad_vector,
     .suits = mot_on_cpu,
     .parameters = mot_groups_parameter,
     .candidates = candidates_vector},
    {.name = "group", .prefers = mot_off_cpu, .workspace = workspace_group, .record = grad_group},
    {.name = "lanes",
     .applies = mot_norm_grad_applies_lanes,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .workspace = mot_norm_grad_workspace_lanes,
     .record = mot_norm_grad_lanes},
};

const mot_primitive mot_primitive_norm = {check_norm, norm_variants, 4, mot_problem_of_operands};
const mot_primitive mot_primitive_norm_grad = {check_grad, grad_variants, 4,
                                               mot_problem_of_operands};
