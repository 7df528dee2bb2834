/* measure.c: what a device can do, found out by doing it.
 *
 * In this order: kernels build and give right numbers; double and half arithmetic; time of an empty
 * launch; copying in device memory; transfers; a matrix product, by the same primitive that trains,
 * with its numbers checked.  Work starts tiny and grows by what was measured, so that a device a
 * thousand times slower (a GPU emulated on a processor, a checker such as oclgrind) is through in
 * about two seconds as well.  Each figure is the best of a few runs.
 */
#include "config.h"

#include "devices/primitive.h"
#include "devices/probe.h"
#include "devices/state.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <CL/cl_ext.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS = 64, GROUP = 16 };

static bool reports(const mot_device *device, const char *extension)
{
    char extensions[16384];
    mot_device_text(device->id, CL_DEVICE_EXTENSIONS, extensions, sizeof extensions);
    return strstr(extensions, extension) != NULL;
}

/* Run all that is recorded once, to its end. */
static mot_status run_all(mot_device *device, mot_commands *commands)
{
    MOT_TRY(mot_commands_run(commands, 0, mot_commands_count(commands), 0));
    return mot_device_finish(device);
}

static mot_status answers(mot_device *device, const char *options, const char *kernel, int n_each,
                          int32_t *out)
{
    mot_buffer *buffer = NULL, *store = NULL;
    mot_commands *commands = NULL;
    mot_launch launch;
    mot_status status;
    size_t bytes = (size_t)ITEMS * (size_t)n_each * 4;
    MOT_TRY_GOTO(mot_buffer_new(device, bytes, &buffer));
    MOT_TRY_GOTO(mot_buffer_new(device, ITEMS * 2, &store));
    MOT_TRY_GOTO(mot_commands_new(device, &commands));
    mot_view view = {.buffer = buffer, .dtype = MOT_I32}, half = {.buffer = store};
    mot_launch_begin(&launch, commands, "probe", options, kernel);
    mot_launch_view(&launch, &view);
    if (n_each == 8) {
        mot_launch_view(&launch, &half);
        mot_launch_local(&launch, GROUP * 4);
    }
    MOT_TRY_GOTO(mot_launch_end(&launch, kernel, 1, (size_t[]){ITEMS}, (size_t[]){GROUP}));
    MOT_TRY_GOTO(run_all(device, commands));
    MOT_TRY_GOTO(mot_buffer_read(buffer, 0, bytes, out));
fail:
    mot_commands_free(commands);
    mot_buffer_free(store);
    mot_buffer_free(buffer);
    return status;
}

static mot_status check_answers(mot_device *device)
{
    int32_t got[ITEMS * 8];
    MOT_TRY(answers(device, "", "probe_answer", 8, got));
    for (int i = 0; i < ITEMS; i++) {
        int mirror = i / GROUP * GROUP + GROUP - 1 - i % GROUP;
        uint32_t product = (uint32_t)(((uint64_t)0xDEADBEEF * (uint32_t)(i * 2654435761u)) >> 32);
        const int32_t want[8] = {
            i, mirror * 3, i, 4 * i + 6, (i + 1) * 1000, (int32_t)product, i > 3 ? i : 3, i + 1};
        for (int k = 0; k < 8; k++) {
            int slack = k == 4 ? 1 + i / 2 : 0; /* exp(log(x)) is not exact */
            if (abs(got[8 * i + k] - want[k]) > slack && got[8 * i + k] != want[k])
                return MOT_FAIL(
                    MOT_ERR_NUMERIC,
                    "a test kernel gives wrong numbers (result %d of item %d is %d, not %d)", k, i,
                    (int)got[8 * i + k], (int)want[k]);
        }
    }
    return MOT_OK;
}

/* NVIDIA's compiler does half arithmetic that its driver does not report, so GPUs are always tried;
 * on others a failing build would only make their compilers talk on the terminal. */
