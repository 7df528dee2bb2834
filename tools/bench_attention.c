/* bench_attention.c: attention of given shapes, forward and backward.
 *
 * The numbers are checked against the plain kernel's before they are timed: a wrong result has no
 * speed.  Operations are those of the products that the algorithm needs, two forward and five
 * backward, and where causal, only of pairs that see each other.
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

enum { MOST = 1 << 16 };

/* What is looked at where nothing is asked for: a small GPT's, and larger ones. */
static const char *const usual[] = {
    "12x4x64x32", "12x4x64x32:full", "8x6x256x64", "8x6x256x64:full", "2x8x1024x64", "2x8x512x128",
};

/* ---- shapes ---- */

typedef struct attention {
    int64_t samples, heads, length, depth;
    bool causal;
} attention;

static bool read_shape(const char *text, attention *a)
{
    int64_t *size[] = {&a->samples, &a->heads, &a->length, &a->depth};
    a->causal = true;
    for (int i = 0; i < 4; i++) {
        char *end;
        if ((i > 0 && *text++ != 'x') || *text < '1' || *text > '9')
            return false;
        *size[i] = strtoll(text, &end, 10);
        text = end;
        if (*size[i] > MOST)
            return false;
    }
    if (strcmp(text, ":full") == 0)
        a->causal = false;
    return *text == '\0' || !a->causal;
}

mot_status mot_bench_attention_check(const mot_arguments *arguments)
{
    attention a;
    for (int i = 0; i < arguments->n_operands; i++)
        if (!read_shape(arguments->operand[i], &a))
            return MOT_FAIL(MOT_ERR_ARGUMENT,
                            "'%s' is no shape; one is BxHxTxD, samples, heads, positions and "
                            "numbers a head, with :full behind it where it is not causal, as in "
                            "12x4x64x32:full",
                            arguments->operand[i]);
    /* The gradient has all variants that forward has. */
    for (int i = 0; arguments->variant && i < mot_primitive_n_variants(MOT_OP_attention_grad); i++)
        if (strcmp(arguments->variant, mot_primitive_variant_name(MOT_OP_attention_grad, i)) == 0)
            return MOT_OK;
    return arguments->variant ? MOT_FAIL(MOT_ERR_ARGUMENT, "there is no variant '%s' of attention",
                                         arguments->variant)
                              : MOT_OK;
}

/* ---- both operators ---- */

enum { FORWARD, BACKWARD, N_PARTS };

static mot_status new_view(mot_device *device, const mot_shape *shape, uint64_t seed, mot_view *out)
{
    MOT_TRY(mot_bench_floats(device, mot_shape_elements(shape, 1), seed, out, NULL));
    out->shape = *shape;
    return MOT_OK;
}

/* Backward reads what forward wrote; a failure leaves buffers for discard. */
static mot_status make(mot_device *device, const attention *a, mot_operands part[N_PARTS])
{
    mot_operands *f = &part[FORWARD], *b = &part[BACKWARD];
    const mot_attrs attrs = {.heads = a->heads, .causal = a->causal};
    mot_shape y = {3, {a->samples, a->length, a->heads * a->depth}}, qkv = y;
    const mot_shape lse = {3, {a->samples, a->heads, a->length}};
    qkv.dim[2] *= 3;
    *f = (mot_operands){
        .op = MOT_OP_attention, .name = "forward", .n_in = 1, .n_out = 2, .attrs = attrs};
    *b = (mot_operands){
        .op = MOT_OP_attention_grad, .name = "backward", .n_in = 4, .n_out = 1, .attrs = attrs};
    MOT_TRY(new_view(device, &qkv, 1, &f->in[0]));
    MOT_TRY(new_view(device, &y, 2, &f->out[0]));
    MOT_TRY(new_view(device, &lse, 3, &f->out[1]));
    MOT_TRY(new_view(device, &y, 4, &b->in[0]));
    MOT_TRY(new_view(device, &qkv, 5, &b->out[0]));
    b->in[1] = f->in[0];
    b->in[2] = f->out[0];
    b->in[3] = f->out[1];
    return MOT_OK;
}

