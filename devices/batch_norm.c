/* batch_norm and what belongs to it; the kernels are in kernels_cl/batch_norm.cl and batch_norm_grad.cl. */
#include "config.h"

#include "devices/variant.h"

#include <stdio.h>

enum { WEIGHT = 1, BIAS = 2, RELU = 4, RUNNING = 8 }; /* as the kernels have them */
/* A GPU's unit holds some 8 full groups, and a work-item should have a few pieces to load. */
enum { UNITS_PER_THREAD = 8, GROUPS_PER_UNIT = 16, PIECES_EACH = 4 };

static const mot_view none = {0};

static int64_t channels_of(const mot_view *x)
{
    return x->shape.n_dims > 1 ? x->shape.dim[1] : 0;
}

static int flags_of(const mot_operands *o, int weight)
{
    return (mot_has_in(o, weight) ? WEIGHT : 0) | (mot_has_in(o, weight + 1) ? BIAS : 0) |
           (o->attrs.activation == MOT_ACT_RELU ? RELU : 0);
}

/* x is (B,C,...), and the inputs from `first` on have C elements where they are there. */
static mot_status check_channels(const mot_operands *o, int x, int first)
{
    const int64_t channels = channels_of(&o->in[x]);
    if (channels < 1 || mot_view_elements(&o->in[x]) < 1)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: needs samples (B,C,...)", mot_op_name(o->op),
                        o->name);
    for (int i = first; i < o->n_in; i++)
        if (mot_has_in(o, i))
            MOT_TRY(mot_check_elements(o, "a channel's number", &o->in[i], channels));
    return MOT_OK;
}

static void samples(mot_launch *launch, const mot_view *x)
{
    mot_launch_long(launch, mot_view_rows(x));
    mot_launch_long(launch, channels_of(x));
    mot_launch_long(launch, mot_view_columns(x) / channels_of(x));
}

static void optional(mot_launch *launch, const mot_operands *o, int i)
{
    mot_launch_view(launch, mot_has_in(o, i) ? &o->in[i] : &none);
}

static bool is_cpu(const mot_recording *r)
{
    return r->traits.cpu;
}

static bool is_wide(const mot_recording *r)
{
    return !r->traits.cpu;
}

/* How a launch ends: over channels by units or groups, or plain over `n` items. */
static mot_status end_channels(const mot_recording *r, mot_launch *launch, const mot_view *x)
{
    const int64_t most = (int64_t)UNITS_PER_THREAD * r->traits.threads;
    return mot_record_end_units(r, launch, mot_min(channels_of(x), most), 1);
}

/* ---- parts ---- */

static bool aligned(const mot_view *view)
{
    return view->offset % 4 == 0 && view->slot_stride % 4 == 0;
}

/* Are planes, of x and those of its shape, whole vectors? */
static bool in_fours(const mot_view *x, const mot_view *second, const mot_view *third)
{
    return mot_view_columns(x) / channels_of(x) % 4 == 0 && aligned(x) && aligned(second) &&
           aligned(third);
}

static int64_t parts_of(const mot_recording *r, const mot_view *x)
{
    const int64_t n = mot_view_elements(x) / channels_of(x);
    return mot_max(1, mot_min(mot_ceil_div((int64_t)GROUPS_PER_UNIT * r->traits.threads, channels_of(x)),
                              n / (4 * PIECES_EACH * r->traits.group)));
}

static bool applies_parts(const mot_recording *r)
{
    const mot_view *x = &r->o->in[r->o->op == MOT_OP_batch_norm_sums || r->o->op == MOT_OP_batch_norm ? 0 : 1];
    return mot_view_elements(x) / channels_of(x) < INT32_MAX / 2; /* pieces are counted in ints */
}

static int64_t parts_workspace(const mot_recording *r)
{
    const mot_view *x = &r->o->in[r->o->op == MOT_OP_batch_norm_sums ? 0 : 1];
    return 2 * channels_of(x) * parts_of(r, x);
}

static mot_view parts_left(const mot_recording *r)
{
    return mot_workspace_at(r->o, 0, parts_workspace(r));
}

