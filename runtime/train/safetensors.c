/* safetensors.c: the format of the safetensors package, in and out.
 *
 * File: u64 little-endian length of the header; the header, a JSON object that maps each name to
 * {"dtype", "shape", "data_offsets": [begin, end]} and "__metadata__" to strings, padded with
 * spaces; the data.  Offsets count from the end of the header.  What always holds, and is checked
 * as strictly as the package does: the byte ranges, sorted, follow each other without a gap or
 * overlap and end at the end of the file, and each is as long as type and shape say.
 *
 * Reading copies every tensor to an aligned place of one block, converting on the way: a foreign
 * file need not be aligned, and few models are so large that the copy matters.
 */
#include "config.h"

#include "runtime/train/safetensors.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/train/tensor_convert.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors.c writes tensors as they lie in memory, which must be little-endian"
#endif

enum { LENGTH_BYTES = 8, HEADER_LIMIT = 100 * 1000 * 1000 }; /* the package's limit */
static const size_t FILE_LIMIT = (size_t)1 << 40;
static const char METADATA[] = "__metadata__";

/* A tensor's place in the file while it is read. */
typedef struct span {
    const char *name; /* borrowed from the header */
    const mot_file_dtype *type;
    mot_shape shape;
    size_t n, begin, end;
} span;

static mot_status wrong(const char *file, const char *tensor, const char *what)
{
    return MOT_FAIL(MOT_ERR_FORMAT, "%s: tensor '%.200s': %s", file, tensor, what);
}

/* ---- reading ---- */

static mot_status read_shape(const char *file, json_t *list, span *entry)
{
    if (!json_is_array(list))
        return wrong(file, entry->name, "'shape' is missing or no list");
    if (json_array_size(list) > MOT_MAX_DIMS)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED,
                        "%s: tensor '%.200s' has %zu dimensions; %d are the most", file,
                        entry->name, json_array_size(list), MOT_MAX_DIMS);
    entry->shape.n_dims = (int)json_array_size(list);
    entry->n = 1;
    for (int i = 0; i < entry->shape.n_dims; i++) {
        json_t *item = json_array_get(list, (size_t)i);
        json_int_t dim = json_is_integer(item) ? json_integer_value(item) : -1;
        if (dim < 0)
            return wrong(file, entry->name, "'shape' holds something else than whole numbers");
        if (dim > 0 && entry->n > FILE_LIMIT / (size_t)dim)
            return wrong(file, entry->name, "'shape' is larger than any file");
        entry->shape.dim[i] = dim;
        entry->n *= (size_t)dim;
    }
    return MOT_OK;
}

static mot_status read_offsets(const char *file, json_t *list, span *entry)
{
    json_t *begin = json_array_get(list, 0), *end = json_array_get(list, 1);
    if (!json_is_array(list) || json_array_size(list) != 2 || !json_is_integer(begin) ||
        !json_is_integer(end))
        return wrong(file, entry->name, "'data_offsets' is missing or not [begin, end]");
    if (json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return wrong(file, entry->name, "'data_offsets' are negative or end before they begin");
    entry->begin = (size_t)json_integer_value(begin);
    entry->end = (size_t)json_integer_value(end);
    if (entry->end - entry->begin != entry->n * entry->type->bytes)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s: tensor '%.200s' has %zu bytes, but its shape and type %s need %zu",
                        file, entry->name, entry->end - entry->begin, entry->type->name,
                        entry->n * entry->type->bytes);
    return MOT_OK;
}

static mot_status read_entry(const char *file, const char *name, json_t *object, span *out)
{
    span entry = {.name = name};
    if (!json_is_object(object))
        return wrong(file, name, "its entry is no object");
    const char *key, *dtype = json_string_value(json_object_get(object, "dtype"));
    json_t *value;
    json_object_foreach(object, key, value) {
        if (strcmp(key, "dtype") != 0 && strcmp(key, "shape") != 0 &&
            strcmp(key, "data_offsets") != 0)
            return wrong(file, name, "its entry has keys besides dtype, shape and data_offsets");
    }
    if (!dtype)
        return wrong(file, name, "'dtype' is missing or no text");
    entry.type = mot_file_dtype_find(dtype);
    if (!entry.type)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED,
                        "%s: tensor '%.200s' has the type '%.40s', which is not read", file, name,
                        dtype);
    MOT_TRY(read_shape(file, json_object_get(object, "shape"), &entry));
    MOT_TRY(read_offsets(file, json_object_get(object, "data_offsets"), &entry));
    *out = entry;
    return MOT_OK;
}

