/* embedding and its gradient; the kernels are in kernels_cl/embedding.cl. */
#include "config.h"

#include "devices/variant.h"

enum { LEAST_COLUMNS = 16 }; /* of a group: a cache line, and the longest vector */

static mot_status check_ids(const mot_operands *o, const mot_view *ids)
{
    if (ids->dtype != MOT_I32 && ids->dtype != MOT_U8)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: ids are neither i32 nor u8", mot_op_name(o->op),
                        o->name);
    return MOT_OK;
}

static mot_status check(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 1, 1u));
    MOT_TRY(check_ids(o, &o->in[0]));
    return mot_check_elements(o, "y", &o->out[0],
                              mot_view_elements(&o->in[0]) * mot_view_last(&o->in[1]));
}

static mot_status check_dweight(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 1, 2u));
    MOT_TRY(check_ids(o, &o->in[1]));
    MOT_TRY(mot_check_elements(o, "dy", &o->in[0],
                               mot_view_elements(&o->in[1]) * mot_view_last(&o->in[0])));
    return mot_check_elements(o, "dw", &o->out[0], o->attrs.rows * mot_view_last(&o->in[0]));
}

/* ---- forward ---- */

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "embedding", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_view(launch, &r->o->in[1]);
    mot_launch_long(launch, mot_view_elements(&r->o->in[0]));
    mot_launch_long(launch, mot_view_rows(&r->o->in[1]));
    mot_launch_long(launch, mot_view_last(&r->o->in[1]));
    mot_launch_int(launch, (int)mot_dtype_bytes(r->o->in[0].dtype));
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, "embedding_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->out[0]));
}

static mot_status record_vector(const mot_recording *r)
{
    const int64_t positions = mot_view_elements(&r->o->in[0]);
    const mot_range range = mot_range_flat(&r->traits, mot_view_elements(&r->o->out[0]), 1 << 20);
    const int64_t chunk = mot_ceil_div(positions, range.groups);
    mot_launch launch;
    begin(r, &launch, "embedding_vector");
    mot_launch_long(&launch, chunk);
    return mot_record_end_units(r, &launch, mot_ceil_div(positions, chunk), 1);
}

/* ---- gradient ---- */

static void begin_dweight(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "embedding", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_view(launch, &r->o->in[1]);
    mot_launch_long(launch, mot_view_elements(&r->o->in[1]));
    mot_launch_long(launch, r->o->attrs.rows);
    mot_launch_long(launch, mot_view_last(&r->o->in[0]));
    mot_launch_int(launch, (int)mot_dtype_bytes(r->o->in[1].dtype));
}

static mot_status record_dweight_plain(const mot_recording *r)
{
    mot_launch launch;
    begin_dweight(r, &launch, "embedding_dweight_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->out[0]));
}

static mot_status record_dweight_columns(const mot_recording *r)
{
    const int64_t columns = mot_view_last(&r->o->in[0]);
    const int64_t pieces = mot_ceil_div(columns, LEAST_COLUMNS);
    const int64_t chunk =
        LEAST_COLUMNS * mot_ceil_div(pieces, mot_min(pieces, 4 * r->traits.threads));
    mot_launch launch;
    begin_dweight(r, &launch, "embedding_dweight_columns");
    mot_launch_long(&launch, chunk);
    return mot_record_end_units(r, &launch, mot_ceil_div(columns, chunk), 1);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "vector", .prefers = mot_on_cpu, .record = record_vector},
};

static const mot_variant dweight_variants[] = {
    {.name = "plain", .record = record_dweight_plain},
    {.name = "columns", .prefers = mot_on_cpu, .record = record_dweight_columns},
};

const mot_primitive mot_primitive_embedding = {check, variants, 2, NULL};
const mot_primitive mot_primitive_embedding_dweight = {check_dweight, dweight_variants, 2, NULL};
