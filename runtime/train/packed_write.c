/* packed_write.c: two passes over the rows, the first for the checksums, which stand in front. */
#include "config.h"

#include "runtime/train/packed.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "a packed file has numbers as they lie in memory, which must be little-endian"
#endif

const char mot_packed_magic[8] = {'M', 'O', 'T', 'P', 'A', 'C', 'K', '1'};

/* A part as rows of a set. */
typedef struct part_rows {
    const char *name;
    const mot_dataset *set;
    const int64_t *index; /* NULL: row i is i */
    int64_t n;
} part_rows;

static int list_parts(const mot_data *data, part_rows part[3])
{
    int n = 0;
    part[n++] = (part_rows){"train", data->train, data->train_index, data->n_train};
    if (data->validation)
        part[n++] = (part_rows){"validation", data->validation, NULL, data->validation->n};
    else if (data->n_validation > 0)
        part[n++] =
            (part_rows){"validation", data->train, data->validation_index, data->n_validation};
    if (data->test)
        part[n++] = (part_rows){"test", data->test, NULL, data->test->n};
    return n;
}

/* ---- where bytes go ---- */

/* Counts and hashes what it is given, and writes it when there is a writer. */
typedef struct sink {
    mot_file_writer *writer;
    XXH64_state_t *hash;
    char *buffer;
    size_t used, bytes;
} sink;

enum { BUFFER_BYTES = 1 << 20 };

static mot_status sink_flush(sink *s)
{
    size_t used = s->used;
    s->used = 0;
    return s->writer && used > 0 ? mot_file_add(s->writer, s->buffer, used) : MOT_OK;
}

static mot_status sink_add(sink *s, const void *data, size_t bytes)
{
    XXH64_update(s->hash, data, bytes);
    s->bytes += bytes;
    if (!s->writer)
        return MOT_OK;
    if (s->used + bytes > BUFFER_BYTES)
        MOT_TRY(sink_flush(s));
    if (bytes > BUFFER_BYTES)
        return mot_file_add(s->writer, data, bytes);
    memcpy(s->buffer + s->used, data, bytes);
    s->used += bytes;
    return MOT_OK;
}

static mot_status sink_pad(sink *s)
{
    static const char zeros[MOT_PAGE];
    size_t over = s->bytes % MOT_PAGE;
    return over ? sink_add(s, zeros, MOT_PAGE - over) : MOT_OK;
}

static mot_status add_rows(const part_rows *part, const void *from, size_t row_bytes, sink *s)
{
    if (!part->index)
        return sink_add(s, from, (size_t)part->n * row_bytes);
    for (int64_t i = 0; i < part->n; i++)
        MOT_TRY(sink_add(s, (const char *)from + (size_t)part->index[i] * row_bytes, row_bytes));
    return MOT_OK;
}

static mot_status add_samples(const part_rows *part, sink *s)
{
    const mot_dataset *set = part->set;
    if (set->n_tokens > 0)
        return sink_add(s, set->raw, (size_t)set->n_tokens * mot_dtype_bytes(set->dtype));
    return add_rows(part, set->raw, mot_dataset_sample_bytes(set), s);
}

static mot_status add_labels(const part_rows *part, sink *s)
{
    const mot_dataset *set = part->set;
    if (set->n_tokens > 0)
        return MOT_OK;
    return add_rows(part, set->regression ? (const void *)set->target : (const void *)set->label,
                    mot_dataset_label_bytes(set), s);
}

/* ---- the description ---- */

static json_t *hash_text(XXH64_state_t *hash)
{
    char text[24];
    snprintf(text, sizeof text, "%016" PRIx64, (uint64_t)XXH64_digest(hash));
    XXH64_reset(hash, 0);
    return json_string(text);
}

/* Of one part; *offset moves behind it. */
static json_t *describe_part(const part_rows *part, XXH64_state_t *hash, size_t *offset)
{
    sink s = {.hash = hash};
    json_t *object = json_object();
    XXH64_reset(hash, 0);
    json_object_set_new(object, "name", json_string(part->name));
    json_object_set_new(object, "n",
                        json_integer(part->set->n_tokens > 0 ? part->set->n_tokens : part->n));
    for (int labels = 0; labels < 2; labels++) {
        s.bytes = 0;
        mot_status status = labels ? add_labels(part, &s) : add_samples(part, &s);
        if (status != MOT_OK || s.bytes == 0)
            break;
        json_object_set_new(object, labels ? "labels" : "samples",
                            json_integer((json_int_t)*offset));
        json_object_set_new(object, labels ? "labels_hash" : "samples_hash", hash_text(hash));
        *offset += (s.bytes + MOT_PAGE - 1) / MOT_PAGE * MOT_PAGE;
    }
    return object;
}

