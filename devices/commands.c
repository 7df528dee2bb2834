/* commands.c: recorded launches and their replay.
 *
 * Each recorded launch owns a kernel object of its own, with all arguments set when it is made, so
 * that replay is one clEnqueueNDRangeKernel a launch.  Only offsets of views in the input ring
 * are set again, and only when the slot is another than in the launch's last run.  Recorded
 * operators that are not our kernels (CLBlast) are calls with a copied payload.
 * What can be part of a joined launch is built only if it ever runs by itself.
 * On CPUs a range is run as one launch where it can be (joined.c).
 * Where command buffers were found to pay (command_buffer.c), a range of our kernels that has run
 * before is kept in one for each slot, and queued by one call.
 * With profiling each launch leaves an event; they are read in batches, after a finish.
 *
 * A launch's first run is waited for, one at a time in the whole process: drivers compile then, and
 * pocl 3.1 aborts when two devices do the first launch of one program's kernel at the same moment
 * (see program.c; siblings with kernels from one archive have such programs).
 */
#include "config.h"

#include "devices/commands.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_KEPT = 4096 };

mot_status mot_commands_new(mot_device *device, mot_commands **out)
{
    mot_commands *commands;
    MOT_TRY(mot_alloc(1, sizeof *commands, &commands));
    commands->device = device;
    if (device->profile) {
        mot_status status = mot_alloc(EVENTS_KEPT, sizeof *commands->pending, &commands->pending);
        if (status != MOT_OK) {
            free(commands);
            return status;
        }
    }
    *out = commands;
    return MOT_OK;
}

static void release_pending(mot_pending *p)
{
    clReleaseEvent(p->event);
    if (p->before)
        clReleaseEvent(p->before);
}

static void free_record(mot_record *r)
{
    if (r->kernel)
        clReleaseKernel(r->kernel);
    free(r->payload);
    free(r->name);
    free(r->source);
    free(r->options);
    free(r->kernel_name);
    free(r->arg);
}

void mot_commands_free(mot_commands *commands)
{
    if (!commands)
        return;
    for (int i = 0; i < commands->n_pending; i++)
        release_pending(&commands->pending[i]);
    for (int i = 0; i < commands->n_records; i++)
        free_record(&commands->records[i]);
    for (size_t i = 0; i < commands->n_ranges; i++)
        commands->device->recorder.release(commands->ranges[i].buffer);
    mot_pieces_free(commands->pieces);
    free(commands->ranges);
    free(commands->pending);
    free(commands->records);
    free(commands);
}

int mot_commands_count(const mot_commands *commands)
{
    return commands->n_records;
}

const char *mot_commands_name(const mot_commands *commands, int i)
{
    return commands->records[i].name;
}

/* ---- recording ---- */

void mot_launch_begin(mot_launch *launch, mot_commands *commands, const char *source,
                      const char *options, const char *kernel)
{
    *launch = (mot_launch){.commands = commands, .source = source, .kernel = kernel};
    if ((size_t)snprintf(launch->options, sizeof launch->options, "%s", options) >=
        sizeof launch->options)
        launch->status =
            MOT_FAIL(MOT_ERR_UNSUPPORTED, "options of '%s' too long: %s", source, options);
}

static void add_arg(mot_launch *launch, mot_arg arg)
{
    if (launch->n_args < MOT_MAX_ARGS)
        launch->arg[launch->n_args++] = arg;
    else if (launch->status == MOT_OK)
        launch->status = MOT_FAIL(MOT_ERR_UNSUPPORTED, "kernel '%s' has more than %d arguments",
                                  launch->kernel, MOT_MAX_ARGS);
}

void mot_launch_view(mot_launch *launch, const mot_view *view)
{
    add_arg(launch, view->buffer ? (mot_arg){MOT_ARG_VIEW, mot_buffer_mem(view->buffer),
                                             view->offset, view->slot_stride}
                                 : (mot_arg){.kind = MOT_ARG_VIEW});
}

void mot_launch_long(mot_launch *launch, int64_t value)
{
    add_arg(launch, (mot_arg){.kind = MOT_ARG_LONG, .value = value});
}

void mot_launch_int(mot_launch *launch, int value)
{
    add_arg(launch, (mot_arg){.kind = MOT_ARG_INT, .value = value});
}

void mot_launch_ints(mot_launch *launch, const int64_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mot_launch_int(launch, (int)numbers[i]);
}

void mot_launch_float(mot_launch *launch, float value)
{
    mot_arg arg = {.kind = MOT_ARG_FLOAT};
    memcpy(&arg.value, &value, sizeof value);
    add_arg(launch, arg);
}

void mot_launch_local(mot_launch *launch, size_t size_bytes)
{
    add_arg(launch, (mot_arg){.kind = MOT_ARG_LOCAL, .value = (int64_t)size_bytes});
}

