/* bench_ops.c: operators that wait for memory, on tensors far larger than any cache.
 *
 * Bytes are those that must move: every input once, every output once, what is updated in place
 * twice. A CPU that writes to memory it has not read fetches it first, which no count includes; so
 * operators that update in place can come out faster than the copy that they are compared with.
 */
#include "config.h"

#include "tools/bench.h"

#include "devices/primitive.h"
#include "runtime/base/memory.h"
#include "runtime/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a tensor is: of the case's shape, or one of the small ones beside it. */
typedef enum {
    NONE,
    FULL,
    BYTES,
    LABELS,
    ONE,
    SUMS,
    RANGE,
    ROW,
    STATS,
    HEADS,
    TURNED,
    WIDE,
    SHORT,
    IMAGES,
    CHANNELS,
    MOMENTS,
    GRAD_MOMENTS
} tensor_kind;

enum { N_CHANNELS = 64, PLANE = 32 * 32 }; /* of IMAGES */

typedef struct op_case {
    const char *what;
    mot_op op;
    int64_t columns;
    int n_in;
    tensor_kind in[7];
    int n_out, in_place; /* outputs; the first of them are also read */
    tensor_kind out[3];
    mot_attrs attrs;
} op_case;

#define ADAM                                                                                       \
    {                                                                                              \
        .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8                                                  \
    }

