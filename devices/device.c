/* device.c: opening and closing a device, its queues, and marks in them.
 *
 * A device is found again by its id at every opening, so that an open device depends on nothing but
 * mot_device_info.  It has one context and one in-order compute queue.  Where kernels and host
 * share memory there is no transfer queue, because nothing is transferred; elsewhere writes of the
 * next input run beside compute, which waits for them through an event (mot_device_join_transfers).
 */
#include "config.h"

#include "devices/state.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mot_mark {
    mot_device *device;
    cl_event event;
};

static void CL_CALLBACK context_note(const char *text, const void *data, size_t size, void *user)
{
    (void)data, (void)size, (void)user;
    mot_log(MOT_LOG_DEBUG, "driver_says \"%s\"", text ? text : "");
}

/* CPUs round so anyway. */
static bool rounds_on_demand(const mot_device *device)
{
    cl_device_fp_config config = 0;
    return device->info.kind != MOT_KIND_CPU &&
           clGetDeviceInfo(device->id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof config, &config, NULL) ==
               CL_SUCCESS &&
           config & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT;
}

/* Intel's runtimes on CPUs, which do not say what processor they compile for. */
static bool has_builtin_prefetch(const mot_device_info *info)
{
    return mot_silicon_is_host_cpu(info) && strstr(info->platform, "Intel");
}

static mot_status find(const mot_device_info *info, mot_device *device)
{
    char base[48];
    int n_parts, part, n_found;
    mot_found *found;
    if (!mot_part_parse(info->id, base, &n_parts, &part))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "device \"%s\": a part is written ID/N.k with k < N",
                        info->id);
    MOT_TRY(mot_discover(MOT_LOG_DEBUG, &found, &n_found));
    const mot_found *here = NULL;
    for (int i = 0; i < n_found && !here; i++)
        if (strcmp(found[i].info.id, base) == 0)
            here = &found[i];
    for (const mot_found *f = found; here && f < here; f++)
        device->sibling +=
            f->platform == here->platform && strcmp(f->info.name, here->info.name) == 0;
    mot_status status = MOT_OK;
    if (!here)
        status = MOT_FAIL(MOT_ERR_DEVICE, "device %s is not there any more", info->id);
    else if (here->info.trouble[0])
        status = MOT_FAIL(MOT_ERR_DEVICE, "device %s: %s", info->id, here->info.trouble);
    else if (n_parts == 0)
        device->id = here->device;
    else
        status = mot_part_open(here, n_parts, part, &device->id);
    if (status == MOT_OK) {
        mot_device_info fresh = here->info;
        memcpy(device->platform_version, here->platform_version, sizeof device->platform_version);
        if (n_parts > 0)
            mot_part_info(&fresh, n_parts, part);
        /* What was measured comes from the caller, what is found from the driver. */
        fresh.twin_of = info->twin_of;
        fresh.speed = info->speed;
        fresh.fp64 = info->fp64, fresh.fp16 = info->fp16, fresh.works = info->works;
        fresh.command_buffers = info->command_buffers;
        fresh.joins = info->joins;
        device->info = fresh;
        device->cl_version = mot_opencl_version(fresh.opencl_version);
        device->driver_caches = mot_program_driver_caches(&fresh);
        device->brings_builtins = mot_program_can_bring_builtins(&fresh);
        device->rounds_on_demand = rounds_on_demand(device);
        device->builtin_prefetch = has_builtin_prefetch(&fresh);
    }
    free(found);
    return status;
}

static mot_status make_queue(mot_device *device, cl_command_queue *out)
{
    cl_int code;
    cl_command_queue_properties how = device->profile ? CL_QUEUE_PROFILING_ENABLE : 0;
    *out = clCreateCommandQueue(device->context, device->id, how, &code);
    return code == CL_SUCCESS ? MOT_OK : mot_cl_fail(device, code, "clCreateCommandQueue");
}

/* Does a kernel see what the host wrote through the pointer, and the host what the kernel wrote,
 * without mapping?  With an archive no compiler may be called: then a copy command is the witness.
 */
