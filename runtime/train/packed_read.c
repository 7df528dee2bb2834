/* packed_read.c: the description is checked word by word, since anyone can write a checksum. */
#include "config.h"

#include "runtime/train/packed.h"

#include "runtime/base/memory.h"
#include "runtime/train/openers.h"
#include "runtime/train/split.h"
#include "runtime/train/text_set.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* A file while it is read. */
typedef struct packed {
    const char *name;
    const char *bytes;
    size_t size_bytes, data_at;
    json_t *description;
    bool verify;
} packed;

static mot_status wrong(const packed *p, const char *what)
{
    return MOT_FAIL(MOT_ERR_FORMAT, "%s: damaged: its description has no proper '%s'", p->name,
                    what);
}

/* ---- the head ---- */

static mot_status read_head(packed *p)
{
    uint64_t number[3];
    json_error_t error;
    if (p->size_bytes < MOT_PACKED_HEAD ||
        memcmp(p->bytes, mot_packed_magic, sizeof mot_packed_magic) != 0)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s is no packed data set; `motley data pack` makes one",
                        p->name);
    memcpy(number, p->bytes + sizeof mot_packed_magic, sizeof number);
    if (number[2] != p->size_bytes)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s has %zu bytes, but says that it has %" PRIu64 "%s",
                        p->name, p->size_bytes, number[2],
                        p->size_bytes < number[2] ? ": it is cut off" : "");
    if (number[0] > p->size_bytes - MOT_PACKED_HEAD ||
        XXH64(p->bytes + MOT_PACKED_HEAD, (size_t)number[0], 0) != number[1])
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: damaged: the checksum of its description is wrong",
                        p->name);
    p->description =
        json_loadb(p->bytes + MOT_PACKED_HEAD, (size_t)number[0], JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(p->description))
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: damaged: its description is no JSON object", p->name);
    p->data_at = (MOT_PACKED_HEAD + (size_t)number[0] + MOT_PAGE - 1) / MOT_PAGE * MOT_PAGE;
    return MOT_OK;
}

/* ---- values of the description ---- */

static mot_status get_int(const packed *p, const json_t *object, const char *key, int64_t least,
                          int64_t most, int64_t *out)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most)
        return wrong(p, key);
    *out = json_integer_value(value);
    return MOT_OK;
}

static mot_status get_bool(const packed *p, const char *key, bool *out)
{
    json_t *value = json_object_get(p->description, key);
    if (!json_is_boolean(value))
        return wrong(p, key);
    *out = json_is_true(value);
    return MOT_OK;
}

static mot_status get_real(const packed *p, const char *key, double *out)
{
    json_t *value = json_object_get(p->description, key);
    if (!json_is_number(value))
        return wrong(p, key);
    *out = json_number_value(value);
    return MOT_OK;
}

/* A list of numbers, freed by the caller; NULL and 0 when there is none. */
static mot_status get_reals(const packed *p, const char *key, double **out, int64_t *n)
{
    json_t *list = json_object_get(p->description, key);
    *out = NULL;
    *n = (int64_t)json_array_size(list);
    if (!list)
        return MOT_OK;
    if (!json_is_array(list) || *n == 0)
        return wrong(p, key);
    MOT_TRY(mot_alloc((size_t)*n, sizeof **out, out));
    for (int64_t i = 0; i < *n; i++) {
        json_t *item = json_array_get(list, (size_t)i);
        (*out)[i] = json_is_number(item) ? json_number_value(item) : NAN;
        if (!json_is_number(item) || fabs((*out)[i]) > 1e30) {
            free(*out);
            *out = NULL;
            return wrong(p, key);
        }
    }
    return MOT_OK;
}

static mot_status get_shape(const packed *p, mot_shape *out)
{
    json_t *list = json_object_get(p->description, "sample");
    size_t n = json_array_size(list);
    int64_t elements = 1;
    if (n < 1 || n > MOT_MAX_DIMS - 1)
        return wrong(p, "sample");
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_array_get(list, i);
        int64_t dim = json_is_integer(item) ? json_integer_value(item) : 0;
        if (dim < 1 || __builtin_mul_overflow(elements, dim, &elements) ||
            elements > INT64_MAX / 64)
            return wrong(p, "sample");
        out->dim[i] = dim;
    }
    out->n_dims = (int)n;
    return MOT_OK;
}