static void begin_parts(const mot_recording *r, mot_launch *launch, const char *source,
                        const char *kernel, bool wide)
{
    char options[32];
    snprintf(options, sizeof options, "-DVW=%d -DWIDE=%d", r->traits.vector, wide);
    mot_launch_begin(launch, r->commands, source, options, kernel);
}

static mot_status end_parts(const mot_recording *r, mot_launch *launch, const mot_view *x)
{
    mot_launch_int(launch, (int)parts_of(r, x));
    return mot_record_end(r, launch, channels_of(x) * parts_of(r, x), r->traits.group);
}

static mot_status end_sums(const mot_recording *r, mot_launch *launch, const mot_view *x, int64_t groups)
{
    mot_launch_int(launch, (int)parts_of(r, x));
    mot_launch_local(launch, sizeof(float) * (size_t)r->traits.group);
    return mot_record_end(r, launch, groups, r->traits.group);
}

/* ---- sums ---- */

static mot_status check_sums(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 1, 0));
    MOT_TRY(check_channels(o, 0, 1));
    return mot_check_elements(o, "sums", &o->out[0], 2 * channels_of(&o->in[0]) + 1);
}

static void sums_inputs(mot_launch *launch, const mot_operands *o)
{
    mot_launch_view(launch, &o->in[0]);
    mot_launch_view(launch, &o->in[1]);
    samples(launch, &o->in[0]);
}

static void begin_sums(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "batch_norm", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    sums_inputs(launch, r->o);
}

static mot_status sums_plain(const mot_recording *r)
{
    mot_launch launch;
    begin_sums(r, &launch, "batch_norm_sums_plain");
    return mot_record_end_plain(r, &launch, channels_of(&r->o->in[0]));
}

static mot_status sums_channels(const mot_recording *r)
{
    mot_launch launch;
    begin_sums(r, &launch, "batch_norm_sums_channels");
    return end_channels(r, &launch, &r->o->in[0]);
}

static mot_status sums_parts(const mot_recording *r)
{
    const mot_view *x = &r->o->in[0], left = parts_left(r);
    const bool wide = in_fours(x, x, x);
    mot_launch launch;
    begin_parts(r, &launch, "batch_norm", "batch_norm_sums_parts", wide);
    mot_launch_view(&launch, &left);
    sums_inputs(&launch, r->o);
    MOT_TRY(end_sums(r, &launch, x, channels_of(x) * parts_of(r, x)));
    begin_parts(r, &launch, "batch_norm", "batch_norm_sums_finish", wide);
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &left);
    samples(&launch, x);
    return end_sums(r, &launch, x, channels_of(x));
}

/* ---- forward ---- */

static mot_status check_forward(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 3, 6, 1, 1, 0));
    MOT_TRY(check_channels(o, 0, 4));
    for (int i = 1; i < 3; i++)
        MOT_TRY(mot_check_elements(o, "a running number", &o->in[i], channels_of(&o->in[0])));
    if (mot_has_in(o, 3))
        MOT_TRY(mot_check_elements(o, "sums", &o->in[3], 2 * channels_of(&o->in[0]) + 1));
    return mot_check_elements(o, "y", &o->out[0], mot_view_elements(&o->in[0]));
}

static void forward_arguments(const mot_operands *o, mot_launch *launch)
{
    mot_launch_view(launch, &o->out[0]);
    for (int i = 0; i < 6; i++)
        optional(launch, o, i);
    samples(launch, &o->in[0]);
    mot_launch_float(launch, (float)o->attrs.eps);
    mot_launch_int(launch, flags_of(o, 4) | (mot_has_in(o, 3) ? 0 : RUNNING));
}

static void begin_forward(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "batch_norm", kernel);
    forward_arguments(r->o, launch);
}

