/* gzip_file.h: files that may be compressed with gzip, under either name. */
#ifndef MOT_TRAIN_GZIP_FILE_H
#define MOT_TRAIN_GZIP_FILE_H

#include "runtime/base/status.h"

/** The first of `path`, `path`.gz and `path` without its ".gz" that exists.  The caller frees *out.
 *  Errors: MOT_ERR_FILE when none does. */
mot_status mot_gzip_find(const char *path, char **out);

/** Read a whole file, gzip or plain, into *out (NUL added behind *size_bytes).  The caller frees
 * it. Errors: MOT_ERR_FILE; MOT_ERR_FORMAT when the gzip data is damaged or cut off, or larger than
 *  `limit_bytes` when unpacked. */
mot_status mot_gzip_read(const char *path, size_t limit_bytes, char **out, size_t *size_bytes);

/** Write whole or not at all; compressed when `path` ends in ".gz". */
mot_status mot_gzip_write(const char *path, const void *data, size_t size_bytes);

#endif
