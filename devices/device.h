/* device.h: one open OpenCL device: memory, recorded commands, synchronisation.
 *
 * An open device has one context, one in-order compute queue and one transfer queue.  It is used
 * from one thread at a time (its worker).  Nothing of OpenCL shows in this header: floors above see
 * opaque types and statuses only.
 *
 *   mot_buffer    device memory.  On devices that share the host's memory it can be reached by a
 *                 plain pointer (mot_buffer_host) and reads and writes are plain copies or none.
 *   mot_view      a tensor in a buffer: (buffer, offset in elements, type, shape), and for the input
 *                 ring the distance between its slots.
 *   mot_commands  a recorded list of kernel launches with all arguments set, run over and over;
 *                 only the offsets of views in a ring change, with the slot.
 *   mot_mark      a point in the compute queue that the host can ask about or wait for.
 */
#ifndef MOT_DEVICES_DEVICE_H
#define MOT_DEVICES_DEVICE_H

#include "runtime/base/shape.h"
#include "runtime/base/status.h"

typedef struct mot_device mot_device;
typedef struct mot_buffer mot_buffer;
typedef struct mot_commands mot_commands;
typedef struct mot_mark mot_mark;
typedef struct mot_kernel_archive mot_kernel_archive;

/** What matrix products may round their operands to, where a device multiplies those faster; sums are
 *  float always.  A device that cannot, or a product that is too small to gain, takes float32. */
typedef enum {
    MOT_PRECISION_FLOAT32,
    MOT_PRECISION_TF32, /* 10 bits behind the point */
    MOT_PRECISION_BF16, /* 7 bits */
} mot_precision;

/** "float32", "tf32", "bf16". */
const char *mot_precision_name(mot_precision precision);
/** The precision of that name; false where there is none. */
bool mot_precision_parse(const char *name, mot_precision *out);

typedef struct mot_device_options {
    const mot_kernel_archive *archive; /* offline-built kernels: the compiler is never called;
                                          borrowed until the device is closed */
    bool profile;                      /* queue with event profiling */
    bool no_cache;                     /* neither read nor write the program cache on disk */
    bool no_sharing;                   /* copy even where memory could be shared: to test that path;
                                          MOTLEY_SHARED_MEMORY=0 in the environment does the same */
    mot_precision precision;
    bool by_rule; /* use no remembered choices; so it is with an archive, and when MOTLEY_TUNED=0
                     is in the environment */
} mot_device_options;

/** Open the device that `info` (from mot_devices_list) names.  `options` may be NULL.
 *  The caller owns *out: mot_device_close.  Errors: MOT_ERR_DEVICE. */
mot_status mot_device_open(const mot_device_info *info, const mot_device_options *options,
                           mot_device **out);
void mot_device_close(mot_device *device);
const mot_device_info *mot_device_get_info(const mot_device *device);

/** Plan with at most so many bytes of its memory; 0: with four fifths of what it has, since drivers and,
 *  on CPUs, the data set and other programs need some as well. */
void mot_device_limit_memory(mot_device *device, int64_t most_bytes);
/** Bytes that may be planned with. */
int64_t mot_device_memory_room(const mot_device *device);

/** Wait until all that was queued is done.  Errors: MOT_ERR_DEVICE: a queued command failed. */
mot_status mot_device_finish(mot_device *device);
/** Hand queued work to the device without waiting. */
mot_status mot_device_flush(mot_device *device);

/* ---- memory ---- */

/** New zeroed device memory.  Owned by the caller: mot_buffer_free (before mot_device_close).
 *  Errors: MOT_ERR_MEMORY, with sizes asked for and free. */
mot_status mot_buffer_new(mot_device *device, size_t size_bytes, mot_buffer **out);
/** Device memory over host memory that the caller owns (page aligned, whole pages, from
 *  mot_alloc_pages) and keeps until the buffer is freed.  Only where mot_device_shares_memory. */
mot_status mot_buffer_wrap(mot_device *device, void *host, size_t size_bytes, mot_buffer **out);
void mot_buffer_free(mot_buffer *buffer);
size_t mot_buffer_size_bytes(const mot_buffer *buffer);

