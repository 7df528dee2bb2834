/* room.h: how many samples of a network a device's memory holds. */
#ifndef MOT_EXEC_ROOM_H
#define MOT_EXEC_ROOM_H

#include "devices/device.h"
#include "runtime/graph/graph.h"

/* Slots of the input ring: more than the least only where all together are small. */
enum { MOT_LEAST_SLOTS = 4, MOT_MAX_SLOTS = 12, MOT_SMALL_RING_BYTES = 1 << 20 };

typedef struct mot_room {
    int64_t capacity;     /* samples that fit, up to those asked for */
    int64_t needed_bytes; /* by all that were asked for, where they do not fit; 0: they do */
    int64_t room_bytes;   /* what there is for that: of the device, */
    bool in_one;          /* or in one buffer */
} mot_room;

/** Find how many samples, up to `batch`, fit on the device, training and evaluation alike; scratch
 *  memory of kernels, which they may do without, is not counted; of input rings the largest that a
 *  batch of any size up to this may get.  Changes nothing.
 *  Errors: MOT_ERR_MEMORY for a batch that fits in no memory there could be. */
mot_status mot_room_find(const mot_graph *graph, const mot_device *device, int64_t batch,
                         mot_room *out);

/** Bytes of each arena, for training and evaluation alike. */
void mot_room_arenas(const mot_memory_plan *train, const mot_memory_plan *inference, int n_slots,
                     size_t size_bytes[MOT_N_ARENAS]);

#endif