static void discard(mot_operands part[N_PARTS])
{
    mot_buffer_free(part[FORWARD].in[0].buffer);
    mot_buffer_free(part[FORWARD].out[0].buffer);
    mot_buffer_free(part[FORWARD].out[1].buffer);
    mot_buffer_free(part[BACKWARD].in[0].buffer);
    mot_buffer_free(part[BACKWARD].out[0].buffer);
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

static void release(mot_operands *o, mot_commands *commands)
{
    mot_commands_free(commands);
    mot_buffer_free(o->workspace.buffer);
    o->workspace.buffer = NULL;
}

/* Run once; the first output goes to a new array. */
static mot_status run_once(mot_bench *bench, mot_operands *o, int variant, float **out)
{
    const size_t n = (size_t)mot_shape_elements(&o->out[0].shape, 1);
    mot_commands *commands = NULL;
    mot_status status;
    MOT_TRY(mot_alloc(n, sizeof **out, out));
    MOT_TRY_GOTO(mot_commands_new(bench->device, &commands));
    MOT_TRY_GOTO(record(bench, o, variant, commands));
    MOT_TRY_GOTO(mot_commands_run(commands, 0, mot_commands_count(commands), 0));
    MOT_TRY_GOTO(mot_device_finish(bench->device));
    MOT_TRY_GOTO(mot_buffer_read(o->out[0].buffer, 0, n * sizeof **out, *out));
fail:
    release(o, commands);
    return status;
}

/* Wrong numbers are off by as much as the numbers are large; sums in another order are not. */
static mot_status check(mot_bench *bench, mot_operands *o, int variant)
{
    const int64_t n = mot_shape_elements(&o->out[0].shape, 1);
    float *want = NULL, *got = NULL;
    double size = 0;
    mot_status status = run_once(bench, o, 0, &want);
    if (status == MOT_OK)
        status = run_once(bench, o, variant, &got);
    for (int64_t i = 0; status == MOT_OK && i < n; i++)
        size = fmax(size, fabs((double)want[i]));
    for (int64_t i = 0; status == MOT_OK && i < n; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= 1e-4 * size))
            status = MOT_FAIL(MOT_ERR_NUMERIC, "wrong numbers: %g, where plain gives %g",
                              (double)got[i], (double)want[i]);
    free(want);
    free(got);
    return status;
}

static mot_status measure(mot_bench *bench, mot_bench_row *row, mot_operands *o, int variant,
                          double flops)
{
    mot_commands *commands = NULL;
    mot_status status = MOT_OK;
    if (variant != 0)
        MOT_TRY(check(bench, o, variant));
    MOT_TRY_GOTO(mot_commands_new(bench->device, &commands));
    MOT_TRY_GOTO(record(bench, o, variant, commands));
    mot_bench_variant(commands, row->variant);
    MOT_TRY_GOTO(mot_bench_time(bench, commands, &row->time_s));
    MOT_TRY_GOTO(mot_bench_add(bench, row, flops));
fail:
    release(o, commands);
    return status;
}

static mot_status bench_shape(mot_bench *bench, const char *text)
{
    static const int products[N_PARTS] = {2, 5};
    attention a;
    mot_operands part[N_PARTS] = {0};
    read_shape(text, &a);
    const double seen = a.causal ? (double)(a.length + 1) / 2 : (double)a.length;
    mot_status status = make(bench->device, &a, part);
    for (int i = 0; i < N_PARTS && status == MOT_OK; i++) {
        mot_bench_row row = {.arithmetic = true,
                             .batch = a.samples * a.heads,
                             .m = a.length,
                             .n = a.length,
                             .k = a.depth};
        snprintf(row.what, sizeof row.what, "%s", part[i].name);
        snprintf(row.shape, sizeof row.shape, "%s", text);
        const double pairs = (double)(row.batch * a.length) * seen;
        status = mot_bench_variants(bench, &row, &part[i],
                                    2.0 * products[i] * pairs * (double)a.depth, measure);
    }
    discard(part);
    return status;
}

mot_status mot_bench_attention(mot_bench *bench)
{
    return mot_bench_shapes(bench, usual, sizeof usual / sizeof *usual, bench_shape);
}