static mot_status get_dtype(const packed *p, bool tokens, mot_dtype *out)
{
    const char *type = json_string_value(json_object_get(p->description, "type"));
    if (type && strcmp(type, "u8") == 0)
        *out = MOT_U8;
    else if (type && !tokens && strcmp(type, "f32") == 0)
        *out = MOT_F32;
    else if (type && tokens && strcmp(type, "i32") == 0)
        *out = MOT_I32;
    else
        return wrong(p, "type");
    return MOT_OK;
}

/* ---- parts ---- */

/* The bytes of a part that begin at its `key`. */
static mot_status find_bytes(const packed *p, const json_t *part, const char *key, int64_t n,
                             size_t row_bytes, const void **out)
{
    int64_t offset;
    size_t bytes;
    MOT_TRY(get_int(p, part, key, 0, INT64_MAX / 2, &offset));
    if (p->data_at > p->size_bytes || (size_t)offset > p->size_bytes - p->data_at ||
        offset % MOT_PAGE != 0 || mot_size_mul((size_t)n, row_bytes, &bytes) != MOT_OK ||
        bytes > p->size_bytes - p->data_at - (size_t)offset)
        return wrong(p, key);
    *out = p->bytes + p->data_at + offset;
    return MOT_OK;
}

static mot_status check_hash(const packed *p, const json_t *part, const char *key,
                             const void *bytes, size_t size_bytes)
{
    const char *text = json_string_value(json_object_get(part, key));
    char found[24];
    snprintf(found, sizeof found, "%016" PRIx64, (uint64_t)XXH64(bytes, size_bytes, 0));
    if (!text)
        return wrong(p, key);
    if (strcmp(found, text) != 0)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: damaged: the %s of its %s part have changed", p->name,
                        strstr(key, "labels") ? "labels" : "samples",
                        json_string_value(json_object_get(part, "name")));
    return MOT_OK;
}

static mot_status check_classes(const packed *p, const mot_dataset *set)
{
    int64_t n = set->n_tokens > 0 ? set->n_tokens : set->n;
    for (int64_t i = 0; i < n; i++) {
        int64_t label = set->n_tokens == 0     ? set->label[i]
                        : set->dtype == MOT_U8 ? ((const uint8_t *)set->raw)[i]
                                               : ((const int32_t *)set->raw)[i];
        const bool none = label == MOT_NO_CLASS && set->n_tokens == 0;
        if (!none && (label < 0 || label >= set->n_classes))
            return MOT_FAIL(MOT_ERR_FORMAT,
                            "%s: damaged: %s %" PRId64 " is %" PRId64 ", but there are %" PRId64,
                            p->name, set->n_tokens > 0 ? "token" : "label", i, label,
                            set->n_classes);
    }
    return MOT_OK;
}

static mot_status read_tokens(const packed *p, const json_t *part, int64_t n, int64_t context,
                              mot_dataset *set)
{
    size_t bytes = mot_dtype_bytes(set->dtype);
    MOT_TRY(find_bytes(p, part, "samples", n, bytes, &set->raw));
    MOT_TRY(mot_text_set_lay(set, n, context));
    if (p->verify)
        MOT_TRY(check_hash(p, part, "samples_hash", set->raw, (size_t)n * bytes));
    bool any_byte = set->dtype == MOT_U8 && set->n_classes == 256;
    return any_byte ? MOT_OK : check_classes(p, set);
}

static mot_status read_rows(const packed *p, const json_t *part, int64_t n, mot_dataset *set)
{
    const void *labels;
    size_t bytes = mot_dataset_sample_bytes(set), label_bytes = mot_dataset_label_bytes(set);
    set->n = n;
    MOT_TRY(find_bytes(p, part, "samples", n, bytes, &set->raw));
    MOT_TRY(find_bytes(p, part, "labels", n, label_bytes, &labels));
    MOT_TRY(check_hash(p, part, "labels_hash", labels, (size_t)n * label_bytes));
    if (p->verify)
        MOT_TRY(check_hash(p, part, "samples_hash", set->raw, (size_t)n * bytes));
    if (set->regression) {
        set->target = labels;
        return MOT_OK;
    }
    set->label = labels;
    return check_classes(p, set);
}

