/* sum over dimensions; the kernels are in kernels_cl/sum.cl and sum_lanes.cl. */
#include "config.h"

#include "devices/lanes.h"

/* x as (outer, n, inner). */
typedef struct sizes {
    int64_t outer, n, inner;
} sizes;

static sizes sizes_of(const mot_operands *o)
{
    sizes s = {1, 1, 1};
    for (int i = 0; i < o->in[0].shape.n_dims; i++) {
        int64_t *part = i < o->attrs.axis                     ? &s.outer
                        : i < o->attrs.axis + o->attrs.n_axes ? &s.n
                                                              : &s.inner;
        *part *= o->in[0].shape.dim[i];
    }
    return s;
}

static mot_status check(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 1, 1, 1, 1, 0));
    const sizes s = sizes_of(o);
    return mot_check_elements(o, "y", &o->out[0], s.outer * s.inner);
}

static void add_views(const mot_recording *r, mot_launch *launch)
{
    mot_launch_view(launch, &r->o->out[0]);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_long(launch, sizes_of(r->o).n);
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "sum", kernel);
    add_views(r, launch);
}

static mot_status record_plain(const mot_recording *r)
{
    const sizes s = sizes_of(r->o);
    mot_launch launch;
    begin(r, &launch, "sum_plain");
    mot_launch_long(&launch, s.inner);
    mot_launch_float(&launch, r->o->attrs.factor);
    mot_launch_long(&launch, s.outer * s.inner);
    return mot_record_end_plain(r, &launch, s.outer * s.inner);
}

static bool applies_rows(const mot_recording *r)
{
    return sizes_of(r->o).inner == 1;
}

static mot_status record_rows(const mot_recording *r)
{
    const sizes s = sizes_of(r->o);
    int64_t local = r->traits.cpu ? 1 : mot_min(32, r->traits.group);
    while (!r->traits.cpu && local < r->traits.group && local * r->traits.vector < s.n)
        local *= 2;
    const mot_range range = mot_range_flat(&r->traits, s.outer * s.n, 1 << 20);
    const int64_t chunk = mot_max(1, mot_ceil_div(s.outer, range.groups));
    mot_launch launch;
    begin(r, &launch, "sum_rows");
    mot_launch_float(&launch, r->o->attrs.factor);
    mot_launch_long(&launch, s.outer);
    mot_launch_long(&launch, chunk);
    mot_launch_local(&launch, sizeof(float) * (size_t)local);
    return mot_record_end_units(r, &launch, mot_ceil_div(s.outer, chunk), local);
}

static bool lanes_of(const mot_recording *r, mot_lanes *out)
{
    const sizes s = sizes_of(r->o);
    return s.inner == 1 &&
           mot_lanes_for(r, s.n, mot_view_aligned(&r->o->in[0], 4), MOT_LANES_PIECES, out);
}

static bool applies_lanes(const mot_recording *r)
{
    mot_lanes lanes;
    return lanes_of(r, &lanes);
}

static mot_status record_lanes(const mot_recording *r)
{
    const sizes s = sizes_of(r->o);
    mot_lanes lanes;
    mot_launch launch;
    lanes_of(r, &lanes);
    const mot_range range =
        mot_lanes_range(&lanes, s.outer, (int64_t)MOT_LANES_GROUPS * r->traits.threads);
    mot_lanes_begin(r, &lanes, &launch, "sum_lanes", "sum_lanes");
    add_views(r, &launch);
    mot_launch_float(&launch, r->o->attrs.factor);
    mot_launch_long(&launch, s.outer);
    mot_launch_long(&launch, range.chunk);
    return mot_record_end(r, &launch, range.groups, range.local);
}

static bool applies_columns(const mot_recording *r)
{
    return sizes_of(r->o).inner > 1;
}

static mot_status record_columns(const mot_recording *r)
{
    const sizes s = sizes_of(r->o);
    const int64_t blocks = s.outer * mot_ceil_div(s.inner, r->traits.vector);
    const mot_range range = mot_range_flat(&r->traits, s.outer * s.n * s.inner, 1 << 20);
    const int64_t chunk =
        r->traits.cpu ? mot_ceil_div(blocks, range.groups) : mot_min(blocks, r->traits.group);
    mot_launch launch;
    begin(r, &launch, "sum_columns");
    mot_launch_long(&launch, s.inner);
    mot_launch_float(&launch, r->o->attrs.factor);
    mot_launch_long(&launch, blocks);
    mot_launch_long(&launch, chunk);
    return mot_record_end_units(r, &launch, mot_ceil_div(blocks, chunk),
                                r->traits.cpu ? 1 : r->traits.group);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "rows", .applies = applies_rows, .record = record_rows},
    {.name = "lanes",
     .applies = applies_lanes,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .record = record_lanes},
    {.name = "columns", .applies = applies_columns, .record = record_columns},
};

const mot_primitive mot_primitive_sum = {check, variants, 4, NULL};
