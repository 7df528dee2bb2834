#include "config.h"

#include "devices/commands.h"
#include "tests/ops/ops.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { GUARD = 64, SLOTS = 3, SLOT = 1 }; /* elements of guard on either side; ring */

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

/* ---- for the makers ---- */

int64_t op_between(mot_random *random, int64_t low, int64_t high)
{
    return low + (int64_t)mot_random_below(random, (uint64_t)(high - low + 1));
}

mot_view op_view(mot_dtype dtype, int n_dims, const int64_t *dim)
{
    mot_view view = {.dtype = dtype, .shape.n_dims = n_dims};
    for (int i = 0; i < n_dims; i++)
        view.shape.dim[i] = dim[i];
    return view;
}

mot_view op_view2(int64_t rows, int64_t columns)
{
    return op_view(MOT_F32, 2, (int64_t[]){rows, columns});
}

mot_view op_view_rows(int64_t rows, int64_t columns)
{
    return rows % 3 ? op_view2(rows, columns)
                    : op_view(MOT_F32, 3, (int64_t[]){rows / 3, 3, columns});
}

int64_t op_elements(const mot_view *view)
{
    return mot_shape_elements(&view->shape, 1);
}

static void *allocate(int64_t n, size_t size)
{
    void *memory = calloc((size_t)n + 1, size);
    ck_assert_ptr_nonnull(memory);
    return memory;
}

float *op_floats(mot_random *random, int64_t n)
{
    float *x = allocate(n, sizeof *x);
    for (int64_t i = 0; i < n; i++)
        x[i] = 2.0f * mot_random_uniform(random) - 1.0f;
    return x;
}

double *op_doubles(int64_t n)
{
    return allocate(n, sizeof(double));
}

float *op_input(op_case *c, mot_random *random, int i, mot_view view)
{
    float *x = op_floats(random, op_elements(&view));
    c->o.in[i] = view;
    c->in[i] = x;
    if (c->o.n_in <= i)
        c->o.n_in = i + 1;
    return x;
}

double *op_output(op_case *c, int i, mot_view view, double tolerance)
{
    c->o.out[i] = view;
    c->expected[i] = op_doubles(op_elements(&view));
    c->tolerance[i] = tolerance;
    if (c->o.n_out <= i)
        c->o.n_out = i + 1;
    return c->expected[i];
}

void op_begin_later(op_case *c, mot_random *random, int64_t length)
{
    c->o.attrs.first = op_between(random, 0, 1) ? op_between(random, 0, length - 1) : 0;
    for (int i = 0; c->o.attrs.first > 0 && i < c->o.n_out; i++) {
        const int64_t n = op_elements(&c->o.out[i]);
        c->start[i] = op_floats(random, n);
        for (int64_t k = 0; k < n; k++)
            c->start[i][k] = (float)c->expected[i][k];
    }
}

void op_free(op_case *c)
{
    for (int i = 0; i < MOT_MAX_INPUTS; i++) {
        free(c->in[i]);
        free(c->rounded[i]);
    }
    for (int i = 0; i < MOT_MAX_OUTPUTS; i++) {
        free(c->start[i]);
        free(c->expected[i]);
    }
}

/* ---- running ---- */

/* Put n elements into slot SLOT of a new buffer, the rest of it filled with `fill` bytes.  `lead`
 * elements lie before slot 0. */
static void place(mot_device *device, mot_view *view, const void *data, int slots, int lead,
                  unsigned char fill)
{
    const size_t size = mot_dtype_bytes(view->dtype);
    const int64_t n = op_elements(view), stride = n + GUARD;
    const size_t bytes = (size_t)(lead + slots * stride + GUARD) * size;
    unsigned char *image = allocate((int64_t)bytes, 1);
    memset(image, fill, bytes);
    view->offset = lead;
    view->slot_stride = slots > 1 ? stride : 0;
    int64_t at = lead + (slots > 1 ? SLOT * stride : 0);
    if (data)
        memcpy(image + (size_t)at * size, data, (size_t)n * size);
    OK(mot_buffer_new(device, bytes, &view->buffer));
    OK(mot_buffer_write(view->buffer, 0, bytes, image));
    free(image);
}