static bool check_arithmetic(mot_device *device, const char *extension, const char *options,
                             const char *kernel, bool half)
{
    int32_t got[ITEMS];
    if (!reports(device, extension) && device->info.kind != MOT_KIND_GPU)
        return false;
    if (answers(device, options, kernel, 1, got) != MOT_OK)
        return false;
    for (int i = 0; i < ITEMS; i++)
        if (got[i] != (half ? 2 * (i + 1) + 8 : i))
            return false;
    return true;
}

/* Best time of a few runs, about `budget_s` in all; the first run, which may compile, not counted.
 */
static mot_status best_time(mot_device *device, mot_commands *commands, double budget_s,
                            double *best_s)
{
    MOT_TRY(run_all(device, commands));
    double start_s = mot_clock_s(), best = INFINITY;
    for (int i = 0; i < 100 && (i < 1 || mot_clock_s() - start_s < budget_s); i++) {
        double t = mot_clock_s();
        MOT_TRY(run_all(device, commands));
        t = mot_clock_s() - t;
        best = t < best ? t : best;
    }
    *best_s = best > 1e-9 ? best : 1e-9;
    return MOT_OK;
}

static mot_status time_launch(mot_device *device, double *time_s)
{
    mot_buffer *buffer = NULL;
    mot_commands *commands = NULL;
    mot_launch launch;
    mot_status status;
    MOT_TRY_GOTO(mot_buffer_new(device, 64, &buffer));
    MOT_TRY_GOTO(mot_commands_new(device, &commands));
    mot_view view = {.buffer = buffer};
    mot_launch_begin(&launch, commands, "probe", "", "probe_empty");
    mot_launch_view(&launch, &view);
    MOT_TRY_GOTO(mot_launch_end(&launch, "probe_empty", 1, (size_t[]){1}, (size_t[]){1}));
    MOT_TRY_GOTO(best_time(device, commands, 0.02, time_s));
fail:
    mot_commands_free(commands);
    mot_buffer_free(buffer);
    return status;
}

static mot_status time_copy(mot_device *device, size_t bytes, double budget_s, double *time_s)
{
    mot_buffer *out = NULL, *inp = NULL;
    mot_commands *commands = NULL;
    mot_launch launch;
    mot_status status;
    MOT_TRY_GOTO(mot_buffer_new(device, bytes, &out));
    MOT_TRY_GOTO(mot_buffer_new(device, bytes, &inp));
    MOT_TRY_GOTO(mot_commands_new(device, &commands));
    mot_view to = {.buffer = out}, from = {.buffer = inp};
    const bool gpu = device->info.kind == MOT_KIND_GPU;
    const size_t items = bytes / (gpu ? 16 : 64);
    mot_launch_begin(&launch, commands, "probe", "", gpu ? "probe_copy4" : "probe_copy");
    mot_launch_view(&launch, &to);
    mot_launch_view(&launch, &from);
    MOT_TRY_GOTO(
        mot_launch_end(&launch, "probe_copy", 1, &items, (size_t[]){items >= 1024 ? 64 : 1}));
    MOT_TRY_GOTO(best_time(device, commands, budget_s, time_s));
fail:
    mot_commands_free(commands);
    mot_buffer_free(inp);
    mot_buffer_free(out);
    return status;
}

/* Of as much as is copied in about a hundredth of a second, so that the launch does not count. */
static mot_status measure_copy(mot_device *device, mot_device_speed *speed)
{
    const size_t most = device->info.kind == MOT_KIND_GPU ? (size_t)512 << 20 : (size_t)64 << 20;
    const double GROWING_S = 0.02;
    size_t bytes = 1 << 16;
    double time_s;
    MOT_TRY(time_copy(device, bytes, GROWING_S, &time_s));
    while (bytes < most && bytes * 8 < (size_t)device->info.max_alloc_bytes && time_s < 0.01) {
        bytes *= time_s < 0.001 ? 4 : 2;
        bytes = bytes < most ? bytes : most;
        MOT_TRY(time_copy(device, bytes, GROWING_S, &time_s));
    }
    MOT_TRY(time_copy(device, bytes, 0.1, &time_s));
    speed->memory_bytes_per_s = 2 * (double)bytes / time_s;
    return MOT_OK;
}

