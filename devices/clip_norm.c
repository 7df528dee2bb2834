/* clip_norm: the divisor of the gradient that keeps its norm; the kernels are in
 * kernels_cl/clip_norm.cl and clip_norm_lanes.cl.  Which elements are a block depends on their
 * number alone, so that the same bits come out on every device. */
#include "config.h"

#include "devices/optimizer.h"

enum { SHORTEST = 1024, MOST_BLOCKS = 4096 };
enum { LANES = 16, BLOCKS = 8 }; /* twins of those in the kernel file */

static mot_status check(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 1, 0));
    MOT_TRY(mot_check_elements(o, "divisor", &o->out[0], 4));
    if (mot_view_elements(&o->in[0]) % 16 != 0)
        return MOT_FAIL(MOT_ERR_SHAPE, "clip_norm %s: a flat array is a multiple of 16 long",
                        o->name);
    if (!(o->attrs.clip_norm > 0))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "clip_norm %s: a norm of %g", o->name,
                        o->attrs.clip_norm);
    return MOT_OK;
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    mot_record_begin(r, &launch, "clip_norm", "clip_norm_plain");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &r->o->in[0]);
    mot_launch_view(&launch, &r->o->in[1]);
    mot_launch_long(&launch, mot_view_elements(&r->o->in[0]));
    mot_launch_float(&launch, (float)r->o->attrs.clip_norm);
    return mot_record_end(r, &launch, 1, 1);
}

static int64_t block_of(const mot_recording *r)
{
    int64_t n = mot_view_elements(&r->o->in[0]);
    return mot_max(SHORTEST, mot_ceil_div(n, 16 * MOST_BLOCKS) * 16);
}

static int64_t workspace(const mot_recording *r)
{
    return mot_ceil_div(mot_view_elements(&r->o->in[0]), block_of(r));
}

/* The blocks' sums into the workspace. */
static void begin_blocks(const mot_recording *r, mot_launch *launch, const char *source,
                         const char *kernel)
{
    const mot_view parts = mot_workspace_at(r->o, 0, workspace(r));
    mot_record_begin(r, launch, source, kernel);
    mot_launch_view(launch, &parts);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_long(launch, mot_view_elements(&r->o->in[0]));
    mot_launch_long(launch, block_of(r));
    mot_launch_long(launch, workspace(r));
}

/* The divisor from them. */
static void begin_finish(const mot_recording *r, mot_launch *launch, const char *source,
                         const char *kernel)
{
    const mot_view parts = mot_workspace_at(r->o, 0, workspace(r));
    mot_record_begin(r, launch, source, kernel);
    mot_launch_view(launch, &r->o->out[0]);
    mot_launch_view(launch, &parts);
    mot_launch_view(launch, &r->o->in[1]);
    mot_launch_long(launch, workspace(r));
    mot_launch_float(launch, (float)r->o->attrs.clip_norm);
}

static mot_status record_blocks(const mot_recording *r)
{
    const mot_range range = mot_range_blocks(&r->traits, workspace(r));
    mot_launch launch;
    begin_blocks(r, &launch, "clip_norm", "clip_norm_blocks");
    mot_launch_long(&launch, range.chunk);
    MOT_TRY(mot_record_end_units(r, &launch, range.groups, range.local));
    begin_finish(r, &launch, "clip_norm", "clip_norm_finish");
    return mot_record_end_units(r, &launch, 1, 1);
}

static bool applies_lanes(const mot_recording *r)
{
    return r->traits.group >= LANES * BLOCKS;
}

static mot_status record_lanes(const mot_recording *r)
{
    mot_launch launch;
    begin_blocks(r, &launch, "clip_norm_lanes", "clip_norm_lanes");
    MOT_TRY(mot_record_end(r, &launch, mot_ceil_div(workspace(r), BLOCKS), LANES * BLOCKS));
    begin_finish(r, &launch, "clip_norm_lanes", "clip_norm_finish_lanes");
    return mot_record_end(r, &launch, 1, LANES);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "blocks", .workspace = workspace, .record = record_blocks},
    {.name = "lanes",
     .applies = applies_lanes,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .workspace = workspace,
     .record = record_lanes},
};

const mot_primitive mot_primitive_clip_norm = {check, variants, 3, NULL};
