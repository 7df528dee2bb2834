/* pointwise_loss; the kernels are in kernels_cl/pointwise_loss.cl. */
#include "config.h"

#include "devices/variant.h"

enum { SUMS = 4, MAX_PARTS = 1024 };

static mot_status check(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 2, 2, 0));
    if ((unsigned)o->attrs.loss >= MOT_N_LOSSES)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "pointwise_loss %s: %d is not a loss", o->name,
                        (int)o->attrs.loss);
    MOT_TRY(mot_check_elements(o, "target", &o->in[1], mot_view_elements(&o->in[0])));
    MOT_TRY(mot_check_elements(o, "sums", &o->out[1], 4));
    if (mot_has_out(o, 0))
        MOT_TRY(mot_check_elements(o, "dpred", &o->out[0], mot_view_elements(&o->in[0])));
    return MOT_OK;
}

static void sizes(const mot_recording *r, mot_launch *launch)
{
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_view(launch, &r->o->in[1]);
    mot_launch_long(launch, mot_view_rows(&r->o->in[0]));
    mot_launch_long(launch, mot_view_columns(&r->o->in[0]));
    mot_launch_int(launch, (int)r->o->attrs.loss);
    mot_launch_float(launch, r->o->attrs.delta);
    mot_launch_int(launch, mot_has_out(r->o, 0) ? 1 : 0);
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    mot_record_begin(r, &launch, "pointwise_loss", "pointwise_loss_plain");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &r->o->out[1]);
    sizes(r, &launch);
    return mot_record_end(r, &launch, 1, 1);
}

/* Small ones in one group, which saves the second launch. */
static mot_range range_of(const mot_recording *r)
{
    int64_t n = mot_view_elements(&r->o->in[0]);
    return mot_range_flat(&r->traits, n, n <= 32768 ? 1 : MAX_PARTS);
}

static int64_t workspace(const mot_recording *r)
{
    return SUMS * range_of(r).groups;
}

static mot_status record_vector(const mot_recording *r)
{
    mot_range range = range_of(r);
    mot_view parts = mot_workspace_at(r->o, 0, SUMS * range.groups);
    mot_launch launch;
    mot_record_begin(r, &launch, "pointwise_loss", "pointwise_loss_vector");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &r->o->out[1]);
    mot_launch_view(&launch, &parts);
    sizes(r, &launch);
    mot_launch_long(&launch, range.chunk);
    mot_launch_local(&launch, SUMS * sizeof(float) * (size_t)range.local);
    MOT_TRY(mot_record_end_units(r, &launch, range.groups, range.local));
    if (range.groups == 1)
        return MOT_OK;
    return mot_record_sums_finish(r, "pointwise_loss", &r->o->out[1], &parts, range.groups,
                                  range.local);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "vector", .workspace = workspace, .record = record_vector},
};

const mot_primitive mot_primitive_pointwise_loss = {check, variants, 2, NULL};
