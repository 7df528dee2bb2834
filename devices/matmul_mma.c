/* The matrix product on NVIDIA's tensor cores, for those who allow operands of less precision;
 * kernels_cl/matmul_mma.cl says how.
 *
 * Whether a device can do it is found out when the first product asks, and kept in mot_device.mma.
 * The source holds PTX, so no compiler gets to see it unless its device reports a compute capability
 * of 8 or more (NVIDIA's extension does that); then it must build and give the right numbers, with
 * fragments straight from global memory, and if it can also with asynchronous copies to local
 * memory.
 * A launch packs both operands into the workspace, a second one multiplies; for row sums there is a
 * third. */
#include "config.h"

#include "devices/matmul.h"
#include "devices/state.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Twins of those in the kernel file. */
enum { PANEL = 64, STEP = 512, SLICE = 128, PACKERS = 256, PACKED_ROWS = 128 };
enum { CAPABILITY_MAJOR = 0x4000 /* CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV */, LEAST_MAJOR = 8 };
enum { LOCAL_BYTES = 49152 };

/* ---- layouts ---- */

/* The variant's parameters, in their order: a warp's rows; warps of a group, down and across; stages
 * in local memory, 1: none. */
typedef struct layout {
    int rows, high, wide, stages;
} layout;

enum { N_BY_RULE = 3 };
/* The rule's are the first ones: for products with more and with fewer groups. */
static const layout layouts[] = {{64, 2, 4, 4}, {64, 2, 2, 6}, {32, 2, 2, 6}, {64, 2, 4, 1},
                                 {64, 2, 2, 1}, {64, 4, 2, 4}, {32, 4, 2, 4}, {32, 2, 2, 1},
                                 {64, 2, 2, 4}, {32, 2, 1, 8}};
/* The same groups without local memory. */
static const layout direct_layouts[N_BY_RULE] = {{64, 2, 4, 1}, {64, 2, 2, 1}, {32, 2, 2, 1}};

static bool layout_fits(const mot_recording *r, const layout *l)
{
    return r->traits.group >= l->high * l->wide * 32 &&
           (l->stages == 1 || r->device->mma == MOT_MMA_ASYNC);
}

static const layout *rule_of(const mot_device *device)
{
    return device->mma == MOT_MMA_ASYNC ? layouts : direct_layouts;
}

/* For one matrix of the batch. */
static int64_t groups_of(const layout *l, const mot_matmul *p)
{
    return mot_ceil_div(p->m, l->high * l->rows) * mot_ceil_div(p->n, l->wide * PANEL);
}

/* As many groups as there are compute units, if there can be. */
static const layout *layout_by_rule(const mot_recording *r, const mot_matmul *p)
{
    const layout *l = rule_of(r->device), *last = l + N_BY_RULE - 1;
    while (l < last && groups_of(l, p) * p->batch < r->traits.threads)
        l++;
    return l;
}

static const layout *layout_of(const mot_recording *r, const mot_matmul *p)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (memcmp(&layouts[i], r->parameter, sizeof *layouts) == 0 && layout_fits(r, &layouts[i]))
            return &layouts[i];
    return layout_by_rule(r, p);
}

int mot_matmul_candidates_mma(const mot_recording *r, mot_choice *out, int most)
{
    const mot_matmul p = mot_matmul_of(r->o);
    const layout *rule = layout_by_rule(r, &p);
    int n = 0;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts && n < most; i++)
        if (layout_fits(r, &layouts[i]) && memcmp(&layouts[i], rule, sizeof *rule) != 0)
            out[n++] = (mot_choice){.parameter = {layouts[i].rows, layouts[i].high, layouts[i].wide,
                                                  layouts[i].stages}};
    return n;
}

/* ---- packing ---- */

/* Panels and steps, and where things lie in the workspace, in floats. */
typedef struct packing {
    int64_t a_panels, b_panels, steps, slices;
    int64_t b_at, parts_at, size;
} packing;

