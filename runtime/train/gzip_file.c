/* gzip_file.c: reading and writing through zlib (the only file that includes <zlib.h>).
 *
 * zlib itself passes plain files through, so the reader does not look at names.  Several gzip
 * members one after the other are one file, as gzip has it.  The whole file is held in memory: what
 * is read this way are data sets that are then used in place.
 */
#include "config.h"

#include "runtime/train/gzip_file.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static bool ends_in_gz(const char *path)
{
    size_t length = strlen(path);
    return length > 3 && strcmp(path + length - 3, ".gz") == 0;
}

mot_status mot_gzip_find(const char *path, char **out)
{
    mot_text other = {0};
    if (access(path, F_OK) == 0)
        return mot_strdup(path, out);
    int cause = errno;
    MOT_TRY(mot_text_add(&other, "%s.gz", path));
    if (ends_in_gz(path))
        other.data[strlen(path) - 3] = '\0';
    if (access(other.data, F_OK) == 0) {
        *out = other.data;
        return MOT_OK;
    }
    mot_text_free(&other);
    return MOT_FAIL(MOT_ERR_FILE, "cannot open %s: %s", path, strerror(cause));
}

/* A folder can be opened for reading, and its read error says less than this. */
static mot_status open_plain(const char *path, int *out)
{
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return MOT_FAIL(MOT_ERR_FILE, "cannot open %s: %s", path, strerror(errno));
    if (fstat(file, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(file);
        return MOT_FAIL(MOT_ERR_FILE, "%s is a folder; a file was expected", path);
    }
    *out = file;
    return MOT_OK;
}

static mot_status zlib_failure(gzFile file, const char *path)
{
    int code;
    const char *message = gzerror(file, &code);
    if (code == Z_ERRNO)
        return MOT_FAIL(MOT_ERR_FILE, "cannot read %s: %s", path, strerror(errno));
    if (code == Z_BUF_ERROR)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s is cut off: its gzip data has no end", path);
    return MOT_FAIL(MOT_ERR_FORMAT, "%s: damaged gzip data (%s)", path, message);
}

static mot_status read_all(gzFile file, const char *path, size_t limit_bytes, mot_text *text)
{
    enum { BLOCK = 1 << 20 };
    MOT_TRY(mot_text_add_bytes(text, "", 0));
    for (;;) {
        MOT_TRY(mot_grow(&text->data, &text->capacity, text->length + BLOCK + 1, 1));
        int n = gzread(file, text->data + text->length, BLOCK);
        if (n < 0)
            return zlib_failure(file, path);
        text->length += (size_t)n;
        text->data[text->length] = '\0';
        if (text->length > limit_bytes)
            return MOT_FAIL(MOT_ERR_FORMAT, "%s holds more than %zu bytes", path, limit_bytes);
        if (n < BLOCK)
            break;
    }
    int code;
    gzerror(file, &code);
    return code == Z_OK || code == Z_STREAM_END ? MOT_OK : zlib_failure(file, path);
}

mot_status mot_gzip_read(const char *path, size_t limit_bytes, char **out, size_t *size_bytes)
{
    char *found;
    mot_text text = {0};
    int plain = -1;
    MOT_TRY(mot_gzip_find(path, &found));
    mot_status status = open_plain(found, &plain);
    if (status != MOT_OK) {
        free(found);
        return status;
    }
    gzFile file = gzdopen(plain, "rb");
    if (!file) {
        close(plain);
        free(found);
        return MOT_FAIL(MOT_ERR_MEMORY, "no host memory for reading %s", path);
    }
    gzbuffer(file, 1 << 18);
    status = read_all(file, found, limit_bytes, &text);
    gzclose_r(file);
    free(found);
    if (status != MOT_OK) {
        mot_text_free(&text);
        return status;
    }
    *out = text.data;
    *size_bytes = text.length;
    return MOT_OK;
}

mot_status mot_gzip_write(const char *path, const void *data, size_t size_bytes)
{
    enum { GZIP_WINDOW = 15 + 16 };
    if (!ends_in_gz(path))
        return mot_file_write(path, data, size_bytes);
    z_stream stream = {0};
    if (size_bytes > UINT32_MAX - (1u << 20))
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "%s: %zu bytes are too many for one gzip member", path,
                        size_bytes);
    if (deflateInit2(&stream, 6, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return MOT_FAIL(MOT_ERR_MEMORY, "no host memory for compressing %s", path);
    char *packed;
    size_t bound = deflateBound(&stream, size_bytes);
    mot_status status = mot_alloc(bound, 1, &packed);
    if (status == MOT_OK) {
        stream.next_in = (Bytef *)(uintptr_t)data;
        stream.avail_in = (uInt)size_bytes;
        stream.next_out = (Bytef *)packed;
        stream.avail_out = (uInt)bound;
        if (deflate(&stream, Z_FINISH) == Z_STREAM_END)
            status = mot_file_write(path, packed, stream.total_out);
        else
            status = MOT_FAIL(MOT_ERR_MEMORY, "cannot compress %s", path);
        free(packed);
    }
    deflateEnd(&stream);
    return status;
}
