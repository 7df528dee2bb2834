/* softmax and softmax_xent; the kernels are in kernels_cl/softmax.cl and softmax_xent.cl.
 *
 * Rows are dealt out in one of three ways: `vector` gives a work-item whole rows, `group` a
 * work-group, `lanes` a team of work-items.  A CPU takes the first always, other devices the last
 * unless rows are too long for it. */
#include "config.h"

#include "devices/lanes.h"

enum { SUMS = 4, MAX_PARTS = 1024, SHORT_ROW = 64, SMALL = 16384, NARROW = 32, LABEL_NUMBERS = 3 };
enum { WANTS_GRADIENT = 1, MIXED = 2 }; /* flags */

static mot_status check_softmax(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 1, 1, 1, 1, 0));
    return mot_check_elements(o, "probabilities", &o->out[0], mot_view_elements(&o->in[0]));
}

/* Two classes and a weight for each row? */
static bool is_mixed(const mot_operands *o)
{
    return mot_view_elements(&o->in[1]) == LABEL_NUMBERS * mot_view_lines(&o->in[0]);
}

static mot_status check_xent(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 2, 2, 2u));
    if (o->in[1].dtype != MOT_I32)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "softmax_xent %s: labels are not i32", o->name);
    MOT_TRY(mot_check_elements(o, "label", &o->in[1],
                               mot_view_lines(&o->in[0]) * (is_mixed(o) ? LABEL_NUMBERS : 1)));
    MOT_TRY(mot_check_elements(o, "sums", &o->out[1], 4));
    if (mot_has_out(o, 0))
        MOT_TRY(mot_check_elements(o, "dlogits", &o->out[0], mot_view_elements(&o->in[0])));
    return MOT_OK;
}

/* chunk: rows of a work-item (vector) or of a group (group). */
static mot_range range_vector(const mot_recording *r)
{
    int64_t rows = mot_view_lines(&r->o->in[0]);
    int64_t local = r->traits.cpu ? 1 : r->traits.group;
    int64_t most = r->traits.cpu ? r->traits.threads * 8 : MAX_PARTS;
    int64_t groups = mot_min(mot_ceil_div(rows, local), most);
    if (mot_view_elements(&r->o->in[0]) <= SMALL)
        groups = 1;
    int64_t chunk = mot_ceil_div(rows, groups * local);
    return (mot_range){.groups = mot_ceil_div(rows, chunk * local), .local = local, .chunk = chunk};
}

static mot_range range_group(const mot_recording *r)
{
    int64_t rows = mot_view_lines(&r->o->in[0]);
    int64_t groups = mot_min(rows, MAX_PARTS), chunk = mot_ceil_div(rows, groups);
    return (mot_range){
        .groups = mot_ceil_div(rows, chunk), .local = r->traits.group, .chunk = chunk};
}

static bool prefers_group(const mot_recording *r)
{
    return !r->traits.cpu && mot_view_last(&r->o->in[0]) > SHORT_ROW;
}

/* ---- softmax ---- */

static void begin_softmax(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    mot_record_begin(r, launch, "softmax", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_long(launch, mot_view_lines(&r->o->in[0]));
    mot_launch_long(launch, mot_view_last(&r->o->in[0]));
}

static mot_status softmax_plain(const mot_recording *r)
{
    mot_launch launch;
    begin_softmax(r, &launch, "softmax_plain");
    return mot_record_end_plain(r, &launch, mot_view_lines(&r->o->in[0]));
}

static mot_status softmax_vector(const mot_recording *r)
{
    mot_range range = range_vector(r);
    mot_launch launch;
    begin_softmax(r, &launch, "softmax_vector");
    mot_launch_long(&launch, range.chunk);
    return mot_record_end_units(r, &launch, range.groups, range.local);
}

static mot_status softmax_group(const mot_recording *r)
{
    mot_range range = range_group(r);
    mot_launch launch;
    begin_softmax(r, &launch, "softmax_group");
    mot_launch_long(&launch, range.chunk);
    mot_launch_local(&launch, sizeof(float) * (size_t)range.local);
    return mot_record_end(r, &launch, range.groups, range.local);
}

static bool lanes_of(const mot_recording *r, mot_lanes *out)
{
    const bool aligned = mot_view_aligned(&r->o->in[0], 4) &&
                         (!mot_has_out(r->o, 0) || mot_view_aligned(&r->o->out[0], 4));
    return mot_lanes_for(r, mot_view_last(&r->o->in[0]), aligned, MOT_LANES_PIECES, out);
}

static bool applies_lanes(const mot_recording *r)
{
    mot_lanes lanes;
    return lanes_of(r, &lanes);
}

static mot_status softmax_lanes(const mot_recording *r)
{
    const int64_t rows = mot_view_lines(&r->o->in[0]);
    mot_lanes lanes;
    mot_launch launch;
    lanes_of(r, &lanes);
    const mot_range range =
        mot_lanes_range(&lanes, rows, (int64_t)MOT_LANES_GROUPS * r->traits.threads);
    mot_lanes_begin(r, &lanes, &launch, "softmax_lanes", "softmax_lanes");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &r->o->in[0]);
    mot_launch_long(&launch, rows);
    mot_launch_long(&launch, mot_view_last(&r->o->in[0]));
    mot_launch_long(&launch, range.chunk);
    return mot_record_end(r, &launch, range.groups, range.local);
}

