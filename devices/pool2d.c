/* max_pool2d, avg_pool2d and their gradients; the kernels are in kernels_cl/pool2d.cl. */
#include "config.h"

#include "devices/variant.h"

/* As in kernels_cl/pool2d.cl. */
enum { POOL_RELU = 1, POOL_COUNT = 2, UNITS_PER_THREAD = 8, MOST_PIXELS = 1 << 30 };

/* x and y, in whatever roles, fit each other and the window. */
static mot_status check_shapes(const mot_operands *o, const mot_view *x, const mot_view *y)
{
    const mot_window *w = &o->attrs.window;
    const mot_shape *xs = &x->shape, *ys = &y->shape;
    char a[MOT_SHAPE_TEXT], b[MOT_SHAPE_TEXT];
    bool fit = xs->n_dims == 4 && ys->n_dims == 4 && xs->dim[0] == ys->dim[0] &&
               xs->dim[1] == ys->dim[1] && mot_view_elements(x) > 0 && w->groups == 1 &&
               xs->dim[2] <= MOST_PIXELS / xs->dim[3];
    for (int i = 0; i < 2 && fit; i++)
        fit = w->kernel[i] >= 1 && w->stride[i] >= 1 && w->dilation[i] == 1 && w->padding[i] >= 0 &&
              2 * w->padding[i] <= w->kernel[i] && xs->dim[2 + i] == w->image[i] &&
              mot_window_places(w, i) >= 1 && ys->dim[2 + i] == mot_window_places(w, i);
    if (!fit)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: images %s and result %s do not fit",
                        mot_op_name(o->op), o->name, mot_shape_print(xs, a),
                        mot_shape_print(ys, b));
    return MOT_OK;
}

static mot_status check_pool(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 1, 1, 1, 1, 0));
    return check_shapes(o, &o->in[0], &o->out[0]);
}

static mot_status check_max_grad(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 1, 0));
    MOT_TRY(check_shapes(o, &o->out[0], &o->in[0]));
    return mot_check_elements(o, "x", &o->in[1], mot_view_elements(&o->out[0]));
}

static mot_status check_avg_grad(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 1, 1, 1, 1, 0));
    return check_shapes(o, &o->out[0], &o->in[0]);
}

static int64_t planes_of(const mot_operands *o)
{
    return o->in[0].shape.dim[0] * o->in[0].shape.dim[1];
}

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    const mot_operands *o = r->o;
    const mot_window *w = &o->attrs.window;
    const int flags =
        (o->attrs.activation == MOT_ACT_RELU ? POOL_RELU : 0) | (w->count_padding ? POOL_COUNT : 0);
    mot_record_begin(r, launch, "pool2d", kernel);
    mot_launch_view(launch, &o->out[0]);
    for (int i = 0; i < o->n_in; i++)
        mot_launch_view(launch, &o->in[i]);
    MOT_LAUNCH_INTS(launch, w->image[0], w->image[1], mot_window_places(w, 0),
                    mot_window_places(w, 1), w->kernel[0], w->kernel[1], w->stride[0], w->stride[1],
                    w->padding[0], w->padding[1]);
    mot_launch_int(launch, flags);
    mot_launch_long(launch, planes_of(o));
}

/* By operator, in the order of the list, and variant. */
static const char *const kernels[][2] = {
    {"max_pool2d_plain", "max_pool2d_planes"},
    {"max_pool2d_grad_plain", "max_pool2d_grad_planes"},
    {"avg_pool2d_plain", "avg_pool2d_planes"},
    {"avg_pool2d_grad_plain", "avg_pool2d_grad_planes"},
};

static mot_status record_plain(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, kernels[r->o->op - MOT_OP_max_pool2d][0]);
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->out[0]));
}

static mot_status record_planes(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, kernels[r->o->op - MOT_OP_max_pool2d][1]);
    return mot_record_end_units(
        r, &launch, mot_min(planes_of(r->o), (int64_t)UNITS_PER_THREAD * r->traits.threads), 1);
}

/* Windows of 2x2 side by side; what is counted in ints fits. */
static bool applies_blocks(const mot_recording *r)
{
    const mot_window *w = &r->o->attrs.window;
    bool applies = mot_view_elements(&r->o->out[0]) < INT32_MAX / 4;
    for (int i = 0; i < 2; i++)
        applies = applies && w->kernel[i] == 2 && w->stride[i] == 2 && w->padding[i] == 0;
    return applies;
}

static mot_status record_blocks(const mot_recording *r)
{
    const mot_window *w = &r->o->attrs.window;
    mot_launch launch;
    begin(r, &launch, "max_pool2d_grad_blocks");
    return mot_record_end_plain(
        r, &launch, planes_of(r->o) * mot_ceil_div(w->image[0], 2) * mot_ceil_div(w->image[1], 2));
}

static bool applies_pairs(const mot_recording *r)
{
    const mot_window *w = &r->o->attrs.window;
    return applies_blocks(r) && w->image[0] % 2 == 0 && w->image[1] % 2 == 0 &&
           mot_view_aligned(&r->o->in[1], 2) && mot_view_aligned(&r->o->out[0], 2);
}

static mot_status record_pairs(const mot_recording *r)
{
    mot_launch launch;
    begin(r, &launch, "max_pool2d_grad_pairs");
    return mot_record_end_plain(r, &launch, mot_view_elements(&r->o->in[0]));
}

static const mot_variant max_grad_variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "planes", .prefers = mot_on_cpu, .record = record_planes},
    {.name = "blocks",
     .applies = applies_blocks,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .record = record_blocks},
    {.name = "pairs",
     .applies = applies_pairs,
     .prefers = mot_off_cpu,
     .suits = mot_off_cpu,
     .record = record_pairs},
};

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "planes", .prefers = mot_on_cpu, .record = record_planes},
};

const mot_primitive mot_primitive_max_pool2d = {check_pool, variants, 2, NULL};
const mot_primitive mot_primitive_max_pool2d_grad = {check_max_grad, max_grad_variants, 4, NULL};
const mot_primitive mot_primitive_avg_pool2d = {check_pool, variants, 2, NULL};
const mot_primitive mot_primitive_avg_pool2d_grad = {check_avg_grad, variants, 2, NULL};