static mot_status forward_plain(const mot_recording *r)
{
    mot_launch launch;
    begin_forward(r, &launch, "batch_norm_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->in[0]));
}

static mot_status forward_channels(const mot_recording *r)
{
    mot_launch launch;
    begin_forward(r, &launch, "batch_norm_channels");
    return end_channels(r, &launch, &r->o->in[0]);
}

static mot_status forward_parts(const mot_recording *r)
{
    const mot_view *x = &r->o->in[0], *y = &r->o->out[0];
    mot_launch launch;
    begin_parts(r, &launch, "batch_norm", "batch_norm_parts", in_fours(x, y, y));
    forward_arguments(r->o, &launch);
    return end_parts(r, &launch, x);
}

/* ---- backward ---- */

static mot_status check_backward(const mot_operands *o, int weight)
{
    MOT_TRY(check_channels(o, 1, weight));
    MOT_TRY(mot_check_elements(o, "dy", &o->in[0], mot_view_elements(&o->in[1])));
    MOT_TRY(mot_check_elements(o, "sums", &o->in[2], 2 * channels_of(&o->in[1]) + 1));
    return mot_check_elements(o, "mean", &o->in[3], channels_of(&o->in[1]));
}

static mot_status check_grad_sums(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 4, 6, 1, 3, 0));
    MOT_TRY(check_backward(o, 4));
    MOT_TRY(mot_check_elements(o, "grad_sums", &o->out[0], 2 * channels_of(&o->in[1])));
    for (int i = 1; i < 3; i++) {
        if (mot_has_out(o, i) != mot_has_in(o, 3 + i))
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: a parameter and its gradient come together",
                            mot_op_name(o->op), o->name);
        if (mot_has_out(o, i))
            MOT_TRY(
                mot_check_elements(o, i == 1 ? "dw" : "db", &o->out[i], channels_of(&o->in[1])));
    }
    return MOT_OK;
}

static mot_status check_grad(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 5, 7, 1, 1, 0));
    MOT_TRY(check_backward(o, 5));
    MOT_TRY(mot_check_elements(o, "grad_sums", &o->in[4], 2 * channels_of(&o->in[1])));
    return mot_check_elements(o, "dx", &o->out[0], mot_view_elements(&o->in[1]));
}

/* What both have: dy, x, sums, mean, then weight and bias; sizes. */
static void channel(mot_launch *launch, const mot_operands *o, int weight)
{
    for (int i = 0; i < 4; i++)
        mot_launch_view(launch, &o->in[i]);
    optional(launch, o, weight);
    optional(launch, o, weight + 1);
    samples(launch, &o->in[1]);
    mot_launch_float(launch, (float)o->attrs.eps);
    mot_launch_int(launch, flags_of(o, weight));
}

static void grad_sums_arguments(const mot_operands *o, mot_launch *launch)
{
    for (int i = 0; i < 3; i++)
        mot_launch_view(launch, mot_has_out(o, i) ? &o->out[i] : &none);
    channel(launch, o, 4);
}

static void begin_grad_sums(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "batch_norm_grad", kernel);
    grad_sums_arguments(r->o, launch);
}

static mot_status grad_sums_plain(const mot_recording *r)
{
    mot_launch launch;
    begin_grad_sums(r, &launch, "batch_norm_grad_sums_plain");
    return mot_record_end_plain(r, &launch, channels_of(&r->o->in[1]));
}

static mot_status grad_sums_channels(const mot_recording *r)
{
    mot_launch launch;
    begin_grad_sums(r, &launch, "batch_norm_grad_sums_channels");
    return end_channels(r, &launch, &r->o->in[1]);
}

static mot_status grad_sums_parts(const mot_recording *r)
{
    const mot_view *dy = &r->o->in[0], *x = &r->o->in[1], left = parts_left(r);
    const bool wide = in_fours(x, dy, dy);
    mot_launch launch;
    begin_parts(r, &launch, "batch_norm_grad", "batch_norm_grad_sums_parts", wide);
    mot_launch_view(&launch, &left);
    channel(&launch, r->o, 4);
    MOT_TRY(end_sums(r, &launch, x, channels_of(x) * parts_of(r, x)));
    begin_parts(r, &launch, "batch_norm_grad", "batch_norm_grad_sums_finish", wide);
    grad_sums_arguments(r->o, &launch);
    mot_launch_view(&launch, &left);
    return end_sums(r, &launch, x, channels_of(x));
}

