/* The matrix product on NVIDIA's tensor cores, for those who allow operands of less precision;
 * kernels_cl/matmul_mma.cl says how.
 *
 * Whether a device can do it is found out when the first product asks, and kept in mot_device.mma.  The
 * source holds PTX, so no compiler gets to see it unless its device reports a compute capability of 8
 * or more (NVIDIA's extension does that); then it must build and give the right numbers, first copying
 * past the registers, and if that fails, through them.  Both variants were compiled for sm_80 and sm_90
 * (tests/gpu) and their arithmetic was run in emulation (tests/gpu/test_mma.c); on NVIDIA's hardware
 * this check is the first run.
 * A launch for each operand packs it into the workspace, a third one multiplies; for row sums there is a
 * fourth. */
#include "config.h"

#include "devices/matmul.h"
#include "devices/state.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Twins of those in the kernel file. */
enum { ROWS = 128, WORDS = 16, TILE = ROWS * WORDS, PACKERS = 256, THREADS = 128 };
enum { CAPABILITY_MAJOR = 0x4000 /* CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV */, LEAST_MAJOR = 8 };
/* What the packing and three stages of two tiles need. */
enum { LOCAL_BYTES = 49152 };

/* Sizes in tiles, and where things lie in the workspace, in floats. */
typedef struct packing {
    int64_t rows, columns, steps;
    int64_t b_at, parts_at, size;
} packing;

static packing packing_of(const mot_recording *r, const mot_matmul *p)
{
    const int64_t depth = r->traits.precision == MOT_PRECISION_BF16 ? 2 * WORDS : WORDS;
    packing s = {.rows = mot_ceil_div(p->m, ROWS), .columns = mot_ceil_div(p->n, ROWS),
                 .steps = mot_ceil_div(p->k, depth)};
    s.b_at = p->batch * s.rows * s.steps * TILE;
    s.parts_at = s.b_at + p->batch * s.columns * s.steps * TILE;
    s.size = s.parts_at + (p->flags & MOT_MATMUL_SUMS ? s.steps * s.rows * ROWS : 0);
    return s;
}

int64_t mot_matmul_mma_workspace(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    return packing_of(r, &p).size;
}

/* ---- recording ---- */

static void begin(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    char options[64];
    snprintf(options, sizeof options, "-DASYNC=%d%s%s", r->device->mma == MOT_MMA_ASYNC,
             r->traits.precision == MOT_PRECISION_BF16 ? " -DBF16" : "",
             r->device->emulates_mma ? " -DEMULATED" : "");
    mot_launch_begin(launch, r->commands, "matmul_mma", options, kernel);
}

/* One operand, op(A) or op(B), into its place. */
static mot_status record_pack(const mot_recording *r, const mot_matmul *p, bool left,
                              const packing *s, const mot_view *words, const mot_view *parts)
{
    const bool trans = p->flags & (left ? MOT_MATMUL_TRANS_A : MOT_MATMUL_TRANS_B);
    const int64_t ld = left ? p->lda : p->ldb;
    const size_t local[3] = {PACKERS, 1, 1};
    const size_t global[3] = {(size_t)s->steps * PACKERS, (size_t)(left ? s->rows : s->columns),
                              (size_t)p->batch};
    mot_launch launch;
    begin(r, &launch, "mma_pack");
    mot_launch_view(&launch, words);
    mot_launch_view(&launch, parts);
    mot_launch_view(&launch, left ? &p->a : &p->b);
    mot_launch_long(&launch, left ? p->m : p->n);
    mot_launch_long(&launch, p->k);
    mot_launch_long(&launch, trans == left ? 1 : ld);
    mot_launch_long(&launch, trans == left ? ld : 1);
    mot_launch_long(&launch, left ? p->stride_a : p->stride_b);
    mot_launch_int(&launch, left && p->flags & MOT_MATMUL_SUMS ? 1 : 0);
    return mot_record_end_3d(r, &launch, 3, global, local);
}

static mot_status record_sums(const mot_recording *r, const mot_matmul *p, const packing *s,
                              const mot_view *parts)
{
    mot_launch launch;
    begin(r, &launch, "mma_sums");
    mot_launch_view(&launch, &p->sums);
    mot_launch_view(&launch, parts);
    mot_launch_long(&launch, p->m);
    mot_launch_long(&launch, s->steps);
    mot_launch_long(&launch, s->rows * ROWS);
    return mot_record_end_plain(r, &launch, p->m);
}

