/* discover.c: every device of every platform, under short names that stay.
 *
 * A machine may list platforms that are empty (Mesa's Clover), broken (a library of another driver
 * version), or listed twice (two .icd files for one driver).  All of that is survived and logged.
 * A device's id is its platform's short name and its position in the platform: "pocl:0".  Platforms
 * are sorted by short name and version, not by the order in which the loader happens to find them;
 * a second platform of the same short name gets a number behind it: "pocl2:0".
 * Tried and dropped: numbering devices over all platforms, as OpenCL tools do; installing a driver
 * then renames the others' devices.
 */
#include "config.h"

#include "devices/state.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <CL/cl_ext.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Queries of the vendors' own extensions, which cl_ext.h has only in part. */
enum { NV_PCI_BUS = 0x4008, NV_PCI_SLOT = 0x4009, NV_PCI_DOMAIN = 0x400A, AMD_TOPOLOGY = 0x4037 };

typedef struct platform {
    cl_platform_id id;
    char name[128], version[128], short_name[24];
    cl_device_id *devices; /* owned */
    cl_uint n_devices;
} platform;

static void tidy(char *text)
{
    size_t n = strlen(text), skip = strspn(text, " \t\n");
    memmove(text, text + skip, n - skip + 1);
    for (n -= skip; n > 0 && isspace((unsigned char)text[n - 1]); n--)
        text[n - 1] = '\0';
    for (char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = ' ';
}

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
    tidy(out);
}

void mot_device_text(cl_device_id device, cl_device_info what, char *out, size_t size)
{
    size_t bytes = 0;
    char *text = NULL;
    out[0] = '\0';
    if (clGetDeviceInfo(device, what, 0, NULL, &bytes) == CL_SUCCESS && bytes > 0 &&
        mot_alloc(bytes + 1, 1, &text) == MOT_OK &&
        clGetDeviceInfo(device, what, bytes, text, NULL) == CL_SUCCESS)
        copy_text(out, size, text);
    free(text);
}

static cl_int platform_text(cl_platform_id id, cl_platform_info what, char *out, size_t size)
{
    size_t bytes = 0;
    char *text = NULL;
    out[0] = '\0';
    cl_int code = clGetPlatformInfo(id, what, 0, NULL, &bytes);
    if (code == CL_SUCCESS && mot_alloc(bytes + 1, 1, &text) == MOT_OK)
        code = clGetPlatformInfo(id, what, bytes, text, NULL);
    if (code == CL_SUCCESS && text)
        copy_text(out, size, text);
    free(text);
    return code;
}

static int64_t device_number(cl_device_id device, cl_device_info what, size_t size)
{
    cl_ulong wide = 0;
    cl_uint narrow = 0;
    if (clGetDeviceInfo(device, what, size, size == 8 ? (void *)&wide : (void *)&narrow, NULL) !=
        CL_SUCCESS)
        return 0;
    if (size != 8)
        return narrow;
    return wide > INT64_MAX ? INT64_MAX : (int64_t)wide;
}

int mot_opencl_version(const char *text)
{
    int major = 0, minor = 0;
    if (sscanf(text, "OpenCL %d.%d", &major, &minor) != 2 || major < 0 || major > 99)
        return 0;
    return major * 100 + minor * 10;
}

void mot_platform_short_name(const char *name, char out[24])
{
    /* The first row of which all words occur in the platform's name. */
    static const struct {
        const char *word, *other, *short_name;
    } known[] = {
        {"portable computing language", "", "pocl"},
        {"fpga", "intel", "intelfpga"},
        {"intel", "graphics", "intelgpu"},
        {"intel", "neo", "intelgpu"},
        {"intel", "", "intel"},
        {"nvidia", "", "nvidia"},
        {"amd ", "", "amd"},
        {"rusticl", "", "rusticl"},
        {"clover", "", "mesa"},
        {"mesa", "", "mesa"},
        {"apple", "", "apple"},
        {"xilinx", "", "xilinx"},
        {"oclgrind", "", "oclgrind"},
    };
    char lower[128];
    snprintf(lower, sizeof lower, "%s", name);
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(lower, known[i].word) && strstr(lower, known[i].other)) {
            snprintf(out, 24, "%s", known[i].short_name);
            return;
        }
    size_t n = 0;
    for (const char *c = lower; *c && n < 16; c++) {
        if (isalnum((unsigned char)*c))
            out[n++] = *c;
        else if (n > 0)
            break;
    }
    out[n] = '\0';
    if (n == 0)
        snprintf(out, 24, "unnamed");
}

static bool has_device(const platform *p, cl_device_id device, cl_uint upto)
{
    for (cl_uint i = 0; i < upto; i++)
        if (p->devices[i] == device)
            return true;
    return false;
}