/** True where kernels and host can work on the same memory without copies or mapping (checked when
 *  the device is opened, by writing and reading through it). */
bool mot_device_shares_memory(const mot_device *device);
/** The buffer's memory as the host sees it, or NULL where the device does not share memory.  The
 *  host touches it only while no queued command uses it. */
void *mot_buffer_host(mot_buffer *buffer);

/** Copy host memory to the buffer / back, in order with the compute queue; returns when done. */
mot_status mot_buffer_write(mot_buffer *buffer, size_t offset_bytes, size_t size_bytes,
                            const void *source);
mot_status mot_buffer_read(mot_buffer *buffer, size_t offset_bytes, size_t size_bytes,
                           void *destination);
/** Read what no queued command writes any more (a mark behind the one that did was waited for): waits
 *  for nothing that is queued on the compute queue. */
mot_status mot_buffer_read_now(mot_buffer *buffer, size_t offset_bytes, size_t size_bytes,
                               void *destination);
/** Write and read without waiting: host memory must stay until a later mark is reached.  On devices that
 *  share memory the copy is done at once, so the caller first makes sure that no queued command uses
 *  the range.  `transfer`: on the transfer queue; the compute queue waits for it at the next
 *  mot_commands_run. */
mot_status mot_buffer_write_async(mot_buffer *buffer, size_t offset_bytes, size_t size_bytes,
                                  const void *source, bool transfer);
mot_status mot_buffer_read_async(mot_buffer *buffer, size_t offset_bytes, size_t size_bytes,
                                 void *destination);
/** Page-locked host memory for fast transfers (plain pages where that means nothing). */
mot_status mot_device_alloc_staging(mot_device *device, size_t size_bytes, void **out);
void mot_device_free_staging(mot_device *device, void *staging);

/* ---- views ---- */

typedef struct mot_view {
    mot_buffer *buffer;  /* NULL: an absent optional operand */
    int64_t offset;      /* elements from the buffer's start */
    int64_t slot_stride; /* elements between ring slots; 0: the same in every slot */
    mot_dtype dtype;
    mot_shape shape; /* concrete: no MOT_BATCH */
} mot_view;

/* ---- commands ---- */

mot_status mot_commands_new(mot_device *device, mot_commands **out);
void mot_commands_free(mot_commands *commands);
/** Launches recorded so far.  Positions between launches, from 0 to this, bound the ranges below. */
int mot_commands_count(const mot_commands *commands);
/** Queue launches [first, last) with ring views at `slot`.  Does not wait. */
mot_status mot_commands_run(mot_commands *commands, int first, int last, int slot);
/** `n` slots of a ring of `of`, one behind the other from `first` on. */
typedef struct mot_slots {
    int first, n, of;
} mot_slots;
/** The same for each of these slots in turn, where it can be as one launch (mot_commands_join_steps). */
mot_status mot_commands_run_steps(mot_commands *commands, int first, int last, mot_slots slots);
/** Runs of launches become one here, as far as their kernels allow. */
bool mot_device_joins(const mot_device *device);
/** For how many slots launches [first, last) can be one launch; 1 where they are not one. */
int mot_commands_join_steps(const mot_commands *commands, int first, int last);
/** How many launches the driver gets for [first, last), once they have run: several can be made one. */
int mot_commands_launches(const mot_commands *commands, int first, int last);
/** Name of launch i, "linear/matmul_packed fc1", for profiles; borrowed. */
const char *mot_commands_name(const mot_commands *commands, int i);
/** With options.profile: total device seconds and number of runs of launch i so far. */
mot_status mot_commands_profile(mot_commands *commands, int i, double *time_s, int64_t *n_runs);

/* ---- marks ---- */

/** Put a mark behind all that is queued now.  Owned by the caller: mot_mark_free. */
mot_status mot_mark_new(mot_device *device, mot_mark **out);
/** Wait until everything before the mark is done.  Errors: MOT_ERR_DEVICE when some of it failed. */
mot_status mot_mark_wait(mot_mark *mark);
void mot_mark_free(mot_mark *mark);

#endif
