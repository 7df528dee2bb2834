/* kernel.h: for the primitives in devices/ only: kernels by name, and recording their launches. */
#ifndef MOT_DEVICES_KERNEL_H
#define MOT_DEVICES_KERNEL_H

#include "devices/device.h"

#include <CL/cl.h>

enum { MOT_MAX_ARGS = 64 };

/** An argument of a kernel: a view takes a pointer and an offset. */
typedef enum { MOT_ARG_VIEW, MOT_ARG_LONG, MOT_ARG_INT, MOT_ARG_FLOAT, MOT_ARG_LOCAL } mot_arg_kind;
typedef struct mot_arg {
    mot_arg_kind kind;
    cl_mem mem;     /* of a view; NULL: absent */
    int64_t value;  /* offset at slot 0, number, bits of a float, bytes of local memory */
    int64_t stride; /* of a view: elements between ring slots */
} mot_arg;

/** A launch under construction: give the arguments in order, then the range. */
typedef struct mot_launch {
    mot_commands *commands;
    const char *source, *kernel;
    char options[256];
    mot_arg arg[MOT_MAX_ARGS];
    int n_args;
    mot_status status; /* the first failure; later calls do nothing */
    bool units; /* groups of one work-item of a kernel that has UNITS; see kernels_cl/joined.cl */
} mot_launch;

/** Begin a launch of `kernel` from the embedded source `source` ("matmul_packed" for
 *  kernels_cl/matmul_packed.cl) built with `options` (e.g. "-DMR=6 -DVW=8"; "" for none). */
void mot_launch_begin(mot_launch *launch, mot_commands *commands, const char *source,
                      const char *options, const char *kernel);
/** A view takes two kernel arguments: the `__global T *` and a `long` offset in elements. */
void mot_launch_view(mot_launch *launch, const mot_view *view);
/** An absent view passes a NULL buffer and offset 0. */
void mot_launch_long(mot_launch *launch, int64_t value); /* kernel type long */
void mot_launch_int(mot_launch *launch, int value);      /* kernel type int */
/** Each as an int. */
void mot_launch_ints(mot_launch *launch, const int64_t *numbers, size_t n);
#define MOT_LAUNCH_INTS(launch, ...)                                                               \
    mot_launch_ints((launch), (const int64_t[]){__VA_ARGS__},                                      \
                    sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t))
void mot_launch_float(mot_launch *launch, float value);
void mot_launch_local(mot_launch *launch, size_t size_bytes);
/** Record it: `global` work-items in groups of `local` (NULL: the driver chooses), n_dims 1..3.
 *  `name` is what mot_commands_name gives (copied).  The kernel is there then, from memory, the disk
 *  cache, the archive or the compiler, in this order; but where it may become part of another one
 *  (joined.c), not before it runs by itself. */
mot_status mot_launch_end(mot_launch *launch, const char *name, int n_dims, const size_t *global,
                          const size_t *local);

/** Record something that is not one of our kernels (CLBlast): `enqueue` is called at every run with
 *  the queue and must return a CL code.  `payload` (size_bytes) is copied. */
mot_status mot_commands_foreign(mot_commands *commands, const char *name,
                                cl_int (*enqueue)(cl_command_queue queue, const void *payload,
                                                  cl_event *event),
                                const void *payload, size_t size_bytes);

/** For CLBlast and the probe. */
cl_mem mot_buffer_mem(mot_buffer *buffer);
cl_device_id mot_device_cl(const mot_device *device);
cl_context mot_device_context(const mot_device *device);
cl_command_queue mot_device_queue(const mot_device *device);

/** "CL_OUT_OF_RESOURCES" for -5; a failed call as a status with its name and the device's id. */
const char *mot_cl_name(cl_int code);
mot_status mot_cl_fail(const mot_device *device, cl_int code, const char *call);
#define MOT_CL_TRY(device, call)                                                                   \
    do {                                                                                           \
        cl_int mot_cl_code_ = (call);                                                              \
        if (mot_cl_code_ != CL_SUCCESS)                                                            \
            return mot_cl_fail((device), mot_cl_code_, #call);                                     \
    } while (0)

#endif
