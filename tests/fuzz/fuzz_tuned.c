/* fuzz_tuned: the input is a file of remembered choices.  What is read of it prints, and reads back as
 * the same. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "devices/probe.h"
#include "devices/tuned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const mot_device_info info = {.id = "a:0", .name = "device"};

static char *print(const mot_tuned *tuned)
{
    mot_text text = {0};
    if (mot_text_add(&text, "motley tuned 1\n") != MOT_OK ||
        mot_tuned_print(tuned, &info, &text) != MOT_OK)
        abort();
    return text.data;
}

static void check_entries(const mot_tuned *tuned)
{
    for (size_t i = 0; i < tuned->n_entries; i++) {
        const mot_tuned_entry *e = &tuned->entry[i];
        const mot_problem *x = &e->problem;
        if (mot_problem_is_product(x) && (x->m < 1 || x->n < 1 || x->k < 1 || x->batch < 1))
            abort();
        if (e->choice.variant < MOT_BY_RULE || !mot_tuned_find(tuned, x))
            abort();
        for (int p = 0; p < MOT_MAX_PARAMETERS; p++)
            if (e->choice.parameter[p] < 0)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char key[17], *text = malloc(size + 1);
    mot_tuned tuned = {0}, again = {0};
    if (!text)
        abort();
    memcpy(text, bytes, size);
    text[size] = '\0';
    if (mot_tuned_read(&tuned, text, "aaaa", "file") != MOT_OK && !*mot_error_message())
        abort();
    check_entries(&tuned);
    char *first = print(&tuned);
    mot_probe_key(&info, key);
    if (mot_tuned_read(&again, first, key, "printed") != MOT_OK)
        abort();
    char *second = print(&again);
    if (strcmp(first, second) != 0)
        abort();
    free(first);
    free(second);
    free(text);
    mot_tuned_free(&tuned);
    mot_tuned_free(&again);
    return 0;
}
