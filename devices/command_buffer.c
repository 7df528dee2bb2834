/* command_buffer.c: ranges of launches replayed from the driver's own recordings
 * (cl_khr_command_buffer).
 *
 * Only what pays is used: the probe records a chain of small launches, compares what the replay
 * leaves in memory with what it should, and times it against launches queued one by one; the answer
 * is remembered with the rest of what a device was measured to do.  Intel's 2026.2 for CPUs gains
 * (2.2 us a launch, 3.8 queued one by one).  pocl 3.1 takes a kernel's arguments when the buffer is
 * queued instead of when it is recorded, so that slots mix; it would not gain anyway (3.1 us, 3.0).
 *
 * The extension was provisional for years, and what changed its form between 0.9.0 and 1.0 are
 * copies and barriers.  The five calls used here kept theirs; they are declared by hand because
 * headers know them under the names of one version each.  Buffers are made for simultaneous use,
 * so that a range can be queued again while its last run is still going on.
 */
#include "config.h"

#include "devices/state.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"

#include <CL/cl_ext.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CAPABILITIES = 0x12A9, /* CL_DEVICE_COMMAND_BUFFER_CAPABILITIES_KHR */
    FLAGS = 0x1293,        /* CL_COMMAND_BUFFER_FLAGS_KHR */
    CAN_USE_SIMULTANEOUSLY = 1 << 2,
    USE_SIMULTANEOUSLY = 1 << 0,
    OLDEST = CL_MAKE_VERSION_KHR(0, 9, 0),
    TOO_NEW = CL_MAKE_VERSION_KHR(2, 0, 0)
};

/* ---- finding it ---- */

/* Version of the extension on this device; 0 where it is not reported with one. */
static cl_version_khr version_of(const mot_device *device)
{
    cl_name_version_khr list[512];
    size_t bytes = 0;
    if (clGetDeviceInfo(device->id, CL_DEVICE_EXTENSIONS_WITH_VERSION_KHR, sizeof list, list,
                        &bytes) != CL_SUCCESS)
        return 0;
    for (size_t i = 0; i < bytes / sizeof *list; i++)
        if (strcmp(list[i].name, "cl_khr_command_buffer") == 0)
            return list[i].version;
    return 0;
}

bool mot_recorder_find(mot_device *device, mot_recorder *out)
{
    cl_version_khr version = version_of(device);
    cl_bitfield can = 0;
    cl_platform_id platform;
    if (version < OLDEST || version >= TOO_NEW ||
        clGetDeviceInfo(device->id, CAPABILITIES, sizeof can, &can, NULL) != CL_SUCCESS ||
        !(can & CAN_USE_SIMULTANEOUSLY) ||
        clGetDeviceInfo(device->id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL) !=
            CL_SUCCESS)
        return false;
    const struct {
        const char *name;
        void *into;
    } calls[] = {{"clCreateCommandBufferKHR", &out->create},
                 {"clCommandNDRangeKernelKHR", &out->add},
                 {"clFinalizeCommandBufferKHR", &out->seal},
                 {"clEnqueueCommandBufferKHR", &out->enqueue},
                 {"clReleaseCommandBufferKHR", &out->release}};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        void *call = clGetExtensionFunctionAddressForPlatform(platform, calls[i].name);
        if (!call)
            return false;
        memcpy(calls[i].into, &call, sizeof call);
    }
    return true;
}

cl_int mot_recorder_begin(mot_device *device, mot_command_buffer *out)
{
    const cl_ulong properties[] = {FLAGS, USE_SIMULTANEOUSLY, 0};
    cl_int code;
    *out = device->recorder.create(1, &device->compute, properties, &code);
    return code;
}

/* ---- does it pay here? ---- */

enum { LINKS = 16, ITEMS = 64, SLOTS = 2, ROUNDS = 20 };

