/* conv2d, conv2d_dinput and conv2d_dweight: checks, the plain variants, and the tables. */
#include "config.h"

#include "devices/conv2d.h"

mot_conv2d mot_conv2d_of(const mot_operands *o)
{
    const mot_window *w = &o->attrs.window;
    const mot_view *x = o->op == MOT_OP_conv2d          ? &o->in[0]
                        : o->op == MOT_OP_conv2d_dinput ? &o->out[0]
                                                        : &o->in[1];
    const mot_view *y = o->op == MOT_OP_conv2d ? &o->out[0] : &o->in[0];
    return (mot_conv2d){.samples = x->shape.dim[0],
                        .channels = x->shape.dim[1],
                        .outs = y->shape.dim[1],
                        .places = {mot_window_places(w, 0), mot_window_places(w, 1)},
                        .window = w};
}

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

mot_conv2d_axis mot_conv2d_axis_of(const mot_operands *o, const mot_conv2d *c, int i)
{
    const mot_window *w = c->window;
    if (o->op != MOT_OP_conv2d_dinput)
        return (mot_conv2d_axis){
            w->image[i], c->places[i], w->stride[i], 1, -w->padding[i], w->dilation[i], 1};
    return (mot_conv2d_axis){c->places[i],
                             w->image[i],
                             1,
                             w->stride[i],
                             w->padding[i] - w->dilation[i] * (w->kernel[i] - 1),
                             w->dilation[i],
                             w->stride[i] / greatest_divisor(w->stride[i], w->dilation[i])};
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a >= 0 ? a / b : -mot_ceil_div(-a, b);
}

int64_t mot_conv2d_axis_low(const mot_conv2d_axis *a)
{
    return floor_div(a->first, a->phases);
}

int64_t mot_conv2d_axis_sees(const mot_conv2d_axis *a, int64_t n, int64_t kernel)
{
    return (n - 1) * a->source + 1 +
           floor_div(a->phases - 1 + a->first + (kernel - 1) * a->step, a->phases) -
           mot_conv2d_axis_low(a);
}

/* Inputs behind image and weight. */
enum { MASK = 2 };

static int bias_of(const mot_operands *o)
{
    return o->op == MOT_OP_conv2d ? 2 : 3;
}

int mot_conv2d_flags(const mot_operands *o)
{
    int flags = o->attrs.activation == MOT_ACT_RELU ? MOT_MATMUL_RELU : 0;
    if (mot_has_in(o, bias_of(o)))
        flags |= MOT_MATMUL_BIAS;
    if (o->op == MOT_OP_conv2d_dinput && mot_has_in(o, MASK))
        flags |= MOT_MATMUL_MASK;
    return flags;
}

void mot_conv2d_add_epilogue(mot_launch *launch, const mot_operands *o)
{
    const mot_view absent = {0};
    const int flags = mot_conv2d_flags(o);
    mot_launch_view(launch, flags & MOT_MATMUL_BIAS ? &o->in[bias_of(o)] : &absent);
    mot_launch_view(launch, flags & MOT_MATMUL_MASK ? &o->in[MASK] : &absent);
}

void mot_conv2d_add_weight_strides(mot_launch *launch, const mot_operands *o, const mot_conv2d *c)
{
    const mot_window *w = c->window;
    const bool dinput = o->op == MOT_OP_conv2d_dinput;
    const int64_t taps = w->kernel[0] * w->kernel[1], all = c->channels / w->groups * taps;
    mot_launch_long(launch, c->outs / w->groups * all);
    mot_launch_long(launch, dinput ? taps : all);
    mot_launch_long(launch, dinput ? all : taps);
    mot_launch_long(launch, dinput ? taps - 1 : 0);
    mot_launch_long(launch, dinput ? -1 : 1);
}

void mot_conv2d_add_axes(mot_launch *launch, const mot_operands *o, const mot_conv2d *c)
{
    const mot_window *w = c->window;
    const bool dinput = o->op == MOT_OP_conv2d_dinput;
    const mot_conv2d_axis y = mot_conv2d_axis_of(o, c, 0), x = mot_conv2d_axis_of(o, c, 1);
    const int64_t channels = c->channels / w->groups, outs = c->outs / w->groups;
    MOT_LAUNCH_INTS(launch, w->groups, dinput ? outs : channels, y.in, x.in,
                    dinput ? channels : outs, y.out, x.out, w->kernel[0], w->kernel[1], y.source,
                    x.source, y.phases, x.phases, y.first, x.first, y.step, x.step, y.every,
                    x.every);
}

