/* idx.c: IDX files (the format of MNIST) in and out.
 *
 * Images are used where they were read: `raw` points behind the header of the file's bytes, which
 * is aligned well enough for u8.  Float images are turned to host order and to the front.  Samples
 * of two dimensions get a channel dimension in front, (1,28,28), as the layers want it; one and
 * three stay as they are.
 */
#include "config.h"

#include "runtime/train/idx.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/train/gzip_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A set larger than this is no data set for memory, but a file that lies about itself. */
static const size_t LIMIT_BYTES = (size_t)1 << 36;

static uint32_t load_be32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store_be32(unsigned char *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* Elements and bytes that the header promises, refusing what no memory could hold. */
static mot_status promised_bytes(const char *name, const mot_idx *idx, size_t *out)
{
    size_t bytes = idx->type == MOT_IDX_U8 ? 1 : 4;
    for (int i = 0; i < idx->shape.n_dims; i++) {
        size_t dim = (size_t)idx->shape.dim[i];
        if (dim != 0 && bytes > LIMIT_BYTES / dim)
            return MOT_FAIL(MOT_ERR_FORMAT,
                            "%s: the header promises more than %zu bytes of data (dimension %d is "
                            "%zu)",
                            name, LIMIT_BYTES, i, dim);
        bytes *= dim;
    }
    *out = bytes;
    return MOT_OK;
}

mot_status mot_idx_parse(const char *name, const void *bytes, size_t size_bytes, mot_idx *out)
{
    const unsigned char *head = bytes;
    if (size_bytes < 4)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: %zu bytes are too few for an IDX file", name,
                        size_bytes);
    if (head[0] != 0 || head[1] != 0)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s is no IDX file: it begins with 0x%08" PRIx32
                        ", and 0x0000TTDD was expected",
                        name, load_be32(head));
    mot_idx idx = {.type = head[2], .shape.n_dims = head[3], .offset = 4 + 4 * (size_t)head[3]};
    if (idx.type != MOT_IDX_U8 && idx.type != MOT_IDX_I32 && idx.type != MOT_IDX_F32)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED,
                        "%s: element type 0x%02x of IDX; 0x08 (u8), 0x0c (i32) and 0x0d (f32) are "
                        "read",
                        name, head[2]);
    if (idx.shape.n_dims < 1 || idx.shape.n_dims > 4)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "%s: %d dimensions; 1 to 4 are read", name,
                        idx.shape.n_dims);
    if (size_bytes < idx.offset)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s is cut off in its header: %zu bytes of %zu", name,
                        size_bytes, idx.offset);
    for (int i = 0; i < idx.shape.n_dims; i++) {
        idx.shape.dim[i] = load_be32(head + 4 + 4 * i);
        if (idx.shape.dim[i] == 0)
            return MOT_FAIL(MOT_ERR_FORMAT, "%s: dimension %d is 0", name, i);
    }
    size_t promised = 0;
    MOT_TRY(promised_bytes(name, &idx, &promised));
    if (size_bytes - idx.offset < promised)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s is cut off: the header promises %zu bytes of data, %zu are there", name,
                        promised, size_bytes - idx.offset);
    if (size_bytes - idx.offset > promised)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s: %zu bytes follow behind the %zu that the header promises", name,
                        size_bytes - idx.offset - promised, promised);
    *out = idx;
    return MOT_OK;
}

/* The shape of a sample: an image of two dimensions gets one channel. */
static mot_shape sample_shape(const mot_shape *all)
{
    mot_shape sample = {.n_dims = all->n_dims - 1};
    for (int i = 1; i < all->n_dims; i++)
        sample.dim[i - 1] = all->dim[i];
    if (sample.n_dims == 2)
        sample = (mot_shape){3, {1, sample.dim[0], sample.dim[1]}};
    return sample;
}

