/* sample.c: one sample of a set, as training or evaluation wants it. */
#include "config.h"

#include "runtime/train/data.h"
#include "runtime/train/mixup.h"

#include <string.h>

int64_t mot_dataset_n_labels(const mot_dataset *set)
{
    return set->n_tokens > 0 ? set->sample.dim[0] : 1;
}

size_t mot_dataset_label_bytes(const mot_dataset *set)
{
    return 4 * (size_t)(set->regression ? set->n_classes : mot_dataset_n_labels(set));
}

/* A sequence of its own for each sample of each epoch: 2^40 samples, 2^24 epochs before it begins
 * anew. */
static void begin_random(const mot_draw *draw, mot_stream stream, int64_t row, mot_random *random)
{
    uint64_t index = ((uint64_t)draw->epoch << 40) ^ (uint64_t)row;
    mot_random_init(random, draw->seed, stream, index);
}

/* One sample that is no window of tokens, with what is drawn for it alone. */
static void take_raw(const mot_dataset *set, const mot_draw *draw, int64_t row, void *raw)
{
    const size_t bytes = mot_dataset_sample_bytes(set);
    const char *from = (const char *)set->raw + (size_t)row * bytes;
    mot_random random;
    if (!draw || !draw->augment || !mot_augment_is_on(draw->augment)) {
        memcpy(raw, from, bytes);
        return;
    }
    begin_random(draw, MOT_STREAM_AUGMENT, row, &random);
    mot_view_change change = mot_augment_draw(draw->augment, &set->sample, &random);
    mot_augment_paint(draw->augment, &change, &set->sample, (const void *)from, raw);
}

/* Of the window of tokens that begins at `first`: the token behind each. */
static void window_labels(const mot_dataset *set, int64_t first, int32_t *label)
{
    for (int64_t i = 0; i < set->sample.dim[0]; i++)
        label[i] = set->dtype == MOT_U8 ? ((const uint8_t *)set->raw)[first + i + 1]
                                        : ((const int32_t *)set->raw)[first + i + 1];
}

static void drop_ignored(const mot_dataset *set, int32_t *label)
{
    for (int64_t i = 0; set->ignores && i < mot_dataset_n_labels(set); i++)
        label[i] = label[i] == set->ignored ? MOT_NO_CLASS : label[i];
}

void mot_dataset_labels(const mot_dataset *set, int64_t row, void *label)
{
    const size_t bytes = mot_dataset_label_bytes(set);
    const void *labels = set->regression ? (const void *)set->target : (const void *)set->label;
    if (set->n_tokens > 0)
        window_labels(set, row * set->sample.dim[0], label);
    else
        memcpy(label, (const char *)labels + (size_t)row * bytes, bytes);
    drop_ignored(set, label);
}

static void take_window(const mot_dataset *set, const mot_draw *draw, int64_t row, void *raw,
                        int32_t *label)
{
    const int64_t length = set->sample.dim[0];
    const size_t bytes = mot_dtype_bytes(set->dtype);
    int64_t first = row * length;
    if (draw && draw->anywhere) {
        mot_random random;
        begin_random(draw, MOT_STREAM_AUGMENT, row, &random);
        first = (int64_t)mot_random_below(&random, (uint64_t)(set->n_tokens - length));
    }
    memcpy(raw, (const char *)set->raw + (size_t)first * bytes, (size_t)length * bytes);
    window_labels(set, first, label);
    drop_ignored(set, label);
}

/* ---- mixtures ---- */

/* The mixture's labels or targets; false: it is none, for a label of the two does not count. */
static bool mix_labels(const mot_dataset *set, const mot_mixture *mixture, int64_t partner,
                       void *label)
{
    int32_t *mixed = label, other;
    if (set->regression) {
        const size_t n = (size_t)set->n_classes;
        mot_mixup_floats(mixture->weight, set->target + (size_t)partner * n, n, label);
        return true;
    }
    mot_dataset_labels(set, partner, &other);
    const bool counts = mixed[0] >= 0 && other >= 0;
    mixed[1] = counts ? other : mixed[0];
    mixed[2] = counts ? mixture->weight : MOT_MIXUP_WHOLE;
    return counts;
}

static void mix(const mot_dataset *set, const mot_draw *draw, int64_t row, void *raw, void *label)
{
    void *other = draw->augment->partner;
    mot_random random;
    begin_random(draw, MOT_STREAM_MIXUP, row, &random);
    const mot_mixture mixture = mot_mixup_draw(draw->augment->mixup, draw->n_rows, &random);
    const int64_t partner = draw->rows[mixture.partner];
    if (!mix_labels(set, &mixture, partner, label))
        return;
    take_raw(set, draw, partner, other);
    const size_t n = (size_t)mot_shape_elements(&set->sample, 1);
    if (set->dtype == MOT_U8)
        mot_mixup_bytes(mixture.weight, other, n, raw);
    else
        mot_mixup_floats(mixture.weight, other, n, raw);
}

void mot_dataset_expect(const mot_dataset *set, int64_t row)
{
    enum { LINE = 64, MOST = 4096 };
    if (set->n_tokens > 0)
        return;
    const size_t bytes = mot_dataset_sample_bytes(set), labels = mot_dataset_label_bytes(set);
    const char *raw = (const char *)set->raw + (size_t)row * bytes;
    const void *label = set->regression ? (const void *)set->target : (const void *)set->label;
    for (size_t i = 0; i < bytes && i < MOST; i += LINE)
        __builtin_prefetch(raw + i);
    __builtin_prefetch((const char *)label + (size_t)row * labels);
}

void mot_dataset_take(const mot_dataset *set, const mot_draw *draw, int64_t row, void *raw,
                      void *label)
{
    if (set->n_tokens > 0) {
        take_window(set, draw, row, raw, label);
        return;
    }
    take_raw(set, draw, row, raw);
    mot_dataset_labels(set, row, label);
    if (draw && draw->augment && draw->augment->mixup > 0)
        mix(set, draw, row, raw, label);
}
