/* program.c: from the name of an embedded kernel source to a built program.
 *
 * Each device keeps its programs by (source, options).  A missing one comes from the archive, if
 * the device was opened with one, and then from nowhere else; otherwise from the disk cache;
 * otherwise from the device's compiler, after which it is put into the cache. Options that all
 * builds share: OpenCL C 1.2, and no warnings, which pocl would print on the terminal.  No
 * fast-math: what a kernel may relax, it says itself.  pocl is given kernels_cl/builtins.cl.
 *
 * pocl 3.1 keeps the loaded kernels of all devices in one list with a count of users each, and when
 * a launch has ended takes its user from the first entry of the same program, kernel and group size,
 * which is another one if a sibling has just launched the kernel over more groups: it aborts with
 * "ref_count > 0" in common.c.  So each further device of one name gets programs of its own.
 */
#include "config.h"

#include "devices/embedded.h"
#include "devices/state.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { LOG_BYTES_SHOWN = 4096, OPTIONS_BYTES = 1024 };

const char *mot_kernel_source(const char *name)
{
    for (const mot_embedded *e = mot_embedded_kernels; e->name; e++)
        if (strcmp(e->name, name) == 0)
            return e->text;
    return NULL;
}

void mot_kernels_hash(char out[17])
{
    uint64_t hash = 0;
    for (const mot_embedded *e = mot_embedded_kernels; e->name; e++) {
        hash = XXH64(e->name, strlen(e->name), hash);
        hash = XXH64(e->text, strlen(e->text), hash);
    }
    snprintf(out, 17, "%016llx", (unsigned long long)hash);
}

/* The compiler's words, without the blanks around them; the end of them if they are long. */
static char *build_log(const mot_device *device, cl_program program)
{
    size_t bytes = 0;
    char *text = NULL;
    if (clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) !=
            CL_SUCCESS ||
        bytes <= 1 || mot_alloc(bytes + 1, 1, &text) != MOT_OK)
        return NULL;
    if (clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, bytes, text, NULL) !=
        CL_SUCCESS)
        text[0] = '\0';
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
        text[--n] = '\0';
    if (n > LOG_BYTES_SHOWN)
        memmove(text, text + n - LOG_BYTES_SHOWN, LOG_BYTES_SHOWN + 1);
    return text;
}

bool mot_program_can_bring_builtins(const mot_device_info *info)
{
    return mot_program_driver_caches(info) && mot_silicon_is_host_cpu(info);
}

static cl_int build(const mot_device *device, cl_uint n_texts, const char **texts,
                    const char *options, cl_program *out)
{
    cl_int code;
    *out = clCreateProgramWithSource(device->context, n_texts, texts, NULL, &code);
    if (code == CL_SUCCESS)
        code = clBuildProgram(*out, 1, &device->id, options, NULL, NULL);
    return code;
}

/* With the declarations of kernels_cl/builtins.cl instead of the compiler's header; NULL, and what
 * the compiler said, where that fails. */
static cl_program build_with_builtins(const mot_device *device, const char *text,
                                      const char *options, char **said)
{
    static const char header_is_read[] = " -D_OPENCL_H_";
    char all_options[OPTIONS_BYTES + sizeof header_is_read];
    const char *texts[] = {mot_kernel_source("builtins"), text};
    cl_program program;
    snprintf(all_options, sizeof all_options, "%s%s", options, header_is_read);
    if (build(device, 2, texts, all_options, &program) == CL_SUCCESS)
        return program;
    if (program) {
        *said = build_log(device, program);
        clReleaseProgram(program);
    }
    return NULL;
}

/* Without them from now on, so that a compiler that does not take them complains but once. */
static void stop_bringing_builtins(mot_device *device, const char *source, const char *why)
{
    device->brings_builtins = false;
    mot_log(MOT_LOG_INFO, "device %s builtins 0 source %s why \"%.*s\"", device->info.id, source,
            (int)strcspn(why, "\n"), why);
}