/* ---- softmax with cross-entropy ---- */

static void sizes_xent(const mot_recording *r, mot_launch *launch)
{
    mot_launch_view(launch, &r->o->in[0]);
    mot_launch_view(launch, &r->o->in[1]);
    mot_launch_long(launch, mot_view_lines(&r->o->in[0]));
    mot_launch_long(launch, mot_view_last(&r->o->in[0]));
    mot_launch_float(launch, r->o->attrs.smoothing);
    mot_launch_int(launch,
                   (mot_has_out(r->o, 0) ? WANTS_GRADIENT : 0) | (is_mixed(r->o) ? MIXED : 0));
}

static mot_status xent_plain(const mot_recording *r)
{
    mot_launch launch;
    mot_record_begin(r, &launch, "softmax_xent", "softmax_xent_plain");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &r->o->out[1]);
    sizes_xent(r, &launch);
    return mot_record_end(r, &launch, 1, 1);
}

static mot_status record_xent(const mot_recording *r, const char *kernel, mot_range range,
                              mot_status (*end)(const mot_recording *r, mot_launch *launch,
                                                int64_t groups, int64_t local))
{
    mot_view parts = mot_workspace_at(r->o, 0, SUMS * range.groups);
    mot_launch launch;
    mot_record_begin(r, &launch, "softmax_xent", kernel);
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &r->o->out[1]);
    mot_launch_view(&launch, &parts);
    sizes_xent(r, &launch);
    mot_launch_long(&launch, range.chunk);
    mot_launch_local(&launch, SUMS * sizeof(float) * (size_t)range.local);
    MOT_TRY(end(r, &launch, range.groups, range.local));
    if (range.groups == 1)
        return MOT_OK;
    return mot_record_sums_finish(r, "softmax_xent", &r->o->out[1], &parts, range.groups,
                                  range.local);
}

static mot_status xent_vector(const mot_recording *r)
{
    return record_xent(r, "softmax_xent_vector", range_vector(r), mot_record_end_units);
}

static bool applies_narrow(const mot_recording *r)
{
    return mot_view_last(&r->o->in[0]) <= NARROW;
}

/* The rows wait in private memory: good where that is a cache. */
static bool prefers_narrow(const mot_recording *r)
{
    return r->traits.cpu && mot_view_lines(&r->o->in[0]) >= r->traits.vector;
}

static mot_status xent_narrow(const mot_recording *r)
{
    return record_xent(r, "softmax_xent_narrow", range_vector(r), mot_record_end_units);
}

static mot_status xent_group(const mot_recording *r)
{
    return record_xent(r, "softmax_xent_group", range_group(r), mot_record_end);
}

static mot_status xent_lanes(const mot_recording *r)
{
    mot_lanes lanes;
    mot_launch launch;
    lanes_of(r, &lanes);
    const mot_range range = mot_lanes_range(&lanes, mot_view_lines(&r->o->in[0]), MAX_PARTS);
    const mot_view parts = mot_workspace_at(r->o, 0, SUMS * range.groups);
    mot_lanes_begin(r, &lanes, &launch, "softmax_lanes", "softmax_xent_lanes");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &r->o->out[1]);
    mot_launch_view(&launch, &parts);
    sizes_xent(r, &launch);
    mot_launch_long(&launch, range.chunk);
    MOT_TRY(mot_record_end(r, &launch, range.groups, range.local));
    if (range.groups == 1)
        return MOT_OK;
    return mot_record_sums_finish(r, "softmax_xent", &r->o->out[1], &parts, range.groups,
                                  range.local);
}

static int64_t xent_workspace(const mot_recording *r)
{
    (void)r;
    return SUMS * MAX_PARTS;
}

static const mot_variant softmax_variants[] = {
    {.name = "plain", .record = softmax_plain},
    {.name = "vector", .record = softmax_vector},
    {.name = "group", .prefers = prefers_group, .record = softmax_group},
    {.name = "lanes",
     .applies = applies_lanes,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .record = softmax_lanes},
};

static const mot_variant xent_variants[] = {
    {.name = "plain", .record = xent_plain},
    {.name = "vector", .workspace = xent_workspace, .record = xent_vector},
    {.name = "narrow",
     .applies = applies_narrow,
     .prefers = prefers_narrow,
     .workspace = xent_workspace,
     .record = xent_narrow},
    {.name = "group", .prefers = prefers_group, .workspace = xent_workspace, .record = xent_group},
    {.name = "lanes",
     .applies = applies_lanes,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .workspace = xent_workspace,
     .record = xent_lanes},
};

const mot_primitive mot_primitive_softmax = {check_softmax, softmax_variants, 4, NULL};
const mot_primitive mot_primitive_softmax_xent = {check_xent, xent_variants, 5, NULL};
