/* memory.h: host memory.  Sizes are multiplied with a check; failure is a status with a message. */
#ifndef MOT_BASE_MEMORY_H
#define MOT_BASE_MEMORY_H

#include "runtime/base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { MOT_ALIGNMENT = 64, MOT_PAGE = 4096 };

/** Allocate zeroed memory for `count` items of `size` bytes (at least one byte) into *out.
 *  The caller owns it and frees it with free().  Errors: MOT_ERR_MEMORY, *out untouched. */
mot_status mot_alloc(size_t count, size_t size, void *out);

/** Grow *items (NULL at first) so that it holds at least `count` items of `size` bytes; *capacity is
 *  its present capacity in items.  New items are zeroed.  Errors: MOT_ERR_MEMORY, nothing changed. */
mot_status mot_grow(void *items, size_t *capacity, size_t count, size_t size);

/** Zeroed memory, page aligned, rounded up to whole pages: fit for sharing with devices.
 *  Owned by the caller; freed with free(). */
mot_status mot_alloc_pages(size_t size_bytes, void *out);

/** Copy of a string, owned by the caller (free). */
mot_status mot_strdup(const char *text, char **out);

/** a*b into *out; MOT_ERR_MEMORY when it does not fit a size_t. */
mot_status mot_size_mul(size_t a, size_t b, size_t *out);

#endif