/* Bytes 0xff: NaN as a float, -1 as an integer; a read outside shows in the result. */
static void place_all(mot_device *device, const op_case *c, mot_operands *o, size_t workspace_bytes,
                      uint64_t seed)
{
    /* Each at another odd place, or, every fourth time, all at multiples of GUARD; either with a
     * ring and without. */
    const int odd = seed % 4 != 0, slots = seed / 4 % 2 != seed % 2 ? SLOTS : 1;
    const int lead = GUARD + (odd ? (int)(seed % 7) : 0);
    for (int i = 0; i < o->n_in; i++)
        if (c->in[i])
            place(device, &o->in[i], c->in[i], slots, lead + odd * i, 0xff);
    for (int i = 0; i < o->n_out; i++)
        if (c->expected[i] && !(i == 0 && c->on_top >= 0))
            place(device, &o->out[i], c->start[i], 1, lead + odd * 2 * i, 0xff);
    if (c->on_top >= 0) {
        o->out[0].buffer = o->in[c->on_top].buffer;
        o->out[0].offset = o->in[c->on_top].offset;
        o->out[0].slot_stride = o->in[c->on_top].slot_stride;
    }
    o->scalars = op_view(MOT_I32, 1, (int64_t[]){MOT_N_SCALARS});
    place(device, &o->scalars, c->scalars, slots, 16, 0xff);
    o->workspace = op_view(MOT_F32, 1, (int64_t[]){(int64_t)(workspace_bytes / sizeof(float))});
    place(device, &o->workspace, NULL, 1, seed % 2 ? 16 : 0, 0xff);
}

/* Element j of an output; its bits as a whole number, where it has 16. */
static double element(const mot_view *view, const void *got, int64_t j)
{
    return mot_dtype_is_16_bits(view->dtype) ? (double)((const uint16_t *)got)[j]
                                             : (double)((const float *)got)[j];
}

/* Is it still what was there before? */
static bool is_filled(const mot_view *view, const void *got, int64_t j)
{
    return mot_dtype_is_16_bits(view->dtype) ? ((const uint16_t *)got)[j] == 0xffffu
                                             : ((const uint32_t *)got)[j] == 0xffffffffu;
}

static void compare(const op_case *c, const mot_operands *o, int i, const char *where)
{
    const mot_view *view = &o->out[i];
    const int64_t n = op_elements(view), at = view->offset + SLOT * view->slot_stride;
    const size_t bytes = mot_buffer_size_bytes(view->buffer);
    void *got = allocate((int64_t)bytes, 1);
    OK(mot_buffer_read(view->buffer, 0, bytes, got));
    for (int64_t j = 0; j < (int64_t)(bytes / mot_dtype_bytes(view->dtype)); j++) {
        /* Each ck_assert is a system call: only to fail. */
        if (j < at || j >= at + n) {
            if (!is_filled(view, got, j))
                ck_abort_msg("%s: output %d: wrote outside, at element %" PRId64 " of %" PRId64,
                             where, i, j - at, n);
            continue;
        }
        double is = element(view, got, j), want = c->expected[i][j - at];
        double off = is == want ? 0 : fabs(is - want) / (1.0 + fabs(want));
        if (!(off <= c->tolerance[i]))
            ck_abort_msg("%s: output %d: element %" PRId64 " of %" PRId64 " is %.9g, expected %.9g",
                         where, i, j - at, n, is, want);
    }
    free(got);
}

static void release(mot_operands *o, const op_case *c)
{
    for (int i = 0; i < o->n_in; i++)
        mot_buffer_free(o->in[i].buffer);
    for (int i = c->on_top >= 0 ? 1 : 0; i < o->n_out; i++)
        mot_buffer_free(o->out[i].buffer);
    mot_buffer_free(o->scalars.buffer);
    mot_buffer_free(o->workspace.buffer);
}

/* Which operand's memory it is; 0: none's. */
static int64_t owner_of(const mot_operands *o, cl_mem mem)
{
    mot_buffer *buffer[MOT_MAX_INPUTS + MOT_MAX_OUTPUTS + 2] = {o->scalars.buffer,
                                                                o->workspace.buffer};
    int n = 2;
    for (int i = 0; i < o->n_in; i++)
        buffer[n++] = o->in[i].buffer;
    for (int i = 0; i < o->n_out; i++)
        buffer[n++] = o->out[i].buffer;
    while (mem && n > 0)
        if (buffer[--n] && mot_buffer_mem(buffer[n]) == mem)
            return n + 1;
    ck_assert_ptr_null(mem);
    return 0;
}

