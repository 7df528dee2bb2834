/* state.h: what stands behind the opaque types of device.h; for the files of devices/ only.
 *
 * Discovery gives a list of mot_found: the public information together with the OpenCL handles and
 * with what tells two drivers on the same silicon (mot_silicon).  Handles of platforms and devices
 * belong to the driver and live as long as the process, so a list may be dropped and made again.
 */
#ifndef MOT_DEVICES_STATE_H
#define MOT_DEVICES_STATE_H

#include "devices/devices.h"
#include "devices/kernel.h"
#include "devices/tuned.h"
#include "runtime/base/text.h"

/** What is known about the chip behind a device; see twins.c. */
typedef struct mot_silicon {
    bool host_cpu; /* runs on this host's processor, whatever type it calls itself */
    bool has_pci, has_uuid;
    uint32_t pci[4]; /* domain, bus, device, function */
    unsigned char uuid[16];
} mot_silicon;

typedef struct mot_found {
    mot_device_info info;
    cl_platform_id platform;
    cl_device_id device;
    char platform_version[128];
    mot_silicon silicon;
} mot_found;

/** Every device there is, sorted by platform and position.  *out is freed with free().  What is
 *  skipped is logged at `level`.  Errors: MOT_ERR_DEVICE when there is none. */
mot_status mot_discover(mot_log_level level, mot_found **out, int *n_found);
/** Short name of a platform: "pocl" for "Portable Computing Language". */
void mot_platform_short_name(const char *platform, char out[24]);
/** Text (cut to fit, blanks around it removed) of a device or platform query; "" where it fails. */
void mot_device_text(cl_device_id device, cl_device_info what, char *out, size_t size);
/** 120 for "OpenCL 1.2 pocl", 0 if unreadable. */
int mot_opencl_version(const char *text);

/** Fill twin_of of each. Pure. */
void mot_twins_mark(mot_found *found, int n_found);
/** Does the device run on this host's processor? By its kind and by what it is called. */
bool mot_silicon_is_host_cpu(const mot_device_info *info);

/** Split "pocl:0/2.1" into the base's id "pocl:0", 2 parts, part 1; a plain id has 0 parts.  False
 *  when the text behind the slash is not N.k with 0 <= k < N. */
bool mot_part_parse(const char *id, char base[48], int *n_parts, int *part);
/** Turn the information of a whole device into that of its part `part` of `n_parts`. */
void mot_part_info(mot_device_info *info, int n_parts, int part);
/** The OpenCL handle of a part, a sub-device that is never released (see parts.c), or the whole
 *  device where it cannot be divided. */
mot_status mot_part_open(const mot_found *whole, int n_parts, int part, cl_device_id *out);

/** How a selection treats a device: not chosen, chosen by a group (auto, all, kind, wildcard), or
 *  named by its id.  Pure.  See select.c. */
typedef enum { MOT_SELECT_NOT, MOT_SELECT_GROUP, MOT_SELECT_NAMED } mot_select_how;
mot_select_how mot_select_how_of(const mot_device_info *list, int n_list, int i,
                                 const char *selection);
/** The pure part of mot_devices_select, over a list of whole devices.  `probed`: entries chosen by
 * a group count only where `works` is set. */
mot_status mot_select_from(const mot_device_info *list, int n_list, const char *selection,
                           bool probed, int n_parts, int part, mot_device_info **out, int *n_out,
                           mot_text *note);
/** Does `text` match `pattern` with `*` for any run of characters?  Case does not count. */
bool mot_glob(const char *pattern, const char *text);

/** One program: kernels of one source built with one set of options. */
typedef struct mot_program mot_program;
struct mot_program {
    mot_program *next;
    char *source, *options; /* owned */
    cl_program program;     /* NULL: not built (yet) */
    int blob;               /* archive: which binary it came from; else -1 */
};

/** Page-locked memory handed out by mot_device_alloc_staging on a device of its own memory. */
typedef struct mot_staging mot_staging;
struct mot_staging {
    mot_staging *next;
    cl_mem mem;
    void *host;
};

/** How a device multiplies on tensor cores; see matmul_mma.c. */
typedef enum {
    MOT_MMA_UNKNOWN, /* not asked yet */
    MOT_MMA_NONE,
    MOT_MMA_DIRECT, /* operands come straight from global memory */
    MOT_MMA_ASYNC,  /* and by asynchronous copies to local memory */
} mot_mma;

/** The calls of cl_khr_command_buffer; see command_buffer.c. */
typedef struct mot_command_buffer_handle *mot_command_buffer;
typedef struct mot_recorder {
    mot_command_buffer(CL_API_CALL *create)(cl_uint n_queues, const cl_command_queue *queues,
                                            const cl_ulong *properties, cl_int *code);
    cl_int(CL_API_CALL *add)(mot_command_buffer buffer, cl_command_queue queue,
                             const cl_ulong *properties, cl_kernel kernel, cl_uint n_dims,
                             const size_t *offset, const size_t *global, const size_t *local,
                             cl_uint n_points, const cl_uint *points, cl_uint *point,
                             void **command);
    cl_int(CL_API_CALL *seal)(mot_command_buffer buffer);
    cl_int(CL_API_CALL *enqueue)(cl_uint n_queues, cl_command_queue *queues,
                                 mot_command_buffer buffer, cl_uint n_events,
                                 const cl_event *events, cl_event *event);
    cl_int(CL_API_CALL *release)(mot_command_buffer buffer);
} mot_recorder;

