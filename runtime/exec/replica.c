/* replica.c: room for the network on a device, and the recording of its commands.
 *
 * Every arena is sized once, for the largest share that fits and for training and inference alike, and
 * a recorded program binds the views of its share into it; so changing shares moves no memory.  Only
 * the workspace may grow with a new program: older programs keep the one that they were bound to.
 */
#include "config.h"

#include "runtime/exec/replica.h"

#include "runtime/base/memory.h"
#include "runtime/exec/room.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

/* The largest batch up to max_batch that fits, and its plans, which stay in the replica. */
static mot_status fit_capacity(mot_replica *r, int64_t max_batch)
{
    mot_room room;
    MOT_TRY(mot_room_find(r->graph, r->device, max_batch, &room));
    if (room.capacity == 0) {
        MOT_TRY(mot_room_find(r->graph, r->device, 1, &room));
        return MOT_FAIL(MOT_ERR_MEMORY,
                        "device %s: the model does not fit: one sample needs %.1f MiB%s, %.1f MiB "
                        "may be used",
                        mot_device_get_info(r->device)->id, (double)room.needed_bytes / 1048576,
                        room.in_one ? " in one buffer" : "", (double)room.room_bytes / 1048576);
    }
    r->capacity = room.capacity;
    MOT_TRY(mot_graph_plan_memory(r->graph, r->capacity, false, &r->train));
    return mot_graph_plan_memory(r->graph, r->capacity, true, &r->inference);
}

static mot_status fill_constants(mot_replica *r)
{
    for (int t = 0; t < r->graph->n_tensors; t++) {
        const mot_tensor *tensor = &r->graph->tensor[t];
        if (tensor->kind == MOT_TENSOR_CONSTANT)
            MOT_TRY(mot_buffer_write(r->arena[MOT_ARENA_CONSTANT], r->train.place[t].offset_bytes,
                                     (size_t)mot_shape_elements(&tensor->shape, 1) * sizeof(float),
                                     tensor->constant));
    }
    return MOT_OK;
}

mot_status mot_replica_open(mot_replica *r, const mot_graph *graph, mot_device *device,
                            int64_t max_batch, int n_slots, bool exchanges, float *gradients_host,
                            float *reduced_host)
{
    *r = (mot_replica){.graph = graph,
                       .device = device,
                       .n_slots = n_slots,
                       .exchanges = exchanges,
                       .shares_memory = mot_device_shares_memory(device)};
    size_t size[MOT_N_ARENAS];
    MOT_TRY(fit_capacity(r, max_batch));
    mot_room_arenas(&r->train, &r->inference, n_slots, size);
    for (int a = 0; a < MOT_N_ARENAS; a++) {
        if (a == MOT_ARENA_GRADIENT && r->shares_memory && gradients_host)
            MOT_TRY(mot_buffer_wrap(device, gradients_host, size[a], &r->arena[a]));
        else if (size[a] > 0)
            MOT_TRY(mot_buffer_new(device, size[a], &r->arena[a]));
    }
    r->reduced = r->arena[MOT_ARENA_GRADIENT];
    if (r->shares_memory) {
        if (reduced_host)
            MOT_TRY(mot_buffer_wrap(device, reduced_host,
                                    (size[MOT_ARENA_GRADIENT] + MOT_PAGE - 1) / MOT_PAGE * MOT_PAGE,
                                    &r->reduced));
    } else {
        void *memory;
        MOT_TRY(mot_device_alloc_staging(device, size[MOT_ARENA_RING], &memory));
        r->staging = memory;
        MOT_TRY(mot_device_alloc_staging(device, size[MOT_ARENA_GRADIENT], &memory));
        r->gradient_staging = memory;
    }
    r->reduced_host = reduced_host ? reduced_host : mot_replica_gradients(r);
    return fill_constants(r);
}

static void program_free(mot_program *program)
{
    if (!program)
        return;
    mot_commands_free(program->commands);
    free(program->node_end);
    free(program);
}

void mot_replica_forget(mot_replica *r)
{
    for (size_t i = 0; i < r->n_programs; i++)
        program_free(r->program[i]);
    r->n_programs = 0;
}

void mot_replica_close(mot_replica *r)
{
    if (!r->device)
        return;
    mot_replica_forget(r);
    free(r->program);
    if (r->reduced != r->arena[MOT_ARENA_GRADIENT])
        mot_buffer_free(r->reduced);
    for (int a = 0; a < MOT_N_ARENAS; a++)
        mot_buffer_free(r->arena[a]);
    for (size_t i = 0; i < r->n_workspaces; i++)
        mot_buffer_free(r->workspace[i]);
    free(r->workspace);
    mot_device_free_staging(r->device, r->staging);
    mot_device_free_staging(r->device, r->gradient_staging);
    mot_memory_plan_free(&r->train);
    mot_memory_plan_free(&r->inference);
    *r = (mot_replica){0};
}