static packing packing_of(const mot_recording *r, const mot_matmul *p)
{
    /* Two steps at a time. */
    const int64_t depth = r->traits.precision == MOT_PRECISION_BF16 ? 32 : 16;
    packing s = {.a_panels = mot_ceil_div(p->m, PANEL),
                 .b_panels = mot_ceil_div(p->n, PANEL),
                 .steps = mot_ceil_div(p->k, depth) * 2,
                 .slices = mot_ceil_div(p->k, SLICE)};
    s.b_at = p->batch * s.a_panels * s.steps * STEP;
    s.parts_at = s.b_at + p->batch * s.b_panels * s.steps * STEP;
    s.size = s.parts_at + (p->flags & MOT_MATMUL_SUMS ? s.slices * 4 * s.a_panels * PANEL : 0);
    return s;
}

int64_t mot_matmul_mma_workspace(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    return packing_of(r, &p).size;
}

/* ---- recording ---- */

static void begin_pack(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    const mot_matmul p = mot_matmul_of(r->o);
    char options[48];
    snprintf(options, sizeof options, "%s%s",
             r->traits.precision == MOT_PRECISION_BF16 ? "-DBF16" : "", mot_matmul_b_option(&p));
    mot_launch_begin(launch, r->commands, "matmul_mma_pack", options, kernel);
}

static mot_status record_pack(const mot_recording *r, const mot_matmul *p, const packing *s,
                              const mot_view *words, const mot_view *parts)
{
    const bool trans_a = p->flags & MOT_MATMUL_TRANS_A, trans_b = p->flags & MOT_MATMUL_TRANS_B;
    const size_t local[3] = {PACKERS, 1, 1};
    const size_t global[3] = {
        (size_t)s->slices * PACKERS,
        (size_t)(mot_ceil_div(p->m, PACKED_ROWS) + mot_ceil_div(p->n, PACKED_ROWS)),
        (size_t)p->batch};
    mot_launch launch;
    begin_pack(r, &launch, "mma_pack");
    mot_launch_view(&launch, words);
    mot_launch_view(&launch, parts);
    mot_launch_view(&launch, &p->a);
    mot_launch_view(&launch, &p->b);
    mot_launch_long(&launch, p->m);
    mot_launch_long(&launch, p->n);
    mot_launch_long(&launch, p->k);
    mot_launch_long(&launch, s->steps);
    mot_launch_long(&launch, trans_a ? 1 : p->lda);
    mot_launch_long(&launch, trans_a ? p->lda : 1);
    mot_launch_long(&launch, trans_b ? p->ldb : 1);
    mot_launch_long(&launch, trans_b ? 1 : p->ldb);
    mot_launch_long(&launch, p->stride_a);
    mot_launch_long(&launch, p->stride_b);
    mot_launch_long(&launch, s->b_at);
    mot_launch_int(&launch, p->flags & MOT_MATMUL_SUMS ? 1 : 0);
    return mot_record_end_3d(r, &launch, 3, global, local);
}

static mot_status record_sums(const mot_recording *r, const mot_matmul *p, const packing *s,
                              const mot_view *parts)
{
    mot_launch launch;
    begin_pack(r, &launch, "mma_sums");
    mot_launch_view(&launch, &p->sums);
    mot_launch_view(&launch, parts);
    mot_launch_long(&launch, p->m);
    mot_launch_long(&launch, s->slices * 4);
    mot_launch_long(&launch, s->a_panels * PANEL);
    return mot_record_end_plain(r, &launch, p->m);
}

