#include "config.h"

#include "runtime/train/class_counts.h"

#include "runtime/base/memory.h"

#include <stdlib.h>
#include <string.h>

mot_status mot_class_counts_new(int64_t n_classes, mot_class_counts **out)
{
    mot_class_counts *c;
    const int64_t cells = n_classes <= MOT_MOST_CONFUSED ? n_classes * n_classes : 0;
    MOT_TRY(mot_alloc(1, sizeof *c, &c));
    *c = (mot_class_counts){.n_classes = n_classes, .n_counts = 1 + 3 * n_classes + cells};
    mot_status status = mot_alloc((size_t)c->n_counts, sizeof *c->count, &c->count);
    if (status != MOT_OK) {
        mot_class_counts_free(c);
        return status;
    }
    c->in_top = c->count;
    c->labelled = c->in_top + 1;
    c->predicted = c->labelled + n_classes;
    c->correct = c->predicted + n_classes;
    c->confusion = cells > 0 ? c->correct + n_classes : NULL;
    *out = c;
    return MOT_OK;
}

void mot_class_counts_free(mot_class_counts *c)
{
    if (!c)
        return;
    free(c->count);
    free(c);
}

/* Classes that come before `label`; one that is no number does. */
static int64_t place_of(const float *x, int64_t n, int32_t label)
{
    int64_t place = 0;
    for (int64_t i = 0; i < n; i++)
        place += i < label ? !(x[i] < x[label]) : i > label && !(x[i] <= x[label]);
    return place;
}

static int64_t first_largest(const float *x, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

void mot_class_counts_add(mot_class_counts *c, const float *outputs, bool single, int32_t label)
{
    const float pair[2] = {0, outputs[0]}, *x = single ? pair : outputs;
    if (label < 0)
        return;
    const int64_t best = first_largest(x, c->n_classes);
    c->in_top[0] += place_of(x, c->n_classes, label) < MOT_TOP;
    c->labelled[label]++;
    c->predicted[best]++;
    c->correct[label] += best == label;
    if (c->confusion)
        c->confusion[label * c->n_classes + best]++;
}

mot_status mot_class_counts_sum(mot_class_counts *c, mot_comm *comm)
{
    enum { AT_ONCE = 4096 };
    const int size = mot_comm_size(comm);
    int64_t *all;
    MOT_TRY(mot_comm_agree(comm, mot_alloc((size_t)size * AT_ONCE, sizeof *all, &all)));
    mot_status status = MOT_OK;
    for (int64_t first = 0; status == MOT_OK && first < c->n_counts; first += AT_ONCE) {
        const int64_t left = c->n_counts - first, n = left < AT_ONCE ? left : AT_ONCE;
        int64_t *count = c->count + first;
        status = mot_comm_all_gather(comm, count, (size_t)n * sizeof *count, all);
        memset(count, 0, (size_t)n * sizeof *count);
        for (int64_t i = 0; i < n * size; i++)
            count[i % n] += all[i];
    }
    free(all);
    return status;
}
