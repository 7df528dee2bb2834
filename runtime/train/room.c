/* room.c: before anything runs: does a batch fit in the devices' memory?
 *
 * Every rank finds how many samples each of its devices holds, and all ranks gather that, so all come to
 * the same end:
 *
 *   1. Together they do not hold what is handed out at once: the message says what each lacks, and which
 *      batch, how many parts, or which checkpoints would do.
 *   2. A device does not hold a single sample, but the others hold all: it is closed, with the reason
 *      in the report.  Its rank needs another one, which keeps the parameters.
 *   3. A device holds some: shares never go beyond that (runtime/plan/balance.c).
 */
#include "config.h"

#include "runtime/train/trainer.h"

#include "runtime/base/log.h"
#include "runtime/base/memory.h"
#include "runtime/exec/room.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED = 8 };

/* A device of some rank. */
typedef struct place {
    char id[48]; /* "": none */
    int rank;
    mot_room room,
        one; /* for all that is handed out at once; if it holds nothing, for one sample */
} place;

typedef struct places {
    place *item;  /* [n] of all ranks */
    int n, first; /* `first`: this rank's */
    int64_t capacity;
} places;

static double mib(int64_t bytes)
{
    return (double)bytes / 1048576;
}

/* ---- finding ---- */

static mot_status find_room(const mot_graph *graph, const mot_trainer *t, int i, mot_room *out)
{
    return mot_room_find(graph, t->device[i], t->set.part, out);
}

static mot_status find_place(const mot_trainer *t, int i, place *mine)
{
    *mine = (place){.rank = mot_comm_rank(t->comm)};
    memcpy(mine->id, mot_device_get_info(t->device[i])->id, sizeof mine->id);
    MOT_TRY(find_room(t->graph, t, i, &mine->room));
    return mine->room.capacity > 0 ? MOT_OK : mot_room_find(t->graph, t->device[i], 1, &mine->one);
}

/* One number of each rank, and their sum. */
static mot_status add_up(mot_trainer *t, int64_t mine, int64_t *before, int64_t *sum)
{
    int64_t *all;
    MOT_TRY(mot_alloc((size_t)mot_comm_size(t->comm), sizeof *all, &all));
    const mot_status status = mot_comm_all_gather(t->comm, &mine, sizeof mine, all);
    *before = *sum = 0;
    for (int r = 0; status == MOT_OK && r < mot_comm_size(t->comm); r++) {
        *before += r < mot_comm_rank(t->comm) ? all[r] : 0;
        *sum += all[r];
    }
    free(all);
    return status;
}

/* train.memory, on this rank's devices. */
static mot_status set_limits(mot_trainer *t, int64_t first, int64_t n_devices)
{
    const mot_settings *set = &t->set;
    if (set->n_memory > 1 && set->n_memory != n_devices)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: train.memory has %d numbers, the devices are %" PRId64,
                        mot_config_where(t->config, "train.memory"), set->n_memory, n_devices);
    for (int i = 0; set->n_memory > 0 && i < t->n_devices; i++) {
        const double most = set->memory_mib[set->n_memory > 1 ? first + i : 0];
        mot_device_limit_memory(t->device[i], (int64_t)(most * 1048576));
    }
    return MOT_OK;
}

static mot_status find_mine(mot_trainer *t, int64_t first, int64_t n_devices, place *block)
{
    MOT_TRY(set_limits(t, first, n_devices));
    for (int i = 0; i < t->n_devices; i++)
        MOT_TRY(find_place(t, i, &block[i]));
    return MOT_OK;
}

static mot_status gather_places(mot_trainer *t, const place *block, places *all)
{
    const int n_places = mot_comm_size(t->comm) * MOT_MAX_LOCAL_DEVICES;
    MOT_TRY(mot_alloc((size_t)n_places, sizeof *all->item, &all->item));
    MOT_TRY(mot_comm_all_gather(t->comm, block, MOT_MAX_LOCAL_DEVICES * sizeof *block, all->item));
    for (int i = 0; i < n_places; i++) {
        if (!*all->item[i].id)
            continue;
        all->item[all->n] = all->item[i];
        all->capacity += all->item[all->n++].room.capacity;
    }
    return MOT_OK;
}

static mot_status find_places(mot_trainer *t, places *all)
{
    int64_t first, n_devices;
    place *block;
    MOT_TRY(add_up(t, t->n_devices, &first, &n_devices));
    MOT_TRY(mot_alloc(MOT_MAX_LOCAL_DEVICES, sizeof *block, &block));
    all->first = (int)first;
    mot_status status = mot_trainer_agree(t, find_mine(t, first, n_devices, block));
    if (status == MOT_OK)
        status = gather_places(t, block, all);
    free(block);
    return status;
}

