/* plan.c: shares become positions in the batch, gradients become buckets.
 *
 * The gradients lie in the order in which backward finishes them, so a bucket is a slice and a walk
 * through them meets the buckets in the order in which they can leave.  What always holds: buckets
 * follow each other without gaps from the first gradient to behind the loss's sums (the padding
 * between tensors is zero everywhere and travels along), and `after_node` never falls.  Tensors that
 * are exchanged within the step lie before the gradients, and each is a bucket of its own, with its
 * place among the others by its node.  Where gradients are accumulated over parts of a batch they are
 * all complete with the node that does it.
 *
 * A bucket closes when it has reached its size and the next gradient is finished by a later node:
 * what one node writes (a weight and its bias) is complete at the same time.  A gradient much
 * longer than a bucket is cut, so that one piece is summed while the next is still copied.  Pieces
 * are at least 2/3 of a bucket long and all closed buckets but the last at least a whole one, so a
 * size of 1/40 of all gradients never gives more than MOT_MAX_BUCKETS.
 */
#include "config.h"

#include "runtime/plan/plan.h"

#include "runtime/base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLOAT_BYTES = 4,
    PIECE_ELEMENTS = 16, /* 64 bytes: pieces stay aligned */
    SMALLEST_PART = 40   /* a bucket is at least 1/40 of all gradients */
};

typedef struct gradient {
    int64_t offset, end; /* elements; `end` without padding */
    int producer;
} gradient;

static int by_offset(const void *a, const void *b)
{
    const gradient *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static mot_status take_gradient(const mot_graph *graph, const mot_memory_plan *memory, int tensor,
                                gradient *out)
{
    if (tensor < 0 || tensor >= graph->n_tensors)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "plan: a parameter has no gradient; is the graph sealed?");
    const mot_tensor *t = &graph->tensor[tensor];
    const mot_place *place = &memory->place[tensor];
    if (place->arena != MOT_ARENA_GRADIENT || t->producer < 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "plan: %s is not a gradient with a producer", t->name);
    int64_t offset = (int64_t)(place->offset_bytes / FLOAT_BYTES);
    *out = (gradient){offset, offset + mot_shape_elements(&t->shape, 1), t->producer};
    return MOT_OK;
}

/* All gradients and the sums in the order of memory; the caller frees *out. */
static mot_status list_gradients(const mot_graph *graph, const mot_memory_plan *memory,
                                 gradient **out, int *n)
{
    int count = graph->n_parameters + 1;
    gradient *list;
    MOT_TRY(mot_alloc((size_t)count, sizeof *list, &list));
    mot_status status = take_gradient(graph, memory, graph->sums, &list[count - 1]);
    for (int i = 0; i < count - 1 && status == MOT_OK; i++)
        status =
            take_gradient(graph, memory, graph->tensor[graph->parameter[i]].gradient, &list[i]);
    if (status != MOT_OK) {
        free(list);
        return status;
    }
    qsort(list, (size_t)count, sizeof *list, by_offset);
    *out = list;
    *n = count;
    return MOT_OK;
}

/* Where the next bucket begins; `first`: where the gradients do. */
static int64_t begin_of_open(const mot_plan *plan, int64_t first)
{
    const mot_bucket *last = plan->n_buckets ? &plan->bucket[plan->n_buckets - 1] : NULL;
    return last ? last->offset + last->n : first;
}

static mot_status add_bucket(mot_plan *plan, size_t *room, int64_t first, int64_t end,
                             int after_node)
{
    mot_bucket bucket = {.offset = begin_of_open(plan, first), .after_node = after_node};
    bucket.n = end - bucket.offset;
    MOT_TRY(mot_grow(&plan->bucket, room, (size_t)plan->n_buckets + 1, sizeof *plan->bucket));
    plan->bucket[plan->n_buckets++] = bucket;
    return MOT_OK;
}

/* Cut [begin of the open bucket, end) into pieces of about `size` elements. */
static mot_status close_bucket(mot_plan *plan, size_t *room, int64_t first, int64_t end,
                               int64_t size, int after_node)
{
    const int64_t begin = begin_of_open(plan, first);
    int64_t n_pieces = (end - begin + size / 2) / size;
    for (int64_t i = 1; i < n_pieces; i++) {
        int64_t cut = begin + (end - begin) / n_pieces * i;
        MOT_TRY(add_bucket(plan, room, first, cut / PIECE_ELEMENTS * PIECE_ELEMENTS, after_node));
    }
    return add_bucket(plan, room, first, end, after_node);
}

static mot_status build_buckets(const mot_graph *graph, const mot_memory_plan *memory,
                                size_t bucket_bytes, mot_plan *plan)
{
    gradient *list;
    int n;
    MOT_TRY(list_gradients(graph, memory, &list, &n));
    const int64_t first = list[0].offset;
    int64_t size = (int64_t)(bucket_bytes / FLOAT_BYTES), begin = first;
    int64_t least = (list[n - 1].end - first) / SMALLEST_PART + PIECE_ELEMENTS;
    if (size < least)
        size = least;
    size_t room = 0;
    int after_node = 0;
    mot_status status = MOT_OK;
    for (int i = 0; i < n && status == MOT_OK; i++) {
        bool last = i + 1 == n, last_gradient = i + 2 == n; /* the sums never travel alone */
        int64_t end = last ? list[i].end : list[i + 1].offset;
        after_node = list[i].producer > after_node ? list[i].producer : after_node;
        bool ready = end - begin >= size && !last_gradient && list[i + !last].producer > after_node;
        if (!ready && !last)
            continue;
        status = close_bucket(plan, &room, first, end, size, after_node);
        begin = end;
    }
    free(list);
    return status;
}

