/* batch_norm and its sums and gradients for devices with many work-items.
 *
 * parts  several groups a channel (kernels_cl/batch_norm_channel.cl), as many as keep a GPU's units
 *        busy; sums of the parts are added in a second launch. */
#include "config.h"

#include "devices/batch_norm.h"

#include <stdio.h>

/* A unit holds some 8 full groups, and a work-item should have a few pieces to load. */
enum { GROUPS_PER_UNIT = 16, PIECES_EACH = 4 };

/* Are planes, of x and those of its shape, whole vectors? */
static bool in_fours(const mot_view *x, const mot_view *second, const mot_view *third)
{
    return mot_view_columns(x) / mot_batch_norm_channels(x) % 4 == 0 && mot_view_aligned(x, 4) &&
           mot_view_aligned(second, 4) && mot_view_aligned(third, 4);
}

static int64_t parts_of(const mot_recording *r, const mot_view *x)
{
    const int64_t n = mot_view_elements(x) / mot_batch_norm_channels(x);
    return mot_max(1, mot_min(mot_ceil_div((int64_t)GROUPS_PER_UNIT * r->traits.threads,
                                           mot_batch_norm_channels(x)),
                              n / (4 * PIECES_EACH * r->traits.group)));
}

bool mot_batch_norm_applies_parts(const mot_recording *r)
{
    const mot_view *x =
        &r->o->in[r->o->op == MOT_OP_batch_norm_sums || r->o->op == MOT_OP_batch_norm ? 0 : 1];
    return mot_view_elements(x) / mot_batch_norm_channels(x) <
           INT32_MAX / 2; /* pieces are counted in ints */
}

int64_t mot_batch_norm_workspace_parts(const mot_recording *r)
{
    const mot_view *x = &r->o->in[r->o->op == MOT_OP_batch_norm_sums ? 0 : 1];
    return 2 * mot_batch_norm_channels(x) * parts_of(r, x);
}

static mot_view parts_left(const mot_recording *r)
{
    return mot_workspace_at(r->o, 0, mot_batch_norm_workspace_parts(r));
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
    return mot_record_end(r, launch, mot_batch_norm_channels(x) * parts_of(r, x), r->traits.group);
}

static mot_status end_sums(const mot_recording *r, mot_launch *launch, const mot_view *x,
                           int64_t groups)
{
    mot_launch_int(launch, (int)parts_of(r, x));
    mot_launch_local(launch, sizeof(float) * (size_t)r->traits.group);
    return mot_record_end(r, launch, groups, r->traits.group);
}

mot_status mot_batch_norm_sums_parts(const mot_recording *r)
{
    const mot_view *x = &r->o->in[0], left = parts_left(r);
    const bool wide = in_fours(x, x, x);
    mot_launch launch;
    begin_parts(r, &launch, "batch_norm", "batch_norm_sums_parts", wide);
    mot_launch_view(&launch, &left);
    mot_batch_norm_add_sums_inputs(&launch, r->o);
    MOT_TRY(end_sums(r, &launch, x, mot_batch_norm_channels(x) * parts_of(r, x)));
    begin_parts(r, &launch, "batch_norm", "batch_norm_sums_finish", wide);
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &left);
    mot_batch_norm_add_sizes(&launch, x);
    return end_sums(r, &launch, x, mot_batch_norm_channels(x));
}

mot_status mot_batch_norm_parts(const mot_recording *r)
{
    const mot_view *x = &r->o->in[0], *y = &r->o->out[0];
    const mot_view *added =
        mot_has_in(r->o, MOT_BATCH_NORM_RESIDUAL) ? &r->o->in[MOT_BATCH_NORM_RESIDUAL] : y;
    mot_launch launch;
    begin_parts(r, &launch, "batch_norm", "batch_norm_parts", in_fours(x, y, added));
    mot_batch_norm_add_arguments(&launch, r->o);
    return end_parts(r, &launch, x);
}

mot_status mot_batch_norm_grad_sums_parts(const mot_recording *r)
{
    const mot_view *dy = &r->o->in[0], *x = &r->o->in[1], left = parts_left(r);
    const bool wide = in_fours(x, dy, dy);
    mot_launch launch;
    begin_parts(r, &launch, "batch_norm_grad", "batch_norm_grad_sums_parts", wide);
    mot_launch_view(&launch, &left);
    mot_batch_norm_add_channel(&launch, r->o, 4);
    MOT_TRY(end_sums(r, &launch, x, mot_batch_norm_channels(x) * parts_of(r, x)));
    begin_parts(r, &launch, "batch_norm_grad", "batch_norm_grad_sums_finish", wide);
    mot_batch_norm_add_grad_sums_arguments(&launch, r->o);
    mot_launch_view(&launch, &left);
    return end_sums(r, &launch, x, mot_batch_norm_channels(x));
}

mot_status mot_batch_norm_grad_parts(const mot_recording *r)
{
    const mot_view *x = &r->o->in[1];
    mot_launch launch;
    begin_parts(r, &launch, "batch_norm_grad", "batch_norm_grad_parts",
                in_fours(x, &r->o->in[0], &r->o->out[0]));
    mot_batch_norm_add_grad_arguments(&launch, r->o);
    return end_parts(r, &launch, x);
}
