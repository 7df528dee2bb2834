/* The optimizers that are one launch over the flat arrays; lamb.c has the one that needs norms first.
 * A row says which kernels compute it and sets the arguments of its own; all share the rest. */
#include "config.h"

#include "devices/optimizer.h"

#include <math.h>
#include <stdio.h>

/* ---- for all optimizers ---- */

int64_t mot_update_ranges(const mot_operands *o)
{
    return mot_view_elements(&o->in[2]) / 4;
}

mot_status mot_check_update(const mot_operands *o, int min_out, int max_out)
{
    MOT_TRY(mot_check_operands(o, 3, 3, min_out, max_out, 0));
    int64_t n = mot_view_elements(&o->in[0]), n_words = mot_view_elements(&o->in[2]);
    if (mot_view_elements(&o->in[1]) < 1)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: sums are empty", mot_op_name(o->op), o->name);
    if (n % 16 != 0)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: a flat array is a multiple of 16 long",
                        mot_op_name(o->op), o->name);
    if (n_words < 4 || n_words % 4 != 0)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: a range is four words", mot_op_name(o->op), o->name);
    for (int i = 0; i < o->n_out; i++)
        if (mot_has_out(o, i))
            MOT_TRY(mot_check_elements(o, i == 0 ? "param" : "state", &o->out[i], n));
    return MOT_OK;
}

void mot_record_begin_update(const mot_recording *r, mot_launch *launch, const char *source,
                             const char *kernel)
{
    char options[48];
    snprintf(options, sizeof options, "-DVW=%d -DCLIPS=%d", r->traits.vector,
             r->o->attrs.clip_value > 0);
    mot_launch_begin(launch, r->commands, source, options, kernel);
}

void mot_launch_update(mot_launch *launch, const mot_operands *o)
{
    for (int i = 0; i < 3; i++)
        mot_launch_view(launch, &o->in[i]);
    mot_launch_view(launch, &o->scalars);
    mot_launch_long(launch, mot_view_elements(&o->in[0]));
    mot_launch_long(launch, mot_update_ranges(o));
    mot_launch_float(launch, o->attrs.clip_value > 0 ? (float)o->attrs.clip_value : INFINITY);
}

void mot_launch_betas(mot_launch *launch, const mot_operands *o)
{
    mot_launch_float(launch, (float)o->attrs.beta1);
    mot_launch_float(launch, (float)(1 - o->attrs.beta1));
    mot_launch_float(launch, (float)o->attrs.beta2);
    mot_launch_float(launch, (float)(1 - o->attrs.beta2));
}

mot_range mot_range_blocks(const mot_traits *traits, int64_t n_blocks)
{
    int64_t local = traits->cpu ? 1 : traits->group;
    int64_t groups = traits->cpu ? mot_min(mot_ceil_div(n_blocks, 4), traits->threads * 8)
                                 : mot_ceil_div(n_blocks, local);
    int64_t chunk = mot_ceil_div(n_blocks, groups);
    return (mot_range){.groups = mot_ceil_div(n_blocks, chunk), .local = local, .chunk = chunk};
}

/* ---- what each has of its own ---- */

static void outputs(mot_launch *launch, const mot_operands *o, int n)
{
    static const mot_view none = {0};
    for (int i = 0; i < n; i++)
        mot_launch_view(launch, i < o->n_out && mot_has_out(o, i) ? &o->out[i] : &none);
}

static mot_status check_sgd(const mot_operands *o)
{
    const bool has_velocity = o->n_out > 1;
    if ((o->attrs.momentum != 0) != has_velocity)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "sgd %s: momentum %g with%s a velocity", o->name,
                        o->attrs.momentum, has_velocity ? "" : "out");
    return mot_check_update(o, 1, 2);
}

static void begin_sgd(mot_launch *launch, const mot_operands *o)
{
    outputs(launch, o, 2);
    mot_launch_update(launch, o);
    mot_launch_float(launch, (float)o->attrs.momentum);
    mot_launch_int(launch, (o->n_out > 1 ? 1 : 0) | (o->attrs.nesterov ? 2 : 0));
}

static mot_status check_adam(const mot_operands *o)
{
    return mot_check_update(o, 3, 3);
}

