/* batch_norm and what belongs to it; the kernels are in kernels_cl/batch_norm.cl and
 * batch_norm_grad.cl.  The variant for GPUs, `parts`, is in batch_norm_gpu.c. */
#include "config.h"

#include "devices/batch_norm.h"

enum { WEIGHT = 1, BIAS = 2, RELU = 4, RUNNING = 8, RESIDUAL = 16 }; /* as the kernels have them */
enum { UNITS_PER_THREAD = 8 };

static const mot_view none = {0};

int64_t mot_batch_norm_channels(const mot_view *x)
{
    return x->shape.n_dims > 1 ? x->shape.dim[1] : 0;
}

static int flags_of(const mot_operands *o, int weight)
{
    return (mot_has_in(o, weight) ? WEIGHT : 0) | (mot_has_in(o, weight + 1) ? BIAS : 0) |
           (o->attrs.activation == MOT_ACT_RELU ? RELU : 0);
}

/* x is (B,C,...), and the inputs from `first` on, before `end`, have C elements where they are there. */
static mot_status check_channels(const mot_operands *o, int x, int first, int end)
{
    const int64_t channels = mot_batch_norm_channels(&o->in[x]);
    if (channels < 1 || mot_view_elements(&o->in[x]) < 1)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: needs samples (B,C,...)", mot_op_name(o->op),
                        o->name);
    for (int i = first; i < end && i < o->n_in; i++)
        if (mot_has_in(o, i))
            MOT_TRY(mot_check_elements(o, "a channel's number", &o->in[i], channels));
    return MOT_OK;
}

void mot_batch_norm_add_sizes(mot_launch *launch, const mot_view *x)
{
    mot_launch_long(launch, mot_view_rows(x));
    mot_launch_long(launch, mot_batch_norm_channels(x));
    mot_launch_long(launch, mot_view_columns(x) / mot_batch_norm_channels(x));
}

static void optional(mot_launch *launch, const mot_operands *o, int i)
{
    mot_launch_view(launch, mot_has_in(o, i) ? &o->in[i] : &none);
}

/* How a launch ends that goes over channels by units. */
static mot_status end_channels(const mot_recording *r, mot_launch *launch, const mot_view *x)
{
    const int64_t most = (int64_t)UNITS_PER_THREAD * r->traits.threads;
    return mot_record_end_units(r, launch, mot_min(mot_batch_norm_channels(x), most), 1);
}

/* ---- sums ---- */

static mot_status check_sums(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 1, 0));
    MOT_TRY(check_channels(o, 0, 1, o->n_in));
    return mot_check_elements(o, "sums", &o->out[0], 2 * mot_batch_norm_channels(&o->in[0]) + 1);
}

void mot_batch_norm_add_sums_inputs(mot_launch *launch, const mot_operands *o)
{
    mot_launch_view(launch, &o->in[0]);
    mot_launch_view(launch, &o->in[1]);
    mot_batch_norm_add_sizes(launch, &o->in[0]);
}

static void begin_sums(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "batch_norm", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    mot_batch_norm_add_sums_inputs(launch, r->o);
}

static mot_status sums_plain(const mot_recording *r)
{
    mot_launch launch;
    begin_sums(r, &launch, "batch_norm_sums_plain");
    return mot_record_end_plain(r, &launch, mot_batch_norm_channels(&r->o->in[0]));
}

static mot_status sums_channels(const mot_recording *r)
{
    mot_launch launch;
    begin_sums(r, &launch, "batch_norm_sums_channels");
    return end_channels(r, &launch, &r->o->in[0]);
}

/* ---- forward ---- */

static mot_status check_forward(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 3, 7, 1, 1, 0));
    MOT_TRY(check_channels(o, 0, 4, MOT_BATCH_NORM_RESIDUAL));
    for (int i = 1; i < 3; i++)
        MOT_TRY(mot_check_elements(o, "a running number", &o->in[i],
                                   mot_batch_norm_channels(&o->in[0])));
    if (mot_has_in(o, 3))
        MOT_TRY(
            mot_check_elements(o, "sums", &o->in[3], 2 * mot_batch_norm_channels(&o->in[0]) + 1));
    if (mot_has_in(o, MOT_BATCH_NORM_RESIDUAL))
        MOT_TRY(mot_check_elements(o, "r", &o->in[MOT_BATCH_NORM_RESIDUAL],
                                   mot_view_elements(&o->in[0])));
    return mot_check_elements(o, "y", &o->out[0], mot_view_elements(&o->in[0]));
}

void mot_batch_norm_add_arguments(mot_launch *launch, const mot_operands *o)
{
    mot_launch_view(launch, &o->out[0]);
    for (int i = 0; i <= MOT_BATCH_NORM_RESIDUAL; i++)
        optional(launch, o, i);
    mot_batch_norm_add_sizes(launch, &o->in[0]);
    mot_launch_float(launch, (float)o->attrs.eps);
    mot_launch_int(launch, flags_of(o, 4) | (mot_has_in(o, 3) ? 0 : RUNNING) |
                               (mot_has_in(o, MOT_BATCH_NORM_RESIDUAL) ? RESIDUAL : 0));
}

static void begin_forward(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "batch_norm", kernel);
    mot_batch_norm_add_arguments(launch, r->o);
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

/* ---- backward ---- */