/* ---- checking ---- */

enum { MOST_PIXELS = 1 << 30 }; /* of an image: kernels count them in ints */

/* x, y and w, in whatever roles, fit each other and the window. */
static mot_status check_shapes(const mot_operands *o, const mot_view *x, const mot_view *y,
                               const mot_view *w)
{
    const mot_window *v = &o->attrs.window;
    const mot_shape *xs = &x->shape, *ys = &y->shape, *ws = &w->shape;
    char a[MOT_SHAPE_TEXT], b[MOT_SHAPE_TEXT], c[MOT_SHAPE_TEXT];
    bool fit = xs->n_dims == 4 && ys->n_dims == 4 && ws->n_dims == 4 && v->groups >= 1 &&
               xs->dim[0] == ys->dim[0] && xs->dim[1] == ws->dim[1] * v->groups &&
               ys->dim[1] == ws->dim[0] && ws->dim[0] % v->groups == 0 &&
               mot_view_elements(x) > 0 && mot_view_elements(w) > 0 &&
               xs->dim[2] <= MOST_PIXELS / xs->dim[3];
    for (int i = 0; i < 2 && fit; i++)
        fit = v->kernel[i] >= 1 && v->stride[i] >= 1 && v->dilation[i] >= 1 && v->padding[i] >= 0 &&
              xs->dim[2 + i] == v->image[i] && ws->dim[2 + i] == v->kernel[i] &&
              mot_window_places(v, i) >= 1 && ys->dim[2 + i] == mot_window_places(v, i);
    if (!fit)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: images %s, weight %s and result %s do not fit",
                        mot_op_name(o->op), o->name, mot_shape_print(xs, a), mot_shape_print(ws, b),
                        mot_shape_print(ys, c));
    return MOT_OK;
}

static mot_status check_conv2d(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 3, 1, 1, 0));
    MOT_TRY(check_shapes(o, &o->in[0], &o->out[0], &o->in[1]));
    return mot_has_in(o, 2) ? mot_check_elements(o, "bias", &o->in[2], o->in[1].shape.dim[0])
                            : MOT_OK;
}

static mot_status check_dinput(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 4, 1, 1, 0));
    MOT_TRY(check_shapes(o, &o->out[0], &o->in[0], &o->in[1]));
    if (mot_has_in(o, MASK))
        MOT_TRY(mot_check_elements(o, "h", &o->in[MASK], mot_view_elements(&o->out[0])));
    return mot_has_in(o, 3) ? mot_check_elements(o, "bias", &o->in[3], o->out[0].shape.dim[1])
                            : MOT_OK;
}

static mot_status check_dweight(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 2, 0));
    MOT_TRY(check_shapes(o, &o->in[1], &o->in[0], &o->out[0]));
    return mot_has_out(o, 1) ? mot_check_elements(o, "db", &o->out[1], o->in[0].shape.dim[1])
                             : MOT_OK;
}

/* ---- plain ---- */

static void add_geometry(mot_launch *launch, const mot_conv2d *c)
{
    const mot_window *w = c->window;
    MOT_LAUNCH_INTS(launch, c->channels, w->image[0], w->image[1], c->outs, c->places[0],
                    c->places[1], w->kernel[0], w->kernel[1], w->stride[0], w->stride[1],
                    w->padding[0], w->padding[1], w->dilation[0], w->dilation[1], w->groups);
}

static mot_status record_plain(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
    const int64_t n = mot_view_elements(&o->out[0]);
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "conv2d_plain", "",
                     o->op == MOT_OP_conv2d ? "conv2d_plain" : "conv2d_dinput_plain");
    mot_launch_view(&launch, &o->out[0]);
    mot_launch_view(&launch, &o->in[0]);
    mot_launch_view(&launch, &o->in[1]);
    mot_conv2d_add_epilogue(&launch, o);
    add_geometry(&launch, &c);
    mot_launch_int(&launch, mot_conv2d_flags(o));
    mot_launch_long(&launch, n);
    return mot_record_end_plain(r, &launch, n);
}

static mot_status record_dbias(const mot_recording *r, const mot_conv2d *c)
{
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "conv2d_plain", "", "conv2d_dbias_plain");
    mot_launch_view(&launch, &r->o->out[1]);
    mot_launch_view(&launch, &r->o->in[0]);
    mot_launch_long(&launch, c->outs);
    mot_launch_long(&launch, c->places[0] * c->places[1]);
    mot_launch_long(&launch, c->samples);
    return mot_record_end_plain(r, &launch, c->outs);
}