static mot_status read_class_names(const packed *p, mot_dataset *set)
{
    json_t *list = json_object_get(p->description, "class_names");
    if (!list)
        return MOT_OK;
    if ((int64_t)json_array_size(list) != set->n_classes)
        return wrong(p, "class_names");
    MOT_TRY(mot_alloc((size_t)set->n_classes, sizeof *set->class_name, &set->class_name));
    for (int64_t i = 0; i < set->n_classes; i++) {
        const char *name = json_string_value(json_array_get(list, (size_t)i));
        if (!name)
            return wrong(p, "class_names");
        MOT_TRY(mot_strdup(name, &set->class_name[i]));
    }
    return MOT_OK;
}

/* A set like `model` with a part's rows.  *out is freed by the caller also on failure. */
static mot_status read_part(const packed *p, const json_t *part, const mot_dataset *model,
                            bool tokens, int64_t context, mot_dataset **out)
{
    int64_t n;
    mot_dataset *set;
    if (*out)
        return wrong(p, "parts");
    MOT_TRY(mot_alloc(1, sizeof *set, &set));
    *out = set;
    *set = *model;
    MOT_TRY(mot_strdup(p->name, &set->name));
    MOT_TRY(read_class_names(p, set));
    MOT_TRY(get_int(p, part, "n", 1, INT64_MAX / 64, &n));
    return tokens ? read_tokens(p, part, n, context, set) : read_rows(p, part, n, set);
}

static mot_status read_parts(const packed *p, bool tokens, int64_t context, mot_data *data)
{
    mot_dataset model = {0};
    json_t *parts = json_object_get(p->description, "parts"), *part;
    size_t i;
    MOT_TRY(get_dtype(p, tokens, &model.dtype));
    MOT_TRY(get_bool(p, "regression", &model.regression));
    MOT_TRY(get_int(p, p->description, "classes", 1, 1 << 30, &model.n_classes));
    MOT_TRY(get_shape(p, &model.sample));
    if (tokens && model.regression)
        return wrong(p, "regression");
    json_array_foreach(parts, i, part) {
        const char *name = json_string_value(json_object_get(part, "name"));
        mot_dataset **set = NULL;
        if (name && strcmp(name, "train") == 0)
            set = &data->train;
        else if (name && strcmp(name, "validation") == 0)
            set = &data->validation;
        else if (name && strcmp(name, "test") == 0)
            set = &data->test;
        if (!set)
            return wrong(p, "name");
        MOT_TRY(read_part(p, part, &model, tokens, context, set));
    }
    return data->train ? MOT_OK : wrong(p, "parts");
}

/* ---- what the model has to know ---- */

static mot_status to_floats(const double *from, int64_t n, const float **out)
{
    float *to;
    MOT_TRY(mot_alloc((size_t)n, sizeof *to, &to));
    for (int64_t i = 0; i < n; i++)
        to[i] = (float)from[i];
    *out = to;
    return MOT_OK;
}

static mot_status read_scale(const packed *p, mot_data *data)
{
    double *scale = NULL, *shift = NULL;
    int64_t n_scale = 0, n_shift = 0, elements = mot_shape_elements(&data->train->sample, 1);
    mot_status status;
    MOT_TRY_GOTO(get_reals(p, "scale", &scale, &n_scale));
    MOT_TRY_GOTO(get_reals(p, "shift", &shift, &n_shift));
    if (n_scale != n_shift || (n_scale > 0 && elements % n_scale != 0))
        MOT_TRY_GOTO(wrong(p, "scale"));
    if (n_scale > 0) {
        MOT_TRY_GOTO(to_floats(scale, n_scale, &data->spec.scale));
        MOT_TRY_GOTO(to_floats(shift, n_scale, &data->spec.shift));
        data->spec.n_channels = n_scale;
        data->spec.group = elements / n_scale;
    }
fail:
    free(scale);
    free(shift);
    return status;
}

static mot_status read_vocabulary(const packed *p, mot_data *data)
{
    double *code;
    int64_t n;
    MOT_TRY(get_reals(p, "vocabulary", &code, &n));
    mot_status status = n > 0 ? mot_vocabulary_list(code, n, &data->vocabulary)
                              : mot_vocabulary_bytes(&data->vocabulary);
    free(code);
    if (status == MOT_OK && data->vocabulary->n != data->train->n_classes)
        status = wrong(p, "vocabulary");
    return status;
}

