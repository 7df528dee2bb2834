/* norm and norm_grad for devices with many work-items.
 *
 * lanes  a team of lanes has a row, in registers (kernels_cl/norm_lanes.cl): where a weight is for
 *        one element, or there is none. */
#include "config.h"

#include "devices/lanes.h"
#include "devices/norm.h"

/* GROUPS_PER_UNIT: as many as run at the same time, at least; each leaves its sums.  GOOD_PIECES:
 * backward, where with more of them a unit of NVIDIA's has registers for one group only.  SIDE: a
 * twin of that in the kernel file. */
enum { GROUPS_PER_UNIT = 4, GOOD_PIECES = 3, SIDE = 16 };

static bool has_rows(const mot_norm_layout *l)
{
    return l->rows > 0 && l->run == 1 && l->groups == 1;
}

/* ---- forward ---- */

static bool lanes_forward(const mot_recording *r, const mot_norm_layout *l, mot_lanes *out)
{
    bool aligned = mot_view_aligned(&r->o->out[0], 4);
    for (int i = 0; i < r->o->n_in; i++)
        aligned = aligned && (!mot_has_in(r->o, i) || mot_view_aligned(&r->o->in[i], 4));
    return mot_lanes_for(r, l->columns, aligned, MOT_LANES_PIECES, out);
}

bool mot_norm_applies_lanes(const mot_recording *r)
{
    const mot_norm_layout l = mot_norm_layout_forward(r->o);
    mot_lanes lanes;
    return has_rows(&l) && lanes_forward(r, &l, &lanes);
}

mot_status mot_norm_lanes(const mot_recording *r)
{
    const mot_norm_layout l = mot_norm_layout_forward(r->o);
    mot_lanes lanes;
    mot_launch launch;
    lanes_forward(r, &l, &lanes);
    const mot_range range =
        mot_lanes_range(&lanes, l.rows, (int64_t)4 * GROUPS_PER_UNIT * r->traits.threads);
    mot_lanes_begin(r, &lanes, &launch, "norm_lanes", "norm_lanes");
    mot_norm_add_arguments(&launch, r->o, &l);
    mot_launch_long(&launch, range.chunk);
    return mot_record_end(r, &launch, range.groups, range.local);
}

/* ---- backward ---- */

static bool lanes_grad(const mot_recording *r, const mot_norm_layout *l, mot_lanes *out)
{
    bool aligned = mot_view_aligned(&r->o->out[0], 4);
    for (int i = 0; i < r->o->n_in; i++) /* of stats only numbers are read */
        aligned = aligned && (i == 2 || !mot_has_in(r->o, i) || mot_view_aligned(&r->o->in[i], 4));
    return mot_lanes_for(r, l->columns, aligned, GOOD_PIECES, out);
}

bool mot_norm_grad_applies_lanes(const mot_recording *r)
{
    const mot_norm_layout l = mot_norm_layout_grad(r->o);
    mot_lanes lanes;
    return has_rows(&l) && lanes_grad(r, &l, &lanes);
}

static mot_range range_grad(const mot_recording *r, const mot_norm_layout *l,
                            const mot_lanes *lanes)
{
    return mot_lanes_range(lanes, l->rows, (int64_t)GROUPS_PER_UNIT * r->traits.threads);
}

int64_t mot_norm_grad_workspace_lanes(const mot_recording *r)
{
    const mot_norm_layout l = mot_norm_layout_grad(r->o);
    mot_lanes lanes;
    lanes_grad(r, &l, &lanes);
    return l.flags & MOT_NORM_HAS_WEIGHT ? 2 * l.n * range_grad(r, &l, &lanes).groups : 0;
}

mot_status mot_norm_finish_lanes(const mot_recording *r, const mot_norm_layout *l, int64_t n_parts)
{
    const mot_view parts = mot_workspace_at(r->o, 0, 2 * l->n * n_parts);
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "norm_finish_lanes", "", "norm_finish_lanes");
    mot_norm_add_parameters(&launch, r->o, l);
    mot_launch_view(&launch, &parts);
    mot_launch_int(&launch, l->flags);
    mot_launch_long(&launch, l->n);
    mot_launch_long(&launch, n_parts);
    return mot_record_end(r, &launch, mot_ceil_div(2 * l->n, SIDE), SIDE * SIDE);
}

mot_status mot_norm_grad_lanes(const mot_recording *r)
{
    const mot_norm_layout l = mot_norm_layout_grad(r->o);
    const mot_view parts = mot_workspace_at(r->o, 0, mot_norm_grad_workspace_lanes(r));
    mot_lanes lanes;
    mot_launch launch;
    lanes_grad(r, &l, &lanes);
    const mot_range range = range_grad(r, &l, &lanes);
    mot_lanes_begin(r, &lanes, &launch, "norm_lanes", "norm_grad_lanes");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, l.flags & MOT_NORM_HAS_WEIGHT ? &parts : &(mot_view){0});
    mot_norm_add_grad_arguments(&launch, r->o, &l);
    mot_launch_long(&launch, range.chunk);
    MOT_TRY(mot_record_end(r, &launch, range.groups, range.local));
    return l.flags & MOT_NORM_HAS_WEIGHT ? mot_norm_finish_lanes(r, &l, range.groups) : MOT_OK;
}
