/* peak.c: the rulers, each the best of many short runs, for what disturbs a run only makes it
 * slower, and a short one has a chance to be left alone on a busy machine; but for the copy that is
 * kept, with which others go by turns.
 *
 * The arithmetic peak is that of independent multiply-adds (kernels_cl/peak.cl) and not the best
 * matrix product seen, so that a fraction of it says how much is left to gain.  The copy is the
 * better of two ways to cut it: a chunk a group, as the primitives do, and 16 floats a work-item,
 * as the probe does.
 */
#include "config.h"

#include "devices/peak.h"

#include "devices/variant.h"
#include "runtime/base/clock.h"
#include "runtime/base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { CHAINS = 12, RUNS = 200, GROUPS_PER_THREAD = 4, LEAST_BYTES = 65536 };

static const double RUN_S = 4e-3; /* what one run of arithmetic should take */
static const double LONG_S = 0.1; /* and a copy at most */

/* One of `many` runs, which wait for none before them. */
static mot_status time_runs(mot_device *device, mot_commands *commands, int launch, int many,
                            double *time_s)
{
    double start_s = mot_clock_s();
    for (int i = 0; i < many; i++)
        MOT_TRY(mot_commands_run(commands, launch, launch + 1, 0));
    MOT_TRY(mot_device_finish(device));
    *time_s = fmax(mot_clock_s() - start_s, 1e-9) / many;
    return MOT_OK;
}

static mot_status time_run(mot_device *device, mot_commands *commands, int launch, double *time_s)
{
    return time_runs(device, commands, launch, 1, time_s);
}

/* The best of the runs that fit in a quarter of a second; the first, which may compile, not
 * counted.  Short ones go together, since a device that is far away takes as long to say that it is done. */
static mot_status best_run(mot_device *device, mot_commands *commands, int launch, double *best_s)
{
    double time_s, start_s;
    MOT_TRY(time_run(device, commands, launch, &time_s));
    MOT_TRY(time_run(device, commands, launch, &time_s));
    const int many = (int)fmin(16, fmax(1, RUN_S / 4 / time_s));
    *best_s = INFINITY;
    start_s = mot_clock_s();
    for (int i = 0; i < RUNS && (i < 2 || mot_clock_s() - start_s < 0.25); i++) {
        MOT_TRY(time_runs(device, commands, launch, many, &time_s));
        *best_s = fmin(*best_s, time_s);
    }
    return MOT_OK;
}

/* ---- arithmetic ---- */

static mot_status record_fma(const mot_recording *r, const mot_view *out, int64_t groups,
                             int64_t local, int64_t rounds)
{
    const size_t global_size = (size_t)(groups * local), local_size = (size_t)local;
    mot_launch launch;
    mot_record_begin(r, &launch, "peak", "peak_fma");
    mot_launch_view(&launch, out);
    mot_launch_long(&launch, rounds);
    mot_launch_float(&launch, 0.999f);
    mot_launch_float(&launch, 0.001f);
    return mot_launch_end(&launch, "peak_fma", 1, &global_size, &local_size);
}

/* The best of three runs of so many rounds.  The commands stay recorded. */
static mot_status try_rounds(mot_recording *r, const mot_view *out, int64_t groups, int64_t local,
                             int64_t rounds, double *best_s)
{
    double time_s;
    *best_s = INFINITY;
    mot_commands_free(r->commands);
    r->commands = NULL;
    MOT_TRY(mot_commands_new(r->device, &r->commands));
    MOT_TRY(record_fma(r, out, groups, local, rounds));
    for (int i = 0; i < 3; i++) {
        MOT_TRY(time_run(r->device, r->commands, 0, &time_s));
        *best_s = fmin(*best_s, time_s);
    }
    return MOT_OK;
}

/* Rounds grow until a run takes long enough for its start not to count. */
static mot_status measure_flops(mot_recording *r, double *flops_per_s)
{
    const int64_t local = r->traits.cpu ? 1 : r->traits.group;
    const int64_t groups = r->traits.threads * GROUPS_PER_THREAD;
    const double flops_a_round = 2.0 * CHAINS * r->traits.vector * (double)(groups * local);
    mot_view out = {.dtype = MOT_F32};
    mot_status status;
    double time_s;
    int64_t rounds = 8; /* some devices are simulated */
    MOT_TRY_GOTO(mot_buffer_new(r->device, (size_t)(groups * local) * sizeof(float), &out.buffer));
    MOT_TRY_GOTO(try_rounds(r, &out, groups, local, rounds, &time_s));
    while (time_s < RUN_S / 2 && rounds < (int64_t)1 << 40) {
        rounds *= time_s < RUN_S / 8 ? 4 : 2;
        MOT_TRY_GOTO(try_rounds(r, &out, groups, local, rounds, &time_s));
    }
    MOT_TRY_GOTO(best_run(r->device, r->commands, 0, &time_s));
    *flops_per_s = flops_a_round * (double)rounds / time_s;
fail:
    mot_commands_free(r->commands);
    r->commands = NULL;
    mot_buffer_free(out.buffer);
    return status;
}

/* ---- memory ---- */

