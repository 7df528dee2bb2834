/* split.c: random splits.  One permutation decides; the parts keep the order of the file, so that
 * rows which are read one after the other lie one behind the other. */
#include "config.h"

#include "runtime/train/split.h"

#include "runtime/base/memory.h"
#include "runtime/base/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of the two permutations of a set, so that they do not repeat each other. */
enum { SPLIT_TEST, SPLIT_VALIDATION };

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Rows begin..begin+n-1 of the order, sorted, as a list of its own. */
static mot_status part_of(const int64_t *order, int64_t begin, int64_t n, int64_t **out)
{
    int64_t *part;
    MOT_TRY(mot_alloc((size_t)n, sizeof *part, &part));
    memcpy(part, order + begin, (size_t)n * sizeof *part);
    qsort(part, (size_t)n, sizeof *part, ascending);
    *out = part;
    return MOT_OK;
}

/* A set of these rows of another. */
static mot_status take_rows(const mot_dataset *set, const int64_t *rows, int64_t n,
                            mot_dataset **out)
{
    size_t bytes = mot_dataset_sample_bytes(set), label = 4;
    mot_dataset *part;
    MOT_TRY(mot_alloc(1, sizeof *part, &part));
    *part = *set;
    part->n = n;
    part->name = NULL;
    part->class_name = NULL;
    memset(part->owned, 0, sizeof part->owned);
    mot_status status = mot_strdup(set->name, &part->name);
    if (set->class_name)
        MOT_TRY_GOTO(mot_alloc((size_t)set->n_classes, sizeof(char *), &part->class_name));
    for (int64_t i = 0; set->class_name && i < set->n_classes; i++)
        MOT_TRY_GOTO(mot_strdup(set->class_name[i], &part->class_name[i]));
    if (set->regression)
        label *= (size_t)set->n_classes;
    MOT_TRY_GOTO(status);
    MOT_TRY_GOTO(mot_alloc((size_t)n, bytes, &part->owned[0]));
    MOT_TRY_GOTO(mot_alloc((size_t)n, label, &part->owned[1]));
    const char *raw = set->raw;
    const char *labels = set->regression ? (const char *)set->target : (const char *)set->label;
    for (int64_t i = 0; i < n; i++) {
        memcpy((char *)part->owned[0] + (size_t)i * bytes, raw + (size_t)rows[i] * bytes, bytes);
        memcpy((char *)part->owned[1] + (size_t)i * label, labels + (size_t)rows[i] * label, label);
    }
    part->raw = part->owned[0];
    part->label = set->regression ? NULL : part->owned[1];
    part->target = set->regression ? part->owned[1] : NULL;
    *out = part;
    return MOT_OK;
fail:
    mot_dataset_free(part);
    return status;
}

mot_status mot_split_test(mot_dataset **train, double fraction, uint64_t seed, mot_dataset **test)
{
    int64_t n = (*train)->n, *order, *rows = NULL;
    int64_t n_test = fraction > 0 ? (int64_t)fmax(1, rint(fraction * (double)n)) : 0;
    mot_dataset *kept = NULL, *held = NULL;
    if (n_test >= n)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "data.test_fraction %g of %" PRId64 " rows leaves none to train on",
                        fraction, n);
    *test = NULL;
    if (n_test == 0)
        return MOT_OK;
    MOT_TRY(mot_alloc((size_t)n, sizeof *order, &order));
    mot_random_permutation(seed, MOT_STREAM_SPLIT, SPLIT_TEST, n, order);
    mot_status status;
    MOT_TRY_GOTO(part_of(order, 0, n_test, &rows));
    MOT_TRY_GOTO(take_rows(*train, rows, n_test, &held));
    free(rows);
    rows = NULL;
    MOT_TRY_GOTO(part_of(order, n_test, n - n_test, &rows));
    MOT_TRY_GOTO(take_rows(*train, rows, n - n_test, &kept));
    mot_dataset_free(*train);
    *train = kept;
    *test = held;
    held = NULL;
fail:
    mot_dataset_free(held);
    free(rows);
    free(order);
    return status;
}

mot_status mot_split_validation(mot_data *data, double validation, int64_t limit, uint64_t seed)
{
    int64_t n = data->train->n, *order;
    double held = validation < 1 ? rint(validation * (double)n) : validation;
    if (held != rint(held))
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "data.validation %g is neither a whole number of rows nor a part below 1",
                        validation);
    if (held >= (double)n)
        return MOT_FAIL(
            MOT_ERR_ARGUMENT,
            "data.validation: %.0f of %" PRId64 " training rows leaves none to train on", held, n);
    int64_t n_held = (int64_t)held, n_train = n - n_held;
    if (limit > 0 && limit < n_train)
        n_train = limit;
    MOT_TRY(mot_alloc((size_t)n, sizeof *order, &order));
    mot_random_permutation(seed, MOT_STREAM_SPLIT, SPLIT_VALIDATION, n, order);
    mot_status status = part_of(order, 0, n_held, &data->validation_index);
    if (status == MOT_OK)
        status = part_of(order, n_held, n_train, &data->train_index);
    data->n_validation = n_held;
    data->n_train = n_train;
    free(order);
    return status;
}