static mot_status read_metadata(const char *file, json_t *object, mot_tensor_file *out)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: %s is no object", file, METADATA);
    MOT_TRY(mot_alloc(json_object_size(object), sizeof *out->meta_key, &out->meta_key));
    MOT_TRY(mot_alloc(json_object_size(object), sizeof *out->meta_value, &out->meta_value));
    json_object_foreach(object, key, value) {
        if (!json_is_string(value))
            return MOT_FAIL(MOT_ERR_FORMAT, "%s: %s '%.200s' is no text", file, METADATA, key);
        MOT_TRY(mot_strdup(key, &out->meta_key[out->n_meta]));
        out->n_meta++;
        MOT_TRY(mot_strdup(json_string_value(value), &out->meta_value[out->n_meta - 1]));
    }
    return MOT_OK;
}

static int by_begin(const void *a, const void *b)
{
    const span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end); /* empty tensors first */
}

/* The ranges must tile the data: no gap, no overlap, nothing left over. */
static mot_status check_tiling(const char *file, span *entries, size_t n, size_t data_bytes)
{
    size_t end = 0;
    qsort(entries, n, sizeof *entries, by_begin);
    for (size_t i = 0; i < n; i++) {
        if (entries[i].begin != end)
            return MOT_FAIL(MOT_ERR_FORMAT,
                            "%s: tensor '%.200s' begins at byte %zu of the data, where %zu was "
                            "expected (%s)",
                            file, entries[i].name, entries[i].begin, end,
                            entries[i].begin < end ? "tensors overlap" : "there is a gap");
        end = entries[i].end;
    }
    if (end != data_bytes)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: the header promises %zu bytes of data, %zu are there",
                        file, end, data_bytes);
    return MOT_OK;
}

static size_t aligned(size_t bytes)
{
    return (bytes + MOT_ALIGNMENT - 1) / MOT_ALIGNMENT * MOT_ALIGNMENT;
}

/* Copy every tensor to its place in one block. */
static mot_status take_data(const char *file, const span *entries, size_t n, const char *data,
                            mot_tensor_file *out)
{
    size_t total = 0, bad = 0;
    for (size_t i = 0; i < n; i++)
        total += aligned(entries[i].n * mot_dtype_bytes(entries[i].type->dtype));
    MOT_TRY(mot_alloc_pages(total, &out->owned));
    MOT_TRY(mot_alloc(n, sizeof *out->tensor, &out->tensor));
    char *place = out->owned;
    for (size_t i = 0; i < n; i++) {
        const span *entry = &entries[i];
        mot_named_tensor *tensor = &out->tensor[i];
        MOT_TRY(mot_strdup(entry->name, &tensor->name));
        out->n_tensors++;
        tensor->dtype = entry->type->dtype;
        tensor->shape = entry->shape;
        tensor->data = place;
        if (!mot_file_dtype_convert(entry->type, data + entry->begin, entry->n, place, &bad))
            return MOT_FAIL(MOT_ERR_UNSUPPORTED,
                            "%s: tensor '%.200s' (%s): element %zu does not fit 32 bits", file,
                            entry->name, entry->type->name, bad);
        place += aligned(entry->n * mot_dtype_bytes(entry->type->dtype));
    }
    return MOT_OK;
}