/* Link i copies block i of its slot to block i + 1. */
static mot_status record_chain(mot_commands *commands, mot_buffer *buffer)
{
    for (int64_t i = 0; i < LINKS; i++) {
        mot_launch launch;
        mot_view view = {.buffer = buffer,
                         .offset = i * ITEMS,
                         .slot_stride = (LINKS + 1) * ITEMS,
                         .dtype = MOT_I32};
        mot_launch_begin(&launch, commands, "probe", "", "probe_touch");
        mot_launch_view(&launch, &view);
        MOT_TRY(mot_launch_end(&launch, "probe_touch", 1, (size_t[]){ITEMS}, (size_t[]){ITEMS}));
    }
    return MOT_OK;
}

/* The chain in slot after slot, over and over; what arrives at its end must be what was put in at
 * its beginning.  From the second round on nothing is recorded any more. */
static mot_status check_chain(mot_commands *commands, mot_buffer *buffer, int n_slots)
{
    int32_t put[ITEMS], got[ITEMS];
    for (int run = 0; run < 3 * n_slots; run++) {
        size_t slot = (size_t)(run % n_slots) * (LINKS + 1) * sizeof put;
        for (int i = 0; i < ITEMS; i++)
            put[i] = run * 1000 + i;
        MOT_TRY(mot_buffer_write(buffer, slot, sizeof put, put));
        MOT_TRY(mot_commands_run(commands, 0, LINKS, run % n_slots));
        MOT_TRY(mot_buffer_read(buffer, slot + LINKS * sizeof put, sizeof got, got));
        if (memcmp(put, got, sizeof put) != 0)
            return MOT_FAIL(MOT_ERR_NUMERIC, "command buffers give wrong numbers at run %d", run);
    }
    return MOT_OK;
}

/* Both ways in turns, each the best of its runs. */
static mot_status time_chain(mot_device *device, mot_commands *commands, double best_s[2])
{
    best_s[0] = best_s[1] = INFINITY;
    for (int i = 0; i < 2 * ROUNDS; i++) {
        double start_s = mot_clock_s();
        device->records = i % 2;
        for (int slot = 0; slot < SLOTS; slot++)
            MOT_TRY(mot_commands_run(commands, 0, LINKS, slot));
        MOT_TRY(mot_device_finish(device));
        best_s[i % 2] = fmin(best_s[i % 2], mot_clock_s() - start_s);
    }
    return MOT_OK;
}

mot_status mot_recorder_try(mot_device *device, int n_slots, double best_s[2])
{
    mot_buffer *buffer = NULL;
    mot_commands *commands = NULL;
    mot_status status;
    const bool recorded = device->records, joined = device->joins;
    device->records = device->joins = false;
    MOT_TRY_GOTO(mot_buffer_new(device, SLOTS * (LINKS + 1) * ITEMS * 4, &buffer));
    MOT_TRY_GOTO(mot_commands_new(device, &commands));
    MOT_TRY_GOTO(record_chain(commands, buffer));
    MOT_TRY_GOTO(mot_commands_run(commands, 0, LINKS, 0)); /* compiles */
    device->records = true;
    MOT_TRY_GOTO(check_chain(commands, buffer, n_slots));
    if (best_s)
        MOT_TRY_GOTO(time_chain(device, commands, best_s));
    if (!device->records)
        status = MOT_FAIL(MOT_ERR_UNSUPPORTED, "command buffers cannot be recorded");
fail:
    mot_commands_free(commands);
    mot_buffer_free(buffer);
    device->records = recorded;
    device->joins = joined;
    return status;
}

bool mot_recorder_pays(mot_device *device)
{
    double best_s[2];
    if (!mot_recorder_find(device, &device->recorder))
        return false;
    if (mot_recorder_try(device, SLOTS, best_s) != MOT_OK) {
        mot_log(MOT_LOG_INFO, "probe device %s command_buffers 0 why \"%s\"", device->info.id,
                mot_error_message());
        return false;
    }
    mot_log(MOT_LOG_INFO, "probe device %s launch_us %.2f from_command_buffer_us %.2f",
            device->info.id, best_s[0] / SLOTS / LINKS * 1e6, best_s[1] / SLOTS / LINKS * 1e6);
    return best_s[1] < 0.9 * best_s[0];
}