static mot_status touch(mot_device *device, mot_buffer *buffer)
{
    if (device->archive || !device->info.compiler) {
        MOT_CL_TRY(device,
                   clEnqueueCopyBuffer(device->compute, mot_buffer_mem(buffer),
                                       mot_buffer_mem(buffer), 0, 2048, 2048, 0, NULL, NULL));
        return mot_device_finish(device);
    }
    mot_commands *commands;
    MOT_TRY(mot_commands_new(device, &commands));
    mot_view view = {.buffer = buffer, .dtype = MOT_I32, .shape = {1, {512}}};
    mot_launch launch;
    mot_launch_begin(&launch, commands, "probe", "", "probe_touch");
    mot_launch_view(&launch, &view);
    mot_status status = mot_launch_end(&launch, "probe_touch", 1, (size_t[]){512}, NULL);
    if (status == MOT_OK)
        status = mot_commands_run(commands, 0, 1, 0);
    if (status == MOT_OK)
        status = mot_device_finish(device);
    mot_commands_free(commands);
    return status;
}

static mot_status check_sharing(mot_device *device)
{
    mot_buffer *buffer;
    if (device->no_sharing || !device->info.unified_memory ||
        !mot_silicon_is_host_cpu(&device->info))
        return MOT_OK;
    device->shares_memory = true; /* for this check */
    mot_status status = mot_buffer_new(device, 4096, &buffer);
    bool shares = status == MOT_OK;
    if (status == MOT_OK) {
        /* Twice: a driver that copies once, when the buffer is made, must not pass. */
        for (int round = 0; round < 2 && shares; round++) {
            int32_t *host = mot_buffer_host(buffer);
            for (int i = 0; i < 512; i++)
                host[i] = i * 7 + round;
            memset(host + 512, 0, 2048);
            shares = touch(device, buffer) == MOT_OK;
            for (int i = 0; i < 512; i++)
                shares = shares && host[512 + i] == i * 7 + round;
        }
        mot_buffer_free(buffer);
    }
    device->shares_memory = shares;
    if (!shares)
        mot_log(MOT_LOG_INFO, "device %s shares_memory 0", device->info.id);
    return MOT_OK;
}

static const char *const precision_names[] = {"float32", "tf32", "bf16"}; /* by mot_precision */

const char *mot_precision_name(mot_precision precision)
{
    return precision_names[precision];
}

bool mot_precision_parse(const char *name, mot_precision *out)
{
    for (size_t i = 0; i < sizeof precision_names / sizeof *precision_names; i++)
        if (strcmp(name, precision_names[i]) == 0) {
            *out = (mot_precision)i;
            return true;
        }
    return false;
}

mot_status mot_device_open(const mot_device_info *info, const mot_device_options *options,
                           mot_device **out)
{
    mot_device *device;
    mot_status status;
    MOT_TRY(mot_alloc(1, sizeof *device, &device));
    if (options) {
        device->archive = options->archive;
        device->profile = options->profile;
        device->no_cache = options->no_cache;
        device->no_sharing = options->no_sharing;
        device->precision = options->precision;
        device->by_rule = options->by_rule;
    }
    const char *sharing = getenv("MOTLEY_SHARED_MEMORY");
    if (sharing && strcmp(sharing, "0") == 0)
        device->no_sharing = true;
    const char *tuned = getenv("MOTLEY_TUNED");
    if (device->archive || (tuned && strcmp(tuned, "0") == 0))
        device->by_rule = true;
    MOT_TRY_GOTO(find(info, device));
    cl_int code;
    device->context = clCreateContext(NULL, 1, &device->id, context_note, NULL, &code);
    if (code != CL_SUCCESS) {
        device->context = NULL;
        status = mot_cl_fail(device, code, "clCreateContext");
        goto fail;
    }
    MOT_TRY_GOTO(make_queue(device, &device->compute));
    MOT_TRY_GOTO(check_sharing(device));
    if (!device->shares_memory)
        MOT_TRY_GOTO(make_queue(device, &device->transfer));
    mot_device_recall_tuned(device);
    device->joins = mot_device_can_join(device);
    device->records = device->info.command_buffers && !device->profile &&
                      mot_recorder_find(device, &device->recorder);
    *out = device;
    return MOT_OK;
fail:
    mot_device_close(device);
    return status;
}

