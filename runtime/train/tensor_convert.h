/* tensor_convert.h: element types of files, and their way to the types that motley computes with.
 */
#ifndef MOT_TRAIN_TENSOR_CONVERT_H
#define MOT_TRAIN_TENSOR_CONVERT_H

#include "runtime/base/shape.h"
#include "runtime/base/status.h"

/** A type as a file names it, its size there, and what it becomes. */
typedef struct mot_file_dtype {
    const char *name;
    size_t bytes;
    mot_dtype dtype;
    /* Element i of little-endian `in` to element i of `out`; false when it does not fit. */
    bool (*convert)(const unsigned char *in, void *out, size_t i);
} mot_file_dtype;

/** The type called `name` ("F32", "BF16", ...), or NULL. */
const mot_file_dtype *mot_file_dtype_find(const char *name);

/** Convert n elements; false with the index of the first that does not fit. */
bool mot_file_dtype_convert(const mot_file_dtype *type, const void *in, size_t n, void *out,
                            size_t *bad);

#endif