static mot_status record_copies(const mot_recording *r, const mot_view *out, const mot_view *inp,
                                int64_t n)
{
    mot_range range = mot_range_flat(&r->traits, n, 1 << 20);
    const size_t global_size = (size_t)(range.groups * range.local),
                 local_size = (size_t)range.local;
    mot_launch launch;
    mot_record_begin(r, &launch, "peak", "peak_copy");
    mot_launch_view(&launch, out);
    mot_launch_view(&launch, inp);
    mot_launch_long(&launch, n);
    mot_launch_long(&launch, range.chunk);
    MOT_TRY(mot_launch_end(&launch, "peak_copy", 1, &global_size, &local_size));
    mot_launch_begin(&launch, r->commands, "probe", "", "probe_copy");
    mot_launch_view(&launch, out);
    mot_launch_view(&launch, inp);
    return mot_launch_end(&launch, "probe_copy", 1, (size_t[]){(size_t)n / 16}, (size_t[]){64});
}

struct mot_ruler {
    mot_recording recording; /* of both ways */
    mot_view out, inp;
    size_t bytes;
    int way, many; /* runs at once */
};

static void free_copies(mot_ruler *ruler)
{
    mot_commands_free(ruler->recording.commands);
    mot_buffer_free(ruler->inp.buffer);
    mot_buffer_free(ruler->out.buffer);
    ruler->recording.commands = NULL;
    ruler->inp.buffer = ruler->out.buffer = NULL;
}

static mot_status make_copies(mot_ruler *ruler, size_t bytes)
{
    mot_device *device = ruler->recording.device;
    ruler->bytes = bytes;
    MOT_TRY(mot_buffer_new(device, bytes, &ruler->out.buffer));
    MOT_TRY(mot_buffer_new(device, bytes, &ruler->inp.buffer));
    MOT_TRY(mot_commands_new(device, &ruler->recording.commands));
    return record_copies(&ruler->recording, &ruler->out, &ruler->inp,
                         (int64_t)(bytes / sizeof(float)));
}

/* Copies of `most` bytes, or of what a slow device copies in about a tenth of a second. */
static mot_status fit_copies(mot_ruler *ruler, size_t most)
{
    size_t bytes = LEAST_BYTES;
    double time_s;
    MOT_TRY(make_copies(ruler, bytes));
    for (int i = 0; i < 2; i++)
        MOT_TRY(time_run(ruler->recording.device, ruler->recording.commands, 0, &time_s));
    free_copies(ruler);
    for (; bytes < most && time_s < LONG_S / 2; time_s *= 2)
        bytes *= 2;
    return make_copies(ruler,
                       bytes > most ? (most + LEAST_BYTES - 1) / LEAST_BYTES * LEAST_BYTES : bytes);
}

/* The faster way and its best time. */
static mot_status best_copy(mot_ruler *ruler, double *best_s)
{
    double time_s;
    *best_s = INFINITY;
    for (int way = 0; way < 2; way++) {
        MOT_TRY(best_run(ruler->recording.device, ruler->recording.commands, way, &time_s));
        if (time_s < *best_s) {
            *best_s = time_s;
            ruler->way = way;
        }
    }
    return MOT_OK;
}

static mot_status open_ruler(mot_device *device, size_t copy_bytes, mot_ruler *ruler,
                             double *best_s)
{
    const mot_device_info *info = mot_device_get_info(device);
    size_t bytes = copy_bytes ? copy_bytes : (size_t)64 << 20;
    while (bytes > LEAST_BYTES && bytes > (size_t)info->max_alloc_bytes / 4)
        bytes /= 2;
    *ruler = (mot_ruler){.recording = {.device = device, .traits = mot_device_traits(device)},
                         .out = {.dtype = MOT_F32},
                         .inp = {.dtype = MOT_F32}};
    MOT_TRY(fit_copies(ruler, bytes));
    MOT_TRY(best_copy(ruler, best_s));
    ruler->many = (int)fmin(RUNS, fmax(1, RUN_S / *best_s));
    return MOT_OK;
}

mot_status mot_ruler_run(mot_ruler *ruler, double *bytes_per_s)
{
    double time_s;
    MOT_TRY(time_runs(ruler->recording.device, ruler->recording.commands, ruler->way, ruler->many,
                      &time_s));
    *bytes_per_s = 2 * (double)ruler->bytes / time_s;
    return MOT_OK;
}

void mot_ruler_free(mot_ruler *ruler)
{
    if (!ruler)
        return;
    free_copies(ruler);
    free(ruler);
}

mot_status mot_device_peak(mot_device *device, size_t copy_bytes, mot_peak *out, mot_ruler **keep)
{
    mot_recording r = {.device = device, .traits = mot_device_traits(device)};
    mot_peak peak = {0};
    mot_ruler *ruler;
    double best_s;
    if (keep)
        *keep = NULL;
    MOT_TRY(measure_flops(&r, &peak.flops_per_s));
    MOT_TRY(mot_alloc(1, sizeof *ruler, &ruler));
    mot_status status = open_ruler(device, copy_bytes, ruler, &best_s);
    if (status == MOT_OK) {
        peak.bytes_per_s = 2 * (double)ruler->bytes / best_s;
        *out = peak;
    }
    if (status == MOT_OK && keep)
        *keep = ruler;
    else
        mot_ruler_free(ruler);
    return status;
}
