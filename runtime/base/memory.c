#include "config.h"

#include "runtime/base/memory.h"

#include <stdlib.h>
#include <string.h>

mot_status mot_size_mul(size_t a, size_t b, size_t *out)
{
    if (a != 0 && b > SIZE_MAX / a)
        return MOT_FAIL(MOT_ERR_MEMORY, "%zu items of %zu bytes do not fit in memory", a, b);
    *out = a * b;
    return MOT_OK;
}

static mot_status no_memory(size_t bytes)
{
    return MOT_FAIL(MOT_ERR_MEMORY, "no host memory for %zu bytes", bytes);
}

mot_status mot_alloc(size_t count, size_t size, void *out)
{
    size_t bytes = 0;
    MOT_TRY(mot_size_mul(count, size, &bytes));
    void *memory = calloc(1, bytes ? bytes : 1);
    if (!memory)
        return no_memory(bytes);
    *(void **)out = memory;
    return MOT_OK;
}

mot_status mot_grow(void *items, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return MOT_OK;
    size_t grown = *capacity < 8 ? 8 : *capacity * 2, bytes = 0;
    if (grown < count)
        grown = count;
    MOT_TRY(mot_size_mul(grown, size, &bytes));
    char *memory = realloc(*(void **)items, bytes);
    if (!memory)
        return no_memory(bytes);
    memset(memory + *capacity * size, 0, bytes - *capacity * size);
    *(void **)items = memory;
    *capacity = grown;
    return MOT_OK;
}

mot_status mot_alloc_pages(size_t size_bytes, void *out)
{
    if (size_bytes > SIZE_MAX - MOT_PAGE)
        return no_memory(size_bytes);
    size_t bytes = (size_bytes + MOT_PAGE - 1) / MOT_PAGE * MOT_PAGE;
    if (bytes == 0)
        bytes = MOT_PAGE;
    void *memory = aligned_alloc(MOT_PAGE, bytes);
    if (!memory)
        return no_memory(bytes);
    memset(memory, 0, bytes);
    *(void **)out = memory;
    return MOT_OK;
}

mot_status mot_strdup(const char *text, char **out)
{
    size_t bytes = strlen(text) + 1;
    MOT_TRY(mot_alloc(bytes, 1, out));
    memcpy(*out, text, bytes);
    return MOT_OK;
}