static mot_status measure_transfers(mot_device *device, mot_device_speed *speed)
{
    mot_buffer *buffer = NULL;
    void *staging = NULL;
    mot_status status;
    size_t bytes = 1 << 20;
    double to_s = INFINITY, from_s = INFINITY, t;
    MOT_TRY_GOTO(mot_buffer_new(device, (size_t)32 << 20, &buffer));
    MOT_TRY_GOTO(mot_device_alloc_staging(device, (size_t)32 << 20, &staging));
    for (int round = 0; round < 5; round++) {
        t = mot_clock_s();
        MOT_TRY_GOTO(mot_buffer_write(buffer, 0, bytes, staging));
        to_s = fmin(to_s, mot_clock_s() - t);
        t = mot_clock_s();
        MOT_TRY_GOTO(mot_buffer_read(buffer, 0, bytes, staging));
        from_s = fmin(from_s, mot_clock_s() - t);
        if (round == 1 && to_s + from_s < 0.02) /* fast enough for more */
            bytes = (size_t)32 << 20, to_s = from_s = INFINITY;
    }
    speed->to_device_bytes_per_s = (double)bytes / fmax(to_s, 1e-9);
    speed->from_device_bytes_per_s = (double)bytes / fmax(from_s, 1e-9);
fail:
    mot_device_free_staging(device, staging);
    mot_buffer_free(buffer);
    return status;
}

/* x[i,k] and w[j,k] are small whole numbers, so that sums are exact. */
static float x_at(int64_t i, int64_t k)
{
    return (float)((i * 7 + k * 3) % 5 - 2);
}

static float w_at(int64_t j, int64_t k)
{
    return (float)((j * 5 + k * 11) % 7 - 3);
}

static mot_status check_product(mot_buffer *y, int64_t n)
{
    for (int64_t probe = 0; probe < 64; probe++) {
        int64_t i = probe * 37 % n, j = (probe * 53 + probe / 8) % n;
        double want = 0;
        float got;
        for (int64_t k = 0; k < n; k++)
            want += (double)x_at(i, k) * (double)w_at(j, k);
        MOT_TRY(mot_buffer_read(y, (size_t)(i * n + j) * 4, 4, &got));
        if (!(fabs(got - want) <= 1e-3 * (1 + fabs(want))))
            return MOT_FAIL(MOT_ERR_NUMERIC,
                            "a matrix product of size %d gives wrong numbers (%g, not %g)", (int)n,
                            (double)got, want);
    }
    return MOT_OK;
}

static mot_status fill(mot_buffer *buffer, int64_t n, float (*at)(int64_t, int64_t))
{
    float *values;
    MOT_TRY(mot_alloc((size_t)(n * n), sizeof *values, &values));
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < n; k++)
            values[i * n + k] = at(i, k);
    mot_status status = mot_buffer_write(buffer, 0, (size_t)(n * n) * 4, values);
    free(values);
    return status;
}

