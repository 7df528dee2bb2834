/* Convolution for CPU-class devices where groups have few channels; kernels_cl/conv2d_planes.cl
 * says how. */
#include "config.h"

#include "devices/conv2d.h"

/* PLANE_ROWS and PLANE_WEIGHTS are the kernels'. */
enum { PLANE_ROWS = 4, PLANE_WEIGHTS = 9 };
enum { UNITS_PER_THREAD = 4, MOST_UNITS_PER_THREAD = 32, FEW_CHANNELS = 2 };
enum { TRY_CHANNELS = 8 }; /* that the tuner may find it good for */

/* Of a group: what is read and written; the copy that is read; floats of the scratch memory. */
typedef struct planes {
    int64_t channels, outs;
    mot_conv2d_axis axis[2];
    int64_t low[2], rows, columns, sub, out_pitch;
    int64_t items, units, copy_floats, phase_floats, sums_floats, scratch_floats;
} planes;

static planes planes_of(const mot_recording *r, const mot_conv2d *c)
{
    const bool dinput = r->o->op == MOT_OP_conv2d_dinput;
    const bool dweight = r->o->op == MOT_OP_conv2d_dweight;
    const mot_window *w = c->window;
    const int64_t vw = r->traits.vector;
    int64_t sees[2], most[2];
    planes p = {.channels = (dinput ? c->outs : c->channels) / w->groups,
                .outs = (dinput ? c->channels : c->outs) / w->groups};
    for (int i = 0; i < 2; i++) {
        p.axis[i] = mot_conv2d_axis_of(r->o, c, i);
        p.low[i] = mot_conv2d_axis_low(&p.axis[i]);
        most[i] = mot_ceil_div(p.axis[i].out, p.axis[i].phases);
        sees[i] = mot_conv2d_axis_sees(&p.axis[i], most[i], w->kernel[i]);
    }
    const int64_t source = p.axis[1].source, depth = p.channels * w->kernel[0] * w->kernel[1];
    const int64_t phases = p.axis[0].phases * p.axis[1].phases;
    p.rows = sees[0];
    p.columns = sees[1];
    /* Vectors and tiles go beyond the last column and row. */
    p.sub = mot_ceil_div(p.columns, source) + 2 * vw;
    p.out_pitch = mot_ceil_div(most[1], vw) * vw;
    p.copy_floats = (p.channels * p.rows + PLANE_ROWS * p.axis[0].source) * source * p.sub;
    p.items = dweight ? c->outs : c->samples * w->groups;
    p.units = mot_groups_of(r, mot_min(p.items, UNITS_PER_THREAD * (int64_t)r->traits.threads),
                            mot_min(p.items, MOST_UNITS_PER_THREAD * (int64_t)r->traits.threads));
    if (dweight) {
        p.sums_floats = (mot_ceil_div(depth, PLANE_WEIGHTS) * PLANE_WEIGHTS + 1) * vw;
        p.scratch_floats = p.copy_floats + p.axis[0].out * p.out_pitch +
                           mot_ceil_div(c->outs, p.units) * p.sums_floats;
    } else {
        p.phase_floats = most[0] * p.out_pitch;
        p.scratch_floats = p.copy_floats + (phases > 1 ? phases * p.phase_floats : 0);
    }
    p.scratch_floats = mot_ceil_div(p.scratch_floats + phases * (1 + 2 * depth), 16) * 16;
    return p;
}

/* Kernels count in ints within a sample. */
bool mot_conv2d_planes_applies(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
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

mot_status mot_conv2d_planes_record(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
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
    mot_launch_long(&launch, p.copy_floats);
    mot_launch_long(&launch, p.phase_floats);
    mot_launch_long(&launch, c.samples);
    mot_conv2d_add_weight_strides(&launch, o, &c);
    mot_conv2d_add_axes(&launch, o, &c);
    MOT_LAUNCH_INTS(&launch, p.low[0], p.low[1], p.rows, p.columns, p.sub, p.out_pitch, flags);
    return mot_record_end_units(r, &launch, p.units, 1);
}

mot_status mot_conv2d_planes_record_weight(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
    const mot_window *w = c.window;
    const planes p = planes_of(r, &c);
    const mot_conv2d_axis *y = &p.axis[0], *x = &p.axis[1];
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
    mot_launch_long(&launch, p.copy_floats);
    mot_launch_long(&launch, p.sums_floats);
    mot_launch_long(&launch, c.samples);
    MOT_LAUNCH_INTS(&launch, w->groups, p.channels, y->in, x->in, c.outs, p.outs, y->out, x->out,
                    w->kernel[0], w->kernel[1], y->source, x->source, y->first, x->first, y->step,
                    x->step, p.rows, p.columns, p.sub, p.out_pitch, sums ? MOT_MATMUL_SUMS : 0);
    return mot_record_end_units(r, &launch, p.units, 1);
}
