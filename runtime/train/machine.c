/* machine.c: the devices in use on all ranks, as numbers that every rank has. */
#include "config.h"

#include "runtime/train/trainer.h"

#include "runtime/base/memory.h"

#include <stdlib.h>
#include <string.h>

mot_status mot_trainer_gather(mot_trainer *t, const double *mine, double *all)
{
    double block[MOT_MAX_LOCAL_DEVICES] = {0}, *blocks;
    int size = mot_comm_size(t->comm);
    for (int i = 0; i < t->n_devices; i++)
        block[i] = mine[i];
    MOT_TRY(mot_alloc((size_t)size * MOT_MAX_LOCAL_DEVICES, sizeof *blocks, &blocks));
    mot_status status = mot_comm_all_gather(t->comm, block, sizeof block, blocks);
    for (int d = 0, k = 0, rank = -1; status == MOT_OK && d < t->machine.n_devices; d++) {
        k = t->machine.device[d].rank == rank ? k + 1 : 0;
        rank = t->machine.device[d].rank;
        all[d] = blocks[(size_t)rank * MOT_MAX_LOCAL_DEVICES + (size_t)k];
    }
    free(blocks);
    return status;
}

/* Ids, ranks and capacities of the devices in use on all ranks. */
static mot_status gather_machine(mot_trainer *t)
{
    int size = mot_comm_size(t->comm), rank = mot_comm_rank(t->comm), total = 0, *counts;
    MOT_TRY(mot_alloc((size_t)size, sizeof *counts, &counts));
    mot_status status = mot_comm_all_gather(t->comm, &t->n_devices, sizeof *counts, counts);
    for (int r = 0; r < size; r++) {
        t->first_device = r == rank ? total : t->first_device;
        total += counts[r];
    }
    mot_machine_free(&t->machine);
    mot_machine_device *device = NULL;
    if (status == MOT_OK)
        status = mot_alloc((size_t)total, sizeof *device, &device);
    if (status == MOT_OK) {
        t->machine = (mot_machine){.device = device, .n_devices = total};
        for (int r = 0, d = 0; r < size; r++)
            for (int i = 0; i < counts[r]; i++)
                device[d++].rank = r;
        for (int i = 0; i < t->n_devices; i++) {
            mot_machine_device *mine = &device[t->first_device + i];
            memcpy(mine->id, mot_device_get_info(t->device[i])->id, sizeof mine->id);
            mine->max_batch = (double)mot_exec_capacity(t->exec, i);
        }
    }
    /* Each rank's entries from the rank that owns them. */
    for (int d = 0; status == MOT_OK && d < total; d++)
        status = mot_comm_broadcast(t->comm, &device[d], sizeof device[d], device[d].rank);
    free(counts);
    return status;
}

mot_status mot_trainer_open_exec(mot_trainer *t)
{
    mot_trainer_drop_plans(t);
    mot_exec_close(t->exec);
    t->exec = NULL;
    mot_exec_options options = {.max_batch = t->set.part, .seed = t->set.seed};
    mot_status status =
        mot_exec_open(t->graph, t->device, t->n_devices, t->comm, &options, &t->exec);
    MOT_TRY(mot_trainer_agree(t, status));
    free(t->active);
    free(t->share);
    free(t->share_scratch);
    t->active = NULL;
    t->share = t->share_scratch = NULL;
    MOT_TRY(gather_machine(t));
    size_t n = (size_t)t->machine.n_devices;
    status = mot_alloc((size_t)t->n_devices, sizeof *t->active, &t->active);
    if (status == MOT_OK)
        status = mot_alloc(n, sizeof *t->share, &t->share);
    if (status == MOT_OK)
        status = mot_alloc(n, sizeof *t->share_scratch, &t->share_scratch);
    return mot_trainer_agree(t, status);
}