mot_status mot_matmul_record_mma(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    const packing s = packing_of(r, &p);
    const layout *l = layout_of(r, &p);
    const mot_view words = mot_workspace_at(r->o, 0, s.parts_at);
    const mot_view parts = mot_workspace_at(r->o, s.parts_at, s.size - s.parts_at);
    const size_t threads = (size_t)(l->high * l->wide * 32), local[2] = {threads, 1};
    const size_t global[2] = {(size_t)groups_of(l, &p) * threads, (size_t)p.batch};
    mot_launch launch;
    char options[96];
    MOT_TRY(record_pack(r, &p, &s, &words, &parts));
    if (p.flags & MOT_MATMUL_SUMS)
        MOT_TRY(record_sums(r, &p, &s, &parts));
    snprintf(options, sizeof options, "-DROWS=%d -DHIGH=%d -DWIDE=%d -DSTAGES=%d%s%s", l->rows,
             l->high, l->wide, l->stages,
             r->traits.precision == MOT_PRECISION_BF16 ? " -DBF16" : "",
             r->device->emulates_mma ? " -DEMULATED" : "");
    mot_launch_begin(&launch, r->commands, "matmul_mma", options, "matmul_mma");
    mot_launch_view(&launch, &p.c);
    mot_launch_view(&launch, &words);
    mot_launch_view(&launch, &p.bias);
    mot_launch_view(&launch, &p.mask);
    mot_launch_long(&launch, p.m);
    mot_launch_long(&launch, p.n);
    mot_launch_long(&launch, s.steps);
    mot_launch_long(&launch, p.ldc);
    mot_launch_long(&launch, p.stride_c);
    mot_launch_long(&launch, s.b_at);
    mot_launch_int(&launch, p.flags);
    return mot_record_end_3d(r, &launch, 2, global, local);
}

/* ---- does it work here? ---- */

enum { M = 200, N = 150, K = 100 };

/* Small whole numbers, exact in any precision, and so are their sums. */
static float element(int i, int j)
{
    return (float)((i * 131 + j * 71 + i * j) % 17 - 8);
}

/* op(A) is a transposed (K,M) matrix, op(B) a plain (K,N) one. */
static mot_status fill(mot_buffer *buffer, int rows, int columns)
{
    float *values;
    size_t bytes = (size_t)rows * (size_t)columns * sizeof *values;
    MOT_TRY(mot_alloc(bytes, 1, &values));
    for (int i = 0; i < rows * columns; i++)
        values[i] = element(i / columns, i % columns);
    mot_status status = mot_buffer_write(buffer, 0, bytes, values);
    free(values);
    return status;
}

static mot_status compare(mot_buffer *c, mot_buffer *sums)
{
    float *got, sum[M];
    MOT_TRY(mot_alloc((size_t)M * N, sizeof *got, &got));
    mot_status status = mot_buffer_read(c, 0, (size_t)M * N * sizeof *got, got);
    if (status == MOT_OK)
        status = mot_buffer_read(sums, 0, sizeof sum, sum);
    for (int i = 0; i < M && status == MOT_OK; i++) {
        for (int p = 0; p < K; p++)
            sum[i] -= element(p, i);
        for (int j = 0; j < N && status == MOT_OK; j++) {
            float want = 0.0f;
            for (int p = 0; p < K; p++)
                want += element(p, i) * element(p, j);
            if (got[i * N + j] != want || sum[i] != 0.0f)
                status = MOT_FAIL(MOT_ERR_NUMERIC,
                                  "tensor cores: element (%d,%d) is %g, expected %g; the row's sum "
                                  "is off by %g",
                                  i, j, (double)got[i * N + j], (double)want, (double)sum[i]);
        }
    }
    free(got);
    return status;
}