static void describe_scale(const mot_sample_spec *spec, json_t *object)
{
    json_t *scale = json_array(), *shift = json_array();
    for (int64_t i = 0; i < spec->n_channels; i++) {
        json_array_append_new(scale, json_real((double)spec->scale[i]));
        json_array_append_new(shift, json_real((double)spec->shift[i]));
    }
    json_object_set_new(object, "scale", scale);
    json_object_set_new(object, "shift", shift);
}

/* NULL where a name is not UTF-8, or without memory. */
static json_t *describe(const mot_data *data, const part_rows *part, int n_parts,
                        XXH64_state_t *hash, size_t *data_bytes)
{
    static const char *const types[] = {[MOT_F32] = "f32", [MOT_I32] = "i32", [MOT_U8] = "u8"};
    const mot_dataset *train = data->train;
    const mot_vocabulary *vocabulary = data->vocabulary;
    json_t *sample = json_array(), *parts = json_array(), *list;
    bool wrong = false;
    *data_bytes = 0;
    for (int i = 0; i < train->sample.n_dims; i++)
        json_array_append_new(sample, json_integer(train->sample.dim[i]));
    for (int i = 0; i < n_parts; i++)
        json_array_append_new(parts, describe_part(&part[i], hash, data_bytes));
    json_t *object =
        json_pack("{s:s, s:b, s:b, s:I, s:f, s:f, s:o, s:o}", "type", types[train->dtype], "tokens",
                  train->n_tokens > 0, "regression", train->regression, "classes",
                  (json_int_t)train->n_classes, "target_scale", data->target_scale, "target_shift",
                  data->target_shift, "sample", sample, "parts", parts);
    if (data->spec.scale)
        describe_scale(&data->spec, object);
    if (train->class_name) {
        list = json_array();
        for (int64_t i = 0; i < train->n_classes; i++)
            wrong |= json_array_append_new(list, json_string(train->class_name[i])) != 0;
        json_object_set_new(object, "class_names", list);
    }
    if (vocabulary && vocabulary->code) {
        list = json_array();
        for (int64_t i = 0; i < vocabulary->n; i++)
            json_array_append_new(list, json_integer(vocabulary->code[i]));
        json_object_set_new(object, "vocabulary", list);
    }
    if (!wrong)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- the file ---- */

void mot_packed_head(const char *description, size_t length, size_t file_bytes,
                     unsigned char out[MOT_PACKED_HEAD])
{
    uint64_t numbers[3] = {length, XXH64(description, length, 0), file_bytes};
    memcpy(out, mot_packed_magic, sizeof mot_packed_magic);
    memcpy(out + sizeof mot_packed_magic, numbers, sizeof numbers);
}

static mot_status write_file(const part_rows *part, int n_parts, const char *description,
                             size_t data_bytes, sink *s)
{
    size_t length = strlen(description);
    size_t data_at = (MOT_PACKED_HEAD + length + MOT_PAGE - 1) / MOT_PAGE * MOT_PAGE;
    unsigned char head[MOT_PACKED_HEAD];
    mot_packed_head(description, length, data_at + data_bytes, head);
    MOT_TRY(sink_add(s, head, sizeof head));
    MOT_TRY(sink_add(s, description, length));
    MOT_TRY(sink_pad(s));
    for (int i = 0; i < n_parts; i++) {
        MOT_TRY(add_samples(&part[i], s));
        MOT_TRY(sink_pad(s));
        MOT_TRY(add_labels(&part[i], s));
        MOT_TRY(sink_pad(s));
    }
    return sink_flush(s);
}

mot_status mot_packed_write(const mot_data *data, const char *path)
{
    part_rows part[3];
    int n_parts = list_parts(data, part);
    size_t data_bytes;
    mot_file_writer writer;
    sink s = {.writer = &writer, .hash = XXH64_createState()};
    json_t *object = NULL;
    char *description = NULL;
    mot_status status;
    MOT_TRY_GOTO(s.hash ? MOT_OK : MOT_FAIL(MOT_ERR_MEMORY, "no host memory for packing %s", path));
    MOT_TRY_GOTO(mot_alloc(BUFFER_BYTES, 1, &s.buffer));
    object = describe(data, part, n_parts, s.hash, &data_bytes);
    description = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    MOT_TRY_GOTO(description ? MOT_OK
                             : MOT_FAIL(MOT_ERR_UNSUPPORTED,
                                        "%s cannot be packed: the name of a class is not UTF-8",
                                        data->train->name));
    MOT_TRY_GOTO(mot_file_begin(path, &writer));
    status = mot_file_end(&writer, write_file(part, n_parts, description, data_bytes, &s));
fail:
    free(description);
    json_decref(object);
    free(s.buffer);
    XXH64_freeState(s.hash);
    return status;
}
