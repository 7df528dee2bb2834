/* balance.c: shares of the global batch.
 *
 * A device that gets n > 0 samples needs time(n) = a + b*n + min_step, one that gets none needs
 * nothing.  time never falls with n, so the smallest possible time of the slowest device is the
 * smallest T at which the capacities add up to the batch, capacity(T) being the most samples that a
 * device can do within T.  T is found by bisection down to neighbouring doubles, which makes it
 * exact: `under` is the largest number that is too short, `within` the smallest that is enough.
 *
 * With T known the fewest devices are those of the largest capacities.  They get what they can do
 * within `under`, and the few samples that are left go to the earlier ones that have room within T.
 */
#include "config.h"

#include "runtime/plan/plan.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* No share is larger, so that sums of a million capacities do not overflow and doubles are exact.
 */
#define LARGEST_SHARE (INT64_C(1) << 42)

static double time_of(const mot_machine_device *device, int64_t n)
{
    return n > 0 ? device->a_s + device->b_s * (double)n + device->min_step_s : 0;
}

static int64_t room(const mot_machine_device *device)
{
    return device->max_batch < (double)LARGEST_SHARE ? (int64_t)device->max_batch : LARGEST_SHARE;
}

/* The most samples, up to `most`, that the device can do within t_s.  Searched, not divided: no
 * rounding, and b = 0 needs no case of its own. */
static int64_t capacity(const mot_machine_device *device, int64_t most, double t_s)
{
    int64_t low = 0, high = most + 1;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (time_of(device, middle) <= t_s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool is_time(double t_s)
{
    return t_s >= 0 && t_s < 1e9;
}

/* Checks what both ways of sharing need; *fits: samples that all devices hold together. */
static mot_status check(const mot_machine *machine, int64_t batch, int64_t *fits)
{
    if (machine->n_devices <= 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "a machine without devices cannot share a batch");
    if (batch < 0 || batch > LARGEST_SHARE)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "a batch of %" PRId64 " samples", batch);
    *fits = 0;
    for (int i = 0; i < machine->n_devices; i++) {
        const mot_machine_device *device = &machine->device[i];
        if (!is_time(device->a_s) || !is_time(device->b_s) || !is_time(device->min_step_s) ||
            !(device->max_batch >= 0))
            return MOT_FAIL(MOT_ERR_ARGUMENT,
                            "device %s: a_s %g, b_s %g, min_step_s %g, max_batch %g; none may be "
                            "negative, not a number, or a time over 1e9",
                            device->id, device->a_s, device->b_s, device->min_step_s,
                            device->max_batch);
        *fits += room(device);
    }
    return MOT_OK;
}

static mot_status too_large(const mot_machine *machine, int64_t batch, int64_t fits)
{
    enum { NAMED = 8 };
    mot_text list = {0};
    mot_status status = MOT_OK;
    for (int i = 0; i < machine->n_devices && i < NAMED && status == MOT_OK; i++)
        status = mot_text_add(&list, "%s%s %" PRId64, i ? ", " : "", machine->device[i].id,
                              room(&machine->device[i]));
    if (status == MOT_OK)
        status = MOT_FAIL(MOT_ERR_MEMORY,
                          "a batch of %" PRId64 " samples does not fit: %d device%s hold%s "
                          "%" PRId64 " (%s%s)",
                          batch, machine->n_devices, machine->n_devices == 1 ? "" : "s",
                          machine->n_devices == 1 ? "s" : " together", fits, list.data,
                          machine->n_devices > NAMED ? ", ..." : "");
    mot_text_free(&list);
    return status;
}

static int64_t sum_capacity(const mot_machine *machine, int64_t batch, double t_s)
{
    int64_t sum = 0;
    for (int i = 0; i < machine->n_devices && sum < batch; i++) {
        int64_t most = room(&machine->device[i]);
        sum += capacity(&machine->device[i], most < batch ? most : batch, t_s);
    }
    return sum;
}

/* Neighbouring doubles: too short, and enough for the batch (which fits, and is at least 1). */
static void bisect(const mot_machine *machine, int64_t batch, double *under, double *within)
{
    double low = 0, high = 0;
    for (int i = 0; i < machine->n_devices; i++)
        high = fmax(high, time_of(&machine->device[i], batch));
    /* Free devices: T = 0 is enough and nothing is under it. */
    if (sum_capacity(machine, batch, 0) >= batch) {
        *under = -1;
        *within = 0;
        return;
    }
    for (;;) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            break;
        if (sum_capacity(machine, batch, middle) >= batch)
            high = middle;
        else
            low = middle;
    }
    *under = low;
    *within = high;
}

typedef struct candidate {
    int device;
    int64_t capacity;
} candidate;

static int by_capacity(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->capacity != y->capacity)
        return x->capacity < y->capacity ? 1 : -1;
    return x->device < y->device ? -1 : 1;
}

