/* fuzz_text: the first byte of the input is the context, the rest a text.  What is accepted is the
 * same text again when its tokens are decoded, and windows and labels stay inside. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "runtime/train/text_set.h"

#include <stdlib.h>
#include <string.h>

static void check_windows(const mot_dataset *set)
{
    char raw[4 * 256];
    int32_t label[256];
    for (int64_t i = 0; i < set->n + 3; i++) {
        mot_draw draw = {.seed = 1, .anywhere = i >= set->n};
        mot_dataset_take(set, &draw, i, raw, label);
        for (int64_t k = 0; k < mot_dataset_n_labels(set); k++)
            if (label[k] < 0 || label[k] >= set->n_classes)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    const char *text = (const char *)bytes + 1;
    mot_vocabulary *vocabulary;
    mot_dataset *set;
    mot_text again = {0};
    int32_t *token;
    int64_t n;
    if (mot_vocabulary_of("text", text, size - 1, &vocabulary) != MOT_OK) {
        if (!*mot_error_message())
            abort();
        return 0;
    }
    if (mot_vocabulary_encode(vocabulary, "text", text, size - 1, &token, &n) != MOT_OK)
        abort();
    for (int64_t i = 0; i < n; i++)
        if (mot_vocabulary_decode(vocabulary, token[i], &again) != MOT_OK)
            abort();
    if (again.length != size - 1 || memcmp(again.data, text, size - 1) != 0)
        abort();
    if (mot_text_set_of("text", vocabulary, token, n, 1 + bytes[0] % 32, &set) == MOT_OK) {
        check_windows(set);
        mot_dataset_free(set);
    }
    mot_text_free(&again);
    mot_vocabulary_free(vocabulary);
    return 0;
}
