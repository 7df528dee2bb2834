/* Convolution for CPU-class devices; kernels_cl/conv2d_tile.cl says how.  An item of work is some
 * rows of one image of one group of channels; items are divided evenly over the groups of the
 * launch, each of which has scratch memory for one item.  dw's groups have a part for their sums,
 * too, so there are few of them. */
#include "config.h"

#include "devices/conv2d.h"

/* What the window sees of the rows and the sums of a panel are to stay in a second-level cache. */
enum { UNITS_PER_THREAD = 4, MOST_FLOATS = 24 * 1024, SLACK = 16 };
enum { GROUPS, ROWS };                                             /* parameters */
enum { MOST_UNITS_PER_THREAD = 32, MOST_ASKED = 4 * MOST_FLOATS }; /* that they may ask for */

typedef struct division {
    int64_t channels, outs; /* of a group, of what is read and written */
    mot_conv2d_axis axis[2];
    int64_t rows, blocks, units;
    int64_t pitch, window_floats, scratch_floats;
    int64_t n_panels, panel_floats, part_floats; /* of a group; of all; of one unit */
} division;

static int64_t floats_of_rows(const mot_recording *r, const mot_conv2d *c, division *d)
{
    const mot_conv2d_axis *y = &d->axis[0], *x = &d->axis[1];
    const int64_t across = mot_ceil_div(x->out, x->phases);
    d->window_floats =
        mot_ceil_div(mot_conv2d_axis_sees(y, d->rows, c->window->kernel[0]) *
                         mot_conv2d_axis_sees(x, across, c->window->kernel[1]) * d->pitch,
                     SLACK) *
        SLACK;
    d->scratch_floats =
        d->window_floats + (d->rows * across + SLACK) * 2 * (int64_t)r->traits.vector;
    return d->scratch_floats;
}

/* Few rows where there are few images, else as many as the cache holds. */
static void divide_rows(const mot_recording *r, const mot_conv2d *c, int64_t images, division *d)
{
    const int64_t wanted = mot_groups_of(r, UNITS_PER_THREAD * (int64_t)r->traits.threads,
                                         MOST_UNITS_PER_THREAD * (int64_t)r->traits.threads);
    const int64_t all = mot_ceil_div(d->axis[0].out, d->axis[0].phases);
    const int64_t asked = r->parameter[ROWS];
    d->rows = asked > 0 ? mot_min(asked, all)
                        : mot_ceil_div(all, mot_min(all, mot_ceil_div(wanted, images)));
    while (d->rows > 1 && floats_of_rows(r, c, d) > (asked > 0 ? MOST_ASKED : MOST_FLOATS))
        d->rows--;
    d->blocks = mot_ceil_div(all, d->rows);
    d->rows = mot_ceil_div(all, d->blocks);
    d->blocks = mot_ceil_div(all, d->rows);
    d->units = mot_min(images * d->blocks, wanted);
    floats_of_rows(r, c, d);
}

static division division_of(const mot_recording *r, const mot_conv2d *c)
{
    const bool dinput = r->o->op == MOT_OP_conv2d_dinput,
               dweight = !dinput && r->o->op != MOT_OP_conv2d;
    const int64_t groups = c->window->groups, nr = 2 * r->traits.vector;
    const int64_t depth = c->window->kernel[0] * c->window->kernel[1];
    division d = {.channels = (dinput ? c->outs : c->channels) / groups,
                  .outs = (dinput ? c->channels : c->outs) / groups,
                  .axis = {mot_conv2d_axis_of(r->o, c, 0), mot_conv2d_axis_of(r->o, c, 1)}};
    /* conv2d_parts goes over pixels: a distance of many lines would leave most of a cache unused.
     */
    d.pitch = dweight && d.channels % 32 == 0 ? d.channels + 16 : d.channels;
    d.n_panels = mot_ceil_div(d.outs, nr);
    d.panel_floats = groups * d.n_panels * depth * d.channels * nr;
    d.part_floats = groups * d.n_panels * (depth * d.channels + 1) * nr;
    divide_rows(r, c, c->samples * (dweight ? 1 : groups), &d);
    return d;
}

/* Kernels count in ints within a sample. */
bool mot_conv2d_tile_applies(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const division d = division_of(r, &c);
    return d.scratch_floats < (int64_t)1 << 28 && d.panel_floats < (int64_t)1 << 30 &&
           d.rows * d.blocks * d.axis[0].source < (int64_t)1 << 28;
}

/* The number of groups, and that of rows, one at a time. */
int mot_conv2d_tile_candidates(const mot_recording *r, mot_choice *out, int most)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const division d = division_of(r, &c);
    const int64_t threads = r->traits.threads, items = c.samples * c.window->groups * d.blocks;
    const int64_t all = mot_ceil_div(d.axis[0].out, d.axis[0].phases);
    int n =
        mot_groups_candidates(d.units, mot_min(items, MOST_UNITS_PER_THREAD * threads), out, most);
    for (int64_t rows = mot_max(1, d.rows / 4); rows <= 4 * d.rows && n < most; rows *= 2) {
        mot_recording asked = *r;
        asked.parameter[ROWS] = (int)mot_min(rows, all);
        if (rows < 2 * all && division_of(&asked, &c).rows != d.rows)
            out[n++] = (mot_choice){.parameter = {[ROWS] = asked.parameter[ROWS]}};
    }
    return n;
}

