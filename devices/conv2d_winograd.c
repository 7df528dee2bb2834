/* Convolution 3x3 with fewer multiplications, for CPU-class devices; kernels_cl/conv2d_winograd.cl
 * says how.  An item of work is some rows of fours of one image of one group of channels. */
#include "config.h"

#include "devices/conv2d.h"

/* What is computed of an item is to stay in a second-level cache.  SLACK: tiles go beyond the last
 * pixel, and points that lie apart by a power of two would share few lines of a cache. */
enum { UNITS_PER_THREAD = 4, MOST_FLOATS = 100 * 1024, SLACK = 16, POINTS = 16 };
enum { LEAST_CHANNELS = 8, LEAST_OUTS = 16, LEAST_PIXELS = 4 };

typedef struct winograd {
    int64_t channels, outs; /* of a group, of what is read and written */
    mot_conv2d_axis axis[2];
    int64_t rows, blocks, units, pitch;
    int64_t window_floats, x_apart, y_apart, scratch_floats; /* of a unit; see the kernel */
    int64_t panel_floats;                                    /* of all groups */
} winograd;

static int64_t floats_of_rows(const mot_recording *r, winograd *d)
{
    const int64_t across = mot_ceil_div(d->axis[1].out, 2), fours = d->rows * across;
    const int64_t wide = 2 * r->traits.vector;
    d->window_floats = (2 * d->rows + 2) * (2 * across + 2) * d->pitch;
    d->x_apart = fours * d->pitch + SLACK;
    d->y_apart = (fours + SLACK / 2) * wide + SLACK;
    d->scratch_floats = mot_ceil_div(d->window_floats + POINTS * (d->x_apart + d->y_apart) +
                                         2 * d->rows * d->axis[1].out * wide,
                                     SLACK) *
                        SLACK;
    return d->scratch_floats;
}

/* Few rows where there are few images, else as many as the cache holds. */
static winograd winograd_of(const mot_recording *r, const mot_conv2d *c)
{
    const bool dinput = r->o->op == MOT_OP_conv2d_dinput;
    const int64_t groups = c->window->groups, images = c->samples * groups;
    const int64_t wanted = UNITS_PER_THREAD * (int64_t)r->traits.threads;
    const int64_t vector = r->traits.vector;
    winograd d = {.channels = (dinput ? c->outs : c->channels) / groups,
                  .outs = (dinput ? c->channels : c->outs) / groups,
                  .axis = {mot_conv2d_axis_of(r->o, c, 0), mot_conv2d_axis_of(r->o, c, 1)}};
    const int64_t all = mot_ceil_div(d.axis[0].out, 2);
    d.pitch = mot_ceil_div(d.channels, vector) * vector;
    d.panel_floats = groups * mot_ceil_div(d.outs, 2 * vector) * POINTS * d.channels * 2 * vector;
    d.rows = mot_ceil_div(all, mot_min(all, mot_ceil_div(wanted, images)));
    while (d.rows > 1 && floats_of_rows(r, &d) > MOST_FLOATS)
        d.rows--;
    d.blocks = mot_ceil_div(all, d.rows);
    d.rows = mot_ceil_div(all, d.blocks);
    d.blocks = mot_ceil_div(all, d.rows);
    d.units = mot_min(images * d.blocks, wanted);
    floats_of_rows(r, &d);
    return d;
}

/* Kernels count in ints within a sample. */
bool mot_conv2d_winograd_applies(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const mot_window *w = c.window;
    for (int i = 0; i < 2; i++)
        if (w->kernel[i] != 3 || w->stride[i] != 1 || w->dilation[i] != 1)
            return false;
    const winograd d = winograd_of(r, &c);
    return d.scratch_floats < (int64_t)1 << 28 && d.panel_floats < (int64_t)1 << 30;
}

/* Measured on AVX2, against `tile`: 1.1 times as fast from 8 channels to 16, 1.3 from 16 to 16, 1.4
 * and more from 32 to 32; slower from 8 to 8 or from 4 to 32, and for images of 3 by 3. */
bool mot_conv2d_winograd_prefers(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const winograd d = winograd_of(r, &c);
    return r->traits.cpu && d.channels >= LEAST_CHANNELS && d.outs >= LEAST_OUTS &&
           d.axis[0].out >= LEAST_PIXELS && d.axis[1].out >= LEAST_PIXELS;
}

int64_t mot_conv2d_winograd_workspace(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const winograd d = winograd_of(r, &c);
    return d.panel_floats + d.units * d.scratch_floats;
}

static mot_status record_pack(const mot_recording *r, const mot_conv2d *c, const winograd *d,
                              const mot_view *panels)
{
    const int64_t rows = d->panel_floats / (2 * r->traits.vector) / POINTS;
    mot_launch launch;
    mot_record_begin(r, &launch, "conv2d_winograd", "conv2d_winograd_pack");
    mot_launch_view(&launch, panels);
    mot_launch_view(&launch, &r->o->in[1]);
    MOT_LAUNCH_INTS(&launch, c->window->groups, d->outs, d->channels);
    mot_conv2d_add_weight_strides(&launch, r->o, c);
    return mot_record_end_units(
        r, &launch, mot_min(mot_ceil_div(rows, 8), UNITS_PER_THREAD * (int64_t)r->traits.threads),
        1);
}

mot_status mot_conv2d_winograd_record(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
    const winograd d = winograd_of(r, &c);
    const mot_conv2d_axis *y = &d.axis[0], *x = &d.axis[1];
    const mot_view panels = mot_workspace_at(o, 0, d.panel_floats);
    const mot_view scratch = mot_workspace_at(o, d.panel_floats, d.units * d.scratch_floats);
    mot_launch launch;
    MOT_TRY(record_pack(r, &c, &d, &panels));
    mot_record_begin(r, &launch, "conv2d_winograd", "conv2d_winograd");
    mot_launch_view(&launch, &o->out[0]);
    mot_launch_view(&launch, &o->in[0]);
    mot_launch_view(&launch, &panels);
    mot_conv2d_add_epilogue(&launch, o);
    mot_launch_view(&launch, &scratch);
    mot_launch_long(&launch, d.scratch_floats);
    mot_launch_long(&launch, d.window_floats);
    mot_launch_long(&launch, d.x_apart);
    mot_launch_long(&launch, d.y_apart);
    mot_launch_long(&launch, c.samples);
    MOT_LAUNCH_INTS(&launch, c.window->groups, d.channels, y->in, x->in, d.outs, y->out, x->out,
                    y->first, x->first, d.pitch, d.rows, d.blocks, mot_conv2d_flags(o));
    return mot_record_end_units(r, &launch, d.units, 1);
}
