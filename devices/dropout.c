/* dropout; the kernels are in kernels_cl/dropout.cl.  Samples are dim 0; an element's random number
 * depends on its place within its sample only. */
#include "config.h"

#include "devices/variant.h"
#include "runtime/base/random.h"

#include <math.h>

static mot_status check(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 1, 1, 1, 1, 0));
    if (!(o->attrs.p >= 0.0f && o->attrs.p < 1.0f))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "dropout %s: p is %g, expected 0 <= p < 1", o->name,
                        (double)o->attrs.p);
    return mot_check_elements(o, "y", &o->out[0], mot_view_elements(&o->in[0]));
}

static void add_arguments(const mot_recording *r, mot_launch *launch)
{
    mot_launch_view(launch, &r->o->out[0]);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_view(launch, &r->o->scalars);
    mot_launch_long(launch, mot_view_rows(&r->o->in[0]));
    mot_launch_long(launch, mot_view_columns(&r->o->in[0]));
    mot_launch_int(launch, (int)(r->o->attrs.layer << 8 | MOT_STREAM_DROPOUT));
    /* Of 65536 numbers so many are zero; the scale is exact for what is kept. */
    int least = (int)lround(65536 * (double)r->o->attrs.p);
    least = least < 65536 ? least : 65535;
    mot_launch_int(launch, least);
    mot_launch_float(launch, 65536.0f / (float)(65536 - least));
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "dropout", kernel);
    add_arguments(r, launch);
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, "dropout_plain");
    return mot_record_end_plain(
        r, &launch, mot_view_rows(&r->o->in[0]) * mot_ceil_div(mot_view_columns(&r->o->in[0]), 8));
}

static mot_status record_vector(const mot_recording *r)
{
    int64_t blocks = mot_view_rows(&r->o->in[0]) * mot_ceil_div(mot_view_columns(&r->o->in[0]), 64);
    int64_t items = mot_min(mot_ceil_div(blocks, 8), r->traits.threads * 8);
    int64_t chunk = mot_ceil_div(blocks, items);
    mot_launch launch;
    begin(r, &launch, "dropout_vector");
    mot_launch_long(&launch, chunk);
    return mot_record_end_units(r, &launch, mot_ceil_div(blocks, chunk), 1);
}

static mot_status record_items(const mot_recording *r)
{
    const int64_t row = mot_view_columns(&r->o->in[0]);
    const bool wide =
        row % 8 == 0 && mot_view_aligned(&r->o->in[0], 4) && mot_view_aligned(&r->o->out[0], 4);
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "dropout_items", wide ? "-DWIDE=1" : "-DWIDE=0",
                     "dropout_items");
    add_arguments(r, &launch);
    return mot_record_end_rows(r, &launch, mot_view_rows(&r->o->in[0]), mot_ceil_div(row, 8));
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "vector", .prefers = mot_on_cpu, .record = record_vector},
    {.name = "items", .prefers = mot_off_cpu, .suits = mot_off_cpu, .record = record_items},
};

const mot_primitive mot_primitive_dropout = {check, variants, 3, NULL};