static mot_status check_backward(const mot_operands *o, int weight)
{
    MOT_TRY(check_channels(o, 1, weight, o->n_in));
    MOT_TRY(mot_check_elements(o, "dy", &o->in[0], mot_view_elements(&o->in[1])));
    MOT_TRY(mot_check_elements(o, "sums", &o->in[2], 2 * mot_batch_norm_channels(&o->in[1]) + 1));
    return mot_check_elements(o, "mean", &o->in[3], mot_batch_norm_channels(&o->in[1]));
}

static mot_status check_grad_sums(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 4, 6, 1, 3, 0));
    MOT_TRY(check_backward(o, 4));
    MOT_TRY(mot_check_elements(o, "grad_sums", &o->out[0], 2 * mot_batch_norm_channels(&o->in[1])));
    for (int i = 1; i < 3; i++) {
        if (mot_has_out(o, i) != mot_has_in(o, 3 + i))
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: a parameter and its gradient come together",
                            mot_op_name(o->op), o->name);
        if (mot_has_out(o, i))
            MOT_TRY(mot_check_elements(o, i == 1 ? "dw" : "db", &o->out[i],
                                       mot_batch_norm_channels(&o->in[1])));
    }
    return MOT_OK;
}

static mot_status check_grad(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 5, 7, 1, 1, 0));
    MOT_TRY(check_backward(o, 5));
    MOT_TRY(mot_check_elements(o, "grad_sums", &o->in[4], 2 * mot_batch_norm_channels(&o->in[1])));
    return mot_check_elements(o, "dx", &o->out[0], mot_view_elements(&o->in[1]));
}

void mot_batch_norm_add_channel(mot_launch *launch, const mot_operands *o, int weight)
{
    for (int i = 0; i < 4; i++)
        mot_launch_view(launch, &o->in[i]);
    optional(launch, o, weight);
    optional(launch, o, weight + 1);
    mot_batch_norm_add_sizes(launch, &o->in[1]);
    mot_launch_float(launch, (float)o->attrs.eps);
    mot_launch_int(launch, flags_of(o, weight));
}

void mot_batch_norm_add_grad_sums_arguments(mot_launch *launch, const mot_operands *o)
{
    for (int i = 0; i < 3; i++)
        mot_launch_view(launch, mot_has_out(o, i) ? &o->out[i] : &none);
    mot_batch_norm_add_channel(launch, o, 4);
}

static void begin_grad_sums(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "batch_norm_grad", kernel);
    mot_batch_norm_add_grad_sums_arguments(launch, r->o);
}

static mot_status grad_sums_plain(const mot_recording *r)
{
    mot_launch launch;
    begin_grad_sums(r, &launch, "batch_norm_grad_sums_plain");
    return mot_record_end_plain(r, &launch, mot_batch_norm_channels(&r->o->in[1]));
}

static mot_status grad_sums_channels(const mot_recording *r)
{
    mot_launch launch;
    begin_grad_sums(r, &launch, "batch_norm_grad_sums_channels");
    return end_channels(r, &launch, &r->o->in[1]);
}

void mot_batch_norm_add_grad_arguments(mot_launch *launch, const mot_operands *o)
{
    mot_launch_view(launch, &o->out[0]);
    mot_launch_view(launch, &o->in[4]);
    mot_batch_norm_add_channel(launch, o, 5);
}

static void begin_grad(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "batch_norm_grad", kernel);
    mot_batch_norm_add_grad_arguments(launch, r->o);
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
     .applies = mot_batch_norm_applies_parts,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .workspace = mot_batch_norm_workspace_parts,
     .record = mot_batch_norm_sums_parts},
    {.name = "channels", .prefers = mot_on_cpu, .record = sums_channels},
};
static const mot_variant forward_variants[] = {
    {.name = "plain", .record = forward_plain},
    {.name = "parts",
     .applies = mot_batch_norm_applies_parts,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .record = mot_batch_norm_parts},
    {.name = "channels", .prefers = mot_on_cpu, .record = forward_channels},
};
static const mot_variant grad_sums_variants[] = {
    {.name = "plain", .record = grad_sums_plain},
    {.name = "parts",
     .applies = mot_batch_norm_applies_parts,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .workspace = mot_batch_norm_workspace_parts,
     .record = mot_batch_norm_grad_sums_parts},
    {.name = "channels", .prefers = mot_on_cpu, .record = grad_sums_channels},
};
static const mot_variant grad_variants[] = {
    {.name = "plain", .record = grad_plain},
    {.name = "parts",
     .applies = mot_batch_norm_applies_parts,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .record = mot_batch_norm_grad_parts},
    {.name = "channels", .prefers = mot_on_cpu, .record = grad_channels},
};
static const mot_variant update_variants[] = {
    {.name = "plain", .record = update_plain},
    {.name = "units", .prefers = mot_on_cpu, .record = update_units},
};

const mot_primitive mot_primitive_batch_norm_sums = {check_sums, sums_variants, 3, NULL};
const mot_primitive mot_primitive_batch_norm = {check_forward, forward_variants, 3, NULL};
const mot_primitive mot_primitive_batch_norm_grad_sums = {check_grad_sums, grad_sums_variants, 3,
                                                          NULL};
const mot_primitive mot_primitive_batch_norm_grad = {check_grad, grad_variants, 3, NULL};
const mot_primitive mot_primitive_batch_norm_update = {check_update, update_variants, 2, NULL};