static mot_status check_numbers(mot_device *device)
{
    mot_buffer *buffer[5] = {0}; /* a, b, c, sums, workspace */
    mot_commands *commands = NULL;
    mot_status status;
    mot_matmul p = {.m = M,
                    .n = N,
                    .k = K,
                    .lda = M,
                    .ldb = N,
                    .ldc = N,
                    .batch = 1,
                    .flags = MOT_MATMUL_TRANS_A | MOT_MATMUL_SUMS};
    mot_operands o = {.op = MOT_OP_linear, .name = "check", .product = &p};
    mot_recording r = {
        .device = device, .traits = mot_device_traits(device), .o = &o, .variant = "mma"};
    const layout *rule = rule_of(device);
    const int64_t sizes[5] = {K * M, K * N, M * N, M, packing_of(&r, &p).size};
    for (int i = 0; i < 5; i++)
        MOT_TRY_GOTO(mot_buffer_new(device, (size_t)sizes[i] * sizeof(float), &buffer[i]));
    MOT_TRY_GOTO(fill(buffer[0], K, M));
    MOT_TRY_GOTO(fill(buffer[1], K, N));
    p.a.buffer = buffer[0], p.b.buffer = buffer[1], p.c.buffer = buffer[2];
    p.sums.buffer = buffer[3], o.workspace.buffer = buffer[4];
    MOT_TRY_GOTO(mot_commands_new(device, &commands));
    r.commands = commands;
    for (int i = 0; i < N_BY_RULE; i++) {
        const int first = mot_commands_count(commands);
        memcpy(r.parameter, &rule[i], sizeof r.parameter);
        MOT_TRY_GOTO(mot_matmul_record_mma(&r));
        MOT_TRY_GOTO(mot_commands_run(commands, first, mot_commands_count(commands), 0));
        MOT_TRY_GOTO(mot_device_finish(device));
        MOT_TRY_GOTO(compare(buffer[2], buffer[3]));
    }
fail:
    mot_commands_free(commands);
    for (int i = 0; i < 5; i++)
        mot_buffer_free(buffer[i]);
    return status;
}

/* Does its compiler take PTX of this kind? */
static bool takes_ptx(const mot_device *device)
{
    char extensions[16384];
    cl_uint major = 0;
    mot_device_text(device->id, CL_DEVICE_EXTENSIONS, extensions, sizeof extensions);
    return strstr(extensions, "cl_nv_device_attribute_query") &&
           clGetDeviceInfo(device->id, CAPABILITY_MAJOR, sizeof major, &major, NULL) ==
               CL_SUCCESS &&
           major >= LEAST_MAJOR;
}

/* The simpler way first: the other one is its candidates' only where it works as well. */
static mot_mma find_out(mot_device *device)
{
    static const mot_mma ways[] = {MOT_MMA_DIRECT, MOT_MMA_ASYNC};
    mot_mma found = MOT_MMA_NONE;
    if (!device->info.compiler || device->archive || !takes_ptx(device))
        return found;
    for (int i = 0; i < 2; i++) {
        device->mma = ways[i];
        mot_status status = check_numbers(device);
        mot_log(MOT_LOG_INFO, "tensor_cores device %s precision %s async %d works %d",
                device->info.id, mot_precision_name(device->precision), ways[i] == MOT_MMA_ASYNC,
                status == MOT_OK);
        if (status != MOT_OK) {
            mot_log(MOT_LOG_INFO, "tensor_cores device %s why \"%s\"", device->info.id,
                    mot_error_message());
            break;
        }
        found = ways[i];
    }
    return found;
}

bool mot_matmul_applies_mma(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    if (r->traits.precision == MOT_PRECISION_FLOAT32 || r->traits.group < PACKERS ||
        r->traits.local_bytes < LOCAL_BYTES || p.batch >= MOT_MATMUL_MOST_BATCH)
        return false;
    /* Packed operands must not crowd out what they are packed from. */
    int64_t memory = r->device->info.memory_bytes;
    if (memory > 0 && packing_of(r, &p).size * (int64_t)sizeof(float) > memory / 8)
        return false;
    if (r->device->mma == MOT_MMA_UNKNOWN)
        r->device->mma = find_out(r->device);
    return r->device->mma != MOT_MMA_NONE;
}

/* Two launches and whole panels are too much for small products. */
bool mot_matmul_prefers_mma(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    return !r->traits.cpu && p.m * p.n * p.k >= (int64_t)512 * 512 * 512 && p.m >= 64 && p.n >= 64;
}
