/* activation and activation_grad; the kernels are in kernels_cl/activation.cl. */
#include "config.h"

#include "devices/variant.h"

/* The first input, and beside it for the gradient what was kept, have the shape of the output. */
static mot_status check_same(const mot_operands *o, int n_in, const char *out)
{
    MOT_TRY(mot_check_operands(o, n_in, n_in, 1, 1, 0));
    if (o->attrs.activation < MOT_ACT_GELU || o->attrs.activation >= MOT_N_ACTIVATIONS)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: %d is not an activation", mot_op_name(o->op),
                        o->name, (int)o->attrs.activation);
    for (int i = 1; i < n_in; i++)
        MOT_TRY(mot_check_elements(o, "what was kept", &o->in[i], mot_view_elements(&o->in[0])));
    return mot_check_elements(o, out, &o->out[0], mot_view_elements(&o->in[0]));
}

static mot_status check_activation(const mot_operands *o)
{
    return check_same(o, 1, "y");
}

static mot_status check_grad(const mot_operands *o)
{
    return check_same(o, 2, "dx");
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "activation", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    for (int i = 0; i < r->o->n_in; i++)
        mot_launch_view(launch, &r->o->in[i]);
    mot_launch_long(launch, mot_view_elements(&r->o->out[0]));
    mot_launch_int(launch, (int)r->o->attrs.activation);
    mot_launch_float(launch, r->o->attrs.slope);
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, r->o->op == MOT_OP_activation ? "activation_plain" : "activation_grad_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->out[0]));
}

static mot_status record_vector(const mot_recording *r)
{
    const mot_range range = mot_range_tuned(r, mot_view_elements(&r->o->out[0]));
    mot_launch launch;
    begin(r, &launch,
          r->o->op == MOT_OP_activation ? "activation_vector" : "activation_grad_vector");
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

const mot_primitive mot_primitive_activation = {check_activation, variants, 2,
                                                mot_problem_of_operands};
const mot_primitive mot_primitive_activation_grad = {check_grad, variants, 2,
                                                     mot_problem_of_operands};
