/* relu and relu_grad; the kernels are in kernels_cl/relu.cl. */
#include "config.h"

#include "devices/variant.h"

static mot_status check_relu(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 1, 1, 1, 1, 0));
    return mot_check_elements(o, "y", &o->out[0], mot_view_elements(&o->in[0]));
}

static mot_status check_grad(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 1, 0));
    MOT_TRY(mot_check_elements(o, "y", &o->in[1], mot_view_elements(&o->in[0])));
    return mot_check_elements(o, "dx", &o->out[0], mot_view_elements(&o->in[0]));
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "relu", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    for (int i = 0; i < r->o->n_in; i++)
        mot_launch_view(launch, &r->o->in[i]);
    mot_launch_long(launch, mot_view_elements(&r->o->out[0]));
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, r->o->op == MOT_OP_relu ? "relu_plain" : "relu_grad_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->out[0]));
}

static mot_status record_vector(const mot_recording *r)
{
    const mot_range range = mot_range_tuned(r, mot_view_elements(&r->o->out[0]));
    mot_launch launch;
    begin(r, &launch, r->o->op == MOT_OP_relu ? "relu_vector" : "relu_grad_vector");
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

const mot_primitive mot_primitive_relu = {check_relu, variants, 2, mot_problem_of_operands};
const mot_primitive mot_primitive_relu_grad = {check_grad, variants, 2, mot_problem_of_operands};