/* Gives the batch to the fewest devices that do it within `within`; `candidates` has room for all.
 */
static void distribute(const mot_machine *machine, int64_t batch, double under, double within,
                       candidate *candidates, int64_t *share)
{
    int n = machine->n_devices;
    for (int i = 0; i < n; i++) {
        int64_t most = room(&machine->device[i]);
        most = most < batch ? most : batch;
        candidates[i] = (candidate){i, capacity(&machine->device[i], most, within)};
        share[i] = 0;
    }
    qsort(candidates, (size_t)n, sizeof *candidates, by_capacity);
    int chosen = 0;
    for (int64_t sum = 0; sum < batch; chosen++)
        sum += candidates[chosen].capacity;
    int64_t left = batch;
    for (int k = 0; k < chosen; k++) {
        int i = candidates[k].device;
        share[i] = capacity(&machine->device[i], candidates[k].capacity, under);
        left -= share[i];
    }
    /* Ties of capacity are in order of device, but what is left goes to the earliest of all. */
    while (left > 0) {
        int first = -1, most = 0;
        for (int k = 0; k < chosen; k++)
            if (share[candidates[k].device] < candidates[k].capacity &&
                (first < 0 || candidates[k].device < first)) {
                first = candidates[k].device;
                most = k;
            }
        int64_t more = candidates[most].capacity - share[first];
        more = more < left ? more : left;
        share[first] += more;
        left -= more;
    }
}

mot_status mot_balance_shares(const mot_machine *machine, int64_t batch, int64_t *share)
{
    int64_t fits;
    MOT_TRY(check(machine, batch, &fits));
    if (fits < batch)
        return too_large(machine, batch, fits);
    if (batch == 0) {
        for (int i = 0; i < machine->n_devices; i++)
            share[i] = 0;
        return MOT_OK;
    }
    candidate *candidates;
    MOT_TRY(mot_alloc((size_t)machine->n_devices, sizeof *candidates, &candidates));
    double under, within;
    bisect(machine, batch, &under, &within);
    distribute(machine, batch, under, within, candidates, share);
    free(candidates);
    return MOT_OK;
}

mot_status mot_balance_equal(const mot_machine *machine, int64_t batch, int64_t *share)
{
    int64_t fits;
    MOT_TRY(check(machine, batch, &fits));
    if (fits < batch)
        return too_large(machine, batch, fits);
    /* 1. The highest level to which all can be filled, the smaller ones up to their room. */
    int64_t low = 0, high = batch + 1;
    while (high - low > 1) {
        int64_t level = low + (high - low) / 2, sum = 0;
        for (int i = 0; i < machine->n_devices && sum <= batch; i++) {
            int64_t most = room(&machine->device[i]);
            sum += most < level ? most : level;
        }
        if (sum <= batch)
            low = level;
        else
            high = level;
    }
    /* 2. One more for the earlier devices that have room. */
    int64_t left = batch;
    for (int i = 0; i < machine->n_devices; i++) {
        int64_t most = room(&machine->device[i]);
        share[i] = most < low ? most : low;
        left -= share[i];
    }
    for (int i = 0; i < machine->n_devices && left > 0; i++)
        if (share[i] < room(&machine->device[i])) {
            share[i]++;
            left--;
        }
    return MOT_OK;
}

mot_status mot_balance_weights(const double *weights, int n, int64_t batch, int64_t *share)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        if (!is_time(weights[i]))
            return MOT_FAIL(MOT_ERR_ARGUMENT, "the weight of device %d is %g", i, weights[i]);
        sum += weights[i];
    }
    if (n <= 0 || !(sum > 0) || batch < 0 || batch > LARGEST_SHARE)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "a batch of %" PRId64 " samples for %d weights that add up to %g", batch, n,
                        sum);
    double *rest;
    MOT_TRY(mot_alloc((size_t)n, sizeof *rest, &rest));
    int64_t left = batch;
    for (int i = 0; i < n; i++) {
        double quota = (double)batch * (weights[i] / sum);
        share[i] = (int64_t)quota;
        if (share[i] > left)
            share[i] = left;
        rest[i] = quota - (double)share[i];
        left -= share[i];
    }
    /* What rounding has left: the largest remainder first, the earlier device when equal. */
    for (; left > 0; left--) {
        int largest = 0;
        for (int i = 1; i < n; i++)
            if (rest[i] > rest[largest])
                largest = i;
        share[largest]++;
        rest[largest] -= 1;
    }
    free(rest);
    return MOT_OK;
}

double mot_balance_step_s(const mot_machine *machine, const int64_t *share)
{
    double step_s = 0;
    for (int i = 0; i < machine->n_devices; i++)
        step_s = fmax(step_s, time_of(&machine->device[i], share[i]));
    return step_s;
}
