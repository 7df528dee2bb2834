/* ingest; the kernels are in kernels_cl/ingest.cl. */
#include "config.h"

#include "devices/variant.h"

#include <inttypes.h>
#include <stdio.h>

/* The data as runs of `group` elements, each of one channel. */
typedef struct layout {
    int64_t runs, group, channels;
} layout;

static layout layout_of(const mot_operands *o)
{
    layout l = {.channels = 1, .group = mot_view_columns(&o->in[0])};
    if (mot_has_in(o, 1) || mot_has_in(o, 2)) {
        l.channels = mot_view_elements(&o->in[mot_has_in(o, 1) ? 1 : 2]);
        l.group = o->attrs.group > 0 ? o->attrs.group : l.group / mot_max(l.channels, 1);
    }
    l.group = mot_max(l.group, 1);
    l.runs = mot_view_elements(&o->in[0]) / l.group;
    return l;
}

static mot_status check(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 1, 3, 1, 1, 1u));
    layout l = layout_of(o);
    int64_t sample = mot_view_columns(&o->in[0]);
    if (l.group * l.channels != sample)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "ingest %s: %" PRId64 " channels of %" PRId64
                        " elements, but a sample has %" PRId64,
                        o->name, l.channels, l.group, sample);
    for (int i = 1; i < o->n_in; i++)
        if (mot_has_in(o, i))
            MOT_TRY(mot_check_elements(o, i == 1 ? "scale" : "shift", &o->in[i], l.channels));
    return mot_check_elements(o, "x", &o->out[0], mot_view_elements(&o->in[0]));
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    static const mot_view none = {0};
    const mot_operands *o = r->o;
    layout l = layout_of(o);
    char options[48];
    snprintf(options, sizeof options, "-DVW=%d -DRAW=%s", r->traits.vector,
             o->in[0].dtype == MOT_U8    ? "uchar"
             : o->in[0].dtype == MOT_I32 ? "int"
                                         : "float");
    mot_launch_begin(launch, r->commands, "ingest", options, kernel);
    mot_launch_view(launch, &o->out[0]);
    mot_launch_view(launch, &o->in[0]);
    mot_launch_view(launch, mot_has_in(o, 1) ? &o->in[1] : &none);
    mot_launch_view(launch, mot_has_in(o, 2) ? &o->in[2] : &none);
    mot_launch_long(launch, l.runs);
    mot_launch_long(launch, l.group);
    mot_launch_long(launch, l.channels);
    mot_launch_int(launch, (mot_has_in(o, 1) ? 1 : 0) | (mot_has_in(o, 2) ? 2 : 0));
}

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, "ingest_plain");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->in[0]));
}

/* Pieces (runs or samples) of `size` elements, so many a group that it has enough to do. */
static mot_status record_pieces(const mot_recording *r, const char *kernel, int64_t pieces,
                                int64_t size)
{
    mot_range range = mot_range_flat(&r->traits, pieces * size, 1 << 20);
    int64_t chunk = mot_max(1, range.chunk / size);
    mot_launch launch;
    begin(r, &launch, kernel);
    mot_launch_long(&launch, chunk);
    return mot_record_end_units(r, &launch, mot_ceil_div(pieces, chunk), range.local);
}

static mot_status record_channel(const mot_recording *r)
{
    layout l = layout_of(r->o);
    return record_pieces(r, "ingest_channel", l.runs, l.group);
}

static bool prefers_channel(const mot_recording *r)
{
    return layout_of(r->o).group >= 2 * r->traits.vector;
}

static bool applies_column(const mot_recording *r)
{
    return layout_of(r->o).group == 1;
}

static mot_status record_column(const mot_recording *r)
{
    layout l = layout_of(r->o);
    return record_pieces(r, "ingest_column", l.runs / l.channels, l.channels);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "channel", .prefers = prefers_channel, .record = record_channel},
    {.name = "column", .applies = applies_column, .record = record_column},
};

const mot_primitive mot_primitive_ingest = {check, variants, 3, NULL};