/* ---- y, or dx ---- */

int64_t mot_conv2d_tile_workspace(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const division d = division_of(r, &c);
    return d.panel_floats + d.units * d.scratch_floats;
}

static mot_status record_pack(const mot_recording *r, const mot_conv2d *c, const division *d,
                              const mot_view *panels)
{
    const int64_t taps = c->window->kernel[0] * c->window->kernel[1];
    const int64_t rows = d->panel_floats / (2 * r->traits.vector);
    mot_launch launch;
    mot_record_begin(r, &launch, "conv2d_tile", "conv2d_pack");
    mot_launch_view(&launch, panels);
    mot_launch_view(&launch, &r->o->in[1]);
    MOT_LAUNCH_INTS(&launch, c->window->groups, d->outs, d->channels, taps);
    mot_conv2d_add_weight_strides(&launch, r->o, c);
    return mot_record_end_units(
        r, &launch, mot_min(mot_ceil_div(rows, 64), UNITS_PER_THREAD * (int64_t)r->traits.threads),
        1);
}

mot_status mot_conv2d_tile_record(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
    const division d = division_of(r, &c);
    const mot_view panels = mot_workspace_at(o, 0, d.panel_floats);
    const mot_view scratch = mot_workspace_at(o, d.panel_floats, d.units * d.scratch_floats);
    const int flags = mot_conv2d_flags(o);
    mot_launch launch;
    MOT_TRY(record_pack(r, &c, &d, &panels));
    mot_record_begin(r, &launch, "conv2d_tile", "conv2d_tile");
    mot_launch_view(&launch, &o->out[0]);
    mot_launch_view(&launch, &o->in[0]);
    mot_launch_view(&launch, &panels);
    mot_conv2d_add_epilogue(&launch, o);
    mot_launch_view(&launch, &scratch);
    mot_launch_long(&launch, d.scratch_floats);
    mot_launch_long(&launch, d.window_floats);
    mot_launch_long(&launch, c.samples);
    mot_conv2d_add_axes(&launch, o, &c);
    MOT_LAUNCH_INTS(&launch, d.rows, d.blocks, flags);
    return mot_record_end_units(r, &launch, d.units, 1);
}

/* ---- dw and db ---- */

int64_t mot_conv2d_parts_workspace(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const division d = division_of(r, &c);
    return d.units * (d.part_floats + d.scratch_floats);
}

static mot_status record_sum(const mot_recording *r, const mot_conv2d *c, const division *d,
                             const mot_view *parts)
{
    const mot_view absent = {0};
    const bool sums = mot_has_out(r->o, 1);
    const int64_t rows = d->part_floats / (2 * r->traits.vector);
    mot_launch launch;
    mot_record_begin(r, &launch, "conv2d_tile", "conv2d_parts_sum");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, sums ? &r->o->out[1] : &absent);
    mot_launch_view(&launch, parts);
    mot_launch_long(&launch, d->part_floats);
    MOT_LAUNCH_INTS(&launch, d->units, c->window->groups, d->channels, d->outs,
                    c->window->kernel[0] * c->window->kernel[1], sums ? MOT_MATMUL_SUMS : 0);
    return mot_record_end_units(
        r, &launch, mot_min(mot_ceil_div(rows, 16), UNITS_PER_THREAD * (int64_t)r->traits.threads),
        1);
}

mot_status mot_conv2d_parts_record(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
    const mot_window *w = c.window;
    const division d = division_of(r, &c);
    const mot_conv2d_axis *y = &d.axis[0], *x = &d.axis[1];
    const mot_view parts = mot_workspace_at(o, 0, d.units * d.part_floats);
    const mot_view scratch =
        mot_workspace_at(o, d.units * d.part_floats, d.units * d.scratch_floats);
    mot_launch launch;
    mot_record_begin(r, &launch, "conv2d_tile", "conv2d_parts");
    mot_launch_view(&launch, &parts);
    mot_launch_view(&launch, &o->in[0]);
    mot_launch_view(&launch, &o->in[1]);
    mot_launch_view(&launch, &scratch);
    mot_launch_long(&launch, d.part_floats);
    mot_launch_long(&launch, d.scratch_floats);
    mot_launch_long(&launch, d.window_floats);
    mot_launch_long(&launch, d.pitch);
    mot_launch_long(&launch, c.samples);
    MOT_LAUNCH_INTS(&launch, w->groups, d.channels, y->in, x->in, d.outs, y->out, x->out,
                    w->kernel[0], w->kernel[1], w->stride[0], w->stride[1], w->padding[0],
                    w->padding[1], w->dilation[0], w->dilation[1], d.rows, d.blocks);
    MOT_TRY(mot_record_end_units(r, &launch, d.units, 1));
    return record_sum(r, &c, &d, &parts);
}