/* Has another choice come to the same launches?  Of a library's calls nothing is known. */
static bool ran_before(op_ran *ran, const mot_operands *o, const mot_commands *commands)
{
    uint64_t hash = (uint64_t)commands->n_records;
    for (int i = 0; i < commands->n_records; i++) {
        const mot_record *r = &commands->records[i];
        if (r->enqueue)
            return false;
        const char *texts[] = {r->source, r->options, r->kernel_name};
        for (int k = 0; k < 3; k++)
            hash = XXH64(texts[k], strlen(texts[k]) + 1, hash);
        for (cl_uint d = 0; d < r->n_dims; d++)
            hash = XXH64((size_t[]){r->global[d], r->has_local ? r->local[d] : 0},
                         2 * sizeof(size_t), hash);
        for (int k = 0; k < r->n_args; k++) {
            const mot_arg *a = &r->arg[k];
            hash = XXH64((int64_t[]){a->kind, owner_of(o, a->mem), a->value, a->stride},
                         4 * sizeof(int64_t), hash);
        }
    }
    for (int i = 0; i < ran->n; i++)
        if (ran->launches[i] == hash)
            return true;
    ck_assert_int_lt(ran->n, (int)(sizeof ran->launches / sizeof *ran->launches));
    ran->launches[ran->n++] = hash;
    return false;
}

typedef void (*look)(const op_case *c, const mot_operands *o, const char *where, void *user);

/* Compute the case as chosen; false if that is not for this device, else the outputs were looked at. */
static bool compute(mot_device *device, const op_case *c, const mot_choice *choice, uint64_t seed,
                    look at_outputs, void *user)
{
    char where[512], shape[2][MOT_SHAPE_TEXT];
    mot_operands o = c->o;
    mot_commands *commands;
    size_t workspace_bytes;
    o.name = "test";
    if (mot_primitive_workspace_choice(device, &o, choice, &workspace_bytes) == MOT_ERR_UNSUPPORTED)
        return false;
    OK(mot_primitive_workspace_choice(device, &o, choice, &workspace_bytes));
    snprintf(where, sizeof where, "%s/%s %d %d %d %d on %s, in %s %s, seed %" PRIu64,
             mot_op_name(o.op), mot_primitive_variant_name(o.op, choice->variant),
             choice->parameter[0], choice->parameter[1], choice->parameter[2], choice->parameter[3],
             mot_device_get_info(device)->id, mot_shape_print(&o.in[0].shape, shape[0]),
             o.n_in > 1 ? mot_shape_print(&o.in[1].shape, shape[1]) : "", seed);
    place_all(device, c, &o, workspace_bytes, seed);
    OK(mot_commands_new(device, &commands));
    mot_status status = mot_primitive_record_choice(device, &o, choice, commands);
    /* That a variant takes no ring shows only here. */
    ck_assert_msg(status == MOT_OK || status == MOT_ERR_UNSUPPORTED, "%s: %s", where,
                  mot_error_message());
    if (status == MOT_OK && !(c->ran && ran_before(c->ran, &o, commands))) {
        OK(mot_commands_run(commands, 0, mot_commands_count(commands), SLOT));
        ck_assert_msg(mot_device_finish(device) == MOT_OK, "%s: %s", where, mot_error_message());
        at_outputs(c, &o, where, user);
    }
    mot_commands_free(commands);
    release(&o, c);
    return status == MOT_OK;
}

static void compare_all(const op_case *c, const mot_operands *o, const char *where, void *user)
{
    (void)user;
    for (int i = 0; i < o->n_out; i++)
        if (c->expected[i])
            compare(c, o, i, where);
}

void op_run(mot_device *device, const op_case *c, const mot_choice *choice, uint64_t seed)
{
    compute(device, c, choice, seed, compare_all, NULL);
}

static void copy_all(const op_case *c, const mot_operands *o, const char *where, void *user)
{
    float **out = user;
    (void)where;
    for (int i = 0; i < o->n_out; i++) {
        const mot_view *view = &o->out[i];
        const size_t bytes = (size_t)op_elements(view) * sizeof **out;
        if (!c->expected[i])
            continue;
        out[i] = allocate(op_elements(view), sizeof **out);
        OK(mot_buffer_read(view->buffer,
                           (size_t)(view->offset + SLOT * view->slot_stride) * sizeof **out, bytes,
                           out[i]));
    }
}

bool op_outputs(mot_device *device, const op_case *c, const mot_choice *choice, uint64_t seed,
                float *out[MOT_MAX_OUTPUTS])
{
    for (int i = 0; i < MOT_MAX_OUTPUTS; i++)
        out[i] = NULL;
    return compute(device, c, choice, seed, copy_all, out);
}
