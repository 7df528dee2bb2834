/* scale_gradient and unscale; the kernels are in kernels_cl/loss_scale.cl and loss_scale_group.cl. */
#include "config.h"

#include "devices/optimizer.h"

/* ---- scale_gradient ---- */

static mot_status check_scale(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 1, 0));
    MOT_TRY(mot_check_elements(o, "scale", &o->in[1], 1));
    return mot_check_elements(o, "dx", &o->out[0], mot_view_elements(&o->in[0]));
}

static void begin_scale(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "loss_scale", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_view(launch, &r->o->in[1]);
    mot_launch_long(launch, mot_view_elements(&r->o->out[0]));
}

static mot_status scale_plain(const mot_recording *r)
{
    mot_launch launch;
    begin_scale(r, &launch, "scale_gradient_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->out[0]));
}

static mot_status scale_vector(const mot_recording *r)
{
    mot_range range = mot_range_flat(&r->traits, mot_view_elements(&r->o->out[0]), 1 << 20);
    mot_launch launch;
    begin_scale(r, &launch, "scale_gradient_vector");
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static const mot_variant scale_variants[] = {
    {.name = "plain", .record = scale_plain},
    {.name = "vector", .record = scale_vector},
};

const mot_primitive mot_primitive_scale_gradient = {check_scale, scale_variants, 2, NULL};

/* ---- unscale ---- */

enum { MOST_PARTS = 1024 };

static mot_status check_unscale(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 4, 4, 0));
    if (mot_view_elements(&o->in[0]) % 16 != 0)
        return MOT_FAIL(MOT_ERR_SHAPE, "unscale %s: a flat array is a multiple of 16 long",
                        o->name);
    MOT_TRY(mot_check_elements(o, "sums", &o->in[1], 4));
    MOT_TRY(mot_check_elements(o, "divisor", &o->out[0], 4));
    MOT_TRY(mot_check_elements(o, "scale", &o->out[1], 1));
    MOT_TRY(mot_check_elements(o, "steps", &o->out[2], 4));
    return mot_check_elements(o, "scalars", &o->out[3], MOT_N_SCALARS);
}

static mot_range parts_of(const mot_recording *r)
{
    return mot_range_flat(&r->traits, mot_view_elements(&r->o->in[0]), MOST_PARTS);
}

static int64_t workspace(const mot_recording *r)
{
    return parts_of(r).groups;
}

/* A launch that moves the scale, by the gradient or by `n` parts of what was found in it. */
static void begin_move(const mot_recording *r, mot_launch *launch, const char *source,
                       const char *kernel, const mot_view *found, int64_t n)
{
    mot_record_begin(r, launch, source, kernel);
    for (int i = 0; i < 4; i++)
        mot_launch_view(launch, &r->o->out[i]);
    mot_launch_view(launch, found);
    mot_launch_view(launch, &r->o->in[1]);
    mot_launch_view(launch, &r->o->scalars);
    mot_launch_betas(launch, r->o);
    mot_launch_float(launch, (float)r->o->attrs.loss_scale_every);
    mot_launch_long(launch, n);
}

static mot_status unscale_plain(const mot_recording *r)
{
    mot_launch launch;
    begin_move(r, &launch, "loss_scale", "unscale_plain", &r->o->in[0],
               mot_view_elements(&r->o->in[0]));
    return mot_record_end(r, &launch, 1, 1);
}

static void begin_look(const mot_recording *r, mot_launch *launch, const char *source,
                       const char *kernel, const mot_view *parts)
{
    mot_record_begin(r, launch, source, kernel);
    mot_launch_view(launch, parts);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_long(launch, mot_view_elements(&r->o->in[0]));
    mot_launch_long(launch, parts_of(r).chunk);
}

static mot_status unscale_vector(const mot_recording *r)
{
    const mot_range range = parts_of(r);
    const mot_view parts = mot_workspace_at(r->o, 0, range.groups);
    mot_launch launch;
    begin_look(r, &launch, "loss_scale", "unscale_look", &parts);
    MOT_TRY(mot_record_end_units(r, &launch, range.groups, 1));
    begin_move(r, &launch, "loss_scale", "unscale_finish", &parts, range.groups);
    return mot_record_end_units(r, &launch, 1, 1);
}

static mot_status unscale_group(const mot_recording *r)
{
    const mot_range range = parts_of(r);
    const mot_view parts = mot_workspace_at(r->o, 0, range.groups);
    const size_t scratch_bytes = (size_t)r->traits.group * sizeof(float);
    mot_launch launch;
    begin_look(r, &launch, "loss_scale_group", "unscale_group_look", &parts);
    mot_launch_local(&launch, scratch_bytes);
    MOT_TRY(mot_record_end(r, &launch, range.groups, r->traits.group));
    begin_move(r, &launch, "loss_scale_group", "unscale_group_finish", &parts, range.groups);
    mot_launch_local(&launch, scratch_bytes);
    return mot_record_end(r, &launch, 1, r->traits.group);
}

static const mot_variant unscale_variants[] = {
    {.name = "plain", .record = unscale_plain},
    {.name = "vector", .prefers = mot_on_cpu, .workspace = workspace, .record = unscale_vector},
    {.name = "group",
     .prefers = mot_off_cpu,
     .workspace = workspace,
     .record = unscale_group,
     .suits = mot_off_cpu},
};

const mot_primitive mot_primitive_unscale = {check_unscale, unscale_variants, 3, NULL};