/* ---- when it does not fit ---- */

/* Samples at once that would fit instead; 0: it does not help. */
typedef struct remedies {
    int64_t in_parts;     /* with a batch in parts, which has sums to keep */
    int64_t checkpointed; /* with every block computed again */
} remedies;

/* Samples that this rank's devices hold of another model; 0 if it must have blocks and has none. */
static mot_status capacity_of(const mot_trainer *t, const mot_config *config,
                              mot_checkpoints checkpoints, int64_t *capacity)
{
    mot_model *model;
    mot_room room;
    mot_status status = MOT_OK;
    *capacity = 0;
    MOT_TRY(mot_model_open(config, &t->data->spec, checkpoints, &model));
    const bool differs = checkpoints != MOT_CHECKPOINTS_ALL || model->n_checkpoints > 0;
    for (int i = 0; i < t->n_devices && status == MOT_OK && differs; i++) {
        status = find_room(model->graph, t, i, &room);
        *capacity += status == MOT_OK ? room.capacity : 0;
    }
    mot_model_free(model);
    return status;
}

static mot_status find_remedy(const mot_trainer *t, remedies *mine)
{
    mot_config *parts;
    MOT_TRY(capacity_of(t, t->config, MOT_CHECKPOINTS_ALL, &mine->checkpointed));
    MOT_TRY(mot_config_copy(t->config, &parts));
    mot_status status = MOT_OK;
    if (t->set.part == t->set.batch && t->set.batch > 1)
        status = mot_config_set(parts, "train.accumulate=2");
    if (status == MOT_OK)
        status = capacity_of(t, parts, MOT_CHECKPOINTS_WRITTEN, &mine->in_parts);
    mot_config_free(parts);
    return status;
}

static mot_status add_lack(mot_text *text, const place *p, bool for_one)
{
    const mot_room *room = for_one ? &p->one : &p->room;
    const double needed = mib(room->needed_bytes), has = mib(room->room_bytes);
    const char *where = room->in_one ? " in one buffer" : "";
    if (for_one)
        return mot_text_add(text, "%s needs %.1f MiB%s for one and may use %.1f", p->id, needed,
                            where, has);
    if (room->needed_bytes == 0)
        return mot_text_add(text, "%s holds all", p->id);
    return mot_text_add(text, "%s holds %" PRId64 ", all need %.1f MiB%s, it lacks %.1f", p->id,
                        room->capacity, needed, where, needed - has);
}

static mot_status add_lacks(mot_text *text, const places *all)
{
    for (int i = 0; i < all->n && i < NAMED; i++) {
        MOT_TRY(mot_text_add(text, "%s", i ? "; " : ""));
        MOT_TRY(add_lack(text, &all->item[i], all->item[i].room.capacity == 0));
    }
    return mot_text_add(text, "%s. ", all->n > NAMED ? "; ..." : "");
}

static mot_status add_advice(const mot_trainer *t, int64_t capacity, const remedies *remedy,
                             mot_text *text)
{
    const int64_t batch = t->set.batch, n_parts = (batch + t->set.part - 1) / t->set.part;
    const char *before = "Set ";
    if (capacity > 0) {
        MOT_TRY(mot_text_add(text, "%sdata.batch to %" PRId64, before, capacity * n_parts));
        before = ", or ";
    }
    if (remedy->in_parts > 0) {
        MOT_TRY(mot_text_add(text, "%strain.accumulate to %" PRId64 " for the same step in parts",
                             before, (batch + remedy->in_parts - 1) / remedy->in_parts));
        before = ", or ";
    }
    if (remedy->checkpointed > capacity) {
        MOT_TRY(mot_text_add(
            text, "%s`checkpoint: true` on the model's blocks, with which %s%" PRId64 " would fit",
            before, remedy->checkpointed == t->set.part ? "all " : "", remedy->checkpointed));
        before = ", or ";
    }
    return mot_text_add(text, "%s more or larger devices",
                        *before == ',' ? ", or take" : "Take a smaller model, or");
}

static mot_status explain(mot_trainer *t, const places *all, const remedies *remedy, mot_text *text)
{
    const char *what = t->set.part < t->set.batch ? "a part" : "a batch";
    if (all->capacity > 0)
        MOT_TRY(mot_text_add(
            text, "%s of %" PRId64 " samples does not fit in memory, %" PRId64 " do: ", what,
            t->set.part, all->capacity));
    else
        MOT_TRY(mot_text_add(text, "not one sample fits in memory: "));
    MOT_TRY(add_lacks(text, all));
    return add_advice(t, all->capacity, remedy, text);
}

