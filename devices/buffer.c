/* buffer.c: device memory, and the ways between it and the host.
 *
 * A device that shares the host's memory works on pages that we allocate (CL_MEM_USE_HOST_PTR):
 * reads and writes are plain copies once the queue is done.  Elsewhere memory is the driver's, and
 * it is filled with zeros at once, so that a device that is short of memory says so here and not in
 * the middle of training.
 */
#include "config.h"

#include "devices/state.h"
#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mot_buffer {
    mot_device *device;
    cl_mem mem;
    size_t size_bytes;
    void *host; /* where the device shares memory */
    bool owns_host;
};

static mot_status check_size(const mot_device *device, size_t size_bytes)
{
    const mot_device_info *info = &device->info;
    if (info->memory_bytes > 0 && size_bytes > (uint64_t)info->memory_bytes)
        return MOT_FAIL(
            MOT_ERR_MEMORY,
            "device %s: a buffer of %.1f MiB is wanted; the device has %.1f MiB of memory",
            info->id, size_bytes / 1048576.0, (double)info->memory_bytes / 1048576.0);
    if (info->max_alloc_bytes > 0 && size_bytes > (uint64_t)info->max_alloc_bytes)
        return MOT_FAIL(
            MOT_ERR_MEMORY,
            "device %s: a buffer of %.1f MiB is wanted; its driver allows %.1f MiB in one "
            "piece (of %.1f MiB of memory)",
            info->id, size_bytes / 1048576.0, (double)info->max_alloc_bytes / 1048576.0,
            (double)info->memory_bytes / 1048576.0);
    return MOT_OK;
}

static mot_status fill_zero(mot_buffer *buffer, size_t size_bytes)
{
    const cl_uint zero = 0;
    mot_device *device = buffer->device;
    MOT_CL_TRY(device, clEnqueueFillBuffer(device->compute, buffer->mem, &zero, sizeof zero, 0,
                                           size_bytes, 0, NULL, NULL));
    return mot_device_finish(device);
}

mot_status mot_buffer_new(mot_device *device, size_t size_bytes, mot_buffer **out)
{
    mot_buffer *buffer;
    mot_status status;
    cl_int code;
    size_t rounded = (size_bytes + MOT_ALIGNMENT - 1) / MOT_ALIGNMENT * MOT_ALIGNMENT;
    if (rounded == 0)
        rounded = MOT_ALIGNMENT;
    MOT_TRY(check_size(device, size_bytes));
    if (device->shares_memory) {
        void *host;
        MOT_TRY(mot_alloc_pages(size_bytes, &host));
        status = mot_buffer_wrap(device, host, size_bytes, &buffer);
        if (status != MOT_OK) {
            free(host);
            return status;
        }
        buffer->owns_host = true;
        *out = buffer;
        return MOT_OK;
    }
    MOT_TRY(mot_alloc(1, sizeof *buffer, &buffer));
    buffer->device = device;
    buffer->size_bytes = size_bytes;
    buffer->mem = clCreateBuffer(device->context, CL_MEM_READ_WRITE, rounded, NULL, &code);
    if (code != CL_SUCCESS)
        buffer->mem = NULL, status = mot_cl_fail(device, code, "clCreateBuffer");
    else
        status = fill_zero(buffer, rounded);
    if (status != MOT_OK) {
        mot_buffer_free(buffer);
        char why[512];
        snprintf(why, sizeof why, "%s", mot_error_message());
        return MOT_FAIL(MOT_ERR_MEMORY, "no room for a buffer of %.1f MiB (of %.1f MiB in all): %s",
                        size_bytes / 1048576.0, (double)device->info.memory_bytes / 1048576.0, why);
    }
    *out = buffer;
    return MOT_OK;
}

