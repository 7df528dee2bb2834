/* lamb: norms of pieces of parameters, their ratio for each parameter, the update; the kernels are in
 * kernels_cl/lamb.cl.  Workspace: two sums a piece, then the ratio of each. */
#include "config.h"

#include "devices/optimizer.h"

static mot_status check(const mot_operands *o)
{
    return mot_check_update(o, 3, 3);
}

static int64_t workspace(const mot_recording *r)
{
    return 3 * mot_update_ranges(r->o);
}

static void own(mot_launch *launch, const mot_operands *o)
{
    mot_launch_update(launch, o);
    mot_launch_betas(launch, o);
    mot_launch_float(launch, (float)o->attrs.eps);
}

/* Passes 1 and 2: `trust` gets a ratio for each piece. */
static mot_status record_trust(const mot_recording *r, const mot_view *trust)
{
    const mot_operands *o = r->o;
    const int64_t n = mot_update_ranges(o);
    const mot_range range = mot_range_blocks(&r->traits, n);
    const mot_view parts = mot_workspace_at(o, 0, 2 * n);
    mot_launch launch;
    mot_record_begin_update(r, &launch, "lamb", "lamb_norms");
    mot_launch_view(&launch, &parts);
    for (int i = 0; i < 3; i++)
        mot_launch_view(&launch, &o->out[i]);
    own(&launch, o);
    mot_launch_long(&launch, range.chunk);
    MOT_TRY(mot_record_end_units(r, &launch, range.groups, range.local));
    mot_record_begin_update(r, &launch, "lamb", "lamb_trust");
    mot_launch_view(&launch, trust);
    mot_launch_view(&launch, &parts);
    mot_launch_view(&launch, &o->in[2]);
    mot_launch_long(&launch, n);
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel,
                  const mot_view *trust)
{
    mot_record_begin_update(r, launch, "lamb", kernel);
    for (int i = 0; i < 3; i++)
        mot_launch_view(launch, &r->o->out[i]);
    mot_launch_view(launch, trust);
    own(launch, r->o);
}

static mot_view trust_of(const mot_operands *o)
{
    const int64_t n = mot_update_ranges(o);
    return mot_workspace_at(o, 2 * n, n);
}

static mot_status record_plain(const mot_recording *r)
{
    const mot_view trust = trust_of(r->o);
    mot_launch launch;
    MOT_TRY(record_trust(r, &trust));
    begin(r, &launch, "lamb_plain", &trust);
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->in[0]));
}

static mot_status record_vector(const mot_recording *r)
{
    mot_range range = mot_range_flat(&r->traits, mot_view_elements(&r->o->in[0]), 1 << 20);
    const mot_view trust = trust_of(r->o);
    mot_launch launch;
    MOT_TRY(record_trust(r, &trust));
    begin(r, &launch, "lamb_vector", &trust);
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static const mot_variant variants[] = {
    {.name = "plain", .workspace = workspace, .record = record_plain},
    {.name = "vector", .workspace = workspace, .record = record_vector},
};

const mot_primitive mot_primitive_lamb = {check, variants, 2, NULL};