/* All ranks come here, with the same numbers. */
static mot_status too_large(mot_trainer *t, const places *all)
{
    mot_text text = {0};
    remedies mine = {0}, sum;
    int64_t before;
    MOT_TRY(mot_trainer_agree(t, find_remedy(t, &mine)));
    MOT_TRY(add_up(t, mine.in_parts, &before, &sum.in_parts));
    MOT_TRY(add_up(t, mine.checkpointed, &before, &sum.checkpointed));
    mot_status status = explain(t, all, &sum, &text);
    if (status == MOT_OK)
        status = MOT_FAIL(MOT_ERR_MEMORY, "%s", text.data);
    mot_text_free(&text);
    return status;
}

/* ---- leaving out ---- */

/* A weight of 0 goes with the device that is left out. */
static mot_status drop_weight(mot_trainer *t, const places *all, int d, int n_dropped)
{
    mot_settings *set = &t->set;
    const int at = d - n_dropped;
    if (set->n_share_weights != all->n - n_dropped)
        return MOT_OK; /* none, or too few, which is told later */
    if (set->share_weight[at] > 0)
        return MOT_FAIL(MOT_ERR_MEMORY,
                        "train.shares gives samples to device %s, but not one fits: it needs %.1f "
                        "MiB%s, %.1f may be used",
                        all->item[d].id, mib(all->item[d].one.needed_bytes),
                        all->item[d].one.in_one ? " in one buffer" : "",
                        mib(all->item[d].one.room_bytes));
    set->n_share_weights--;
    memmove(&set->share_weight[at], &set->share_weight[at + 1],
            (size_t)(set->n_share_weights - at) * sizeof *set->share_weight);
    return MOT_OK;
}

/* Its place in the report, on all ranks. */
static mot_status report_left_out(mot_trainer *t, const places *all, int d)
{
    const place *p = &all->item[d];
    mot_device_report *report = &t->left_out[t->n_left_out++];
    const int i = d - all->first;
    report->rank = p->rank;
    if (i >= 0 && i < t->n_devices)
        report->info = *mot_device_get_info(t->device[i]);
    snprintf(report->reason, sizeof report->reason,
             "left out: one sample needs %.1f MiB%s, %.1f may be used", mib(p->one.needed_bytes),
             p->one.in_one ? " in one buffer" : "", mib(p->one.room_bytes));
    mot_log(MOT_LOG_INFO, "device %s rank %d %s", p->id, p->rank, report->reason);
    return mot_comm_broadcast(t->comm, &report->info, sizeof report->info, p->rank);
}

/* This rank goes on with the devices that hold something. */
static mot_status close_left_out(mot_trainer *t, const places *all)
{
    int kept = 0;
    for (int i = 0; i < t->n_devices; i++)
        if (all->item[all->first + i].room.capacity > 0)
            t->device[kept++] = t->device[i];
        else
            mot_device_close(t->device[i]);
    t->n_devices = kept;
    return kept > 0 ? MOT_OK
                    : MOT_FAIL(MOT_ERR_MEMORY,
                               "no device of this rank holds one sample of the model; start fewer "
                               "ranks, or give this one another device (--devices)");
}

static mot_status leave_out(mot_trainer *t, const places *all)
{
    mot_status status = mot_alloc((size_t)all->n, sizeof *t->left_out, &t->left_out);
    MOT_TRY(mot_trainer_agree(t, status));
    for (int d = 0; d < all->n; d++) {
        if (all->item[d].room.capacity > 0)
            continue;
        MOT_TRY(drop_weight(t, all, d, t->n_left_out));
        MOT_TRY(report_left_out(t, all, d));
    }
    return mot_trainer_agree(t, close_left_out(t, all));
}

/* Say of each device that it holds less than a batch, as the shares will show it. */
static void note_limits(mot_trainer *t, const places *all)
{
    for (int d = 0; d < all->n; d++) {
        const place *p = &all->item[d];
        if (p->room.capacity < t->set.part)
            mot_trainer_note(t, "%s: its memory holds %" PRId64 " of %" PRId64 " samples at once",
                             p->id, p->room.capacity, t->set.part);
    }
}

mot_status mot_trainer_make_room(mot_trainer *t)
{
    places all = {0};
    mot_status status = find_places(t, &all);
    if (status == MOT_OK)
        status = all.capacity < t->set.part ? too_large(t, &all) : leave_out(t, &all);
    if (status == MOT_OK)
        note_limits(t, &all);
    free(all.item);
    return status;
}