static const op_case cases[] = {
    {"relu", MOT_OP_relu, 1024, 1, {FULL}, 1, 0, {FULL}, {0}},
    {"relu_grad", MOT_OP_relu_grad, 1024, 2, {FULL, FULL}, 1, 0, {FULL}, {0}},
    {"gelu", MOT_OP_activation, 1024, 1, {FULL}, 1, 0, {FULL}, {.activation = MOT_ACT_GELU}},
    {"gelu_grad",
     MOT_OP_activation_grad,
     1024,
     2,
     {FULL, FULL},
     1,
     0,
     {FULL},
     {.activation = MOT_ACT_GELU}},
    {"layer_norm", MOT_OP_norm, 1024, 3, {FULL, ROW, ROW}, 2, 0, {FULL, STATS}, {.group = 1024}},
    {"layer_norm_grad",
     MOT_OP_norm_grad,
     1024,
     4,
     {FULL, FULL, STATS, ROW},
     3,
     0,
     {FULL, ROW, ROW},
     {.group = 1024}},
    {"batch_norm_sums",
     MOT_OP_batch_norm_sums,
     N_CHANNELS *PLANE,
     2,
     {IMAGES, CHANNELS},
     1,
     0,
     {MOMENTS},
     {0}},
    {"batch_norm", /* with a residual and its relu */
     MOT_OP_batch_norm,
     N_CHANNELS *PLANE,
     7,
     {IMAGES, CHANNELS, CHANNELS, MOMENTS, CHANNELS, CHANNELS, IMAGES},
     1,
     0,
     {IMAGES},
     {.eps = 1e-5, .activation = MOT_ACT_RELU}},
    {"batch_norm_grad_sums",
     MOT_OP_batch_norm_grad_sums,
     N_CHANNELS *PLANE,
     6,
     {IMAGES, IMAGES, MOMENTS, CHANNELS, CHANNELS, CHANNELS},
     3,
     0,
     {GRAD_MOMENTS, CHANNELS, CHANNELS},
     {.eps = 1e-5}},
    {"batch_norm_grad",
     MOT_OP_batch_norm_grad,
     N_CHANNELS *PLANE,
     7,
     {IMAGES, IMAGES, MOMENTS, CHANNELS, GRAD_MOMENTS, CHANNELS, CHANNELS},
     1,
     0,
     {IMAGES},
     {.eps = 1e-5}},
    {"add", MOT_OP_add, 1024, 2, {FULL, FULL}, 1, 0, {FULL}, {0}},
    {"add_relu_grad", MOT_OP_add, 1024, 3, {FULL, FULL, FULL}, 1, 0, {FULL}, {0}},
    {"dropout", MOT_OP_dropout, 1024, 1, {FULL}, 1, 0, {FULL}, {.p = 0.5f}},
    {"permute", MOT_OP_permute, 2048, 1, {HEADS}, 1, 0, {TURNED}, {.order = {0, 2, 1}}},
    {"concat", MOT_OP_concat, 512, 2, {FULL, FULL}, 1, 0, {WIDE}, {.axis = 1}},
    {"sum", MOT_OP_sum, 64, 1, {FULL}, 1, 0, {SHORT}, {.axis = 1, .n_axes = 1, .factor = 1}},
    {"softmax", MOT_OP_softmax, 1024, 1, {FULL}, 1, 0, {FULL}, {0}},
    {"softmax_xent", MOT_OP_softmax_xent, 1024, 2, {FULL, LABELS}, 2, 0, {FULL, SUMS}, {0}},
    {"softmax_xent", MOT_OP_softmax_xent, 10, 2, {FULL, LABELS}, 2, 0, {FULL, SUMS}, {0}},
    {"mse", MOT_OP_pointwise_loss, 16, 2, {FULL, FULL}, 2, 0, {FULL, SUMS}, {0}},
    {"bce", MOT_OP_pointwise_loss, 16, 2, {FULL, FULL}, 2, 0, {FULL, SUMS}, {.loss = MOT_LOSS_BCE}},
    {"ingest", MOT_OP_ingest, 784, 3, {BYTES, ONE, ONE}, 1, 0, {FULL}, {.group = 784}},
    {"sgd", MOT_OP_sgd, 1, 3, {FULL, SUMS, RANGE}, 1, 1, {FULL}, {0}},
    {"momentum", MOT_OP_sgd, 1, 3, {FULL, SUMS, RANGE}, 2, 2, {FULL, FULL}, {.momentum = 0.9}},
    {"adam", MOT_OP_adam, 1, 3, {FULL, SUMS, RANGE}, 3, 3, {FULL, FULL, FULL}, ADAM},
    {"adamw", MOT_OP_adamw, 1, 3, {FULL, SUMS, RANGE}, 3, 3, {FULL, FULL, FULL}, ADAM},
    {"rmsprop", MOT_OP_rmsprop, 1, 3, {FULL, SUMS, RANGE}, 2, 2, {FULL, FULL}, ADAM},
    {"adagrad", MOT_OP_adagrad, 1, 3, {FULL, SUMS, RANGE}, 2, 2, {FULL, FULL}, ADAM},
    {"lion", MOT_OP_lion, 1, 3, {FULL, SUMS, RANGE}, 2, 2, {FULL, FULL}, ADAM},
    {"clip_norm", MOT_OP_clip_norm, 1, 2, {FULL, SUMS}, 1, 0, {SUMS}, {.clip_norm = 1}},
    {"average", MOT_OP_average, 1, 1, {FULL}, 1, 1, {FULL}, {.average = 0.999}},
};
enum { N_CASES = sizeof cases / sizeof *cases, DEFAULT_MB = 64 };

/* ---- what is asked for ---- */

static bool is_wanted(const mot_arguments *arguments, const op_case *c)
{
    bool wanted = arguments->n_operands == 0;
    for (int i = 0; i < arguments->n_operands; i++)
        wanted = wanted || strcmp(arguments->operand[i], c->what) == 0;
    return wanted;
}

