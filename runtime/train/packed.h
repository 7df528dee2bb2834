/* packed.h: a data set as one file that is mapped, not read, so that millions of samples start at once.
 *
 * File, in the byte order of little-endian machines:
 *
 *     u64 magic "MOTPACK1"; u64 length of the description; u64 XXH64 of it; u64 length of the file
 *     the description, a JSON object: type and shape of a sample, classes, scale and shift, parts
 *     from the next multiple of MOT_PAGE: for each part its samples, then its labels or targets,
 *     each from a multiple of MOT_PAGE (offsets count from the first)
 *
 * The parts are train and, where there are some, validation and test, with the rows as they were
 * chosen; a table is packed as the network gets it, without gaps.  A run of tokens has no labels.
 * Opening checks the description, every length and every label; the checksums of the samples, which
 * would have all of the file read, are for mot_packed_verify.
 */
#ifndef MOT_TRAIN_PACKED_H
#define MOT_TRAIN_PACKED_H

#include "runtime/train/data.h"

enum { MOT_PACKED_HEAD = 32 };
extern const char mot_packed_magic[8];

/** Write all parts, whole or not at all.  Errors: MOT_ERR_FILE; MOT_ERR_UNSUPPORTED for names of
 *  classes that are not UTF-8. */
mot_status mot_packed_write(const mot_data *data, const char *path);

/** Map a file and fill sets, spec, target units and vocabulary of an empty `data`; `context` is for
 *  tokens.  Rows are for the caller.  Errors: MOT_ERR_FILE; MOT_ERR_FORMAT. */
mot_status mot_packed_read(const char *path, int64_t context, mot_data *data);

/** The same with bytes of a file called `name`, which are borrowed until the data are closed and lie
 *  at a multiple of 8. */
mot_status mot_packed_parse(const char *name, const void *bytes, size_t size_bytes, int64_t context,
                            mot_data *data);

/** Compare everything in a file with its checksums.  Errors: as above. */
mot_status mot_packed_verify(const char *path);

/** The first MOT_PACKED_HEAD bytes of a file. */
void mot_packed_head(const char *description, size_t length, size_t file_bytes,
                     unsigned char out[MOT_PACKED_HEAD]);

#endif