static mot_status read_header(const char *file, json_t *header, const char *data, size_t data_bytes,
                              mot_tensor_file *out)
{
    const char *name;
    json_t *value;
    span *entries;
    size_t n = 0;
    MOT_TRY(mot_alloc(json_object_size(header), sizeof *entries, &entries));
    mot_status status = MOT_OK;
    json_object_foreach(header, name, value) {
        if (strcmp(name, METADATA) == 0)
            status = read_metadata(file, value, out);
        else
            status = read_entry(file, name, value, &entries[n++]);
        if (status != MOT_OK)
            break;
    }
    if (status == MOT_OK)
        status = check_tiling(file, entries, n, data_bytes);
    if (status == MOT_OK)
        status = take_data(file, entries, n, data, out);
    free(entries);
    return status;
}

static mot_status header_length(const char *file, const unsigned char *bytes, size_t size_bytes,
                                size_t *out)
{
    uint64_t length = 0;
    if (size_bytes < LENGTH_BYTES)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: %zu bytes are too few for a safetensors file", file,
                        size_bytes);
    for (int i = LENGTH_BYTES; i-- > 0;)
        length = length << 8 | bytes[i];
    if (length > HEADER_LIMIT)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s: a header of %" PRIu64 " bytes; %d are the most (is this a safetensors "
                        "file?)",
                        file, length, HEADER_LIMIT);
    if (length > size_bytes - LENGTH_BYTES)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s is cut off: its header has %" PRIu64 " bytes, %zu are there", file,
                        length, size_bytes - LENGTH_BYTES);
    if (length == 0 || bytes[LENGTH_BYTES] != '{')
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: the header does not begin with '{'", file);
    *out = (size_t)length;
    return MOT_OK;
}

mot_status mot_safetensors_parse(const char *name, const void *bytes, size_t size_bytes,
                                 mot_tensor_file *out)
{
    size_t length = 0;
    json_error_t error;
    mot_tensor_file file = {0};
    MOT_TRY(header_length(name, bytes, size_bytes, &length));
    const char *text = (const char *)bytes + LENGTH_BYTES;
    json_t *header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!header)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: the header is no JSON: %s (byte %d)", name, error.text,
                        error.position);
    mot_status status =
        read_header(name, header, text + length, size_bytes - LENGTH_BYTES - length, &file);
    json_decref(header);
    if (status != MOT_OK)
        mot_tensor_file_free(&file);
    else
        *out = file;
    return status;
}

mot_status mot_safetensors_read(const char *path, mot_tensor_file *out)
{
    char *bytes;
    size_t size_bytes;
    MOT_TRY(mot_file_read(path, FILE_LIMIT, &bytes, &size_bytes));
    mot_status status = mot_safetensors_parse(path, bytes, size_bytes, out);
    free(bytes);
    return status;
}

/* ---- writing ---- */

static const char *dtype_name(mot_dtype dtype)
{
    return dtype == MOT_F32 ? "F32" : dtype == MOT_I32 ? "I32" : "U8";
}

static size_t tensor_bytes(const mot_named_tensor *tensor)
{
    return (size_t)mot_shape_elements(&tensor->shape, 1) * mot_dtype_bytes(tensor->dtype);
}

/* Wide types first, so that every tensor is aligned; then by name, as the package does. */
static int by_type_and_name(const void *a, const void *b)
{
    const mot_named_tensor *x = *(const mot_named_tensor *const *)a;
    const mot_named_tensor *y = *(const mot_named_tensor *const *)b;
    static const int order[] = {[MOT_F32] = 0, [MOT_I32] = 1, [MOT_U8] = 2};
    int difference = order[x->dtype] - order[y->dtype];
    return difference ? difference : strcmp(x->name, y->name);
}

static mot_status no_json(const char *path)
{
    return MOT_FAIL(MOT_ERR_MEMORY,
                    "%s: the header cannot be put together: a name is not UTF-8, or "
                    "host memory is short",
                    path);
}

static mot_status metadata_object(const char *path, const mot_tensor_file *file, json_t *header)
{
    if (file->n_meta == 0)
        return MOT_OK;
    json_t *meta = json_object();
    for (int i = 0; meta && i < file->n_meta; i++)
        if (json_object_set_new(meta, file->meta_key[i], json_string(file->meta_value[i])) != 0) {
            json_decref(meta);
            return no_json(path);
        }
    return json_object_set_new(header, METADATA, meta) == 0 ? MOT_OK : no_json(path);
}