/* Set argument `arg`, number *at of the kernel, for a slot of the ring; `again`: only what depends on it. */
static cl_int set_arg(cl_kernel kernel, const mot_arg *arg, int slot, bool again, cl_uint *at)
{
    const cl_long number = arg->value + arg->stride * slot;
    const cl_int small = (cl_int)arg->value;
    cl_int code = CL_SUCCESS;
    switch (arg->kind) {
    case MOT_ARG_VIEW:
        if (!again)
            code = clSetKernelArg(kernel, *at, sizeof arg->mem, arg->mem ? &arg->mem : NULL);
        ++*at;
        if (code == CL_SUCCESS && (!again || arg->stride != 0))
            code = clSetKernelArg(kernel, *at, sizeof number, &number);
        break;
    case MOT_ARG_LONG:
        code = again ? code : clSetKernelArg(kernel, *at, sizeof number, &number);
        break;
    case MOT_ARG_INT:
        code = again ? code : clSetKernelArg(kernel, *at, sizeof small, &small);
        break;
    case MOT_ARG_FLOAT: /* its bits */
        code = again ? code : clSetKernelArg(kernel, *at, sizeof(cl_float), &arg->value);
        break;
    case MOT_ARG_LOCAL:
        code = again ? code : clSetKernelArg(kernel, *at, (size_t)arg->value, NULL);
        break;
    }
    ++*at;
    return code;
}

static cl_int set_args(mot_record *r, int slot, bool again)
{
    cl_int code = CL_SUCCESS;
    cl_uint at = 0;
    for (int i = 0; i < r->n_args && code == CL_SUCCESS; i++)
        code = set_arg(r->kernel, &r->arg[i], slot, again, &at);
    r->slot = slot;
    return code;
}

static mot_status make_kernel(mot_device *device, mot_record *r)
{
    cl_program program;
    cl_int code;
    MOT_TRY(mot_program_get(device, r->source, r->options, &program));
    r->kernel = clCreateKernel(program, r->kernel_name, &code);
    if (code != CL_SUCCESS) {
        r->kernel = NULL;
        return MOT_FAIL(MOT_ERR_BUILD, "device %s: no kernel '%s' in '%s' built with '%s': %s",
                        device->info.id, r->kernel_name, r->source, r->options, mot_cl_name(code));
    }
    code = set_args(r, 0, false);
    if (code != CL_SUCCESS)
        return MOT_FAIL(MOT_ERR_DEVICE, "device %s: an argument of kernel '%s': %s",
                        device->info.id, r->kernel_name, mot_cl_name(code));
    return MOT_OK;
}

/* A new record with its name, not yet counted. */
static mot_status new_record(mot_commands *commands, const char *name, mot_record **out)
{
    MOT_TRY(mot_grow(&commands->records, &commands->capacity, (size_t)commands->n_records + 1,
                     sizeof *commands->records));
    mot_record *r = &commands->records[commands->n_records];
    memset(r, 0, sizeof *r);
    MOT_TRY(mot_strdup(name, &r->name));
    *out = r;
    return MOT_OK;
}

static mot_status keep_launch(const mot_launch *launch, mot_record *r)
{
    int n_local = 0; /* joined, they would get the same memory */
    MOT_TRY(mot_strdup(launch->source, &r->source));
    MOT_TRY(mot_strdup(launch->options, &r->options));
    MOT_TRY(mot_strdup(launch->kernel, &r->kernel_name));
    MOT_TRY(mot_alloc((size_t)launch->n_args + 1, sizeof *r->arg, &r->arg));
    memcpy(r->arg, launch->arg, (size_t)launch->n_args * sizeof *r->arg);
    r->n_args = launch->n_args;
    for (int i = 0; i < r->n_args; i++) {
        n_local += r->arg[i].kind == MOT_ARG_LOCAL;
        r->in_ring = r->in_ring || r->arg[i].stride != 0;
    }
    r->units = launch->units && n_local <= 1;
    return MOT_OK;
}

mot_status mot_launch_end(mot_launch *launch, const char *name, int n_dims, const size_t *global,
                          const size_t *local)
{
    mot_device *device = launch->commands->device;
    mot_record *r;
    MOT_TRY(launch->status);
    MOT_TRY(new_record(launch->commands, name, &r));
    mot_status status = keep_launch(launch, r);
    if (status == MOT_OK)
        status = r->units && device->joins ? mot_program_want(device, r->source, r->options)
                                           : make_kernel(device, r);
    if (status != MOT_OK) {
        free_record(r);
        return status;
    }
    r->n_dims = (cl_uint)n_dims;
    r->has_local = local != NULL;
    for (int i = 0; i < n_dims; i++) {
        r->global[i] = global[i];
        if (local)
            r->local[i] = local[i];
    }
    launch->commands->n_records++;
    return MOT_OK;
}