static mot_status check_pair(const char *images_name, const mot_idx *images,
                             const char *labels_name, const mot_idx *labels)
{
    if (images->shape.n_dims < 2 || images->type == MOT_IDX_I32)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s: %d dimensions of type 0x%02x; images have 2 to 4 of u8 or f32 (are "
                        "these the labels?)",
                        images_name, images->shape.n_dims, (unsigned)images->type);
    if (labels->shape.n_dims != 1 || labels->type == MOT_IDX_F32)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s: %d dimensions of type 0x%02x; labels have 1 of u8 or i32 (are these "
                        "the images?)",
                        labels_name, labels->shape.n_dims, (unsigned)labels->type);
    if (images->shape.dim[0] != labels->shape.dim[0])
        return MOT_FAIL(MOT_ERR_FORMAT, "%s has %" PRId64 " images, but %s has %" PRId64 " labels",
                        images_name, images->shape.dim[0], labels_name, labels->shape.dim[0]);
    return MOT_OK;
}

static mot_status read_labels(const char *name, const mot_idx *idx, const char *bytes,
                              int64_t n_classes, const int32_t *ignored, int32_t *label,
                              int64_t *found)
{
    enum { MOST = 1 << 20 };
    const unsigned char *data = (const unsigned char *)bytes + idx->offset;
    int64_t largest = 0, limit = n_classes > 0 ? n_classes : MOST;
    for (int64_t i = 0; i < idx->shape.dim[0]; i++) {
        int64_t value = idx->type == MOT_IDX_U8 ? data[i] : (int32_t)load_be32(data + 4 * i);
        label[i] = ignored && value == *ignored ? MOT_NO_CLASS : (int32_t)value;
        if (label[i] == MOT_NO_CLASS && ignored)
            continue;
        if (value < 0 || value >= limit)
            return MOT_FAIL(MOT_ERR_FORMAT,
                            "%s: label %" PRId64 " is %" PRId64 ", but there are %" PRId64
                            " classes, 0 to %" PRId64,
                            name, i, value, limit, limit - 1);
        largest = value > largest ? value : largest;
    }
    *found = n_classes > 0 ? n_classes : largest + 1;
    return MOT_OK;
}

/* f32 data moves to the front of its buffer, in host order; a header is at least as long as none.
 */
static mot_status decode_f32(const char *name, char *bytes, const mot_idx *idx)
{
    int64_t n = mot_shape_elements(&idx->shape, 1);
    for (int64_t i = 0; i < n; i++) {
        uint32_t word = load_be32((const unsigned char *)bytes + idx->offset + 4 * i);
        if ((word & 0x7F800000u) == 0x7F800000u)
            return MOT_FAIL(MOT_ERR_FORMAT, "%s: element %" PRId64 " is not a finite number", name,
                            i);
        memcpy(bytes + 4 * i, &word, 4);
    }
    return MOT_OK;
}

mot_status mot_idx_dataset(const char *images_name, char *images, size_t images_bytes,
                           const char *labels_name, const char *labels, size_t labels_bytes,
                           int64_t n_classes, const int32_t *ignored, mot_dataset **out)
{
    mot_idx image, label;
    int32_t *classes = NULL;
    mot_dataset *set = NULL;
    MOT_TRY(mot_idx_parse(images_name, images, images_bytes, &image));
    MOT_TRY(mot_idx_parse(labels_name, labels, labels_bytes, &label));
    MOT_TRY(check_pair(images_name, &image, labels_name, &label));
    int64_t n = image.shape.dim[0];
    mot_status status = mot_alloc(1, sizeof *set, &set);
    if (status != MOT_OK)
        return status;
    MOT_TRY_GOTO(mot_alloc((size_t)n, sizeof *classes, &classes));
    set->owned[1] = classes;
    MOT_TRY_GOTO(mot_strdup(images_name, &set->name));
    MOT_TRY_GOTO(
        read_labels(labels_name, &label, labels, n_classes, ignored, classes, &set->n_classes));
    if (image.type == MOT_IDX_F32) {
        MOT_TRY_GOTO(decode_f32(images_name, images, &image));
        image.offset = 0;
    }
    set->sample = sample_shape(&image.shape);
    set->dtype = image.type == MOT_IDX_F32 ? MOT_F32 : MOT_U8;
    set->n = n;
    set->raw = images + image.offset;
    set->label = classes;
    set->owned[0] = images;
    *out = set;
    return MOT_OK;
fail:
    mot_dataset_free(set);
    return status;
}

