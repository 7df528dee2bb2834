/* position and its gradient; the kernels are in kernels_cl/position.cl.  Samples are dim 0. */
#include "config.h"

#include "devices/variant.h"

static mot_status check(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 1, 0));
    MOT_TRY(mot_check_elements(o, "w", &o->in[1], mot_view_columns(&o->in[0])));
    return mot_check_elements(o, "y", &o->out[0], mot_view_elements(&o->in[0]));
}

static mot_status check_dweight(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 1, 1, 1, 1, 0));
    return mot_check_elements(o, "dw", &o->out[0], mot_view_columns(&o->in[0]));
}

static void add_arguments(const mot_recording *r, mot_launch *launch)
{
    mot_launch_view(launch, &r->o->out[0]);
    for (int i = 0; i < r->o->n_in; i++)
        mot_launch_view(launch, &r->o->in[i]);
    mot_launch_long(launch, mot_view_rows(&r->o->in[0]));
    mot_launch_long(launch, mot_view_columns(&r->o->in[0]));
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "position", kernel);
    add_arguments(r, launch);
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, r->o->op == MOT_OP_position ? "position_plain" : "position_dweight_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->out[0]));
}

static mot_status record_vector(const mot_recording *r)
{
    const mot_range range = mot_range_flat(&r->traits, mot_view_columns(&r->o->in[0]), 1 << 20);
    mot_launch launch;
    begin(r, &launch, r->o->op == MOT_OP_position ? "position_vector" : "position_dweight_vector");
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static mot_status record_items(const mot_recording *r)
{
    const int64_t n = mot_view_columns(&r->o->in[0]);
    const bool wide = n % 4 == 0 && mot_view_aligned(&r->o->in[0], 4) &&
                      mot_view_aligned(&r->o->in[1], 4) && mot_view_aligned(&r->o->out[0], 4);
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "position_items", wide ? "-DW=4" : "-DW=1",
                     "position_items");
    add_arguments(r, &launch);
    return mot_record_end_rows(r, &launch, mot_view_rows(&r->o->in[0]), wide ? n / 4 : n);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "vector", .prefers = mot_on_cpu, .record = record_vector},
    {.name = "items", .prefers = mot_off_cpu, .suits = mot_off_cpu, .record = record_items},
};

/* The gradient's plain kernel reads as it should on GPUs. */
static const mot_variant dweight_variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "vector", .prefers = mot_on_cpu, .record = record_vector},
};

const mot_primitive mot_primitive_position = {check, variants, 3, NULL};
const mot_primitive mot_primitive_position_dweight = {check_dweight, dweight_variants, 2, NULL};
