/* fuzz_cifar: the first byte of the input says how many labels a record has; a file is the rest, as
 * often as it takes to fill a record.  A set that is accepted must be whole. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "runtime/train/cifar.h"

#include <stdlib.h>

/* Few bytes stand for a file of records: they are repeated to `size`. */
static uint8_t *stretched(const uint8_t *bytes, size_t n, size_t size)
{
    uint8_t *out = malloc(size ? size : 1);
    if (!out)
        abort();
    for (size_t i = 0; i < size; i++)
        out[i] = n ? bytes[i % n] : 0;
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 3)
        return 0;
    int n_labels = 1 + bytes[0] % 2;
    /* The second byte: how many bytes too many or too few for two records. */
    size_t file_bytes = 2 * (size_t)(n_labels + MOT_CIFAR_PIXELS) + bytes[1] % 5 - 2;
    uint8_t *file = stretched(bytes + 2, size - 2, file_bytes);
    mot_dataset *set;
    if (mot_cifar_new("file", n_labels, &set) != MOT_OK)
        abort();
    for (int turn = 0; turn < 2; turn++) {
        int64_t before = set->n;
        if (mot_cifar_append("file", file, file_bytes, n_labels, set) == MOT_OK) {
            if (set->n != before + 2)
                abort();
        } else if (set->n != before || !*mot_error_message()) {
            abort();
        }
    }
    for (int64_t i = 0; i < set->n; i++)
        if (set->label[i] < 0 || set->label[i] >= set->n_classes)
            abort();
    mot_dataset_free(set);
    free(file);
    return 0;
}
