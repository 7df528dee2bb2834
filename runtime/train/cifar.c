#include "config.h"

#include "runtime/train/cifar.h"

#include "runtime/base/memory.h"
#include "runtime/train/gzip_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The published files have 30 MB, or 150. */
static const size_t LIMIT_BYTES = (size_t)1 << 32;

static const char *const CLASSES_OF_10[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                            "dog",      "frog",       "horse", "ship", "truck"};

mot_status mot_cifar_new(const char *name, int n_labels, mot_dataset **out)
{
    mot_dataset *set;
    MOT_TRY(mot_alloc(1, sizeof *set, &set));
    set->sample = (mot_shape){3, {3, MOT_CIFAR_SIDE, MOT_CIFAR_SIDE}};
    set->dtype = MOT_U8;
    set->n_classes = n_labels == 1 ? 10 : 100;
    mot_status status;
    MOT_TRY_GOTO(mot_strdup(name, &set->name));
    if (n_labels == 1) {
        MOT_TRY_GOTO(mot_alloc(10, sizeof *set->class_name, &set->class_name));
        for (int i = 0; i < 10; i++)
            MOT_TRY_GOTO(mot_strdup(CLASSES_OF_10[i], &set->class_name[i]));
    }
    *out = set;
    return MOT_OK;
fail:
    mot_dataset_free(set);
    return status;
}

static mot_status check_labels(const char *name, const uint8_t *record, int64_t n, int n_labels,
                               int64_t n_classes)
{
    for (int64_t i = 0; i < n; i++) {
        int label = record[i * (n_labels + MOT_CIFAR_PIXELS) + n_labels - 1];
        if (label >= n_classes)
            return MOT_FAIL(MOT_ERR_FORMAT,
                            "%s: record %" PRId64 " has class %d, but there are %" PRId64
                            " classes; is it CIFAR-%s, and the binary version?",
                            name, i, label, n_classes, n_labels == 1 ? "10" : "100");
    }
    return MOT_OK;
}

mot_status mot_cifar_append(const char *name, const void *bytes, size_t size_bytes, int n_labels,
                            mot_dataset *set)
{
    const uint8_t *record = bytes;
    size_t record_bytes = (size_t)n_labels + MOT_CIFAR_PIXELS, first = (size_t)set->n;
    size_t n = size_bytes / record_bytes;
    uint8_t *raw;
    int32_t *label;
    if (n == 0 || size_bytes % record_bytes != 0)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s: %zu bytes are not a whole number of records of %zu bytes; is it cut "
                        "off, or not the binary version of CIFAR-%s?",
                        name, size_bytes, record_bytes, n_labels == 1 ? "10" : "100");
    MOT_TRY(check_labels(name, record, (int64_t)n, n_labels, set->n_classes));
    MOT_TRY(mot_alloc(first + n, MOT_CIFAR_PIXELS, &raw));
    mot_status status = mot_alloc(first + n, sizeof *label, &label);
    if (status != MOT_OK) {
        free(raw);
        return status;
    }
    if (first > 0) {
        memcpy(raw, set->raw, first * MOT_CIFAR_PIXELS);
        memcpy(label, set->label, first * sizeof *label);
    }
    for (size_t i = 0; i < n; i++, record += record_bytes) {
        label[first + i] = record[n_labels - 1];
        memcpy(raw + (first + i) * MOT_CIFAR_PIXELS, record + n_labels, MOT_CIFAR_PIXELS);
    }
    free(set->owned[0]);
    free(set->owned[1]);
    set->raw = set->owned[0] = raw;
    set->label = set->owned[1] = label;
    set->n = (int64_t)(first + n);
    return MOT_OK;
}

mot_status mot_cifar_read(const char *const *path, int n, int n_labels, mot_dataset **out)
{
    mot_dataset *set;
    MOT_TRY(mot_cifar_new(path[0], n_labels, &set));
    mot_status status = MOT_OK;
    for (int i = 0; status == MOT_OK && i < n; i++) {
        char *bytes = NULL;
        size_t size_bytes;
        status = mot_gzip_read(path[i], LIMIT_BYTES, &bytes, &size_bytes);
        if (status == MOT_OK)
            status = mot_cifar_append(path[i], bytes, size_bytes, n_labels, set);
        free(bytes);
    }
    if (status != MOT_OK) {
        mot_dataset_free(set);
        return status;
    }
    *out = set;
    return MOT_OK;
}