mot_status mot_matmul_record_mma(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    const packing s = packing_of(r, &p);
    const mot_view a = mot_workspace_at(r->o, 0, s.b_at);
    const mot_view b = mot_workspace_at(r->o, s.b_at, s.parts_at - s.b_at);
    const mot_view parts = mot_workspace_at(r->o, s.parts_at, s.size - s.parts_at);
    const size_t local[2] = {THREADS, 1};
    const size_t global[2] = {(size_t)(s.rows * s.columns) * THREADS, (size_t)p.batch};
    mot_launch launch;
    MOT_TRY(record_pack(r, &p, true, &s, &a, &parts));
    MOT_TRY(record_pack(r, &p, false, &s, &b, &parts));
    if (p.flags & MOT_MATMUL_SUMS)
        MOT_TRY(record_sums(r, &p, &s, &parts));
    begin(r, &launch, "matmul_mma");
    mot_launch_view(&launch, &p.c);
    mot_launch_view(&launch, &a);
    mot_launch_view(&launch, &b);
    mot_launch_view(&launch, &p.bias);
    mot_launch_view(&launch, &p.mask);
    mot_launch_long(&launch, p.m);
    mot_launch_long(&launch, p.n);
    mot_launch_long(&launch, s.steps);
    mot_launch_long(&launch, p.ldc);
    mot_launch_long(&launch, p.stride_c);
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
                                  "is off by %g", i, j, (double)got[i * N + j], (double)want,
                                  (double)sum[i]);
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
    mot_matmul p = {.m = M, .n = N, .k = K, .lda = M, .ldb = N, .ldc = N, .batch = 1,
                    .flags = MOT_MATMUL_TRANS_A | MOT_MATMUL_SUMS};
    mot_operands o = {.op = MOT_OP_linear, .name = "check", .product = &p};
    mot_recording r = {.device = device, .traits = mot_device_traits(device), .o = &o,
                       .variant = "mma"};
    const int64_t sizes[5] = {K * M, K * N, M * N, M, packing_of(&r, &p).size};
    for (int i = 0; i < 5; i++)
        MOT_TRY_GOTO(mot_buffer_new(device, (size_t)sizes[i] * sizeof(float), &buffer[i]));
    MOT_TRY_GOTO(fill(buffer[0], K, M));
    MOT_TRY_GOTO(fill(buffer[1], K, N));
    p.a.buffer = buffer[0], p.b.buffer = buffer[1], p.c.buffer = buffer[2];
    p.sums.buffer = buffer[3], o.workspace.buffer = buffer[4];
    MOT_TRY_GOTO(mot_commands_new(device, &commands));
    r.commands = commands;
    MOT_TRY_GOTO(mot_matmul_record_mma(&r));
    MOT_TRY_GOTO(mot_commands_run(commands, 0, mot_commands_count(commands), 0));
    MOT_TRY_GOTO(mot_device_finish(device));
    MOT_TRY_GOTO(compare(buffer[2], buffer[3]));
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
           clGetDeviceInfo(device->id, CAPABILITY_MAJOR, sizeof major, &major, NULL) == CL_SUCCESS &&
           major >= LEAST_MAJOR;
}

static mot_mma find_out(mot_device *device)
{
    static const mot_mma ways[] = {MOT_MMA_ASYNC, MOT_MMA_THROUGH};
    if (!device->info.compiler || device->archive || !takes_ptx(device))
        return MOT_MMA_NONE;
    for (int i = 0; i < 2; i++) {
        device->mma = ways[i];
        mot_status status = check_numbers(device);
        mot_log(MOT_LOG_INFO, "tensor_cores device %s precision %s async %d works %d",
                device->info.id, device->precision == MOT_PRECISION_BF16 ? "bf16" : "tf32",
                ways[i] == MOT_MMA_ASYNC, status == MOT_OK);
        if (status == MOT_OK)
            return ways[i];
        mot_log(MOT_LOG_INFO, "tensor_cores device %s why \"%s\"", device->info.id,
                mot_error_message());
    }
    return MOT_MMA_NONE;
}

bool mot_matmul_applies_mma(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    if (r->traits.precision == MOT_PRECISION_FLOAT32 || r->traits.group < PACKERS ||
        r->traits.local_bytes < LOCAL_BYTES || (p.flags & MOT_MATMUL_SUMS && p.batch > 1))
        return false;
    /* Packed operands must not crowd out what they are packed from. */
    int64_t memory = r->device->info.memory_bytes;
    if (memory > 0 && packing_of(r, &p).size * (int64_t)sizeof(float) > memory / 8)
        return false;
    if (r->device->mma == MOT_MMA_UNKNOWN)
        r->device->mma = find_out(r->device);
    return r->device->mma != MOT_MMA_NONE;
}

/* Three launches and whole tiles are too much for small products. */
bool mot_matmul_prefers_mma(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    return !r->traits.cpu && p.m * p.n * p.k >= (int64_t)512 * 512 * 512 && p.m >= 64 && p.n >= 64;
}
