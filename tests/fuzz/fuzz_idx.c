/* fuzz_idx: the first byte of the input says how many of the last bytes are an IDX labels file; the
 * rest are the images file.  A set that is accepted must be whole. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "runtime/train/idx.h"

#include <stdlib.h>
#include <string.h>

static void check_set(const mot_dataset *set)
{
    const unsigned char *raw = set->raw;
    unsigned sum = 0;
    if (set->n < 1 || set->n_classes < 1)
        abort();
    for (size_t i = 0; i < (size_t)set->n * mot_dataset_sample_bytes(set); i++)
        sum += raw[i]; /* reads every byte */
    for (int64_t i = 0; i < set->n; i++)
        if (set->label[i] < 0 || set->label[i] >= set->n_classes)
            abort();
    if (sum == 0xFFFFFFFFu)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    /* The first byte divides the rest: so many bytes are the labels, at the end. */
    size_t n_labels = bytes[0] < size - 1 ? bytes[0] : size - 1, n_images = size - 1 - n_labels;
    char *images = malloc(n_images ? n_images : 1);
    mot_dataset *set;
    if (!images)
        abort();
    memcpy(images, bytes + 1, n_images);
    const char *labels = (const char *)bytes + 1 + n_images;
    if (mot_idx_dataset("images", images, n_images, "labels", labels, n_labels, 0, NULL, &set) ==
        MOT_OK) {
        check_set(set);
        mot_dataset_free(set);
    } else {
        if (!*mot_error_message())
            abort();
        free(images);
    }
    return 0;
}
