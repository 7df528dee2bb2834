/* memory.c: where every tensor lies.
 *
 * The flat arenas follow the layout that sealing fixed; ring and constants lie one behind the
 * other. The activations are packed: a tensor lives from the node that writes it to the last one
 * that reads it (or a view of it); tensors whose lives do not overlap may share memory.
 *
 *   1. home:   the tensor whose memory this one is: a view's root, and when evaluating, the input
 * of a node that does not run (dropout).
 *   2. block:  homes that take over each other's memory in place, an elementwise node's output from
 *              the input that ends there.  A block lives from its first to its last member.
 *   3. offset: blocks from large to small, each into the smallest gap that fits between those that
 *              are placed and alive at the same time.
 *
 * Offsets are for the largest batch; smaller ones use the front of each tensor's place.
 * Source: Pisarchyk & Lee 2020, "Efficient memory management for deep neural net inference",
 * greedy by size with best fit.
 */
#include "config.h"

#include "runtime/graph/internal.h"

#include "runtime/base/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

typedef struct block {
    int first, last; /* nodes; last INT_MAX: to the end */
    size_t size_bytes, offset_bytes;
    bool placed;
} block;

typedef struct planner {
    const mot_graph *graph;
    mot_memory_plan *plan;
    int64_t batch;
    bool inference;
    int *home;     /* [n_tensors] */
    int *last_use; /* [n_tensors] of homes: the last node that reads it, or that wrote it */
    int *block_of; /* [n_tensors] of homes; -1 */
    block *block;  /* [n_blocks] */
    int n_blocks;
    int *placed; /* [n_placed] blocks that have their place, by offset */
    int n_placed;
} planner;

static size_t rounded(size_t size_bytes, size_t to)
{
    return (size_bytes + to - 1) / to * to;
}

/* A quarter of the address space for one tensor keeps all later sums in range. */
static mot_status tensor_bytes(const planner *p, int tensor, size_t *size_bytes)
{
    const mot_tensor *t = &p->graph->tensor[tensor];
    int64_t sample = mot_shape_elements(&t->shape, 1);
    int64_t batch = mot_shape_is_batched(&t->shape) ? p->batch : 1, bytes;
    if (__builtin_mul_overflow(sample, batch, &bytes) ||
        __builtin_mul_overflow(bytes, (int64_t)mot_dtype_bytes(t->dtype), &bytes) ||
        bytes > INT64_MAX / 4)
        return MOT_FAIL(MOT_ERR_MEMORY,
                        "%s: %" PRId64 " samples of %" PRId64 " elements do not fit in any memory",
                        t->name, batch, sample);
    *size_bytes = rounded((size_t)bytes, MOT_ALIGNMENT);
    return MOT_OK;
}

static mot_status add_size(size_t *arena, size_t size_bytes)
{
    if (__builtin_add_overflow(*arena, size_bytes, arena))
        return MOT_FAIL(MOT_ERR_MEMORY, "all tensors together do not fit in any memory");
    return MOT_OK;
}

/* ---- arenas whose order is given ---- */

static mot_status place_in_order(planner *p, mot_tensor_kind kind, mot_arena arena)
{
    size_t *end = &p->plan->size_bytes[arena];
    for (int t = 0; t < p->graph->n_tensors; t++) {
        if (p->graph->tensor[t].kind != kind || p->graph->tensor[t].view_of >= 0)
            continue;
        size_t size_bytes;
        MOT_TRY(tensor_bytes(p, t, &size_bytes));
        p->plan->place[t] = (mot_place){arena, *end};
        MOT_TRY(add_size(end, size_bytes));
    }
    return MOT_OK;
}

/* `first`: where in the arena those of its kind begin, elements. */
static void place_flat(planner *p, int tensor, mot_arena arena, int64_t first)
{
    size_t offset_bytes = (size_t)(first + p->graph->tensor[tensor].flat) * sizeof(float);
    p->plan->place[tensor] = (mot_place){arena, offset_bytes};
}