int mot_program_end_of_bucket(const mot_program *program, const mot_plan *plan, int b)
{
    return b == plan->n_buckets - 1 ? program->update_begin
                                    : program->node_end[plan->bucket[b].after_node];
}

/* ---- the ring and the sums ---- */

char *mot_replica_slot(mot_replica *r, int slot)
{
    char *ring = r->shares_memory ? mot_buffer_host(r->arena[MOT_ARENA_RING]) : r->staging;
    return ring + (size_t)slot * r->train.size_bytes[MOT_ARENA_RING];
}

mot_status mot_replica_send_slot(mot_replica *r, int slot, int64_t share)
{
    if (r->shares_memory)
        return MOT_OK;
    size_t slot_bytes = r->train.size_bytes[MOT_ARENA_RING], base = (size_t)slot * slot_bytes;
    const int ring_tensor[] = {r->graph->raw, r->graph->label};
    for (int i = 0; i < 2 && share > 0; i++) {
        const mot_tensor *tensor = &r->graph->tensor[ring_tensor[i]];
        size_t offset = base + r->train.place[ring_tensor[i]].offset_bytes;
        size_t bytes =
            (size_t)mot_shape_elements(&tensor->shape, share) * mot_dtype_bytes(tensor->dtype);
        MOT_TRY(mot_buffer_write_async(r->arena[MOT_ARENA_RING], offset, bytes, r->staging + offset,
                                       true));
    }
    size_t offset = base + r->train.scalars_offset_bytes;
    return mot_buffer_write_async(r->arena[MOT_ARENA_RING], offset, MOT_N_SCALARS * 4,
                                  r->staging + offset, true);
}

int64_t mot_replica_sums_offset(const mot_replica *r, int slot)
{
    int64_t first = (int64_t)(r->train.place[r->graph->sums].offset_bytes / sizeof(float));
    return r->exchanges ? first : first + (int64_t)slot * MOT_SUMS_FLOATS;
}

int64_t mot_replica_bucket_floats(const mot_replica *r, const mot_plan *plan, int b)
{
    if (b < plan->n_buckets - 1)
        return plan->bucket[b].n;
    return mot_replica_sums_offset(r, 0) + MOT_SUMS_FLOATS - plan->bucket[b].offset;
}

float *mot_replica_gradients(mot_replica *r)
{
    return r->shares_memory ? mot_buffer_host(r->arena[MOT_ARENA_GRADIENT]) : r->gradient_staging;
}

mot_status mot_replica_gradient_bytes(const mot_graph *graph, int n_slots, size_t *size_bytes)
{
    mot_memory_plan plan;
    MOT_TRY(mot_graph_plan_memory(graph, 1, false, &plan));
    *size_bytes =
        plan.size_bytes[MOT_ARENA_GRADIENT] + MOT_SUMS_FLOATS * sizeof(float) * (size_t)n_slots;
    mot_memory_plan_free(&plan);
    return MOT_OK;
}

/* ---- recording ---- */

/* The view of tensor t: where the memory plan put it, with the share in the place of the batch.
 * `reduced`: of gradients and what is exchanged, the sums over all devices. */
static mot_view bind(mot_replica *r, const mot_memory_plan *memory, int t, int64_t share,
                     bool reduced)
{
    if (t < 0)
        return (mot_view){0};
    const mot_tensor *tensor = &r->graph->tensor[t];
    mot_place place = memory->place[t];
    if (place.arena == MOT_ARENA_NONE)
        return (mot_view){0};
    mot_view view = {.buffer = r->arena[place.arena],
                     .offset = (int64_t)(place.offset_bytes / mot_dtype_bytes(tensor->dtype)),
                     .dtype = tensor->dtype,
                     .shape = mot_shape_with_batch(tensor->shape, share)};
    if (place.arena == MOT_ARENA_RING)
        view.slot_stride =
            (int64_t)(memory->size_bytes[MOT_ARENA_RING] / mot_dtype_bytes(tensor->dtype));
    if (t == r->graph->sums) {
        view.offset = mot_replica_sums_offset(r, 0);
        view.slot_stride = r->exchanges ? 0 : MOT_SUMS_FLOATS;
    }
    if (place.arena == MOT_ARENA_GRADIENT && reduced)
        view.buffer = r->reduced;
    return view;
}

static bool is_exchanged(const mot_graph *graph, int tensor)
{
    return tensor >= 0 && graph->tensor[tensor].kind == MOT_TENSOR_EXCHANGED;
}