void mot_device_close(mot_device *device)
{
    if (!device)
        return;
    if (device->transfer)
        clFinish(device->transfer);
    if (device->compute)
        clFinish(device->compute);
    if (device->transferred)
        clReleaseEvent(device->transferred);
    mot_joined_free(device);
    mot_staging_free_all(device);
    mot_programs_free(device);
    if (device->transfer)
        clReleaseCommandQueue(device->transfer);
    if (device->compute)
        clReleaseCommandQueue(device->compute);
    if (device->context)
        clReleaseContext(device->context);
    mot_tuned_free(&device->tuned);
    free(device);
}

void mot_device_recall_tuned(mot_device *device)
{
    mot_tuned_free(&device->tuned);
    if (!device->by_rule)
        mot_tuned_load(&device->info, &device->tuned);
}

const mot_device_info *mot_device_get_info(const mot_device *device)
{
    return &device->info;
}

void mot_device_limit_memory(mot_device *device, int64_t most_bytes)
{
    device->memory_limit_bytes = most_bytes;
}

int64_t mot_device_memory_room(const mot_device *device)
{
    const int64_t room = device->info.memory_bytes / 5 * 4, most = device->memory_limit_bytes;
    return most > 0 && most < room ? most : room;
}

bool mot_device_shares_memory(const mot_device *device)
{
    return device->shares_memory;
}

cl_device_id mot_device_cl(const mot_device *device)
{
    return device->id;
}

cl_context mot_device_context(const mot_device *device)
{
    return device->context;
}

cl_command_queue mot_device_queue(const mot_device *device)
{
    return device->compute;
}

mot_status mot_device_join_transfers(mot_device *device)
{
    if (!device->transferred)
        return MOT_OK;
    cl_int code = clEnqueueBarrierWithWaitList(device->compute, 1, &device->transferred, NULL);
    clReleaseEvent(device->transferred);
    device->transferred = NULL;
    return code == CL_SUCCESS ? MOT_OK : mot_cl_fail(device, code, "clEnqueueBarrierWithWaitList");
}

mot_status mot_device_finish(mot_device *device)
{
    if (device->transfer)
        MOT_CL_TRY(device, clFinish(device->transfer));
    MOT_TRY(mot_device_join_transfers(device));
    MOT_CL_TRY(device, clFinish(device->compute));
    return MOT_OK;
}

mot_status mot_device_flush(mot_device *device)
{
    if (device->transfer)
        MOT_CL_TRY(device, clFlush(device->transfer));
    MOT_CL_TRY(device, clFlush(device->compute));
    return MOT_OK;
}

mot_status mot_mark_new(mot_device *device, mot_mark **out)
{
    mot_mark *mark;
    MOT_TRY(mot_device_join_transfers(device));
    MOT_TRY(mot_alloc(1, sizeof *mark, &mark));
    mark->device = device;
    cl_int code = clEnqueueMarkerWithWaitList(device->compute, 0, NULL, &mark->event);
    if (code != CL_SUCCESS) {
        free(mark);
        return mot_cl_fail(device, code, "clEnqueueMarkerWithWaitList");
    }
    code = clFlush(device->compute);
    if (code != CL_SUCCESS) {
        mot_mark_free(mark);
        return mot_cl_fail(device, code, "clFlush");
    }
    *out = mark;
    return MOT_OK;
}

mot_status mot_mark_wait(mot_mark *mark)
{
    cl_int state = CL_COMPLETE;
    MOT_CL_TRY(mark->device, clWaitForEvents(1, &mark->event));
    MOT_CL_TRY(mark->device, clGetEventInfo(mark->event, CL_EVENT_COMMAND_EXECUTION_STATUS,
                                            sizeof state, &state, NULL));
    if (state < 0)
        return mot_cl_fail(mark->device, state, "a queued command");
    return MOT_OK;
}

void mot_mark_free(mot_mark *mark)
{
    if (!mark)
        return;
    clReleaseEvent(mark->event);
    free(mark);
}