static void place_flats(planner *p)
{
    const mot_graph *graph = p->graph;
    const int64_t exchanged = graph->n_exchanged;
    size_t flat_bytes = (size_t)graph->n_flat * sizeof(float);
    for (int i = 0; i < graph->n_parameters; i++) {
        place_flat(p, graph->parameter[i], MOT_ARENA_PARAMETER, 0);
        if (p->inference && graph->average >= 0) { /* what is evaluated */
            p->plan->place[graph->parameter[i]].arena = MOT_ARENA_STATE;
            p->plan->place[graph->parameter[i]].offset_bytes += (size_t)graph->average * flat_bytes;
        }
        place_flat(p, graph->tensor[graph->parameter[i]].gradient, MOT_ARENA_GRADIENT, exchanged);
    }
    for (int i = 0; i < graph->n_buffers; i++)
        place_flat(p, graph->buffer[i], MOT_ARENA_PARAMETER, graph->n_flat);
    for (int t = 0; t < graph->n_tensors; t++)
        if (graph->tensor[t].kind == MOT_TENSOR_EXCHANGED && !p->inference)
            place_flat(p, t, MOT_ARENA_GRADIENT, 0);
    place_flat(p, graph->sums, MOT_ARENA_GRADIENT, exchanged);
    place_flat(p, graph->flat_parameter, MOT_ARENA_PARAMETER, 0);
    place_flat(p, graph->flat_gradient, MOT_ARENA_GRADIENT, exchanged);
    for (int i = 0; i < graph->n_states; i++)
        p->plan->place[graph->state[i]] = (mot_place){MOT_ARENA_STATE, (size_t)i * flat_bytes};
    p->plan->n_flat = graph->n_flat;
    p->plan->n_flat_buffers = graph->n_flat_buffers;
    p->plan->size_bytes[MOT_ARENA_PARAMETER] =
        flat_bytes + (size_t)graph->n_flat_buffers * sizeof(float);
    p->plan->size_bytes[MOT_ARENA_GRADIENT] =
        (size_t)exchanged * sizeof(float) + flat_bytes + MOT_ALIGNMENT;
    p->plan->size_bytes[MOT_ARENA_STATE] = (size_t)graph->n_states * flat_bytes;
    if (graph->accumulator >= 0) { /* behind the states */
        p->plan->place[graph->accumulator] =
            (mot_place){MOT_ARENA_STATE, p->plan->size_bytes[MOT_ARENA_STATE]};
        p->plan->size_bytes[MOT_ARENA_STATE] += flat_bytes + MOT_ALIGNMENT;
    }
}

static mot_status place_ring(planner *p)
{
    size_t *end = &p->plan->size_bytes[MOT_ARENA_RING];
    MOT_TRY(place_in_order(p, MOT_TENSOR_RAW, MOT_ARENA_RING));
    MOT_TRY(place_in_order(p, MOT_TENSOR_LABEL, MOT_ARENA_RING));
    p->plan->scalars_offset_bytes = *end;
    MOT_TRY(add_size(end, MOT_N_SCALARS * 4));
    *end = rounded(*end, MOT_PAGE);
    return MOT_OK;
}

/* ---- activations ---- */

static void find_homes(planner *p)
{
    const mot_graph *graph = p->graph;
    for (int t = 0; t < graph->n_tensors; t++)
        p->home[t] = mot_graph_root(graph, t);
    for (int i = 0; p->inference && i < graph->n_nodes; i++) {
        const mot_node *node = &graph->node[i];
        if (node->phase == MOT_PHASE_FORWARD && mot_op_get_rules(node->op)->training_only)
            p->home[node->out[0]] = p->home[mot_graph_root(graph, node->in[0])];
    }
    for (int t = 0; t < graph->n_tensors; t++)
        p->home[t] = p->home[mot_graph_root(graph, t)];
}

static void find_last_uses(planner *p)
{
    const mot_graph *graph = p->graph;
    for (int i = 0; i < graph->n_nodes; i++) {
        const mot_node *node = &graph->node[i];
        if (!mot_node_runs(graph, i, p->inference))
            continue;
        for (int k = 0; k < node->n_in; k++)
            if (node->in[k] >= 0)
                p->last_use[p->home[node->in[k]]] = i;
        for (int k = 0; k < node->n_out; k++)
            p->last_use[p->home[node->out[k]]] = i;
    }
    if (graph->scalars >= 0) /* read beside their inputs by all behind unscale */
        p->last_use[graph->scalars] = INT_MAX;
    if (p->inference)
        p->last_use[p->home[graph->output]] = INT_MAX;
}

/* The block that output 0 of `node` may take over, or NULL. */
static block *inherited(const planner *p, int index, size_t size_bytes)
{
    const mot_node *node = &p->graph->node[index];
    if (!mot_op_get_rules(node->op)->in_place || node->in[0] < 0)
        return NULL;
    int b = p->block_of[p->home[node->in[0]]];
    if (b < 0 || p->block[b].last != index || p->block[b].size_bytes != size_bytes)
        return NULL;
    return &p->block[b];
}

