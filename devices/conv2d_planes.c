/* Convolution for CPU-class devices where groups have few channels; kernels_cl/conv2d_planes.cl
 * says how. */
#include "config.h"

#include "devices/conv2d.h"

enum { UNITS_PER_THREAD = 4, MOST_UNITS_PER_THREAD = 32, FEW_CHANNELS = 2 };
enum { TRY_CHANNELS = 8 }; /* that the tuner may find it good for */

/* Of a group: what is read and written; the copy that is read. */
typedef struct planes {
    int64_t channels, outs;
    int64_t in[2], out[2], source[2], first[2];
    int64_t rows, columns, pitch, out_pitch;
    int64_t items, units, scratch_floats;
} planes;

static planes planes_of(const mot_recording *r, const mot_conv2d *c)
{
    const bool dinput = r->o->op == MOT_OP_conv2d_dinput;
    const bool dweight = r->o->op == MOT_OP_conv2d_dweight;
    const mot_window *w = c->window;
    const int64_t vw = r->traits.vector;
    const int64_t taps = w->kernel[0] * w->kernel[1];
    int64_t sees[2];
    planes p = {.channels = (dinput ? c->outs : c->channels) / w->groups,
                .outs = (dinput ? c->channels : c->outs) / w->groups};
    for (int i = 0; i < 2; i++) {
        const int64_t around = w->dilation[i] * (w->kernel[i] - 1);
        p.in[i] = dinput ? c->places[i] : w->image[i];
        p.out[i] = dinput ? w->image[i] : c->places[i];
        p.source[i] = dinput ? 1 : w->stride[i];
        p.first[i] = dinput ? w->padding[i] - around : -w->padding[i];
        sees[i] = (p.out[i] - 1) * p.source[i] + around + 1;
    }
    p.rows = sees[0];
    p.columns = sees[1];
    p.pitch = p.columns + vw * p.source[1];
    p.out_pitch = mot_ceil_div(p.out[1], vw) * vw;
    p.items = dweight ? c->outs : c->samples * w->groups;
    p.units = mot_groups_of(r, mot_min(p.items, UNITS_PER_THREAD * (int64_t)r->traits.threads),
                            mot_min(p.items, MOST_UNITS_PER_THREAD * (int64_t)r->traits.threads));
    p.scratch_floats = p.channels * p.rows * p.pitch;
    if (dweight)
        p.scratch_floats += p.out[0] * p.out_pitch + (p.channels * taps + 1) * vw;
    p.scratch_floats = mot_ceil_div(p.scratch_floats, 16) * 16;
    return p;
}

/* Kernels count in ints within a sample.  dx of a stride is not one convolution but several. */
bool mot_conv2d_planes_applies(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const mot_window *w = c.window;
    if (r->o->op == MOT_OP_conv2d_dinput && (w->stride[0] != 1 || w->stride[1] != 1))
        return false;
    return planes_of(r, &c).scratch_floats < (int64_t)1 << 28;
}

bool mot_conv2d_planes_prefers(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const planes p = planes_of(r, &c);
    return r->traits.cpu && p.channels <= FEW_CHANNELS && p.outs <= FEW_CHANNELS;
}

bool mot_conv2d_planes_suits(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const planes p = planes_of(r, &c);
    return r->traits.cpu && p.channels <= TRY_CHANNELS;
}

int mot_conv2d_planes_candidates(const mot_recording *r, mot_choice *out, int most)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const planes p = planes_of(r, &c);
    return mot_groups_candidates(
        p.units, mot_min(p.items, MOST_UNITS_PER_THREAD * (int64_t)r->traits.threads), out, most);
}

int64_t mot_conv2d_planes_workspace(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const planes p = planes_of(r, &c);
    return p.units * p.scratch_floats;
}

/* From kernel_y to pitch. */
static void add_window(mot_launch *launch, const planes *p, const mot_window *w)
{
    MOT_LAUNCH_INTS(launch, w->kernel[0], w->kernel[1], p->source[0], p->source[1], p->first[0],
                    p->first[1], w->dilation[0], w->dilation[1], p->rows, p->columns, p->pitch);
}

mot_status mot_conv2d_planes_record(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
    const mot_window *w = c.window;
    const planes p = planes_of(r, &c);
    const mot_view scratch = mot_workspace_at(o, 0, p.units * p.scratch_floats);
    const int flags = mot_conv2d_flags(o);
    mot_launch launch;
    mot_record_begin(r, &launch, "conv2d_planes", "conv2d_planes");
    mot_launch_view(&launch, &o->out[0]);
    mot_launch_view(&launch, &o->in[0]);
    mot_launch_view(&launch, &o->in[1]);
    mot_conv2d_add_epilogue(&launch, o);
    mot_launch_view(&launch, &scratch);
    mot_launch_long(&launch, p.scratch_floats);
    mot_launch_long(&launch, c.samples);
    mot_conv2d_add_weight_strides(&launch, o, &c);
    MOT_LAUNCH_INTS(&launch, w->groups, p.channels, p.in[0], p.in[1], p.outs, p.out[0], p.out[1]);
    add_window(&launch, &p, w);
    mot_launch_int(&launch, flags);
    return mot_record_end_units(r, &launch, p.units, 1);
}

mot_status mot_conv2d_planes_record_weight(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
    const planes p = planes_of(r, &c);
    const mot_view scratch = mot_workspace_at(o, 0, p.units * p.scratch_floats), absent = {0};
    const bool sums = mot_has_out(o, 1);
    mot_launch launch;
    mot_record_begin(r, &launch, "conv2d_planes", "conv2d_planes_weight");
    mot_launch_view(&launch, &o->out[0]);
    mot_launch_view(&launch, sums ? &o->out[1] : &absent);
    mot_launch_view(&launch, &o->in[0]);
    mot_launch_view(&launch, &o->in[1]);
    mot_launch_view(&launch, &scratch);
    mot_launch_long(&launch, p.scratch_floats);
    mot_launch_long(&launch, c.samples);
    MOT_LAUNCH_INTS(&launch, c.window->groups, p.channels, p.in[0], p.in[1], c.outs, p.outs,
                    p.out[0], p.out[1]);
    add_window(&launch, &p, c.window);
    mot_launch_int(&launch, (int)p.out_pitch);
    mot_launch_int(&launch, sums ? MOT_MATMUL_SUMS : 0);
    return mot_record_end_units(r, &launch, p.units, 1);
}