/* Gradients are complete only with what adds up the parts of a batch. */
static void wait_for_parts(const mot_graph *graph, mot_plan *plan)
{
    for (int i = 0; i < graph->n_nodes; i++)
        if (graph->node[i].op == MOT_OP_accumulate)
            for (int b = 0; b < plan->n_buckets; b++)
                plan->bucket[b].after_node = i;
}

/* Give what is exchanged within the step its places among the buckets of gradients. */
static mot_status add_exchanges(const mot_graph *graph, const mot_memory_plan *memory,
                                mot_plan *plan)
{
    size_t room = (size_t)plan->n_buckets;
    for (int i = 0; i < graph->n_nodes; i++) {
        const int tensor = graph->node[i].out[0];
        int at = 0;
        if (tensor < 0 || graph->tensor[tensor].kind != MOT_TENSOR_EXCHANGED)
            continue;
        MOT_TRY(mot_grow(&plan->bucket, &room, (size_t)plan->n_buckets + 1, sizeof *plan->bucket));
        while (at < plan->n_buckets && plan->bucket[at].after_node < i)
            at++;
        memmove(&plan->bucket[at + 1], &plan->bucket[at],
                (size_t)(plan->n_buckets++ - at) * sizeof *plan->bucket);
        plan->bucket[at] = (mot_bucket){
            .offset = (int64_t)(memory->place[tensor].offset_bytes / FLOAT_BYTES),
            .n = mot_shape_elements(&graph->tensor[tensor].shape, 1),
            .after_node = i,
            .awaited = true,
        };
    }
    if (plan->n_buckets > MOT_MAX_STOPS)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED,
                        "the devices would have to meet %d times a step; at most %d are supported",
                        plan->n_buckets, MOT_MAX_STOPS);
    return MOT_OK;
}

static mot_status set_shares(const mot_machine *machine, const int64_t *share, mot_plan *plan)
{
    int64_t sum = 0;
    for (int i = 0; i < machine->n_devices; i++) {
        const mot_machine_device *device = &machine->device[i];
        if (share[i] < 0 || share[i] > plan->batch - sum)
            return MOT_FAIL(MOT_ERR_ARGUMENT,
                            "plan: device %s shall take %" PRId64 " of the %" PRId64
                            " samples that are left of a batch of %" PRId64,
                            device->id, share[i], plan->batch - sum, plan->batch);
        if ((double)share[i] > device->max_batch)
            return MOT_FAIL(MOT_ERR_MEMORY, "plan: device %s holds %.0f samples, not %" PRId64,
                            device->id, device->max_batch, share[i]);
        plan->share[i] = share[i];
        plan->first[i] = sum;
        sum += share[i];
    }
    if (sum != plan->batch)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "plan: shares add up to %" PRId64 ", the batch is %" PRId64, sum,
                        plan->batch);
    return MOT_OK;
}

static mot_status predict(const mot_machine *machine, mot_plan *plan)
{
    int64_t *equal;
    MOT_TRY(mot_alloc((size_t)machine->n_devices, sizeof *equal, &equal));
    mot_status status = mot_balance_equal(machine, plan->batch, equal);
    if (status == MOT_OK) {
        plan->predicted_step_s = mot_balance_step_s(machine, plan->share);
        plan->predicted_equal_step_s = mot_balance_step_s(machine, equal);
    }
    free(equal);
    return status;
}

mot_status mot_plan_build(const mot_graph *graph, const mot_memory_plan *memory,
                          const mot_machine *machine, int64_t batch, const int64_t *share,
                          size_t bucket_bytes, mot_plan **out)
{
    mot_plan *plan = NULL;
    mot_status status;
    size_t n = (size_t)machine->n_devices;
    MOT_TRY(mot_alloc(1, sizeof *plan, &plan));
    plan->batch = batch;
    plan->n_devices = machine->n_devices;
    MOT_TRY_GOTO(mot_alloc(n, sizeof *plan->share, &plan->share));
    MOT_TRY_GOTO(mot_alloc(n, sizeof *plan->first, &plan->first));
    MOT_TRY_GOTO(set_shares(machine, share, plan));
    MOT_TRY_GOTO(predict(machine, plan));
    MOT_TRY_GOTO(build_buckets(graph, memory, bucket_bytes, plan));
    wait_for_parts(graph, plan);
    MOT_TRY_GOTO(add_exchanges(graph, memory, plan));
    *out = plan;
    return MOT_OK;
fail:
    mot_plan_free(plan);
    return status;
}

void mot_plan_free(mot_plan *plan)
{
    if (!plan)
        return;
    free(plan->share);
    free(plan->first);
    free(plan->bucket);
    free(plan);
}
