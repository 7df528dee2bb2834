/* accumulate: gradients over the parts of a batch; the kernels are in kernels_cl/accumulate.cl. */
#include "config.h"

#include "devices/variant.h"

static mot_status check(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 0, 0, 3, 3, 0));
    int64_t n = mot_view_elements(&o->out[0]);
    if (n % 16 != 0)
        return MOT_FAIL(MOT_ERR_SHAPE, "accumulate %s: a flat array is a multiple of 16 long",
                        o->name);
    MOT_TRY(mot_check_elements(o, "sums", &o->out[1], 4));
    return mot_check_elements(o, "kept", &o->out[2], n + 4);
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "accumulate", kernel);
    for (int i = 0; i < 3; i++)
        mot_launch_view(launch, &r->o->out[i]);
    mot_launch_view(launch, &r->o->scalars);
    mot_launch_long(launch, mot_view_elements(&r->o->out[0]));
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, "accumulate_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->out[2]));
}

static mot_status record_vector(const mot_recording *r)
{
    mot_range range = mot_range_flat(&r->traits, mot_view_elements(&r->o->out[0]), 1 << 20);
    mot_launch launch;
    begin(r, &launch, "accumulate_vector");
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "vector", .record = record_vector},
};

const mot_primitive mot_primitive_accumulate = {check, variants, 2, NULL};
