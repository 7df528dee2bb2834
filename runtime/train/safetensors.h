/* safetensors.h: named tensors in a .safetensors file (8-byte length, JSON header, data). */
#ifndef MOT_TRAIN_SAFETENSORS_H
#define MOT_TRAIN_SAFETENSORS_H

#include "runtime/base/shape.h"
#include "runtime/base/status.h"

typedef struct mot_named_tensor {
    char *name;
    mot_dtype dtype;  /* F32, I32, U8 */
    mot_shape shape;
    void *data;       /* row-major, little-endian */
} mot_named_tensor;

typedef struct mot_tensor_file {
    mot_named_tensor *tensor;
    int n_tensors;
    char **meta_key, **meta_value; /* the __metadata__ strings */
    int n_meta;
    void *owned;                   /* the file's bytes; tensor data points into them when read */
} mot_tensor_file;

/** Read and check a whole file.  Errors: MOT_ERR_FILE, MOT_ERR_FORMAT with what is wrong.
 *  F64, F16 and BF16 tensors are converted to F32.  The caller frees with mot_tensor_file_free. */
mot_status mot_safetensors_read(const char *path, mot_tensor_file *out);
/** Write whole or not at all (mot_file_write). */
mot_status mot_safetensors_write(const char *path, const mot_tensor_file *file);
void mot_tensor_file_free(mot_tensor_file *file);
const mot_named_tensor *mot_tensor_file_find(const mot_tensor_file *file, const char *name);
const char *mot_tensor_file_meta(const mot_tensor_file *file, const char *key);

#endif