mot_status mot_idx_read(const char *images, const char *labels, int64_t n_classes,
                        const int32_t *ignored, mot_dataset **out)
{
    char *image_bytes = NULL, *label_bytes = NULL;
    size_t n_image_bytes = 0, n_label_bytes = 0;
    mot_status status = mot_gzip_read(images, LIMIT_BYTES, &image_bytes, &n_image_bytes);
    if (status == MOT_OK)
        status = mot_gzip_read(labels, LIMIT_BYTES, &label_bytes, &n_label_bytes);
    if (status == MOT_OK)
        status = mot_idx_dataset(images, image_bytes, n_image_bytes, labels, label_bytes,
                                 n_label_bytes, n_classes, ignored, out);
    if (status != MOT_OK)
        free(image_bytes);
    free(label_bytes);
    return status;
}

/* Header and elements of one file; f32 is turned to big-endian. */
static mot_status encode(const mot_shape *shape, mot_idx_type type, const void *data, char **out,
                         size_t *size_bytes)
{
    size_t offset = 4 + 4 * (size_t)shape->n_dims;
    size_t n = (size_t)mot_shape_elements(shape, 1), bytes = n * (type == MOT_IDX_U8 ? 1 : 4);
    unsigned char *file;
    MOT_TRY(mot_alloc(offset + bytes, 1, &file));
    file[2] = (unsigned char)type;
    file[3] = (unsigned char)shape->n_dims;
    for (int i = 0; i < shape->n_dims; i++)
        store_be32(file + 4 + 4 * i, (uint32_t)shape->dim[i]);
    memcpy(file + offset, data, bytes);
    for (size_t i = 0; type != MOT_IDX_U8 && i < n; i++)
        store_be32(file + offset + 4 * i, ((const uint32_t *)data)[i]);
    *out = (char *)file;
    *size_bytes = offset + bytes;
    return MOT_OK;
}

static mot_status write_labels(const mot_dataset *set, const char *path)
{
    mot_shape shape = {1, {set->n}};
    mot_idx_type type = set->n_classes <= 256 ? MOT_IDX_U8 : MOT_IDX_I32;
    unsigned char *narrow;
    char *file = NULL;
    size_t bytes;
    MOT_TRY(mot_alloc((size_t)set->n, 1, &narrow));
    for (int64_t i = 0; i < set->n; i++)
        narrow[i] = (unsigned char)set->label[i];
    const void *data = type == MOT_IDX_U8 ? (const void *)narrow : (const void *)set->label;
    mot_status status = encode(&shape, type, data, &file, &bytes);
    if (status == MOT_OK)
        status = mot_gzip_write(path, file, bytes);
    free(file);
    free(narrow);
    return status;
}

mot_status mot_idx_write(const mot_dataset *dataset, const char *images, const char *labels)
{
    if (dataset->regression)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "%s has float targets; IDX files hold classes",
                        dataset->name);
    if (dataset->n > UINT32_MAX || dataset->sample.n_dims > 3)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "%s does not fit an IDX file", dataset->name);
    /* One channel is not written: (n,1,28,28) is a file of 3 dimensions, as MNIST's. */
    const mot_shape *sample = &dataset->sample;
    int skip = sample->n_dims == 3 && sample->dim[0] == 1;
    mot_shape shape = {1 + sample->n_dims - skip, {dataset->n}};
    for (int i = skip; i < sample->n_dims; i++)
        shape.dim[1 + i - skip] = sample->dim[i];
    char *file;
    size_t bytes;
    MOT_TRY(encode(&shape, dataset->dtype == MOT_U8 ? MOT_IDX_U8 : MOT_IDX_F32, dataset->raw, &file,
                   &bytes));
    mot_status status = mot_gzip_write(images, file, bytes);
    free(file);
    return status == MOT_OK ? write_labels(dataset, labels) : status;
}
