/* commands.h: what the files that record launches and run them share; only they include it.
 *
 * commands.c        recording; running launches one by one
 * joined.c          runs of launches as one launch, on CPUs; joined_kernel.c  the kernel of such
 * command_buffer.c  ranges of launches from the driver's command buffers
 */
#ifndef MOT_DEVICES_COMMANDS_H
#define MOT_DEVICES_COMMANDS_H

#include "devices/state.h"

/* A recorded launch, or a call of a library (`enqueue`).  Owns what it points to. */
typedef struct mot_record {
    char *name;
    char *source, *options, *kernel_name;
    mot_arg *arg;
    int n_args;
    bool units;       /* it can be part of a joined launch */
    cl_kernel kernel; /* NULL as long as it has only run as a part of such */
    cl_uint n_dims;
    size_t global[3], local[3];
    bool has_local, in_ring, ran; /* in_ring: some view has slots */
    int slot;                     /* of the last run */
    cl_int (*enqueue)(cl_command_queue queue, const void *payload, cl_event *event);
    void *payload;
    double time_s;
    int64_t n_runs;
} mot_record;

/* A run that is yet to be timed: from its event's start, or from the end of all before it. */
typedef struct mot_pending {
    cl_event event, before; /* before: NULL where the event tells all */
    int record;
} mot_pending;

/* Launches [first, last) with ring views at `slot`, recorded by the driver. */
typedef struct mot_range_buffer {
    int first, last, slot;
    mot_command_buffer buffer;
} mot_range_buffer;

struct mot_commands {
    mot_device *device;
    mot_record *records;
    size_t capacity;
    int n_records;
    mot_pending *pending; /* profiling: so many that they are read in batches */
    int n_pending;
    mot_range_buffer *ranges;
    size_t n_ranges, range_capacity;
    mot_pieces *pieces; /* of ranges that were run joined; newest first */
};

/** Queue launch i; the first time it is waited for. */
mot_status mot_commands_run_one(mot_commands *commands, int i, int slot);
/** Let `enqueue` be the only first run in the whole process, and wait for it. */
mot_status mot_commands_run_first(mot_device *device, mot_status (*enqueue)(void *user),
                                  void *user);
mot_status mot_commands_failed(const mot_commands *commands, const char *launch, const char *call,
                               cl_int code);

/** Queue launches [first, last) for each of the slots, as few as they can be made; *joined is false
 *  where that cannot be done here, and nothing was. */
mot_status mot_joined_run(mot_commands *commands, int first, int last, mot_slots slots,
                          bool *joined);
/** How many launches these have become; what has not run yet counts one by one. */
int mot_joined_count(const mot_commands *commands, int first, int last);
/** For how many steps they can be one launch; 1 where they have not run or are several. */
int mot_joined_steps(const mot_commands *commands, int first, int last);
void mot_pieces_free(mot_pieces *pieces);

#endif