mot_status mot_commands_foreign(mot_commands *commands, const char *name,
                                cl_int (*enqueue)(cl_command_queue queue, const void *payload,
                                                  cl_event *event),
                                const void *payload, size_t size_bytes)
{
    mot_record *r;
    MOT_TRY(new_record(commands, name, &r));
    mot_status status = mot_alloc(size_bytes, 1, &r->payload);
    if (status != MOT_OK) {
        free_record(r);
        return status;
    }
    memcpy(r->payload, payload, size_bytes);
    r->enqueue = enqueue;
    commands->n_records++;
    return MOT_OK;
}

/* ---- replay ---- */

mot_status mot_commands_failed(const mot_commands *commands, const char *launch, const char *call,
                               cl_int code)
{
    mot_status status = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY
                            ? MOT_ERR_MEMORY
                            : MOT_ERR_DEVICE;
    return MOT_FAIL(status, "device %s: launch '%s': %s failed: %s (%d)", commands->device->info.id,
                    launch, call, mot_cl_name(code), (int)code);
}

static mot_status launch_failed(const mot_commands *commands, const mot_record *r, const char *call,
                                cl_int code)
{
    return mot_commands_failed(commands, r->name, call, code);
}

static mot_status read_profile(mot_commands *commands)
{
    if (commands->n_pending == 0)
        return MOT_OK;
    MOT_TRY(mot_device_finish(commands->device));
    for (int i = 0; i < commands->n_pending; i++) {
        mot_pending *p = &commands->pending[i];
        mot_record *r = &commands->records[p->record];
        cl_ulong start = 0, end = 0;
        if ((p->before
                 ? clGetEventProfilingInfo(p->before, CL_PROFILING_COMMAND_END, 8, &start, NULL)
                 : clGetEventProfilingInfo(p->event, CL_PROFILING_COMMAND_START, 8, &start,
                                           NULL)) == CL_SUCCESS &&
            clGetEventProfilingInfo(p->event, CL_PROFILING_COMMAND_END, 8, &end, NULL) ==
                CL_SUCCESS &&
            end > start)
            r->time_s += (double)(end - start) * 1e-9;
        r->n_runs++;
        release_pending(p);
    }
    commands->n_pending = 0;
    return MOT_OK;
}

static mot_status run_one(mot_commands *commands, int i, int slot)
{
    mot_record *r = &commands->records[i];
    cl_command_queue queue = commands->device->compute;
    cl_event event = NULL, before = NULL, *wanted = commands->pending ? &event : NULL;
    cl_int code;
    if (wanted && commands->n_pending == EVENTS_KEPT)
        MOT_TRY(read_profile(commands));
    if (r->enqueue) {
        /* A library's event may be that of the last of its launches only. */
        if (wanted && clEnqueueMarkerWithWaitList(queue, 0, NULL, &before) != CL_SUCCESS)
            before = NULL;
        code = r->enqueue(queue, r->payload, wanted);
        if (code != CL_SUCCESS) {
            if (before)
                clReleaseEvent(before);
            return launch_failed(commands, r, "the library call", code);
        }
    } else {
        if (!r->kernel)
            MOT_TRY(make_kernel(commands->device, r));
        if (r->in_ring && r->slot != slot && (code = set_args(r, slot, true)) != CL_SUCCESS)
            return launch_failed(commands, r, "clSetKernelArg", code);
        code = clEnqueueNDRangeKernel(queue, r->kernel, r->n_dims, NULL, r->global,
                                      r->has_local ? r->local : NULL, 0, NULL, wanted);
        if (code != CL_SUCCESS)
            return launch_failed(commands, r, "clEnqueueNDRangeKernel", code);
    }
    if (event) {
        commands->pending[commands->n_pending++] = (mot_pending){event, before, i};
    } else if (before) {
        clReleaseEvent(before);
    }
    return MOT_OK;
}

static pthread_mutex_t first_run_lock = PTHREAD_MUTEX_INITIALIZER;

mot_status mot_commands_run_first(mot_device *device, mot_status (*enqueue)(void *user), void *user)
{
    pthread_mutex_lock(&first_run_lock);
    mot_status status = enqueue(user);
    if (status == MOT_OK)
        status = mot_device_finish(device);
    pthread_mutex_unlock(&first_run_lock);
    return status;
}

typedef struct one {
    mot_commands *commands;
    int i, slot;
} one;

static mot_status enqueue_one(void *user)
{
    const one *o = user;
    return run_one(o->commands, o->i, o->slot);
}

mot_status mot_commands_run_one(mot_commands *commands, int i, int slot)
{
    if (commands->records[i].ran)
        return run_one(commands, i, slot);
    MOT_TRY(mot_commands_run_first(commands->device, enqueue_one, &(one){commands, i, slot}));
    commands->records[i].ran = true;
    return MOT_OK;
}