/** Kernels of which runs of launches are made, and what a range of launches becomes; see joined.h. */
typedef struct mot_joined mot_joined;
typedef struct mot_pieces mot_pieces;

struct mot_device {
    mot_device_info info;
    char platform_version[128];
    const mot_kernel_archive *archive; /* borrowed; NULL: the compiler is used */
    bool profile, no_cache, no_sharing, shares_memory, by_rule;
    int64_t memory_limit_bytes; /* planned with at most; 0: no limit of its own */
    bool rounds_on_demand;      /* quotients and square roots are rounded correctly if asked for */
    bool builtin_prefetch;      /* its compiler is Clang and takes __builtin_prefetch */
    bool driver_caches;         /* the driver keeps built kernels itself; see program_cache.c */
    bool brings_builtins;       /* its programs declare OpenCL's functions: kernels_cl/builtins.cl */
    int sibling;                /* devices of the same name that its platform lists before it */
    int cl_version;             /* 120 for OpenCL 1.2 */
    mot_precision precision;
    mot_tuned tuned; /* what is remembered; empty where choices are by rule */
    mot_mma mma;
    bool emulates_mma; /* set by tests only, on devices without tensor cores */
    cl_device_id id;
    cl_context context;
    cl_command_queue compute, transfer;
    cl_event transferred; /* latest write of the transfer queue that compute has not waited for */
    mot_program *programs;
    mot_staging *staging;
    bool joins;           /* runs of launches are made one */
    mot_joined *joined;   /* kernels for that */
    mot_buffer *counters; /* theirs, zero between launches */
    bool records;         /* ranges of launches are run from command buffers */
    mot_recorder recorder;
};

/** Make the compute queue wait for writes of the transfer queue.  Cheap when there are none. */
mot_status mot_device_join_transfers(mot_device *device);
void mot_staging_free_all(mot_device *device);
/** Read what is remembered of the device's fast choices (anew). */
void mot_device_recall_tuned(mot_device *device);

/** Fill in the calls; false where the driver has none of a kind that is known. */
bool mot_recorder_find(mot_device *device, mot_recorder *out);
/** A new command buffer for the compute queue, to be added to, sealed and in the end released. */
cl_int mot_recorder_begin(mot_device *device, mot_command_buffer *out);
/** Do command buffers do here what launches do, when they take turns in `n_slots` slots (1 or 2)?
 *  Where `best_s` is not NULL, seconds of the same work without and with them as well.
 *  Errors: MOT_ERR_NUMERIC, MOT_ERR_UNSUPPORTED, and those of devices. */
mot_status mot_recorder_try(mot_device *device, int n_slots, double best_s[2]);
/** Are they right and clearly faster?  For the probe: some milliseconds. */
bool mot_recorder_pays(mot_device *device);

/** Can runs of launches be made one here?  With an archive or profiling they are not. */
bool mot_device_can_join(const mot_device *device);
/** The same by what the device is, whatever the environment and the probe say. */
bool mot_device_might_join(const mot_device *device);
void mot_joined_free(mot_device *device);
/** Is that right and clearly faster?  For the probe: some milliseconds. */
bool mot_joined_pays(mot_device *device);

/** The program of `source` with `options`: from memory, archive, disk or compiler.  Borrowed from
 *  the device.  Errors: MOT_ERR_BUILD. */
mot_status mot_program_get(mot_device *device, const char *source, const char *options,
                           cl_program *out);
/** The same for a text that is made up, under a name that begins with "joined". */
mot_status mot_program_get_text(mot_device *device, const char *name, const char *text,
                                const char *options, cl_program *out);
/** Note that it may be needed: mot_device_kernel_list names it, nothing is built. */
mot_status mot_program_want(mot_device *device, const char *source, const char *options);
void mot_programs_free(mot_device *device);

/** Does the driver keep built kernels by itself, better than the disk cache could? */
bool mot_program_driver_caches(const mot_device_info *info);
/** Does the driver, pocl for CPUs, take kernels_cl/builtins.cl instead of its own header? */
bool mot_program_can_bring_builtins(const mot_device_info *info);
/** Try the disk cache: *out stays NULL where there is no good entry. */
void mot_program_cache_load(mot_device *device, const char *text, const char *options,
                            cl_program *out);
/** Remember a built program; failures are logged and forgotten. */
void mot_program_cache_save(mot_device *device, const char *text, const char *options,
                            cl_program program);
/** The binary of a program for its only device.  *out is freed with free(). */
mot_status mot_program_binary(const mot_device *device, cl_program program, unsigned char **out,
                              size_t *size_bytes);
/** A built program from a binary; *out is set on CL_SUCCESS only. */
cl_int mot_program_from_binary(mot_device *device, const unsigned char *binary, size_t size_bytes,
                               const char *options, cl_program *out);

/** The archive's binary for (device, source, options): its number, or -1. */
int mot_archive_find(const mot_kernel_archive *archive, const mot_device_info *info,
                     const char *source, const char *options);
void mot_archive_blob(const mot_kernel_archive *archive, int blob, const unsigned char **data,
                      size_t *size_bytes);
const char *mot_archive_path(const mot_kernel_archive *archive);

/** Hash of all embedded kernels, 16 hexadecimal digits. */
void mot_kernels_hash(char out[17]);

#endif