mot_status mot_buffer_wrap(mot_device *device, void *host, size_t size_bytes, mot_buffer **out)
{
    mot_buffer *buffer;
    cl_int code;
    size_t pages = (size_bytes + MOT_PAGE - 1) / MOT_PAGE * MOT_PAGE;
    if (!device->shares_memory)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "device %s does not share the host's memory",
                        device->info.id);
    if ((uintptr_t)host % MOT_PAGE != 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "device %s: memory to share is not page aligned",
                        device->info.id);
    MOT_TRY(check_size(device, size_bytes));
    MOT_TRY(mot_alloc(1, sizeof *buffer, &buffer));
    buffer->device = device;
    buffer->host = host;
    buffer->size_bytes = size_bytes;
    buffer->mem = clCreateBuffer(device->context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR,
                                 pages ? pages : MOT_PAGE, host, &code);
    if (code != CL_SUCCESS) {
        free(buffer);
        return mot_cl_fail(device, code, "clCreateBuffer");
    }
    *out = buffer;
    return MOT_OK;
}

void mot_buffer_free(mot_buffer *buffer)
{
    if (!buffer)
        return;
    /* Queued commands may still use the pages. */
    if (buffer->host)
        clFinish(buffer->device->compute);
    if (buffer->mem)
        clReleaseMemObject(buffer->mem);
    if (buffer->owns_host)
        free(buffer->host);
    free(buffer);
}

size_t mot_buffer_size_bytes(const mot_buffer *buffer)
{
    return buffer->size_bytes;
}

void *mot_buffer_host(mot_buffer *buffer)
{
    return buffer->host;
}

cl_mem mot_buffer_mem(mot_buffer *buffer)
{
    return buffer->mem;
}

static mot_status check_range(const mot_buffer *buffer, size_t offset_bytes, size_t size_bytes)
{
    if (offset_bytes > buffer->size_bytes || size_bytes > buffer->size_bytes - offset_bytes)
        return MOT_FAIL(
            MOT_ERR_ARGUMENT, "device %s: bytes %zu to %zu lie outside a buffer of %zu bytes",
            buffer->device->info.id, offset_bytes, offset_bytes + size_bytes, buffer->size_bytes);
    return MOT_OK;
}

mot_status mot_buffer_write(mot_buffer *buffer, size_t offset_bytes, size_t size_bytes,
                            const void *source)
{
    mot_device *device = buffer->device;
    MOT_TRY(check_range(buffer, offset_bytes, size_bytes));
    if (size_bytes == 0)
        return MOT_OK;
    if (buffer->host) {
        MOT_TRY(mot_device_finish(device));
        memcpy((char *)buffer->host + offset_bytes, source, size_bytes);
        return MOT_OK;
    }
    MOT_TRY(mot_device_join_transfers(device));
    MOT_CL_TRY(device, clEnqueueWriteBuffer(device->compute, buffer->mem, CL_TRUE, offset_bytes,
                                            size_bytes, source, 0, NULL, NULL));
    return MOT_OK;
}

mot_status mot_buffer_read(mot_buffer *buffer, size_t offset_bytes, size_t size_bytes,
                           void *destination)
{
    mot_device *device = buffer->device;
    MOT_TRY(check_range(buffer, offset_bytes, size_bytes));
    if (size_bytes == 0)
        return MOT_OK;
    if (buffer->host) {
        MOT_TRY(mot_device_finish(device));
        memcpy(destination, (const char *)buffer->host + offset_bytes, size_bytes);
        return MOT_OK;
    }
    MOT_TRY(mot_device_join_transfers(device));
    MOT_CL_TRY(device, clEnqueueReadBuffer(device->compute, buffer->mem, CL_TRUE, offset_bytes,
                                           size_bytes, destination, 0, NULL, NULL));
    return MOT_OK;
}

mot_status mot_buffer_read_now(mot_buffer *buffer, size_t offset_bytes, size_t size_bytes,
                               void *destination)
{
    mot_device *device = buffer->device;
    MOT_TRY(check_range(buffer, offset_bytes, size_bytes));
    if (buffer->host)
        memcpy(destination, (const char *)buffer->host + offset_bytes, size_bytes);
    else if (size_bytes > 0)
        MOT_CL_TRY(device, clEnqueueReadBuffer(device->transfer, buffer->mem, CL_TRUE, offset_bytes,
                                               size_bytes, destination, 0, NULL, NULL));
    return MOT_OK;
}