/* ---- replay from command buffers ---- */

static bool can_record(const mot_commands *commands, int first, int last)
{
    bool can = commands->device->records && last - first > 1;
    for (int i = first; i < last && can; i++)
        can = commands->records[i].ran && commands->records[i].kernel;
    return can;
}

static cl_int record_range(mot_commands *commands, mot_range_buffer *out)
{
    const mot_recorder *recorder = &commands->device->recorder;
    cl_int code = mot_recorder_begin(commands->device, &out->buffer);
    if (code != CL_SUCCESS)
        return code;
    for (int i = out->first; i < out->last && code == CL_SUCCESS; i++) {
        mot_record *r = &commands->records[i];
        code = r->slot == out->slot ? CL_SUCCESS : set_args(r, out->slot, true);
        if (code == CL_SUCCESS)
            code = recorder->add(out->buffer, NULL, NULL, r->kernel, r->n_dims, NULL, r->global,
                                 r->has_local ? r->local : NULL, 0, NULL, NULL, NULL);
    }
    if (code == CL_SUCCESS)
        code = recorder->seal(out->buffer);
    if (code != CL_SUCCESS)
        recorder->release(out->buffer);
    return code;
}

/* The range's command buffer, recorded at the first call; *out is NULL where the driver refuses,
 * and then nothing is recorded on this device any more. */
static mot_status get_range(mot_commands *commands, int first, int last, int slot,
                            const mot_range_buffer **out)
{
    *out = NULL;
    for (size_t i = 0; i < commands->n_ranges && !*out; i++) {
        const mot_range_buffer *r = &commands->ranges[i];
        if (r->first == first && r->last == last && r->slot == slot)
            *out = r;
    }
    if (*out)
        return MOT_OK;
    MOT_TRY(mot_grow(&commands->ranges, &commands->range_capacity, commands->n_ranges + 1,
                     sizeof *commands->ranges));
    mot_range_buffer *fresh = &commands->ranges[commands->n_ranges];
    *fresh = (mot_range_buffer){.first = first, .last = last, .slot = slot};
    cl_int code = record_range(commands, fresh);
    if (code != CL_SUCCESS) {
        mot_log(MOT_LOG_INFO, "device %s command_buffers 0 why %s", commands->device->info.id,
                mot_cl_name(code));
        commands->device->records = false;
        return MOT_OK;
    }
    commands->n_ranges++;
    *out = fresh;
    return MOT_OK;
}

/* One step, launch by launch or from a command buffer. */
static mot_status run_step(mot_commands *commands, int first, int last, int slot)
{
    if (can_record(commands, first, last)) {
        const mot_range_buffer *recorded;
        MOT_TRY(get_range(commands, first, last, slot, &recorded));
        if (recorded) {
            cl_int code =
                commands->device->recorder.enqueue(0, NULL, recorded->buffer, 0, NULL, NULL);
            return code == CL_SUCCESS ? MOT_OK
                                      : launch_failed(commands, &commands->records[first],
                                                      "clEnqueueCommandBufferKHR", code);
        }
    }
    for (int i = first; i < last; i++)
        MOT_TRY(mot_commands_run_one(commands, i, slot));
    return MOT_OK;
}

mot_status mot_commands_run_steps(mot_commands *commands, int first, int last, mot_slots slots)
{
    bool joined = false;
    if (first < 0 || last > commands->n_records)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "launches %d to %d of %d", first, last,
                        commands->n_records);
    MOT_TRY(mot_device_join_transfers(commands->device));
    if (commands->device->joins)
        MOT_TRY(mot_joined_run(commands, first, last, slots, &joined));
    for (int s = 0; s < slots.n && !joined; s++)
        MOT_TRY(run_step(commands, first, last, (slots.first + s) % slots.of));
    return MOT_OK;
}

mot_status mot_commands_run(mot_commands *commands, int first, int last, int slot)
{
    return mot_commands_run_steps(commands, first, last, (mot_slots){slot, 1, slot + 1});
}

int mot_commands_join_steps(const mot_commands *commands, int first, int last)
{
    return commands->device->joins ? mot_joined_steps(commands, first, last) : 1;
}

int mot_commands_launches(const mot_commands *commands, int first, int last)
{
    return commands->device->joins ? mot_joined_count(commands, first, last) : last - first;
}

mot_status mot_commands_profile(mot_commands *commands, int i, double *time_s, int64_t *n_runs)
{
    if (!commands->pending)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "device %s was opened without profiling",
                        commands->device->info.id);
    if (i < 0 || i >= commands->n_records)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "launch %d of %d", i, commands->n_records);
    MOT_TRY(read_profile(commands));
    *time_s = commands->records[i].time_s;
    *n_runs = commands->records[i].n_runs;
    return MOT_OK;
}