static mot_status parse(packed *p, int64_t context, mot_data *data)
{
    bool tokens;
    MOT_TRY(read_head(p));
    MOT_TRY(get_bool(p, "tokens", &tokens));
    MOT_TRY(read_parts(p, tokens, context, data));
    MOT_TRY(get_real(p, "target_scale", &data->target_scale));
    MOT_TRY(get_real(p, "target_shift", &data->target_shift));
    return tokens ? read_vocabulary(p, data) : read_scale(p, data);
}

static mot_status parse_bytes(const char *name, const void *bytes, size_t size_bytes, bool verify,
                              int64_t context, mot_data *data)
{
    packed p = {.name = name, .bytes = bytes, .size_bytes = size_bytes, .verify = verify};
    mot_status status = parse(&p, context, data);
    json_decref(p.description);
    return status;
}

mot_status mot_packed_parse(const char *name, const void *bytes, size_t size_bytes, int64_t context,
                            mot_data *data)
{
    return parse_bytes(name, bytes, size_bytes, false, context, data);
}

/* ---- files ---- */

static mot_status map_file(const char *path, void **out, size_t *size_bytes)
{
    struct stat info = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return MOT_FAIL(MOT_ERR_FILE, "cannot open %s: %s", path, strerror(errno));
    void *mapped = MAP_FAILED;
    int cause = fstat(file, &info) == 0 ? 0 : errno;
    if (cause == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        mapped = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        cause = mapped == MAP_FAILED ? errno : 0;
    }
    close(file);
    if (cause != 0)
        return MOT_FAIL(MOT_ERR_FILE, "cannot map %s: %s", path, strerror(cause));
    if (mapped == MAP_FAILED)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s is no packed data set: it is empty or no plain file",
                        path);
    *out = mapped;
    *size_bytes = (size_t)info.st_size;
    return MOT_OK;
}

mot_status mot_packed_read(const char *path, int64_t context, mot_data *data)
{
    MOT_TRY(map_file(path, &data->mapped, &data->mapped_bytes));
    return parse_bytes(path, data->mapped, data->mapped_bytes, false, context, data);
}

mot_status mot_packed_verify(const char *path)
{
    mot_data *data;
    MOT_TRY(mot_alloc(1, sizeof *data, &data));
    mot_status status = map_file(path, &data->mapped, &data->mapped_bytes);
    if (status == MOT_OK)
        status = parse_bytes(path, data->mapped, data->mapped_bytes, true, 1, data);
    mot_data_close(data);
    return status;
}

/* ---- the data block ---- */

static mot_status hold_out(const mot_config *config, mot_data *data)
{
    double held;
    int64_t limit;
    MOT_TRY(mot_config_get_float(config, "data.validation", &held));
    MOT_TRY(mot_config_get_int(config, "data.limit", &limit));
    if (held > 0 && data->validation)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: data.validation is set, but %s has a validation part already",
                        mot_config_where(config, "data.validation"), data->train->name);
    if (data->train->n_tokens > 0 && held > 0) {
        MOT_TRY(mot_text_set_divide(data->train, held, &data->validation));
        held = 0;
    }
    MOT_TRY(mot_split_validation(data, held, limit, mot_data_seed(config)));
    if (data->validation)
        data->n_validation = data->validation->n;
    return MOT_OK;
}

mot_status mot_packed_open(const mot_set *set, const mot_config *config, const char *data_dir,
                           mot_data *data)
{
    char *path;
    int64_t context;
    MOT_TRY(mot_config_get_int(config, "data.context", &context));
    MOT_TRY(mot_set_path(set, config, data_dir, 0, &path));
    mot_status status = mot_packed_read(path, context, data);
    free(path);
    MOT_TRY(status);
    MOT_TRY(hold_out(config, data));
    /* Bytes are always scaled; what the file says counts unless the configuration says otherwise. */
    bool tokens = data->train->n_tokens > 0, pixels = data->train->dtype == MOT_U8 && !tokens;
    bool given = mot_config_is_set(config, "data.normalize");
    if (tokens || (!given && (data->spec.scale || !pixels)))
        return MOT_OK;
    free((void *)data->spec.scale);
    free((void *)data->spec.shift);
    data->spec.scale = data->spec.shift = NULL;
    return mot_pictures_normalize(config, pixels ? 255 : 1, data);
}
