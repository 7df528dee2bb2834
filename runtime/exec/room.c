/* room.c: how many samples of a network a device's memory holds, by bisection over memory plans. */
#include "config.h"

#include "runtime/exec/room.h"

#include "runtime/exec/replica.h"

void mot_room_arenas(const mot_memory_plan *train, const mot_memory_plan *inference, int n_slots,
                     size_t size_bytes[MOT_N_ARENAS])
{
    for (int a = 0; a < MOT_N_ARENAS; a++)
        size_bytes[a] = train->size_bytes[a] > inference->size_bytes[a] ? train->size_bytes[a]
                                                                        : inference->size_bytes[a];
    size_bytes[MOT_ARENA_RING] *= (size_t)n_slots;
    /* Sums lie at the end of the gradients: one place when they travel with them, else one a slot. */
    size_bytes[MOT_ARENA_GRADIENT] += MOT_SUMS_FLOATS * sizeof(float) * (size_t)n_slots;
}

/* Of the largest ring that steps with slots of up to so many bytes may get: it grows with the batch, so
 * that what fits is not refused with fewer samples. */
static size_t ring_room(size_t slot_bytes)
{
    const size_t least = slot_bytes * MOT_LEAST_SLOTS, most = slot_bytes * MOT_MAX_SLOTS;
    const size_t small = most < MOT_SMALL_RING_BYTES ? most : MOT_SMALL_RING_BYTES;
    return least > small ? least : small;
}

/* What `batch` samples lack, in one buffer or in all; needed_bytes is 0 where they fit. */
static mot_status find_shortage(const mot_graph *graph, const mot_device *device, int64_t batch,
                                mot_room *missing)
{
    const int64_t room = mot_device_memory_room(device),
                  most = mot_device_get_info(device)->max_alloc_bytes;
    mot_memory_plan train, inference;
    size_t size[MOT_N_ARENAS];
    int64_t total = 0;
    *missing = (mot_room){.capacity = 0};
    MOT_TRY(mot_graph_plan_memory(graph, batch, false, &train));
    const mot_status status = mot_graph_plan_memory(graph, batch, true, &inference);
    if (status == MOT_OK) {
        mot_room_arenas(&train, &inference, MOT_MAX_SLOTS, size);
        size[MOT_ARENA_RING] = ring_room(size[MOT_ARENA_RING] / MOT_MAX_SLOTS);
    }
    for (int a = 0; a < MOT_N_ARENAS && status == MOT_OK; a++) {
        total += (int64_t)size[a];
        if ((int64_t)size[a] > most && (int64_t)size[a] > missing->needed_bytes)
            *missing =
                (mot_room){.needed_bytes = (int64_t)size[a], .room_bytes = most, .in_one = true};
    }
    if (total > room)
        *missing = (mot_room){.needed_bytes = total, .room_bytes = room};
    mot_memory_plan_free(&train);
    if (status == MOT_OK)
        mot_memory_plan_free(&inference);
    return status;
}

mot_status mot_room_find(const mot_graph *graph, const mot_device *device, int64_t batch,
                         mot_room *out)
{
    mot_room room, missing;
    int64_t fits = 0, too_many = batch;
    MOT_TRY(find_shortage(graph, device, batch, &room));
    if (room.needed_bytes == 0)
        fits = batch;
    while (too_many - fits > 1) {
        const int64_t middle = fits + (too_many - fits) / 2;
        MOT_TRY(find_shortage(graph, device, middle, &missing));
        if (missing.needed_bytes == 0)
            fits = middle;
        else
            too_many = middle;
    }
    *out = room;
    out->capacity = fits;
    return MOT_OK;
}
