/* add; the kernels are in kernels_cl/add.cl. */
#include "config.h"

#include "devices/variant.h"

static mot_status check(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 1, 0));
    MOT_TRY(mot_check_elements(o, "b", &o->in[1], mot_view_elements(&o->in[0])));
    return mot_check_elements(o, "y", &o->out[0], mot_view_elements(&o->in[0]));
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "add", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_view(launch, &r->o->in[1]);
    mot_launch_long(launch, mot_view_elements(&r->o->out[0]));
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, "add_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->out[0]));
}

static mot_status record_vector(const mot_recording *r)
{
    const mot_range range = mot_range_tuned(r, mot_view_elements(&r->o->out[0]));
    mot_launch launch;
    begin(r, &launch, "add_vector");
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static int candidates_vector(const mot_recording *r, mot_choice *out, int most)
{
    return mot_range_candidates(r, mot_view_elements(&r->o->out[0]), out, most);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "vector",
     .record = record_vector,
     .suits = mot_on_any,
     .parameters = mot_groups_parameter,
     .candidates = candidates_vector},
};

const mot_primitive mot_primitive_add = {check, variants, 2, mot_problem_of_operands};
