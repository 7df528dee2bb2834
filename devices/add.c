/* add; the kernels are in kernels_cl/add.cl. */
#include "config.h"

#include "devices/variant.h"

enum { MASK = 2 };
enum { ONLY, RELU_BEHIND, MASKED }; /* as the kernel has them */

static mot_status check(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 3, 1, 1, 0));
    MOT_TRY(mot_check_elements(o, "b", &o->in[1], mot_view_elements(&o->in[0])));
    if (mot_has_in(o, MASK) && o->attrs.activation != MOT_ACT_NONE)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: has a mask or an activation, not both",
                        mot_op_name(o->op), o->name);
    if (mot_has_in(o, MASK))
        MOT_TRY(mot_check_elements(o, "h", &o->in[MASK], mot_view_elements(&o->in[0])));
    return mot_check_elements(o, "y", &o->out[0], mot_view_elements(&o->in[0]));
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    const mot_operands *o = r->o;
    const mot_view absent = {0};
    mot_record_begin(r, launch, "add", kernel);
    mot_launch_view(launch, &o->out[0]);
    mot_launch_view(launch, &o->in[0]);
    mot_launch_view(launch, &o->in[1]);
    mot_launch_view(launch, mot_has_in(o, MASK) ? &o->in[MASK] : &absent);
    mot_launch_long(launch, mot_view_elements(&o->out[0]));
    mot_launch_int(launch, mot_has_in(o, MASK)                   ? MASKED
                           : o->attrs.activation == MOT_ACT_RELU ? RELU_BEHIND
                                                                 : ONLY);
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