mot_status mot_bench_ops_check(const mot_arguments *arguments)
{
    const char *names[N_CASES];
    for (int i = 0; i < N_CASES; i++)
        names[i] = cases[i].what;
    for (int i = 0; i < arguments->n_operands; i++) {
        const char *name = arguments->operand[i], *nearest = mot_nearest_name(name, names, N_CASES);
        if (!nearest || strcmp(nearest, name) != 0)
            return MOT_FAIL(
                MOT_ERR_ARGUMENT, "'%s' is not among the operators that are measured%s%s%s", name,
                nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    }
    return MOT_OK;
}

size_t mot_bench_ops_bytes(const mot_arguments *arguments)
{
    return (size_t)(arguments->n > 0 ? arguments->n : DEFAULT_MB) << 20;
}

/* ---- memory ---- */

typedef struct tensors {
    mot_buffer *buffer[16];
    int n;
} tensors;

static mot_status new_tensor(mot_device *device, tensor_kind kind, int64_t rows, int64_t columns,
                             tensors *all, mot_view *out)
{
    mot_view view = {.dtype = kind == BYTES ? MOT_U8 : kind == LABELS ? MOT_I32 : MOT_F32};
    view.shape = kind == LABELS                  ? (mot_shape){1, {rows}}
                 : kind == ONE                   ? (mot_shape){1, {1}}
                 : kind == SUMS || kind == RANGE ? (mot_shape){1, {4}}
                 : kind == ROW                   ? (mot_shape){1, {columns}}
                 : kind == STATS                 ? (mot_shape){2, {rows, 2}}
                 : kind == HEADS                 ? (mot_shape){3, {rows, 32, columns / 32}}
                 : kind == TURNED                ? (mot_shape){3, {rows, columns / 32, 32}}
                 : kind == WIDE                  ? (mot_shape){2, {rows, 2 * columns}}
                 : kind == SHORT                 ? (mot_shape){1, {rows}}
                 : kind == IMAGES                ? (mot_shape){3, {rows, N_CHANNELS, PLANE}}
                 : kind == CHANNELS              ? (mot_shape){1, {N_CHANNELS}}
                 : kind == MOMENTS               ? (mot_shape){1, {2 * N_CHANNELS + 1}}
                 : kind == GRAD_MOMENTS          ? (mot_shape){1, {2 * N_CHANNELS}}
                                                 : (mot_shape){2, {rows, columns}};
    int64_t n = mot_shape_elements(&view.shape, 1);
    if (view.dtype == MOT_F32 && kind != RANGE) {
        mot_shape shape = view.shape;
        MOT_TRY(mot_bench_floats(device, n, (uint64_t)all->n + 1, &view, NULL));
        view.shape = shape;
    } else { /* zeros: class 0, black, or a range that begins at 0 */
        MOT_TRY(mot_buffer_new(device, (size_t)n * mot_dtype_bytes(view.dtype), &view.buffer));
    }
    all->buffer[all->n++] = view.buffer;
    *out = view;
    return MOT_OK;
}

/* What the optimizers and dropout read: step 0, a learning rate too small to run away. */
static mot_status fill_small(mot_device *device, tensors *all, mot_operands *o)
{
    const float lr = 1e-6f, bias = 0.5f, sums[4] = {64, 0, 0, 0};
    uint32_t word[MOT_N_SCALARS] = {0};
    memcpy(&word[MOT_SCALAR_LR], &lr, sizeof lr);
    memcpy(&word[MOT_SCALAR_BIAS1], &bias, sizeof bias);
    memcpy(&word[MOT_SCALAR_BIAS2], &bias, sizeof bias);
    o->scalars = (mot_view){.dtype = MOT_F32, .shape = {1, {MOT_N_SCALARS}}};
    MOT_TRY(mot_buffer_new(device, sizeof word, &o->scalars.buffer));
    all->buffer[all->n++] = o->scalars.buffer;
    MOT_TRY(mot_buffer_write(o->scalars.buffer, 0, sizeof word, word));
    if (o->n_in > 1 && mot_shape_elements(&o->in[1].shape, 1) == 4)
        return mot_buffer_write(o->in[1].buffer, 0, sizeof sums, sums);
    return MOT_OK;
}

static mot_status make(mot_device *device, const op_case *c, int64_t rows, tensors *all,
                       mot_operands *o)
{
    *o = (mot_operands){
        .op = c->op, .name = c->what, .n_in = c->n_in, .n_out = c->n_out, .attrs = c->attrs};
    for (int i = 0; i < c->n_in; i++)
        MOT_TRY(new_tensor(device, c->in[i], rows, c->columns, all, &o->in[i]));
    for (int i = 0; i < c->n_out; i++)
        MOT_TRY(new_tensor(device, c->out[i], rows, c->columns, all, &o->out[i]));
    return fill_small(device, all, o);
}

static double bytes_moved(const op_case *c, const mot_operands *o)
{
    double bytes = 0;
    for (int i = 0; i < o->n_in; i++)
        bytes += (double)mot_shape_elements(&o->in[i].shape, 1) *
                 (double)mot_dtype_bytes(o->in[i].dtype);
    for (int i = 0; i < o->n_out; i++)
        bytes += (i < c->in_place ? 2.0 : 1.0) * (double)mot_shape_elements(&o->out[i].shape, 1) *
                 (double)mot_dtype_bytes(o->out[i].dtype);
    return bytes;
}

/* ---- measuring ---- */

static mot_status measure(mot_bench *bench, const op_case *c, mot_operands *o, int variant)
{
    mot_bench_row row = {.what = "", .batch = 1};
    mot_commands *commands = NULL;
    mot_status status;
    size_t bytes;
    o->workspace = (mot_view){.dtype = MOT_F32};
    if (variant < 0)
        MOT_TRY(mot_primitive_workspace(bench->device, o, &bytes));
    else
        MOT_TRY(mot_primitive_workspace_variant(bench->device, o, variant, &bytes));
    if (bytes > 0)
        MOT_TRY(mot_buffer_new(bench->device, bytes, &o->workspace.buffer));
    MOT_TRY_GOTO(mot_commands_new(bench->device, &commands));
    if (variant < 0)
        MOT_TRY_GOTO(mot_primitive_record(bench->device, o, commands));
    else
        MOT_TRY_GOTO(mot_primitive_record_variant(bench->device, o, variant, commands));
    MOT_TRY_GOTO(mot_bench_time(bench, commands, &row.time_s));
    mot_bench_variant(commands, row.variant);
    snprintf(row.what, sizeof row.what, "%s", c->what);
    row.m = o->in[0].shape.dim[0];
    row.n = c->columns;
    MOT_TRY_GOTO(mot_bench_add(bench, &row, bytes_moved(c, o)));
fail:
    mot_commands_free(commands);
    mot_buffer_free(o->workspace.buffer);
    return status;
}

static mot_status measure_variants(mot_bench *bench, const op_case *c, mot_operands *o)
{
    const char *wanted = bench->arguments->variant;
    if (!bench->arguments->variants && !wanted)
        return measure(bench, c, o, -1);
    for (int i = 0; i < mot_primitive_n_variants(c->op); i++) {
        const char *name = mot_primitive_variant_name(c->op, i);
        if (wanted && strcmp(wanted, name) != 0)
            continue;
        mot_status status = measure(bench, c, o, i);
        if (status != MOT_OK && status != MOT_ERR_UNSUPPORTED)
            mot_bench_note(bench, name, mot_error_message());
    }
    return MOT_OK;
}

static mot_status bench_case(mot_bench *bench, const op_case *c)
{
    int64_t elements = (int64_t)(mot_bench_ops_bytes(bench->arguments) / sizeof(float));
    tensors all = {0};
    mot_operands o;
    mot_status status = make(bench->device, c, elements / c->columns, &all, &o);
    if (status == MOT_OK)
        status = measure_variants(bench, c, &o);
    for (int i = 0; i < all.n; i++)
        mot_buffer_free(all.buffer[i]);
    return status;
}

mot_status mot_bench_ops(mot_bench *bench)
{
    for (int i = 0; i < N_CASES; i++)
        if (is_wanted(bench->arguments, &cases[i]))
            MOT_TRY(bench_case(bench, &cases[i]));
    return MOT_OK;
}
