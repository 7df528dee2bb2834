/* state.c: parameters and optimizer states of the replicas, in and out.
 *
 * Parameters and each state lie in their arenas in the flat layout of the memory plan, so all of
 * one kind is one copy; buffers lie behind the parameters.  Replicas that are not active are stale;
 * writing reaches them as well.
 */
#include "config.h"

#include "runtime/exec/internal.h"

#include "runtime/base/memory.h"

#include <stdlib.h>
#include <xxhash.h>

/* The first active replica: its parameters are current. */
int mot_exec_current(const mot_exec *exec)
{
    for (int i = 0; i < exec->n_devices; i++)
        if (exec->active[i])
            return i;
    return 0;
}

/* Where buffers, parameters or a state lie on every replica. */
typedef struct flat_range {
    mot_arena arena;
    size_t offset_bytes, size_bytes;
} flat_range;

static flat_range range_of(const mot_exec *exec, int state)
{
    const mot_memory_plan *memory = mot_exec_memory(exec);
    const size_t bytes = (size_t)memory->n_flat * sizeof(float);
    switch (state) {
    case MOT_FLAT_BUFFERS:
        return (flat_range){MOT_ARENA_PARAMETER, bytes,
                            (size_t)memory->n_flat_buffers * sizeof(float)};
    case MOT_FLAT_PARAMETERS:
        return (flat_range){MOT_ARENA_PARAMETER, 0, bytes};
    default:
        return (flat_range){MOT_ARENA_STATE, (size_t)state * bytes, bytes};
    }
}

static mot_status read_range(mot_exec *exec, int device, flat_range range, void *data)
{
    if (range.size_bytes == 0)
        return MOT_OK;
    return mot_buffer_read(exec->replica[device].arena[range.arena], range.offset_bytes,
                           range.size_bytes, data);
}

static mot_status write_range(mot_exec *exec, int device, flat_range range, const void *data)
{
    if (range.size_bytes == 0)
        return MOT_OK;
    return mot_buffer_write(exec->replica[device].arena[range.arena], range.offset_bytes,
                            range.size_bytes, data);
}

mot_status mot_exec_copy_replica(mot_exec *exec, int from, int to)
{
    const mot_memory_plan *memory = mot_exec_memory(exec);
    const int64_t most =
        memory->n_flat > memory->n_flat_buffers ? memory->n_flat : memory->n_flat_buffers;
    float *data;
    MOT_TRY(mot_alloc((size_t)most, sizeof *data, &data));
    mot_status status = MOT_OK;
    for (int state = MOT_FLAT_BUFFERS; status == MOT_OK && state < exec->graph->n_states; state++) {
        status = read_range(exec, from, range_of(exec, state), data);
        if (status == MOT_OK)
            status = write_range(exec, to, range_of(exec, state), data);
    }
    free(data);
    return status;
}

static mot_status check_state(const mot_exec *exec, int state)
{
    if (state < MOT_FLAT_BUFFERS || state >= exec->graph->n_states)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "optimizer state %d of %d", state, exec->graph->n_states);
    return MOT_OK;
}

mot_status mot_exec_write_flat(mot_exec *exec, int state, const float *data)
{
    MOT_TRY(check_state(exec, state));
    MOT_TRY(mot_exec_finish(exec));
    for (int i = 0; i < exec->n_devices; i++)
        MOT_TRY(write_range(exec, i, range_of(exec, state), data));
    return MOT_OK;
}

mot_status mot_exec_read_flat(mot_exec *exec, int state, float *data)
{
    MOT_TRY(check_state(exec, state));
    MOT_TRY(mot_exec_finish(exec));
    return read_range(exec, mot_exec_current(exec), range_of(exec, state), data);
}

mot_status mot_exec_hash(mot_exec *exec, int device, uint64_t *hash)
{
    const flat_range range = {MOT_ARENA_PARAMETER, 0,
                              mot_exec_memory(exec)->size_bytes[MOT_ARENA_PARAMETER]};
    float *data;
    MOT_TRY(mot_exec_finish(exec));
    MOT_TRY(mot_alloc(range.size_bytes, 1, &data));
    mot_status status = read_range(exec, device, range, data);
    if (status == MOT_OK)
        *hash = XXH64(data, range.size_bytes, 0);
    free(data);
    return status;
}