/* CL_DEVICE_TYPE_ALL leaves custom devices out. */
static mot_status read_devices(mot_log_level level, platform *p)
{
    static const cl_device_type types[] = {CL_DEVICE_TYPE_ALL, CL_DEVICE_TYPE_CUSTOM};
    cl_uint n_all = 0, n[2] = {0, 0};
    for (int t = 0; t < 2; t++) {
        cl_int code = clGetDeviceIDs(p->id, types[t], 0, NULL, &n[t]);
        if (code != CL_SUCCESS) {
            n[t] = 0;
            if (code != CL_DEVICE_NOT_FOUND && t == 0)
                mot_log(level, "platform \"%s\" broken %s", p->name, mot_cl_name(code));
        }
        n_all += n[t];
    }
    MOT_TRY(mot_alloc(n_all, sizeof *p->devices, &p->devices));
    for (int t = 0; t < 2; t++) {
        cl_uint first = p->n_devices;
        if (n[t] == 0 ||
            clGetDeviceIDs(p->id, types[t], n[t], p->devices + first, NULL) != CL_SUCCESS)
            continue;
        for (cl_uint i = first; i < first + n[t]; i++)
            if (p->devices[i] && !has_device(p, p->devices[i], p->n_devices))
                p->devices[p->n_devices++] = p->devices[i];
    }
    return MOT_OK;
}

/* The same driver reached twice: by handle, or by another copy that says the same of everything. */
static bool same_platform(const platform *a, const platform *b)
{
    if (a->id == b->id)
        return true;
    if (strcmp(a->name, b->name) != 0 || strcmp(a->version, b->version) != 0 ||
        a->n_devices != b->n_devices)
        return false;
    for (cl_uint i = 0; i < a->n_devices; i++) {
        if (a->devices[i] == b->devices[i])
            continue;
        static const cl_device_info what[] = {CL_DEVICE_NAME, CL_DRIVER_VERSION};
        for (int k = 0; k < 2; k++) {
            char x[128], y[128];
            mot_device_text(a->devices[i], what[k], x, sizeof x);
            mot_device_text(b->devices[i], what[k], y, sizeof y);
            if (strcmp(x, y) != 0)
                return false;
        }
    }
    return true;
}

/* Read one platform into *p; false where there is nothing to use in it. */
static mot_status read_platform(mot_log_level level, cl_platform_id id, const platform *earlier,
                                int n_earlier, platform *p, bool *use)
{
    *use = false;
    p->id = id;
    cl_int code = platform_text(id, CL_PLATFORM_NAME, p->name, sizeof p->name);
    if (code != CL_SUCCESS) {
        mot_log(level, "platform broken %s", mot_cl_name(code));
        return MOT_OK;
    }
    platform_text(id, CL_PLATFORM_VERSION, p->version, sizeof p->version);
    mot_platform_short_name(p->name, p->short_name);
    MOT_TRY(read_devices(level, p));
    if (p->n_devices == 0) {
        mot_log(level, "platform \"%s\" empty 1", p->name);
        return MOT_OK;
    }
    for (int i = 0; i < n_earlier; i++)
        if (same_platform(&earlier[i], p)) {
            mot_log(level, "platform \"%s\" listed_twice 1", p->name);
            return MOT_OK;
        }
    *use = true;
    return MOT_OK;
}

static int compare_platforms(const void *a, const void *b)
{
    const platform *p = a, *q = b;
    int order = strcmp(p->short_name, q->short_name);
    if (order == 0)
        order = strcmp(p->name, q->name);
    return order ? order : strcmp(p->version, q->version);
}

static mot_device_kind kind_of(cl_device_id device)
{
    cl_device_type type = 0;
    clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    if (type & CL_DEVICE_TYPE_CPU)
        return MOT_KIND_CPU;
    if (type & CL_DEVICE_TYPE_GPU)
        return MOT_KIND_GPU;
    return type & CL_DEVICE_TYPE_ACCELERATOR ? MOT_KIND_ACCELERATOR : MOT_KIND_CUSTOM;
}

static void read_silicon(mot_found *found)
{
    cl_device_id device = found->device;
    mot_silicon *s = &found->silicon;
    char extensions[16384];
    mot_device_text(device, CL_DEVICE_EXTENSIONS, extensions, sizeof extensions);
    s->host_cpu = mot_silicon_is_host_cpu(&found->info);
    s->has_uuid = strstr(extensions, "cl_khr_device_uuid") &&
                  clGetDeviceInfo(device, CL_DEVICE_UUID_KHR, 16, s->uuid, NULL) == CL_SUCCESS;
    if (strstr(extensions, "cl_khr_pci_bus_info")) {
        s->has_pci =
            clGetDeviceInfo(device, CL_DEVICE_PCI_BUS_INFO_KHR, 16, s->pci, NULL) == CL_SUCCESS;
    } else if (strstr(extensions, "cl_nv_device_attribute_query")) {
        cl_uint bus = 0, slot = 0;
        s->has_pci = clGetDeviceInfo(device, NV_PCI_BUS, 4, &bus, NULL) == CL_SUCCESS &&
                     clGetDeviceInfo(device, NV_PCI_SLOT, 4, &slot, NULL) == CL_SUCCESS;
        clGetDeviceInfo(device, NV_PCI_DOMAIN, 4, &s->pci[0], NULL);
        s->pci[1] = bus, s->pci[2] = slot >> 3, s->pci[3] = slot & 7;
    } else if (strstr(extensions, "cl_amd_device_attribute_query")) {
        struct {
            cl_uint type;
            unsigned char unused[17], bus, device, function;
        } t = {0};
        s->has_pci =
            clGetDeviceInfo(device, AMD_TOPOLOGY, 24, &t, NULL) == CL_SUCCESS && t.type == 1;
        s->pci[1] = t.bus, s->pci[2] = t.device, s->pci[3] = t.function;
    }
}