static mot_status make_blocks(planner *p)
{
    const mot_graph *graph = p->graph;
    for (int t = 0; t < graph->n_tensors; t++)
        p->block_of[t] = -1;
    for (int i = 0; i < graph->n_nodes; i++) {
        const mot_node *node = &graph->node[i];
        for (int k = 0; mot_node_runs(graph, i, p->inference) && k < node->n_out; k++) {
            int t = node->out[k];
            bool no_gradient = p->inference && i == graph->loss_node && k == 0;
            if (graph->tensor[t].kind != MOT_TENSOR_ACTIVATION || no_gradient)
                continue;
            size_t size_bytes;
            MOT_TRY(tensor_bytes(p, t, &size_bytes));
            block *b = k == 0 ? inherited(p, i, size_bytes) : NULL;
            if (!b) {
                b = &p->block[p->n_blocks++];
                *b = (block){.first = i, .size_bytes = size_bytes};
            }
            b->last = p->last_use[t];
            p->block_of[t] = (int)(b - p->block);
        }
    }
    return MOT_OK;
}

/* The start of the smallest gap that holds `b`, between the placed blocks that live with it; the last
 * gap has no end.  Of equal ones the first. */
static size_t best_offset(const planner *p, const block *b)
{
    size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
    for (int i = 0; i < p->n_placed; i++) {
        const block *o = &p->block[p->placed[i]];
        if (o->last < b->first || b->last < o->first)
            continue;
        if (o->offset_bytes > end) {
            const size_t gap = o->offset_bytes - end;
            if (gap >= b->size_bytes && gap < best_gap) {
                best = end;
                best_gap = gap;
            }
        }
        if (o->offset_bytes + o->size_bytes > end)
            end = o->offset_bytes + o->size_bytes;
    }
    return best == SIZE_MAX ? end : best;
}

/* Note that the block is placed, by its offset. */
static void note_placed(planner *p, int index)
{
    int at = p->n_placed++;
    p->block[index].placed = true;
    for (; at > 0; at--) {
        if (p->block[p->placed[at - 1]].offset_bytes <= p->block[index].offset_bytes)
            break;
        p->placed[at] = p->placed[at - 1];
    }
    p->placed[at] = index;
}

static mot_status place_blocks(planner *p)
{
    size_t *arena = &p->plan->size_bytes[MOT_ARENA_ACTIVATION];
    for (int done = 0; done < p->n_blocks; done++) {
        block *next = NULL;
        for (int i = 0; i < p->n_blocks; i++)
            if (!p->block[i].placed && (!next || p->block[i].size_bytes > next->size_bytes))
                next = &p->block[i];
        next->offset_bytes = best_offset(p, next);
        note_placed(p, (int)(next - p->block));
        size_t end = next->offset_bytes;
        MOT_TRY(add_size(&end, next->size_bytes));
        if (end > *arena)
            *arena = end;
    }
    return MOT_OK;
}

static mot_status place_activations(planner *p)
{
    size_t n = (size_t)p->graph->n_tensors;
    MOT_TRY(mot_alloc(n, sizeof *p->home, &p->home));
    MOT_TRY(mot_alloc(n, sizeof *p->last_use, &p->last_use));
    MOT_TRY(mot_alloc(n, sizeof *p->block_of, &p->block_of));
    MOT_TRY(mot_alloc(n, sizeof *p->block, &p->block));
    MOT_TRY(mot_alloc(n, sizeof *p->placed, &p->placed));
    find_homes(p);
    find_last_uses(p);
    MOT_TRY(make_blocks(p));
    MOT_TRY(place_blocks(p));
    for (size_t t = 0; t < n; t++) {
        int home = p->home[t], b = p->block_of[home];
        if (b >= 0)
            p->plan->place[t] = (mot_place){MOT_ARENA_ACTIVATION, p->block[b].offset_bytes};
        else
            p->plan->place[t] = p->plan->place[home];
    }
    return MOT_OK;
}

static mot_status place_all(planner *p)
{
    MOT_TRY(mot_alloc((size_t)p->graph->n_tensors, sizeof *p->plan->place, &p->plan->place));
    for (int t = 0; t < p->graph->n_tensors; t++)
        p->plan->place[t].arena = MOT_ARENA_NONE;
    place_flats(p);
    MOT_TRY(place_ring(p));
    MOT_TRY(place_in_order(p, MOT_TENSOR_CONSTANT, MOT_ARENA_CONSTANT));
    return place_activations(p);
}

mot_status mot_graph_plan_memory(const mot_graph *graph, int64_t batch, bool inference,
                                 mot_memory_plan *out)
{
    assert(graph->sealed);
    if (batch < 1)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "memory for %" PRId64 " samples", batch);
    mot_memory_plan plan = {0};
    planner p = {.graph = graph, .plan = &plan, .batch = batch, .inference = inference};
    mot_status status = place_all(&p);
    free(p.home);
    free(p.last_use);
    free(p.block_of);
    free(p.block);
    free(p.placed);
    if (status != MOT_OK) {
        mot_memory_plan_free(&plan);
        return status;
    }
    *out = plan;
    return MOT_OK;
}

void mot_memory_plan_free(mot_memory_plan *plan)
{
    if (!plan)
        return;
    free(plan->place);
    plan->place = NULL;
}