mot_status mot_buffer_write_async(mot_buffer *buffer, size_t offset_bytes, size_t size_bytes,
                                  const void *source, bool transfer)
{
    mot_device *device = buffer->device;
    MOT_TRY(check_range(buffer, offset_bytes, size_bytes));
    if (size_bytes == 0)
        return MOT_OK;
    if (buffer->host) {
        memcpy((char *)buffer->host + offset_bytes, source, size_bytes);
        return MOT_OK;
    }
    if (!transfer) {
        MOT_TRY(mot_device_join_transfers(device));
        MOT_CL_TRY(device, clEnqueueWriteBuffer(device->compute, buffer->mem, CL_FALSE,
                                                offset_bytes, size_bytes, source, 0, NULL, NULL));
        return MOT_OK;
    }
    cl_event done;
    MOT_CL_TRY(device, clEnqueueWriteBuffer(device->transfer, buffer->mem, CL_FALSE, offset_bytes,
                                            size_bytes, source, 0, NULL, &done));
    if (device->transferred) /* the queue is in order: the later one covers it */
        clReleaseEvent(device->transferred);
    device->transferred = done;
    MOT_CL_TRY(device, clFlush(device->transfer));
    return MOT_OK;
}

mot_status mot_buffer_read_async(mot_buffer *buffer, size_t offset_bytes, size_t size_bytes,
                                 void *destination)
{
    mot_device *device = buffer->device;
    MOT_TRY(check_range(buffer, offset_bytes, size_bytes));
    if (size_bytes == 0)
        return MOT_OK;
    if (buffer->host) {
        memcpy(destination, (const char *)buffer->host + offset_bytes, size_bytes);
        return MOT_OK;
    }
    MOT_TRY(mot_device_join_transfers(device));
    MOT_CL_TRY(device, clEnqueueReadBuffer(device->compute, buffer->mem, CL_FALSE, offset_bytes,
                                           size_bytes, destination, 0, NULL, NULL));
    return MOT_OK;
}

/* ---- staging: memory of the driver's own, mapped once for good ---- */

mot_status mot_device_alloc_staging(mot_device *device, size_t size_bytes, void **out)
{
    if (device->shares_memory)
        return mot_alloc_pages(size_bytes, out);
    mot_staging *staging;
    cl_int code;
    size_t bytes = size_bytes ? size_bytes : 1;
    MOT_TRY(mot_alloc(1, sizeof *staging, &staging));
    staging->mem = clCreateBuffer(device->context, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, bytes,
                                  NULL, &code);
    if (code != CL_SUCCESS) {
        free(staging);
        return mot_cl_fail(device, code, "clCreateBuffer");
    }
    staging->host = clEnqueueMapBuffer(device->compute, staging->mem, CL_TRUE,
                                       CL_MAP_READ | CL_MAP_WRITE, 0, bytes, 0, NULL, NULL, &code);
    if (code != CL_SUCCESS) {
        clReleaseMemObject(staging->mem);
        free(staging);
        return mot_cl_fail(device, code, "clEnqueueMapBuffer");
    }
    memset(staging->host, 0, size_bytes);
    staging->next = device->staging;
    device->staging = staging;
    *out = staging->host;
    return MOT_OK;
}

static void release_staging(mot_device *device, mot_staging *staging)
{
    clEnqueueUnmapMemObject(device->compute, staging->mem, staging->host, 0, NULL, NULL);
    clFinish(device->compute);
    clReleaseMemObject(staging->mem);
    free(staging);
}

void mot_device_free_staging(mot_device *device, void *staging)
{
    if (!staging)
        return;
    if (device->shares_memory) {
        free(staging);
        return;
    }
    for (mot_staging **at = &device->staging; *at; at = &(*at)->next)
        if ((*at)->host == staging) {
            mot_staging *gone = *at;
            *at = gone->next;
            release_staging(device, gone);
            return;
        }
}

void mot_staging_free_all(mot_device *device)
{
    while (device->staging) {
        mot_staging *gone = device->staging;
        device->staging = gone->next;
        release_staging(device, gone);
    }
}
