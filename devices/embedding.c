/* embedding and its gradient; the kernels are in kernels_cl/embedding.cl. */
#include "config.h"

#include "devices/variant.h"

enum { LEAST_COLUMNS = 16 }; /* of a group: a cache line, and the longest vector */
/* Of `rows`: work-items of a group, a twin of that in the kernel file; vectors of a group that adds up
 * parts; groups that keep a GPU busy, if each then has positions enough to be worth its start. */
enum { ITEMS = 128, PIECES = 64, GROUPS_PER_UNIT = 16, LEAST_PART = 256 };

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
    int64_t local = 1;
    while (local < range.local && local * r->traits.vector < mot_view_last(&r->o->in[1]))
        local *= 2;
    mot_launch launch;
    begin(r, &launch, "embedding_vector");
    mot_launch_long(&launch, chunk);
    return mot_record_end_units(r, &launch, mot_ceil_div(positions, chunk), local);
}

/* Other devices than CPUs need the rows to keep their work-items busy. */
static bool prefers_vector(const mot_recording *r)
{
    return r->traits.cpu || mot_view_last(&r->o->in[1]) >= 16 * r->traits.vector;
}

/* ---- gradient ---- */

static void add_dweight_arguments(const mot_recording *r, mot_launch *launch, const mot_view *out)
{
    mot_launch_view(launch, out);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_view(launch, &r->o->in[1]);
    mot_launch_long(launch, mot_view_elements(&r->o->in[1]));
    mot_launch_long(launch, r->o->attrs.rows);
    mot_launch_long(launch, mot_view_last(&r->o->in[0]));
    mot_launch_int(launch, (int)mot_dtype_bytes(r->o->in[1].dtype));
}

static void begin_dweight(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "embedding", kernel);
    add_dweight_arguments(r, launch, &r->o->out[0]);
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

/* ---- gradient on GPUs ---- */

static bool applies_rows(const mot_recording *r)
{
    return r->traits.group >= ITEMS;
}

/* Into how many parts the positions are cut: none is empty. */
static int64_t parts_of(const mot_recording *r)
{
    const int64_t positions = mot_view_elements(&r->o->in[1]);
    const int64_t wanted =
        mot_ceil_div((int64_t)GROUPS_PER_UNIT * r->traits.threads, r->o->attrs.rows);
    const int64_t parts = mot_max(1, mot_min(wanted, positions / LEAST_PART));
    return mot_max(1, mot_ceil_div(positions, mot_ceil_div(positions, parts)));
}

static int64_t workspace_rows(const mot_recording *r)
{
    return parts_of(r) > 1 ? parts_of(r) * mot_view_elements(&r->o->out[0]) : 0;
}

/* dw as the sum of all parts. */
static mot_status add_parts(const mot_recording *r, const mot_view *parts)
{
    const int64_t n = mot_view_elements(&r->o->out[0]);
    const int64_t blocks = mot_ceil_div(n, r->traits.vector);
    mot_launch launch;
    mot_record_begin(r, &launch, "sum", "sum_columns");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, parts);
    mot_launch_long(&launch, parts_of(r));
    mot_launch_long(&launch, n);
    mot_launch_float(&launch, 1.0f);
    mot_launch_long(&launch, blocks);
    mot_launch_long(&launch, PIECES);
    return mot_record_end(r, &launch, mot_ceil_div(blocks, PIECES), PIECES);
}

static mot_status record_dweight_rows(const mot_recording *r)
{
    const int64_t positions = mot_view_elements(&r->o->in[1]), n_parts = parts_of(r);
    const mot_view parts = mot_workspace_at(r->o, 0, workspace_rows(r));
    const mot_view *out = n_parts > 1 ? &parts : &r->o->out[0];
    const bool wide = mot_view_last(&r->o->in[0]) % 4 == 0 && mot_view_aligned(&r->o->in[0], 4) &&
                      mot_view_aligned(out, 4);
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "embedding_rows", wide ? "-DW=4" : "-DW=1",
                     "embedding_dweight_rows");
    add_dweight_arguments(r, &launch, out);
    mot_launch_long(&launch, mot_ceil_div(positions, n_parts));
    MOT_TRY(mot_record_end_3d(r, &launch, 2,
                              (size_t[]){(size_t)r->o->attrs.rows * ITEMS, (size_t)n_parts},
                              (size_t[]){ITEMS, 1}));
    return n_parts > 1 ? add_parts(r, &parts) : MOT_OK;
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "vector", .prefers = prefers_vector, .record = record_vector},
};

static const mot_variant dweight_variants[] = {
    {.name = "plain", .record = record_dweight_plain},
    {.name = "columns", .prefers = mot_on_cpu, .record = record_dweight_columns},
    {.name = "rows",
     .applies = applies_rows,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .workspace = workspace_rows,
     .record = record_dweight_rows},
};

const mot_primitive mot_primitive_embedding = {check, variants, 2, NULL};
const mot_primitive mot_primitive_embedding_dweight = {check_dweight, dweight_variants, 3, NULL};
