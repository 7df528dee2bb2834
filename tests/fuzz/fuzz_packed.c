/* fuzz_packed: the input is the description of a packed file, and behind a newline the data; the
 * head with its checksums is put in front here.  What is accepted must be whole. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "runtime/base/memory.h"
#include "runtime/train/packed.h"

#include <stdlib.h>
#include <string.h>

/* Every sample and label can be read. */
static void check_set(const mot_dataset *set)
{
    size_t bytes = mot_dataset_sample_bytes(set), label_bytes = mot_dataset_label_bytes(set);
    char *raw = malloc(bytes), *label = malloc(label_bytes);
    if (!raw || !label)
        abort();
    for (int64_t i = 0; i < set->n; i++)
        mot_dataset_take(set, NULL, i, raw, label);
    free(raw);
    free(label);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const uint8_t *newline = size ? memchr(bytes, '\n', size) : NULL;
    size_t length = newline ? (size_t)(newline - bytes) : size;
    size_t behind = newline ? size - length - 1 : 0;
    size_t data_at = (MOT_PACKED_HEAD + length + MOT_PAGE - 1) / MOT_PAGE * MOT_PAGE;
    size_t file_bytes = data_at + 2 * MOT_PAGE;
    unsigned char *file;
    mot_data *data;
    if (behind > 2 * MOT_PAGE || mot_alloc(file_bytes, 1, &file) != MOT_OK)
        return 0;
    mot_packed_head((const char *)bytes, length, file_bytes, file);
    memcpy(file + MOT_PACKED_HEAD, bytes, length);
    if (behind > 0)
        memcpy(file + data_at, newline + 1, behind);
    if (mot_alloc(1, sizeof *data, &data) != MOT_OK)
        abort();
    if (mot_packed_parse("file", file, file_bytes, 3, data) == MOT_OK) {
        check_set(data->train);
        if (data->test)
            check_set(data->test);
        if (data->validation)
            check_set(data->validation);
    } else if (!*mot_error_message()) {
        abort();
    }
    mot_data_close(data);
    free(file);
    return 0;
}