static mot_status compile(mot_device *device, const char *source, const char *text,
                          const char *options, const char *all_options, cl_program *out)
{
    const char *id = device->info.id;
    if (!device->info.compiler)
        return MOT_FAIL(MOT_ERR_BUILD,
                        "device %s (%s) has no OpenCL compiler: give it kernels that were built "
                        "elsewhere, with --kernels ARCHIVE; see motley kernels export",
                        id, device->info.name);
    double start_s = mot_clock_s();
    char *lacking = NULL;
    cl_int code = CL_SUCCESS;
    cl_program program = NULL;
    if (device->brings_builtins)
        program = build_with_builtins(device, text, all_options, &lacking);
    if (!program) {
        code = build(device, 1, &text, all_options, &program);
        if (code == CL_SUCCESS && device->brings_builtins)
            stop_bringing_builtins(device, source, lacking ? lacking : "");
        free(lacking);
    }
    if (!program)
        return mot_cl_fail(device, code, "clCreateProgramWithSource");
    if (code != CL_SUCCESS) {
        char *said = build_log(device, program);
        mot_status status =
            MOT_FAIL(MOT_ERR_BUILD, "device %s: '%s' does not build with '%s': %s\n%s", id, source,
                     options, mot_cl_name(code), said ? said : "(the compiler says nothing)");
        free(said);
        clReleaseProgram(program);
        return status;
    }
    mot_log(MOT_LOG_DEBUG, "build device %s source %s options \"%s\" time_s %.3f", id, source,
            options, mot_clock_s() - start_s);
    *out = program;
    return MOT_OK;
}

mot_status mot_program_binary(const mot_device *device, cl_program program, unsigned char **out,
                              size_t *size_bytes)
{
    size_t bytes = 0;
    unsigned char *binary;
    MOT_CL_TRY(device,
               clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL));
    if (bytes == 0)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "device %s gives no binaries of its programs",
                        device->info.id);
    MOT_TRY(mot_alloc(bytes, 1, &binary));
    cl_int code = clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL);
    if (code != CL_SUCCESS) {
        free(binary);
        return mot_cl_fail(device, code, "clGetProgramInfo");
    }
    *out = binary;
    *size_bytes = bytes;
    return MOT_OK;
}

cl_int mot_program_from_binary(mot_device *device, const unsigned char *binary, size_t size_bytes,
                               const char *options, cl_program *out)
{
    cl_int code, state = CL_SUCCESS;
    cl_program program = clCreateProgramWithBinary(device->context, 1, &device->id, &size_bytes,
                                                   &binary, &state, &code);
    if (code == CL_SUCCESS && state != CL_SUCCESS) {
        clReleaseProgram(program);
        code = state;
    }
    if (code != CL_SUCCESS)
        return code;
    code = clBuildProgram(program, 1, &device->id, options, NULL, NULL);
    if (code != CL_SUCCESS)
        clReleaseProgram(program);
    else
        *out = program;
    return code;
}

/* One binary may hold kernels of several sources (an FPGA's image does): it is loaded once. */
static mot_status from_archive(mot_device *device, const char *source, const char *options,
                               const char *all_options, cl_program *out, int *blob)
{
    const unsigned char *binary;
    size_t size_bytes;
    *blob = mot_archive_find(device->archive, &device->info, source, options);
    if (*blob < 0)
        return MOT_FAIL(
            MOT_ERR_BUILD, "kernel archive %s lacks '%s' with options '%s' for device %s (%s)",
            mot_archive_path(device->archive), source, options, device->info.id, device->info.name);
    for (mot_program *p = device->programs; p; p = p->next)
        if (p->program && p->blob == *blob) {
            *out = p->program;
            clRetainProgram(*out);
            return MOT_OK;
        }
    mot_archive_blob(device->archive, *blob, &binary, &size_bytes);
    cl_int code = mot_program_from_binary(device, binary, size_bytes, all_options, out);
    if (code != CL_SUCCESS)
        return MOT_FAIL(MOT_ERR_BUILD,
                        "kernel archive %s: device %s (%s) does not take the binary of '%s' with "
                        "options '%s': %s",
                        mot_archive_path(device->archive), device->info.id, device->info.name,
                        source, options, mot_cl_name(code));
    return MOT_OK;
}