static void begin_adam(mot_launch *launch, const mot_operands *o)
{
    outputs(launch, o, 3);
    mot_launch_update(launch, o);
    mot_launch_betas(launch, o);
    mot_launch_float(launch, (float)o->attrs.eps);
    mot_launch_int(launch, o->op == MOT_OP_adamw ? 1 : 0);
}

/* States: square, then the mean if centered, then the velocity if there is momentum. */
static mot_status check_rmsprop(const mot_operands *o)
{
    int n = 2 + (o->attrs.centered ? 1 : 0) + (o->attrs.momentum != 0 ? 1 : 0);
    return mot_check_update(o, n, n);
}

static void begin_rmsprop(mot_launch *launch, const mot_operands *o)
{
    static const mot_view none = {0};
    const bool centered = o->attrs.centered, momentum = o->attrs.momentum != 0;
    outputs(launch, o, 2);
    mot_launch_view(launch, centered ? &o->out[2] : &none);
    mot_launch_view(launch, momentum ? &o->out[2 + centered] : &none);
    mot_launch_update(launch, o);
    mot_launch_float(launch, (float)o->attrs.beta2);
    mot_launch_float(launch, (float)(1 - o->attrs.beta2));
    mot_launch_float(launch, (float)o->attrs.eps);
    mot_launch_float(launch, (float)o->attrs.momentum);
    mot_launch_int(launch, (centered ? 1 : 0) | (momentum ? 2 : 0));
}

static mot_status check_one_state(const mot_operands *o)
{
    return mot_check_update(o, 2, 2);
}

static void begin_adagrad(mot_launch *launch, const mot_operands *o)
{
    outputs(launch, o, 2);
    mot_launch_update(launch, o);
    mot_launch_float(launch, (float)o->attrs.eps);
}

static void begin_lion(mot_launch *launch, const mot_operands *o)
{
    outputs(launch, o, 2);
    mot_launch_update(launch, o);
    mot_launch_betas(launch, o);
}

/* ---- the table ---- */

typedef struct rule {
    mot_op op;
    const char *source, *plain, *vector; /* kernels of this source */
    void (*begin)(mot_launch *launch, const mot_operands *o);
} rule;

static const rule rules[] = {
    {MOT_OP_sgd, "sgd", "sgd_plain", "sgd_vector", begin_sgd},
    {MOT_OP_adam, "adam", "adam_plain", "adam_vector", begin_adam},
    {MOT_OP_adamw, "adam", "adam_plain", "adam_vector", begin_adam},
    {MOT_OP_rmsprop, "rmsprop", "rmsprop_plain", "rmsprop_vector", begin_rmsprop},
    {MOT_OP_adagrad, "adagrad", "adagrad_plain", "adagrad_vector", begin_adagrad},
    {MOT_OP_lion, "lion", "lion_plain", "lion_vector", begin_lion},
};

static const rule *rule_of(mot_op op)
{
    const rule *row = rules;
    while (row->op != op)
        row++;
    return row;
}

static mot_status record_plain(const mot_recording *r)
{
    const rule *row = rule_of(r->o->op);
    mot_launch launch;
    mot_record_begin_update(r, &launch, row->source, row->plain);
    row->begin(&launch, r->o);
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->in[0]));
}

static mot_status record_vector(const mot_recording *r)
{
    mot_range range = mot_range_flat(&r->traits, mot_view_elements(&r->o->in[0]), 1 << 20);
    const rule *row = rule_of(r->o->op);
    mot_launch launch;
    mot_record_begin_update(r, &launch, row->source, row->vector);
    row->begin(&launch, r->o);
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "vector", .record = record_vector},
};

const mot_primitive mot_primitive_sgd = {check_sgd, variants, 2, NULL};
const mot_primitive mot_primitive_adam = {check_adam, variants, 2, NULL};
const mot_primitive mot_primitive_adamw = {check_adam, variants, 2, NULL};
const mot_primitive mot_primitive_rmsprop = {check_rmsprop, variants, 2, NULL};
const mot_primitive mot_primitive_adagrad = {check_one_state, variants, 2, NULL};
const mot_primitive mot_primitive_lion = {check_one_state, variants, 2, NULL};
