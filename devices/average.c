/* average: the moving average of the parameters; the kernels are in kernels_cl/average.cl. */
#include "config.h"

#include "devices/variant.h"

static mot_status check(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 1, 1, 1, 1, 0));
    int64_t n = mot_view_elements(&o->in[0]);
    if (n % 16 != 0)
        return MOT_FAIL(MOT_ERR_SHAPE, "average %s: a flat array is a multiple of 16 long",
                        o->name);
    return mot_check_elements(o, "average", &o->out[0], n);
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "average", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_view(launch, &r->o->scalars);
    mot_launch_long(launch, mot_view_elements(&r->o->in[0]));
    mot_launch_float(launch, (float)(1 - r->o->attrs.average));
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, "average_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->in[0]));
}

static mot_status record_vector(const mot_recording *r)
{
    mot_range range = mot_range_flat(&r->traits, mot_view_elements(&r->o->in[0]), 1 << 20);
    mot_launch launch;
    begin(r, &launch, "average_vector");
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "vector", .record = record_vector},
};

const mot_primitive mot_primitive_average = {check, variants, 2, NULL};
