/* bench_conv.c: convolutions of given shapes: forward, and the gradients by images and by weights.
 *
 * The numbers are checked against the plain kernel's before they are timed: a wrong result has no
 * speed.
 */
#include "config.h"

#include "tools/bench.h"

#include "devices/primitive.h"
#include "runtime/base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKED = 4096, MOST = 1 << 16 };

/* What is looked at where nothing is asked for: layers of small networks. */
static const char *const usual[] = {
    "64x32x14x14:64x3x3",  "32x64x32x32:64x3x3",    "128x16x32x32:16x3x3", "128x64x8x8:64x3x3",
    "64x1x28x28:32x3x3",   "64x64x14x14:128x1x1",   "64x16x14x14:32x5x5",  "64x32x28x28:64x3x3/2",
    "32x3x64x64:64x7x7/2", "64x64x14x14:64x3x3g64",
};

static const struct {
    mot_op op;
    const char *name;
} parts[] = {{MOT_OP_conv2d, "forward"},
             {MOT_OP_conv2d_dinput, "dinput"},
             {MOT_OP_conv2d_dweight, "dweight"}};

/* ---- shapes ---- */

typedef struct convolution {
    mot_shape x, w, y;
    mot_window window;
} convolution;

static bool read_size(const char **text, int64_t *out)
{
    char *end;
    if (**text < '1' || **text > '9')
        return false;
    *out = strtoll(*text, &end, 10);
    *text = end;
    return *out <= MOST;
}

/* "64x32x14x14" or "64x3x3". */
static bool read_sizes(const char **text, int n, int64_t *out)
{
    for (int i = 0; i < n; i++)
        if ((i > 0 && *(*text)++ != 'x') || !read_size(text, &out[i]))
            return false;
    return true;
}

static bool read_shape(const char *text, convolution *c)
{
    int64_t weight[3], stride = 1;
    *c = (convolution){.x.n_dims = 4, .w.n_dims = 4, .y.n_dims = 4, .window.groups = 1};
    mot_window *v = &c->window;
    if (!read_sizes(&text, 4, c->x.dim) || *text++ != ':' || !read_sizes(&text, 3, weight))
        return false;
    if (*text == '/' && (text++, !read_size(&text, &stride)))
        return false;
    if (*text == 'g' && (text++, !read_size(&text, &v->groups)))
        return false;
    if (*text || c->x.dim[1] % v->groups != 0 || weight[0] % v->groups != 0)
        return false;
    c->w = (mot_shape){4, {weight[0], c->x.dim[1] / v->groups, weight[1], weight[2]}};
    c->y = (mot_shape){4, {c->x.dim[0], weight[0]}};
    for (int i = 0; i < 2; i++) {
        v->kernel[i] = weight[1 + i];
        v->stride[i] = stride;
        v->padding[i] = weight[1 + i] / 2;
        v->dilation[i] = 1;
        v->image[i] = c->x.dim[2 + i];
        c->y.dim[2 + i] = mot_window_places(v, i);
    }
    return true;
}

mot_status mot_bench_conv_check(const mot_arguments *arguments)
{
    convolution c;
    for (int i = 0; i < arguments->n_operands; i++)
        if (!read_shape(arguments->operand[i], &c))
            return MOT_FAIL(
                MOT_ERR_ARGUMENT,
                "'%s' is no shape; one is BxCxHxW:OxKHxKW, images and weights, with "
                "/STRIDE and gGROUPS behind it where wanted, as in 64x32x28x28:64x3x3/2",
                arguments->operand[i]);
    for (int i = 0; arguments->variant && i < mot_primitive_n_variants(MOT_OP_conv2d); i++)
        if (strcmp(arguments->variant, mot_primitive_variant_name(MOT_OP_conv2d, i)) == 0)
            return MOT_OK;
    return arguments->variant ? MOT_FAIL(MOT_ERR_ARGUMENT, "there is no variant '%s' of conv2d",
                                         arguments->variant)
                              : MOT_OK;
}

/* ---- one operator ---- */

static mot_status new_view(mot_device *device, const mot_shape *shape, uint64_t seed, mot_view *out)
{
    MOT_TRY(mot_bench_floats(device, mot_shape_elements(shape, 1), seed, out, NULL));
    out->shape = *shape;
    return MOT_OK;
}

static mot_status make(mot_device *device, const convolution *c, mot_op op, mot_operands *o)
{
    const bool dinput = op == MOT_OP_conv2d_dinput, dweight = op == MOT_OP_conv2d_dweight;
    *o = (mot_operands){.op = op, .name = "conv", .n_in = 2, .n_out = 1, .attrs.window = c->window};
    MOT_TRY(new_view(device, dinput || dweight ? &c->y : &c->x, 1, &o->in[0]));
    MOT_TRY(new_view(device, dweight ? &c->x : &c->w, 2, &o->in[1]));
    return new_view(device, dinput ? &c->x : dweight ? &c->w : &c->y, 3, &o->out[0]);
}