static void read_device(const platform *p, const char *prefix, cl_uint index, mot_found *found)
{
    cl_device_id device = p->devices[index];
    mot_device_info *info = &found->info;
    found->platform = p->id;
    found->device = device;
    copy_text(found->platform_version, sizeof found->platform_version, p->version);
    snprintf(info->id, sizeof info->id, "%.32s:%u", prefix, (unsigned)index);
    copy_text(info->platform, sizeof info->platform, p->name);
    mot_device_text(device, CL_DEVICE_NAME, info->name, sizeof info->name);
    mot_device_text(device, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    mot_device_text(device, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    mot_device_text(device, CL_DEVICE_VERSION, info->opencl_version, sizeof info->opencl_version);
    info->kind = kind_of(device);
    info->compute_units = (int)device_number(device, CL_DEVICE_MAX_COMPUTE_UNITS, 4);
    info->memory_bytes = device_number(device, CL_DEVICE_GLOBAL_MEM_SIZE, 8);
    info->max_alloc_bytes = device_number(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, 8);
    info->local_bytes = device_number(device, CL_DEVICE_LOCAL_MEM_SIZE, 8);
    info->unified_memory = device_number(device, CL_DEVICE_HOST_UNIFIED_MEMORY, 4) != 0;
    info->compiler = device_number(device, CL_DEVICE_COMPILER_AVAILABLE, 4) != 0;
    info->twin_of = -1;
    if (!device_number(device, CL_DEVICE_AVAILABLE, 4))
        snprintf(info->trouble, sizeof info->trouble, "its driver says that it is not available");
    read_silicon(found);
}

static mot_status read_platforms(mot_log_level level, platform **out, int *n_out)
{
    cl_uint n_ids = 0;
    cl_int code = clGetPlatformIDs(0, NULL, &n_ids);
    if (code != CL_SUCCESS || n_ids == 0)
        return MOT_FAIL(MOT_ERR_DEVICE,
                        "no OpenCL platform is installed (%s): install the driver of your GPU, or "
                        "for any processor pocl (Debian: apt install pocl-opencl-icd); "
                        "OCL_ICD_VENDORS, where set, must name a folder of .icd files",
                        code == CL_SUCCESS ? "the list is empty" : mot_cl_name(code));
    cl_platform_id *ids;
    platform *platforms = NULL;
    MOT_TRY(mot_alloc(n_ids, sizeof *ids, &ids));
    mot_status status = mot_alloc(n_ids, sizeof *platforms, &platforms);
    int n = 0;
    if (status == MOT_OK && clGetPlatformIDs(n_ids, ids, NULL) != CL_SUCCESS)
        n_ids = 0;
    for (cl_uint i = 0; i < n_ids && status == MOT_OK; i++) {
        bool use = false;
        memset(&platforms[n], 0, sizeof platforms[n]);
        status = read_platform(level, ids[i], platforms, n, &platforms[n], &use);
        if (use)
            n++;
        else
            free(platforms[n].devices);
    }
    free(ids);
    if (n > 1)
        qsort(platforms, (size_t)n, sizeof *platforms, compare_platforms);
    *out = platforms;
    *n_out = n;
    return status;
}

mot_status mot_discover(mot_log_level level, mot_found **out, int *n_found)
{
    platform *platforms = NULL;
    mot_found *found = NULL;
    int n_platforms = 0, n = 0;
    size_t n_devices = 0;
    mot_status status;
    MOT_TRY_GOTO(read_platforms(level, &platforms, &n_platforms));
    for (int p = 0; p < n_platforms; p++)
        n_devices += platforms[p].n_devices;
    if (n_devices == 0) {
        status = MOT_FAIL(MOT_ERR_DEVICE,
                          "OpenCL platforms are installed, but none of them has a device: install "
                          "the driver of your GPU, or for any processor pocl (Debian: apt install "
                          "pocl-opencl-icd)");
        goto fail;
    }
    MOT_TRY_GOTO(mot_alloc(n_devices, sizeof *found, &found));
    for (int p = 0, same = 1; p < n_platforms; p++) {
        char prefix[32], number[12] = "";
        bool again = p > 0 && strcmp(platforms[p].short_name, platforms[p - 1].short_name) == 0;
        same = again ? same + 1 : 1;
        if (again)
            snprintf(number, sizeof number, "%d", same);
        snprintf(prefix, sizeof prefix, "%.18s%s", platforms[p].short_name, number);
        for (cl_uint i = 0; i < platforms[p].n_devices; i++)
            read_device(&platforms[p], prefix, i, &found[n++]);
    }
    mot_twins_mark(found, n);
    *out = found;
    *n_found = n;
fail:
    for (int p = 0; p < n_platforms; p++)
        free(platforms[p].devices);
    free(platforms);
    return status;
}