static mot_status make(mot_device *device, const char *source, const char *text,
                       const char *options, cl_program *out, int *blob)
{
    char all_options[OPTIONS_BYTES];
    char own[32] = "";
    if (device->driver_caches && device->sibling > 0)
        snprintf(own, sizeof own, " -DSIBLING=%d", device->sibling);
    int length = snprintf(all_options, sizeof all_options, "-cl-std=CL1.2 -w%s%s%s%s%s",
                          device->rounds_on_demand ? " -cl-fp32-correctly-rounded-divide-sqrt" : "",
                          device->builtin_prefetch ? " -DBUILTIN_PREFETCH" : "", own,
                          options[0] ? " " : "", options);
    if (length < 0 || (size_t)length >= sizeof all_options)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "the build options of '%s' are too long", source);
    *blob = -1;
    if (device->archive)
        return from_archive(device, source, options, all_options, out, blob);
    if (!text && !(text = mot_kernel_source(source)))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "there is no kernel source '%s'", source);
    cl_program program = NULL;
    mot_program_cache_load(device, text, all_options, &program);
    if (!program) {
        MOT_TRY(compile(device, source, text, options, all_options, &program));
        mot_program_cache_save(device, text, all_options, program);
    }
    *out = program;
    return MOT_OK;
}

static void free_program(mot_program *p)
{
    if (p->program)
        clReleaseProgram(p->program);
    free(p->source);
    free(p->options);
    free(p);
}

/* The device's entry for a program, which may not be built yet. */
static mot_status find_or_add(mot_device *device, const char *source, const char *options,
                              mot_program **out)
{
    for (mot_program *p = device->programs; p; p = p->next)
        if (strcmp(p->source, source) == 0 && strcmp(p->options, options) == 0) {
            *out = p;
            return MOT_OK;
        }
    mot_program *made;
    mot_status status;
    MOT_TRY(mot_alloc(1, sizeof *made, &made));
    MOT_TRY_GOTO(mot_strdup(source, &made->source));
    MOT_TRY_GOTO(mot_strdup(options, &made->options));
    made->blob = -1;
    made->next = device->programs;
    device->programs = made;
    *out = made;
    return MOT_OK;
fail:
    free_program(made);
    return status;
}

mot_status mot_program_want(mot_device *device, const char *source, const char *options)
{
    mot_program *program;
    return find_or_add(device, source, options, &program);
}

mot_status mot_program_get_text(mot_device *device, const char *source, const char *text,
                                const char *options, cl_program *out)
{
    mot_program *p;
    MOT_TRY(find_or_add(device, source, options, &p));
    if (!p->program)
        MOT_TRY(make(device, source, text, options, &p->program, &p->blob));
    *out = p->program;
    return MOT_OK;
}

mot_status mot_program_get(mot_device *device, const char *source, const char *options,
                           cl_program *out)
{
    return mot_program_get_text(device, source, NULL, options, out);
}

void mot_programs_free(mot_device *device)
{
    while (device->programs) {
        mot_program *gone = device->programs;
        device->programs = gone->next;
        free_program(gone);
    }
}

mot_status mot_device_kernel_list(const mot_device *device, char **out)
{
    mot_text list = {0};
    mot_status status = mot_text_add(&list, "%s", "");
    for (const mot_program *p = device->programs; p && status == MOT_OK; p = p->next)
        if (strcmp(p->source, "probe") != 0 && strncmp(p->source, "joined", 6) != 0)
            status = mot_text_add(&list, "%s\t%s\n", p->source, p->options);
    if (status != MOT_OK) {
        mot_text_free(&list);
        return status;
    }
    *out = list.data;
    return MOT_OK;
}