static void grad_arguments(const mot_operands *o, mot_launch *launch)
{
    mot_launch_view(launch, &o->out[0]);
    mot_launch_view(launch, &o->in[4]);
    channel(launch, o, 5);
}

static void begin_grad(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "batch_norm_grad", kernel);
    grad_arguments(r->o, launch);
}

static mot_status grad_plain(const mot_recording *r)
{
    mot_launch launch;
    begin_grad(r, &launch, "batch_norm_grad_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->in[1]));
}

static mot_status grad_channels(const mot_recording *r)
{
    mot_launch launch;
    begin_grad(r, &launch, "batch_norm_grad_channels");
    return end_channels(r, &launch, &r->o->in[1]);
}

static mot_status grad_parts(const mot_recording *r)
{
    const mot_view *x = &r->o->in[1];
    mot_launch launch;
    begin_parts(r, &launch, "batch_norm_grad", "batch_norm_grad_parts",
                in_fours(x, &r->o->in[0], &r->o->out[0]));
    grad_arguments(r->o, &launch);
    return end_parts(r, &launch, x);
}

/* ---- update ---- */

static mot_status check_update(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 1, 1, 2, 2, 0));
    const int64_t channels = mot_view_elements(&o->out[0]);
    MOT_TRY(mot_check_elements(o, "variance", &o->out[1], channels));
    return mot_check_elements(o, "sums", &o->in[0], 2 * channels + 1);
}

static void begin_update(const mot_recording *r, mot_launch *launch)
{
    mot_record_begin(r, launch, "batch_norm", "batch_norm_update");
    mot_launch_view(launch, &r->o->out[0]);
    mot_launch_view(launch, &r->o->out[1]);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_long(launch, mot_view_elements(&r->o->out[0]));
    mot_launch_float(launch, (float)r->o->attrs.momentum);
}

static mot_status update_plain(const mot_recording *r)
{
    mot_launch launch;
    begin_update(r, &launch);
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->out[0]));
}

static mot_status update_units(const mot_recording *r)
{
    mot_launch launch;
    begin_update(r, &launch);
    return mot_record_end_units(r, &launch, mot_view_elements(&r->o->out[0]), 1);
}

static const mot_variant sums_variants[] = {
    {.name = "plain", .record = sums_plain},
    {.name = "parts",
     .applies = applies_parts,
     .prefers = is_wide,
     .workspace = parts_workspace,
     .record = sums_parts},
    {.name = "channels", .prefers = is_cpu, .record = sums_channels},
};
static const mot_variant forward_variants[] = {
    {.name = "plain", .record = forward_plain},
    {.name = "parts", .applies = applies_parts, .prefers = is_wide, .record = forward_parts},
    {.name = "channels", .prefers = is_cpu, .record = forward_channels},
};
static const mot_variant grad_sums_variants[] = {
    {.name = "plain", .record = grad_sums_plain},
    {.name = "parts",
     .applies = applies_parts,
     .prefers = is_wide,
     .workspace = parts_workspace,
     .record = grad_sums_parts},
    {.name = "channels", .prefers = is_cpu, .record = grad_sums_channels},
};
static const mot_variant grad_variants[] = {
    {.name = "plain", .record = grad_plain},
    {.name = "parts", .applies = applies_parts, .prefers = is_wide, .record = grad_parts},
    {.name = "channels", .prefers = is_cpu, .record = grad_channels},
};
static const mot_variant update_variants[] = {
    {.name = "plain", .record = update_plain},
    {.name = "units", .prefers = is_cpu, .record = update_units},
};

const mot_primitive mot_primitive_batch_norm_sums = {check_sums, sums_variants, 3, NULL};
const mot_primitive mot_primitive_batch_norm = {check_forward, forward_variants, 3, NULL};
const mot_primitive mot_primitive_batch_norm_grad_sums = {check_grad_sums, grad_sums_variants, 3,
                                                          NULL};
const mot_primitive mot_primitive_batch_norm_grad = {check_grad, grad_variants, 3, NULL};
const mot_primitive mot_primitive_batch_norm_update = {check_update, update_variants, 2, NULL};