static void discard(mot_operands *o)
{
    mot_buffer_free(o->in[0].buffer);
    mot_buffer_free(o->in[1].buffer);
    mot_buffer_free(o->out[0].buffer);
}

/* Record the operator; the workspace's buffer is the caller's to free. */
static mot_status record(mot_bench *bench, mot_operands *o, int variant, mot_commands *commands)
{
    const mot_choice choice = {.variant = variant};
    size_t bytes;
    MOT_TRY(mot_primitive_workspace_choice(bench->device, o, &choice, &bytes));
    o->workspace = (mot_view){.dtype = MOT_F32, .shape = {1, {(int64_t)(bytes / sizeof(float))}}};
    if (bytes > 0)
        MOT_TRY(mot_buffer_new(bench->device, bytes, &o->workspace.buffer));
    return mot_primitive_record_choice(bench->device, o, &choice, commands);
}

/* Elements from all over the result. */
static mot_status read_some(const mot_operands *o, float out[CHECKED], int64_t *n)
{
    const int64_t all = mot_shape_elements(&o->out[0].shape, 1);
    float *values;
    MOT_TRY(mot_alloc((size_t)all, sizeof *values, &values));
    mot_status status = mot_buffer_read(o->out[0].buffer, 0, (size_t)all * sizeof *values, values);
    *n = all < CHECKED ? all : CHECKED;
    for (int64_t i = 0; i < *n; i++)
        out[i] = values[all / *n * i];
    free(values);
    return status;
}

static mot_status run_once(mot_bench *bench, mot_operands *o, int variant, float out[CHECKED],
                           int64_t *n)
{
    mot_commands *commands;
    MOT_TRY(mot_commands_new(bench->device, &commands));
    mot_status status = record(bench, o, variant, commands);
    if (status == MOT_OK)
        status = mot_commands_run(commands, 0, mot_commands_count(commands), 0);
    if (status == MOT_OK)
        status = mot_device_finish(bench->device);
    if (status == MOT_OK)
        status = read_some(o, out, n);
    mot_commands_free(commands);
    mot_buffer_free(o->workspace.buffer);
    return status;
}

/* Wrong numbers are off by as much as the numbers are large; sums in another order are not. */
static mot_status check(mot_bench *bench, mot_operands *o, int variant)
{
    float got[CHECKED], want[CHECKED];
    double size = 0;
    int64_t n;
    MOT_TRY(run_once(bench, o, 0, want, &n));
    MOT_TRY(run_once(bench, o, variant, got, &n));
    for (int64_t i = 0; i < n; i++)
        size = fmax(size, fabs((double)want[i]));
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= 1e-3 * size))
            return MOT_FAIL(MOT_ERR_NUMERIC, "wrong numbers: %g, where plain gives %g",
                            (double)got[i], (double)want[i]);
    return MOT_OK;
}

static mot_status measure(mot_bench *bench, mot_bench_row *row, mot_operands *o, int variant,
                          double flops)
{
    mot_commands *commands;
    if (variant != 0)
        MOT_TRY(check(bench, o, variant));
    MOT_TRY(mot_commands_new(bench->device, &commands));
    mot_status status = record(bench, o, variant, commands);
    if (status == MOT_OK) {
        mot_bench_variant(commands, row->variant);
        status = mot_bench_time(bench, commands, &row->time_s);
    }
    if (status == MOT_OK)
        status = mot_bench_add(bench, row, flops);
    mot_commands_free(commands);
    mot_buffer_free(o->workspace.buffer);
    return status;
}

/* ---- all three ---- */

static mot_status bench_shape(mot_bench *bench, const char *text)
{
    convolution c;
    read_shape(text, &c);
    const int64_t places = c.x.dim[0] * c.y.dim[2] * c.y.dim[3];
    const int64_t depth = mot_shape_elements(&c.w, 1) / c.w.dim[0];
    const double flops = 2.0 * (double)places * (double)c.w.dim[0] * (double)depth;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        mot_bench_row row = {.arithmetic = true,
                             .batch = c.window.groups,
                             .m = places,
                             .n = c.w.dim[0] / c.window.groups,
                             .k = depth};
        mot_operands o;
        snprintf(row.what, sizeof row.what, "%s", parts[i].name);
        snprintf(row.shape, sizeof row.shape, "%s", text);
        mot_status status = make(bench->device, &c, parts[i].op, &o);
        if (status == MOT_OK)
            status = mot_bench_variants(bench, &row, &o, flops, measure);
        discard(&o);
        MOT_TRY(status);
    }
    return MOT_OK;
}

mot_status mot_bench_conv(mot_bench *bench)
{
    return mot_bench_shapes(bench, usual, sizeof usual / sizeof *usual, bench_shape);
}
