/* sgd and adam over the flat arrays; the kernels are in kernels_cl/sgd.cl and adam.cl. */
#include "config.h"

#include "devices/variant.h"

static mot_status check_flat(const mot_operands *o)
{
    int64_t n = mot_view_elements(&o->in[0]);
    if (mot_view_elements(&o->in[1]) < 1)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: sums are empty", mot_op_name(o->op), o->name);
    for (int i = 0; i < o->n_out; i++)
        if (mot_has_out(o, i))
            MOT_TRY(mot_check_elements(o, i == 0 ? "param" : "state", &o->out[i], n));
    return MOT_OK;
}

static mot_status check_sgd(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 2, 0));
    if (o->attrs.momentum != 0 && !mot_has_out(o, 1))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "sgd %s: momentum %g without a velocity", o->name,
                        o->attrs.momentum);
    return check_flat(o);
}

static mot_status check_adam(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 3, 3, 0));
    return check_flat(o);
}

static void begin_sgd(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    static const mot_view none = {0};
    const mot_operands *o = r->o;
    mot_record_begin(r, launch, "sgd", kernel);
    mot_launch_view(launch, &o->out[0]);
    mot_launch_view(launch, mot_has_out(o, 1) ? &o->out[1] : &none);
    mot_launch_view(launch, &o->in[0]);
    mot_launch_view(launch, &o->in[1]);
    mot_launch_view(launch, &o->scalars);
    mot_launch_long(launch, mot_view_elements(&o->in[0]));
    mot_launch_float(launch, (float)o->attrs.momentum);
    mot_launch_float(launch, (float)o->attrs.weight_decay);
    mot_launch_int(launch, mot_has_out(o, 1) ? 1 : 0);
}

static void begin_adam(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    const mot_operands *o = r->o;
    mot_record_begin(r, launch, "adam", kernel);
    for (int i = 0; i < 3; i++)
        mot_launch_view(launch, &o->out[i]);
    mot_launch_view(launch, &o->in[0]);
    mot_launch_view(launch, &o->in[1]);
    mot_launch_view(launch, &o->scalars);
    mot_launch_long(launch, mot_view_elements(&o->in[0]));
    mot_launch_float(launch, (float)o->attrs.beta1);
    mot_launch_float(launch, (float)(1 - o->attrs.beta1));
    mot_launch_float(launch, (float)o->attrs.beta2);
    mot_launch_float(launch, (float)(1 - o->attrs.beta2));
    mot_launch_float(launch, (float)o->attrs.eps);
    mot_launch_float(launch, (float)o->attrs.weight_decay);
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    if (r->o->op == MOT_OP_sgd)
        begin_sgd(r, &launch, "sgd_plain");
    else
        begin_adam(r, &launch, "adam_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->in[0]));
}

static mot_status record_vector(const mot_recording *r)
{
    mot_range range = mot_range_flat(&r->traits, mot_view_elements(&r->o->in[0]), 1 << 20);
    mot_launch launch;
    if (r->o->op == MOT_OP_sgd)
        begin_sgd(r, &launch, "sgd_vector");
    else
        begin_adam(r, &launch, "adam_vector");
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "vector", .record = record_vector},
};

const mot_primitive mot_primitive_sgd = {check_sgd, variants, 2, NULL};
const mot_primitive mot_primitive_adam = {check_adam, variants, 2, NULL};
