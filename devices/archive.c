/* archive.c: reading archives of offline-built kernels.
 *
 * The file is read whole, its size and hash are compared, and every length in it is held against
 * what is left of the file, so that neither a truncated nor a made-up file can lead outside.
 * Entries are few (tens), so finding one is a walk.
 */
#include "config.h"

#include "devices/archive.h"
#include "devices/state.h"
#include "runtime/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

typedef struct entry {
    uint32_t blob;
    char *device, *source, *options; /* device is a pattern with `*`, for its name or id */
} entry;

struct mot_kernel_archive {
    char *path;
    unsigned char *data;
    size_t size_bytes;
    uint32_t n_blobs, n_entries;
    struct {
        const unsigned char *data;
        size_t size_bytes;
    } *blobs;
    entry *entries;
};

/* What is left to read. */
typedef struct reader {
    const unsigned char *at;
    size_t left;
} reader;

static bool take(reader *r, int bytes, uint64_t *out)
{
    if (r->left < (size_t)bytes)
        return false;
    *out = mot_archive_get(r->at, bytes);
    r->at += bytes;
    r->left -= (size_t)bytes;
    return true;
}

static bool take_text(reader *r, uint64_t bytes, char **out)
{
    if (r->left < bytes || memchr(r->at, 0, bytes) || mot_alloc(bytes + 1, 1, out) != MOT_OK)
        return false;
    memcpy(*out, r->at, bytes);
    r->at += bytes;
    r->left -= bytes;
    return true;
}

static bool take_entry(reader *r, uint32_t n_blobs, entry *e)
{
    uint64_t blob, n_device, n_source, n_options;
    if (!take(r, 4, &blob) || blob >= n_blobs || !take(r, 4, &n_device) || !take(r, 4, &n_source) ||
        !take(r, 4, &n_options))
        return false;
    e->blob = (uint32_t)blob;
    return take_text(r, n_device, &e->device) && take_text(r, n_source, &e->source) &&
           take_text(r, n_options, &e->options);
}

/* Everything behind the head. */
static bool parse(mot_kernel_archive *a)
{
    reader r = {a->data + MOT_ARCHIVE_HEAD, a->size_bytes - MOT_ARCHIVE_HEAD};
    uint64_t n_blobs, n_entries;
    if (!take(&r, 4, &n_blobs) || !take(&r, 4, &n_entries) || n_blobs > MOT_ARCHIVE_MOST ||
        n_entries > MOT_ARCHIVE_MOST || n_blobs * 8 + n_entries * 16 > r.left)
        return false;
    if (mot_alloc(n_blobs, sizeof *a->blobs, &a->blobs) != MOT_OK ||
        mot_alloc(n_entries, sizeof *a->entries, &a->entries) != MOT_OK)
        return false;
    a->n_blobs = (uint32_t)n_blobs;
    a->n_entries = (uint32_t)n_entries;
    for (uint32_t i = 0; i < a->n_blobs; i++) {
        uint64_t size;
        if (!take(&r, 8, &size))
            return false;
        a->blobs[i].size_bytes = size;
    }
    for (uint32_t i = 0; i < a->n_entries; i++)
        if (!take_entry(&r, a->n_blobs, &a->entries[i]))
            return false;
    for (uint32_t i = 0; i < a->n_blobs; i++) {
        if (a->blobs[i].size_bytes > r.left || a->blobs[i].size_bytes == 0)
            return false;
        a->blobs[i].data = r.at;
        r.at += a->blobs[i].size_bytes;
        r.left -= a->blobs[i].size_bytes;
    }
    return r.left == 0;
}

mot_status mot_kernel_archive_open(const char *path, mot_kernel_archive **out)
{
    mot_kernel_archive *a;
    char *data;
    mot_status status;
    MOT_TRY(mot_alloc(1, sizeof *a, &a));
    MOT_TRY_GOTO(mot_strdup(path, &a->path));
    MOT_TRY_GOTO(mot_file_read(path, (size_t)2 << 30, &data, &a->size_bytes));
    a->data = (unsigned char *)data;
    if (a->size_bytes < 8 || memcmp(a->data, MOT_ARCHIVE_MAGIC, 8) != 0) {
        status = MOT_FAIL(MOT_ERR_FORMAT, "%s is no kernel archive; motley kernels pack makes them",
                          path);
        goto fail;
    }
    uint64_t said = a->size_bytes < MOT_ARCHIVE_HEAD ? 0 : mot_archive_get(a->data + 8, 8);
    if (said != a->size_bytes) {
        status =
            MOT_FAIL(MOT_ERR_FORMAT, "kernel archive %s is cut short: it has %zu bytes of %llu",
                     path, a->size_bytes, (unsigned long long)said);
        goto fail;
    }
    if (XXH64(a->data + MOT_ARCHIVE_HEAD, a->size_bytes - MOT_ARCHIVE_HEAD, 0) !=
            mot_archive_get(a->data + 16, 8) ||
        !parse(a)) {
        status =
            MOT_FAIL(MOT_ERR_FORMAT,
                     "kernel archive %s is damaged: its contents do not match its checksum", path);
        goto fail;
    }
    *out = a;
    return MOT_OK;
fail:
    mot_kernel_archive_close(a);
    return status;
}

void mot_kernel_archive_close(mot_kernel_archive *archive)
{
    if (!archive)
        return;
    for (uint32_t i = 0; i < archive->n_entries; i++) {
        free(archive->entries[i].device);
        free(archive->entries[i].source);
        free(archive->entries[i].options);
    }
    free(archive->entries);
    free(archive->blobs);
    free(archive->data);
    free(archive->path);
    free(archive);
}

int mot_archive_find(const mot_kernel_archive *archive, const mot_device_info *info,
                     const char *source, const char *options)
{
    for (uint32_t i = 0; i < archive->n_entries; i++) {
        const entry *e = &archive->entries[i];
        if (strcmp(e->source, source) == 0 && strcmp(e->options, options) == 0 &&
            (mot_glob(e->device, info->name) || mot_glob(e->device, info->id)))
            return (int)e->blob;
    }
    return -1;
}

void mot_archive_blob(const mot_kernel_archive *archive, int blob, const unsigned char **data,
                      size_t *size_bytes)
{
    *data = archive->blobs[blob].data;
    *size_bytes = archive->blobs[blob].size_bytes;
}

const char *mot_archive_path(const mot_kernel_archive *archive)
{
    return archive->path;
}
