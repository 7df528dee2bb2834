/* narrow and widen: floats to 16 bits and back; the kernels are in kernels_cl/narrow.cl. */
#include "config.h"

#include "devices/variant.h"

/* The operand of 16 bits. */
static const mot_view *narrow_of(const mot_operands *o)
{
    return o->op == MOT_OP_narrow ? &o->out[0] : &o->in[0];
}

static mot_status check(const mot_operands *o)
{
    const mot_view *wide = o->op == MOT_OP_narrow ? &o->in[0] : &o->out[0];
    if (!mot_has_in(o, 0) || !mot_has_out(o, 0) || o->n_in != 1 || o->n_out != 1)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: one input and one output are needed",
                        mot_op_name(o->op), o->name);
    if (wide->dtype != MOT_F32 || !mot_dtype_is_16_bits(narrow_of(o)->dtype))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: from %s to %s", mot_op_name(o->op), o->name,
                        mot_dtype_name(o->in[0].dtype), mot_dtype_name(o->out[0].dtype));
    return mot_check_elements(o, "y", &o->out[0], mot_view_elements(&o->in[0]));
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "narrow", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_long(launch, mot_view_elements(&r->o->out[0]));
    mot_launch_int(launch, mot_stored_as(narrow_of(r->o)));
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, r->o->op == MOT_OP_narrow ? "narrow_plain" : "widen_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->out[0]));
}

static mot_status record_vector(const mot_recording *r)
{
    mot_range range = mot_range_flat(&r->traits, mot_view_elements(&r->o->out[0]), 1 << 20);
    mot_launch launch;
    begin(r, &launch, r->o->op == MOT_OP_narrow ? "narrow_vector" : "widen_vector");
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "vector", .record = record_vector},
};

const mot_primitive mot_primitive_narrow = {check, variants, 2, NULL};
const mot_primitive mot_primitive_widen = {check, variants, 2, NULL};