static mot_status record_dweight(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
    const int64_t n = mot_view_elements(&o->out[0]);
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "conv2d_plain", "", "conv2d_dweight_plain");
    mot_launch_view(&launch, &o->out[0]);
    mot_launch_view(&launch, &o->in[0]);
    mot_launch_view(&launch, &o->in[1]);
    add_geometry(&launch, &c);
    mot_launch_long(&launch, c.samples);
    mot_launch_long(&launch, n);
    MOT_TRY(mot_record_end_plain(r, &launch, n));
    return mot_has_out(o, 1) ? record_dbias(r, &c) : MOT_OK;
}

/* Groups of the launch; rows of an image that one computes at a time. */
static const mot_parameter tile_parameters[] = {{"groups", false}, {"rows", false}, {NULL, false}};
/* Of the block that a group computes. */
static const mot_parameter gemm_parameters[] = {{"rows", true}, {"columns", true}, {NULL, false}};

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "tile",
     .applies = mot_conv2d_tile_applies,
     .prefers = mot_on_cpu,
     .workspace = mot_conv2d_tile_workspace,
     .record = mot_conv2d_tile_record,
     .suits = mot_on_cpu,
     .parameters = tile_parameters,
     .candidates = mot_conv2d_tile_candidates},
    {.name = "winograd",
     .applies = mot_conv2d_winograd_applies,
     .prefers = mot_conv2d_winograd_prefers,
     .workspace = mot_conv2d_winograd_workspace,
     .record = mot_conv2d_winograd_record,
     .suits = mot_on_cpu},
    {.name = "planes",
     .applies = mot_conv2d_planes_applies,
     .prefers = mot_conv2d_planes_prefers,
     .workspace = mot_conv2d_planes_workspace,
     .record = mot_conv2d_planes_record,
     .suits = mot_conv2d_planes_suits,
     .parameters = mot_groups_parameter,
     .candidates = mot_conv2d_planes_candidates},
    {.name = "gemm",
     .applies = mot_conv2d_gemm_applies,
     .prefers = mot_off_cpu,
     .workspace = mot_conv2d_gemm_workspace,
     .record = mot_conv2d_gemm_record,
     .suits = mot_off_cpu,
     .parameters = gemm_parameters,
     .candidates = mot_conv2d_gemm_candidates},
    {.name = "direct",
     .applies = mot_conv2d_direct_applies,
     .prefers = mot_conv2d_direct_prefers,
     .record = mot_conv2d_direct_record,
     .suits = mot_off_cpu},
};

static const mot_variant dweight_variants[] = {
    {.name = "plain", .record = record_dweight},
    {.name = "tile",
     .applies = mot_conv2d_tile_applies,
     .prefers = mot_on_cpu,
     .workspace = mot_conv2d_parts_workspace,
     .record = mot_conv2d_parts_record,
     .suits = mot_on_cpu,
     .parameters = tile_parameters,
     .candidates = mot_conv2d_tile_candidates},
    {.name = "planes",
     .applies = mot_conv2d_planes_applies,
     .prefers = mot_conv2d_planes_prefers,
     .workspace = mot_conv2d_planes_workspace,
     .record = mot_conv2d_planes_record_weight,
     .suits = mot_conv2d_planes_suits,
     .parameters = mot_groups_parameter,
     .candidates = mot_conv2d_planes_candidates},
    {.name = "gemm",
     .applies = mot_conv2d_gemm_applies,
     .prefers = mot_off_cpu,
     .workspace = mot_conv2d_gemm_workspace_weight,
     .record = mot_conv2d_gemm_record_weight,
     .suits = mot_off_cpu,
     .parameters = gemm_parameters,
     .candidates = mot_conv2d_gemm_candidates},
    {.name = "direct",
     .applies = mot_conv2d_direct_applies_weight,
     .prefers = mot_conv2d_direct_prefers_weight,
     .workspace = mot_conv2d_direct_workspace_weight,
     .record = mot_conv2d_direct_record_weight,
     .suits = mot_off_cpu},
};

const mot_primitive mot_primitive_conv2d = {check_conv2d, variants, 6, mot_problem_of_operands};
const mot_primitive mot_primitive_conv2d_dinput = {check_dinput, variants, 6,
                                                   mot_problem_of_operands};
const mot_primitive mot_primitive_conv2d_dweight = {check_dweight, dweight_variants, 5,
                                                    mot_problem_of_operands};