static mot_status tensor_object(const char *path, const mot_named_tensor *tensor, size_t begin,
                                json_t *header)
{
    if (strcmp(tensor->name, METADATA) == 0 || json_object_get(header, tensor->name))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: the name '%s' cannot be used (again) for a tensor",
                        path, tensor->name);
    json_t *shape = json_array();
    for (int i = 0; shape && i < tensor->shape.n_dims; i++)
        if (json_array_append_new(shape, json_integer(tensor->shape.dim[i])) != 0) {
            json_decref(shape);
            return no_json(path);
        }
    json_t *object =
        json_pack("{s:s, s:o, s:[I,I]}", "dtype", dtype_name(tensor->dtype), "shape", shape,
                  "data_offsets", (json_int_t)begin, (json_int_t)(begin + tensor_bytes(tensor)));
    return json_object_set_new(header, tensor->name, object) == 0 ? MOT_OK : no_json(path);
}

/* The file's bytes up to the data: length, JSON, spaces up to a multiple of 8. */
static mot_status add_header(const char *path, json_t *header, mot_text *bytes)
{
    unsigned char length[LENGTH_BYTES];
    char *json = json_dumps(header, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (!json)
        return no_json(path);
    size_t n = strlen(json), padded = (n + 7) / 8 * 8;
    for (int i = 0; i < LENGTH_BYTES; i++)
        length[i] = (unsigned char)((uint64_t)padded >> (8 * i));
    mot_status status = mot_text_add_bytes(bytes, length, sizeof length);
    if (status == MOT_OK)
        status = mot_text_add(bytes, "%s%*s", json, (int)(padded - n), "");
    free(json);
    return status;
}

mot_status mot_safetensors_write(const char *path, const mot_tensor_file *file)
{
    const mot_named_tensor **sorted = NULL;
    mot_text bytes = {0};
    json_t *header = json_object();
    mot_status status = header ? MOT_OK : no_json(path);
    if (status == MOT_OK)
        status = mot_alloc((size_t)file->n_tensors, sizeof *sorted, &sorted);
    if (status == MOT_OK)
        status = metadata_object(path, file, header);
    if (status != MOT_OK)
        goto done;
    for (int i = 0; i < file->n_tensors; i++)
        sorted[i] = &file->tensor[i];
    qsort(sorted, (size_t)file->n_tensors, sizeof *sorted, by_type_and_name);
    size_t begin = 0;
    for (int i = 0; status == MOT_OK && i < file->n_tensors; i++) {
        status = tensor_object(path, sorted[i], begin, header);
        begin += tensor_bytes(sorted[i]);
    }
    if (status == MOT_OK)
        status = add_header(path, header, &bytes);
    for (int i = 0; status == MOT_OK && i < file->n_tensors; i++)
        status = mot_text_add_bytes(&bytes, sorted[i]->data, tensor_bytes(sorted[i]));
    if (status == MOT_OK)
        status = mot_file_write(path, bytes.data, bytes.length);
done:
    json_decref(header);
    mot_text_free(&bytes);
    free(sorted);
    return status;
}

/* ---- looking ---- */

void mot_tensor_file_free(mot_tensor_file *file)
{
    for (int i = 0; i < file->n_tensors; i++)
        free(file->tensor[i].name);
    for (int i = 0; i < file->n_meta; i++) {
        free(file->meta_key[i]);
        free(file->meta_value[i]);
    }
    free(file->tensor);
    free(file->meta_key);
    free(file->meta_value);
    free(file->owned);
    *file = (mot_tensor_file){0};
}

const mot_named_tensor *mot_tensor_file_find(const mot_tensor_file *file, const char *name)
{
    for (int i = 0; i < file->n_tensors; i++)
        if (strcmp(file->tensor[i].name, name) == 0)
            return &file->tensor[i];
    return NULL;
}

const char *mot_tensor_file_meta(const mot_tensor_file *file, const char *key)
{
    for (int i = 0; i < file->n_meta; i++)
        if (strcmp(file->meta_key[i], key) == 0)
            return file->meta_value[i];
    return NULL;
}
