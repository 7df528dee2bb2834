/* parts.c: "pocl:0/2.1", a device cut into parts along its cores.
 *
 * The driver divides equally where the cores allow it, else by counts that differ by one at most.
 * Where there are more parts than cores, or the driver cannot divide, parts share cores: several
 * ranks must be able to run on one core (tests do), if not fast.
 * Sub-devices are never released, so that they live as long as the process, as whole devices do:
 * pocl 3.1's threads still look at one after clFinish has returned and all else was released, and
 * crash.  What is lost is a few kilobytes at each opening.
 */
#include "config.h"

#include "devices/state.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PARTS = 4096 };

bool mot_part_parse(const char *id, char base[48], int *n_parts, int *part)
{
    const char *slash = strchr(id, '/');
    *n_parts = *part = 0;
    snprintf(base, 48, "%.*s", slash ? (int)(slash - id) : 47, id);
    if (!slash)
        return true;
    int end = 0;
    return sscanf(slash, "/%d.%d%n", n_parts, part, &end) == 2 && slash[end] == '\0' &&
           *n_parts > 0 && *n_parts <= MOST_PARTS && *part >= 0 && *part < *n_parts;
}

/* Cores of one part; the first parts get what does not divide. */
static int part_units(int units, int n_parts, int part)
{
    if (units <= n_parts)
        return 1;
    return units / n_parts + (part < units % n_parts);
}

void mot_part_info(mot_device_info *info, int n_parts, int part)
{
    size_t length = strlen(info->id);
    snprintf(info->id + length, sizeof info->id - length, "/%d.%d", n_parts, part);
    int units = part_units(info->compute_units, n_parts, part);
    double fraction = info->compute_units > 0 ? (double)units / info->compute_units : 1;
    info->compute_units = units;
    info->speed.matmul_flops_per_s *= fraction;
    info->speed.memory_bytes_per_s *= fraction;
}

static cl_uint max_sub_devices(cl_device_id device, cl_device_partition_property wanted)
{
    cl_device_partition_property offered[16];
    size_t bytes = 0;
    cl_uint most = 0;
    if (clGetDeviceInfo(device, CL_DEVICE_PARTITION_MAX_SUB_DEVICES, 4, &most, NULL) !=
            CL_SUCCESS ||
        clGetDeviceInfo(device, CL_DEVICE_PARTITION_PROPERTIES, sizeof offered, offered, &bytes) !=
            CL_SUCCESS)
        return 0;
    for (size_t i = 0; i < bytes / sizeof *offered; i++)
        if (offered[i] == wanted)
            return most;
    return 0;
}

/* The driver's sub-device `index`; the others are released at once. */
static cl_int take_sub_device(cl_device_id device, const cl_device_partition_property *how,
                              int index, cl_device_id *out)
{
    cl_uint n = 0;
    cl_int code = clCreateSubDevices(device, how, 0, NULL, &n);
    if (code != CL_SUCCESS || (cl_uint)index >= n)
        return code == CL_SUCCESS ? CL_DEVICE_PARTITION_FAILED : code;
    cl_device_id *parts;
    if (mot_alloc(n, sizeof *parts, &parts) != MOT_OK)
        return CL_OUT_OF_HOST_MEMORY;
    code = clCreateSubDevices(device, how, n, parts, NULL);
    if (code == CL_SUCCESS) {
        for (cl_uint i = 0; i < n; i++)
            if (i != (cl_uint)index)
                clReleaseDevice(parts[i]);
        *out = parts[index];
    }
    free(parts);
    return code;
}

static cl_int by_counts(cl_device_id device, int units, int n_parts, int index, cl_device_id *out)
{
    cl_device_partition_property *how;
    if (mot_alloc((size_t)n_parts + 3, sizeof *how, &how) != MOT_OK)
        return CL_OUT_OF_HOST_MEMORY;
    how[0] = CL_DEVICE_PARTITION_BY_COUNTS;
    for (int i = 0; i < n_parts; i++)
        how[1 + i] = part_units(units, n_parts, i);
    how[1 + n_parts] = CL_DEVICE_PARTITION_BY_COUNTS_LIST_END;
    cl_int code = take_sub_device(device, how, index, out);
    free(how);
    return code;
}

mot_status mot_part_open(const mot_found *whole, int n_parts, int part, cl_device_id *out)
{
    cl_device_id device = whole->device;
    int units = whole->info.compute_units, n = n_parts < units ? n_parts : units;
    cl_int code = CL_DEVICE_PARTITION_FAILED;
    *out = device;
    if (n <= 1)
        return MOT_OK; /* one core, or one part */
    if (units % n == 0 && max_sub_devices(device, CL_DEVICE_PARTITION_EQUALLY) >= (cl_uint)n) {
        const cl_device_partition_property how[] = {CL_DEVICE_PARTITION_EQUALLY, units / n, 0};
        code = take_sub_device(device, how, part % n, out);
    } else if (max_sub_devices(device, CL_DEVICE_PARTITION_BY_COUNTS) >= (cl_uint)n) {
        code = by_counts(device, units, n, part % n, out);
    } else if (max_sub_devices(device, CL_DEVICE_PARTITION_EQUALLY) >= (cl_uint)n) {
        const cl_device_partition_property how[] = {CL_DEVICE_PARTITION_EQUALLY, units / n, 0};
        code = take_sub_device(device, how, part % n, out);
    }
    if (code != CL_SUCCESS)
        mot_log(MOT_LOG_INFO, "device %s parts %d divided 0 why %s", whole->info.id, n_parts,
                mot_cl_name(code));
    return MOT_OK;
}
