/* shape.h: element types and shapes, shared by graph and devices.
 *
 * A shape is row-major, outermost dimension first.  In a graph the outermost dimension of what
 * belongs to samples is MOT_BATCH: a device fills in its own share.
 */
#ifndef MOT_BASE_SHAPE_H
#define MOT_BASE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOT_MAX_DIMS = 5, MOT_BATCH = -1 };

/** The 16-bit ones are for what is kept only; kernels compute in float. */
typedef enum { MOT_F32, MOT_I32, MOT_U8, MOT_BF16, MOT_F16 } mot_dtype;

typedef struct mot_shape {
    int n_dims;
    int64_t dim[MOT_MAX_DIMS];
} mot_shape;

static inline size_t mot_dtype_bytes(mot_dtype dtype)
{
    return dtype == MOT_U8 ? 1 : dtype == MOT_BF16 || dtype == MOT_F16 ? 2 : 4;
}

static inline bool mot_dtype_is_16_bits(mot_dtype dtype)
{
    return dtype == MOT_BF16 || dtype == MOT_F16;
}

/** "f32", "i32", "u8", "bf16", "f16". */
const char *mot_dtype_name(mot_dtype dtype);

/** Does the shape belong to samples, i.e. is its outermost dimension MOT_BATCH? */
static inline bool mot_shape_is_batched(const mot_shape *shape)
{
    return shape->n_dims > 0 && shape->dim[0] == MOT_BATCH;
}

/** Elements, with `batch` samples in the place of MOT_BATCH. */
static inline int64_t mot_shape_elements(const mot_shape *shape, int64_t batch)
{
    int64_t n = 1;
    for (int i = 0; i < shape->n_dims; i++)
        n *= shape->dim[i] == MOT_BATCH ? batch : shape->dim[i];
    return n;
}

/** Length of the last dimension: the columns of the matrix of rows that the shape is, (B,T,C) as
 *  (B*T,C). */
static inline int64_t mot_shape_last(const mot_shape *shape)
{
    return shape->n_dims > 0 ? shape->dim[shape->n_dims - 1] : 1;
}

/** The shape with `batch` samples in the place of MOT_BATCH. */
static inline mot_shape mot_shape_with_batch(mot_shape shape, int64_t batch)
{
    if (mot_shape_is_batched(&shape))
        shape.dim[0] = batch;
    return shape;
}

static inline bool mot_shape_equal(const mot_shape *a, const mot_shape *b)
{
    if (a->n_dims != b->n_dims)
        return false;
    for (int i = 0; i < a->n_dims; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

/** "(B,28,28)" into `text`, which must hold MOT_SHAPE_TEXT bytes; returns `text`. */
enum { MOT_SHAPE_TEXT = 128 };
char *mot_shape_print(const mot_shape *shape, char *text);

#endif