static mot_status time_matmul(mot_device *device, int64_t n, double *time_s)
{
    mot_buffer *buffers[3] = {0}, *workspace = NULL;
    mot_commands *commands = NULL;
    mot_status status;
    size_t bytes;
    const mot_view view = {.dtype = MOT_F32, .shape = {2, {n, n}}};
    mot_operands op = {.op = MOT_OP_linear,
                       .name = "probe",
                       .n_out = 1,
                       .n_in = 2,
                       .out = {view},
                       .in = {view, view}};
    for (int i = 0; i < 3; i++)
        MOT_TRY_GOTO(mot_buffer_new(device, (size_t)(n * n) * 4, &buffers[i]));
    op.out[0].buffer = buffers[0];
    op.in[0].buffer = buffers[1];
    op.in[1].buffer = buffers[2];
    MOT_TRY_GOTO(mot_primitive_workspace(device, &op, &bytes));
    MOT_TRY_GOTO(mot_buffer_new(device, bytes, &workspace));
    op.workspace =
        (mot_view){.buffer = workspace, .dtype = MOT_F32, .shape = {1, {(int64_t)(bytes / 4)}}};
    MOT_TRY_GOTO(fill(buffers[1], n, x_at));
    MOT_TRY_GOTO(fill(buffers[2], n, w_at));
    MOT_TRY_GOTO(mot_commands_new(device, &commands));
    MOT_TRY_GOTO(mot_primitive_record(device, &op, commands));
    MOT_TRY_GOTO(best_time(device, commands, 0.3, time_s));
    MOT_TRY_GOTO(check_product(buffers[0], n));
fail:
    mot_commands_free(commands);
    mot_buffer_free(workspace);
    for (int i = 0; i < 3; i++)
        mot_buffer_free(buffers[i]);
    return status;
}

/* Few sizes, because each may build kernels of its own. */
static mot_status measure_matmul(mot_device *device, mot_device_speed *speed)
{
    const int64_t most = device->info.kind == MOT_KIND_GPU ? 4096 : 1024;
    double time_s, best = 0;
    for (int64_t n = 32;;) {
        MOT_TRY(time_matmul(device, n, &time_s));
        best = fmax(best, 2.0 * (double)n * (double)n * (double)n / time_s);
        /* The largest size that is expected to take under 0.2 s; 1024 before 4096. */
        int64_t next = n < 1024 ? 1024 : most;
        while (next > n && time_s * pow((double)next / (double)n, 3) > 0.2)
            next /= 2;
        if (next <= n)
            break;
        n = next;
    }
    speed->matmul_flops_per_s = best;
    return MOT_OK;
}

static mot_status measure(mot_device *device, mot_device_info *info,
                          void (*phase)(const char *what, void *user), void *user)
{
    phase("building a test kernel", user);
    MOT_TRY(check_answers(device));
    phase("checking double and half arithmetic", user);
    info->fp64 = check_arithmetic(device, "cl_khr_fp64", "-DPROBE_FP64", "probe_double", false);
    info->fp16 = check_arithmetic(device, "cl_khr_fp16", "-DPROBE_FP16", "probe_half", true);
    phase("timing launches and copies", user);
    MOT_TRY(time_launch(device, &info->speed.launch_latency_s));
    info->command_buffers = mot_recorder_pays(device);
    info->joins = mot_joined_pays(device);
    device->joins = device->joins && info->joins;
    MOT_TRY(measure_copy(device, &info->speed));
    MOT_TRY(measure_transfers(device, &info->speed));
    phase("building and timing a matrix product", user);
    return measure_matmul(device, &info->speed);
}

void mot_probe_measure(mot_device_info *info, void (*phase)(const char *what, void *user),
                       void *user)
{
    mot_device *device = NULL;
    info->works = info->fp64 = info->fp16 = info->command_buffers = info->joins = false;
    info->trouble[0] = '\0';
    memset(&info->speed, 0, sizeof info->speed);
    phase("opening the device", user);
    mot_status status = mot_device_open(info, NULL, &device);
    if (status == MOT_OK)
        status = measure(device, info, phase, user);
    info->works = status == MOT_OK;
    if (status != MOT_OK) {
        snprintf(info->trouble, sizeof info->trouble, "%s", mot_error_message());
        mot_log(MOT_LOG_INFO, "probe device %s works 0 why \"%s\"", info->id, info->trouble);
    }
    phase("closing the device", user);
    mot_device_close(device);
}
