/* safetensors.h: named tensors in a .safetensors file (8-byte length, JSON header, data).
 * Source: the format's description in the README of github.com/huggingface/safetensors. */
#ifndef MOT_TRAIN_SAFETENSORS_H
#define MOT_TRAIN_SAFETENSORS_H

#include "runtime/base/shape.h"
#include "runtime/base/status.h"

typedef struct mot_named_tensor {
    char *name;
    mot_dtype dtype; /* F32, I32, U8 */
    mot_shape shape; /* 0 dimensions: one element */
    void *data;      /* row-major, little-endian, aligned to MOT_ALIGNMENT when read */
} mot_named_tensor;

typedef struct mot_tensor_file {
    mot_named_tensor *tensor; /* when read: in the order of their data in the file */
    int n_tensors;
    char **meta_key, **meta_value; /* the __metadata__ strings */
    int n_meta;
    void *owned; /* the data of all tensors when read */
} mot_tensor_file;

/** Read and check a whole file.  F64, F16 and BF16 tensors are converted to F32; BOOL to U8; other
 *  whole numbers to I32 if they all fit.  The caller frees with mot_tensor_file_free.
 *  Errors: MOT_ERR_FILE; MOT_ERR_FORMAT with what is wrong; MOT_ERR_UNSUPPORTED for other types and
 *  more than MOT_MAX_DIMS dimensions. */
mot_status mot_safetensors_read(const char *path, mot_tensor_file *out);
/** The same from bytes in memory, which stay the caller's; `name` stands for the file in messages.
 */
mot_status mot_safetensors_parse(const char *name, const void *bytes, size_t size_bytes,
                                 mot_tensor_file *out);
/** Write whole or not at all (mot_file_write); `owned` is not looked at. */
mot_status mot_safetensors_write(const char *path, const mot_tensor_file *file);
/** Frees what reading made; then *file is empty. */
void mot_tensor_file_free(mot_tensor_file *file);
/** The tensor of that name, or NULL. */
const mot_named_tensor *mot_tensor_file_find(const mot_tensor_file *file, const char *name);
/** The metadata string of that key, or NULL. */
const char *mot_tensor_file_meta(const mot_tensor_file *file, const char *key);

#endif
