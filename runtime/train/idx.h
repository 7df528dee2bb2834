/* idx.h: the IDX format on bytes in memory; the doors to files are in data.h.
 *
 * A big-endian header (two zero bytes, the element type, the number of dimensions, each dimension
 * as u32) and the elements, outermost dimension first, nothing behind them. Source: Y. LeCun, C.
 * Cortes, "The MNIST database", section FILE FORMATS.
 */
#ifndef MOT_TRAIN_IDX_H
#define MOT_TRAIN_IDX_H

#include "runtime/train/data.h"

typedef enum { MOT_IDX_U8 = 0x08, MOT_IDX_I32 = 0x0C, MOT_IDX_F32 = 0x0D } mot_idx_type;

/** A checked header; the elements begin at `offset`. */
typedef struct mot_idx {
    mot_idx_type type;
    mot_shape shape;
    size_t offset;
} mot_idx;

/** Check the bytes of a whole file called `name`: magic, type, dimensions, and that exactly the
 *  elements follow.  Pure.  Errors: MOT_ERR_FORMAT, MOT_ERR_UNSUPPORTED. */
mot_status mot_idx_parse(const char *name, const void *bytes, size_t size_bytes, mot_idx *out);

/** A set from the bytes of two files, which are borrowed during the call except `images`, which the
 *  set takes over when the call succeeds. */
mot_status mot_idx_dataset(const char *images_name, char *images, size_t images_bytes,
                           const char *labels_name, const char *labels, size_t labels_bytes,
                           int64_t n_classes, const int32_t *ignored, mot_dataset **out);

#endif