static mot_operands operands_of(mot_replica *r, const mot_memory_plan *memory, int n, int64_t share)
{
    const mot_node *node = &r->graph->node[n];
    bool update = node->phase == MOT_PHASE_UPDATE;
    mot_operands x = {.op = node->op,
                      .name = node->name,
                      .n_out = node->n_out,
                      .n_in = node->n_in,
                      .attrs = node->attrs};
    for (int i = 0; i < node->n_in; i++)
        x.in[i] =
            bind(r, memory, node->in[i], share, update || is_exchanged(r->graph, node->in[i]));
    for (int i = 0; i < node->n_out; i++)
        x.out[i] = bind(r, memory, node->out[i], share, update);
    if (update && r->graph->scalars >= 0 && node->op != MOT_OP_unscale) {
        x.scalars = bind(r, memory, r->graph->scalars, share, true);
        return x;
    }
    x.scalars = (mot_view){.buffer = r->arena[MOT_ARENA_RING],
                           .offset = (int64_t)(memory->scalars_offset_bytes / 4),
                           .slot_stride = (int64_t)(memory->size_bytes[MOT_ARENA_RING] / 4),
                           .dtype = MOT_F32,
                           .shape = {1, {MOT_N_SCALARS}}};
    return x;
}

mot_operands mot_replica_operands(mot_replica *r, int n, int64_t share)
{
    return operands_of(r, &r->train, n, share);
}

/* A workspace large enough for every node of this program. */
static mot_status get_workspace(mot_replica *r, const mot_memory_plan *memory, int64_t share,
                                bool inference, mot_view *out)
{
    size_t most = 0;
    for (int n = 0; n < r->graph->n_nodes; n++) {
        if (!mot_node_runs(r->graph, n, inference))
            continue;
        mot_operands x = operands_of(r, memory, n, share);
        size_t bytes;
        MOT_TRY(mot_primitive_workspace(r->device, &x, &bytes));
        most = bytes > most ? bytes : most;
    }
    *out = (mot_view){.dtype = MOT_F32, .shape = {1, {(int64_t)(most / 4)}}};
    if (most == 0)
        return MOT_OK;
    if (r->n_workspaces == 0 || mot_buffer_size_bytes(r->workspace[r->n_workspaces - 1]) < most) {
        MOT_TRY(mot_grow(&r->workspace, &r->workspace_capacity, r->n_workspaces + 1,
                         sizeof *r->workspace));
        MOT_TRY(mot_buffer_new(r->device, most, &r->workspace[r->n_workspaces]));
        r->n_workspaces++;
    }
    out->buffer = r->workspace[r->n_workspaces - 1];
    return MOT_OK;
}

static mot_status record(mot_replica *r, mot_program *program)
{
    const mot_memory_plan *memory = program->inference ? &r->inference : &r->train;
    mot_view workspace;
    MOT_TRY(get_workspace(r, memory, program->share, program->inference, &workspace));
    program->update_begin = program->accumulate_begin = -1;
    for (int n = 0; n < r->graph->n_nodes; n++) {
        if (r->graph->node[n].phase == MOT_PHASE_UPDATE && program->update_begin < 0)
            program->update_begin = mot_commands_count(program->commands);
        if (r->graph->node[n].op == MOT_OP_accumulate)
            program->accumulate_begin = mot_commands_count(program->commands);
        if (mot_node_runs(r->graph, n, program->inference)) {
            mot_operands x = operands_of(r, memory, n, program->share);
            x.workspace = workspace;
            MOT_TRY(mot_primitive_record(r->device, &x, program->commands));
        }
        program->node_end[n] = mot_commands_count(program->commands);
    }
    if (program->update_begin < 0)
        program->update_begin = mot_commands_count(program->commands);
    return MOT_OK;
}

mot_status mot_replica_program(mot_replica *r, int64_t share, bool inference, mot_program **out)
{
    for (size_t i = 0; i < r->n_programs; i++)
        if (r->program[i]->share == share && r->program[i]->inference == inference) {
            *out = r->program[i];
            return MOT_OK;
        }
    if (share < 1 || share > r->capacity)
        return MOT_FAIL(MOT_ERR_MEMORY,
                        "device %s: a share of %" PRId64 " samples; its memory holds %" PRId64,
                        mot_device_get_info(r->device)->id, share, r->capacity);
    MOT_TRY(mot_grow(&r->program, &r->program_capacity, r->n_programs + 1, sizeof *r->program));
    mot_program *program;
    MOT_TRY(mot_alloc(1, sizeof *program, &program));
    *program = (mot_program){.share = share, .inference = inference};
    mot_status status = mot_alloc((size_t)r->graph->n_nodes, sizeof(int), &program->node_end);
    if (status == MOT_OK)
        status = mot_commands_new(r->device, &program->commands);
    if (status == MOT_OK)
        status = record(r, program);
    if (status != MOT_OK) {
        program_free(program);
        return status;
    }
    r->program[r->n_programs++] = program;
    *out = program;
    return MOT_OK;
}
