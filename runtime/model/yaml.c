/* yaml.c: the one door to libyaml: its events become a tree.
 *
 * Only what a configuration needs is taken, so that every file means one thing: one document of
 * maps, lists and scalars.  Scalars stay text; what type they are is the key's business.  Depth,
 * size and number of values are limited before anything grows with them.
 */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/model/yaml.h"

#include "runtime/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_DEPTH = 32, MAX_VALUES = 20000 };

typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    const char *text, *name;
    size_t size_bytes;
    bool fragment;
    int depth, n_values;
    char where[512];
} reader;

/* "file.yaml:12", or the name alone for an assignment. */
static const char *where(reader *r, size_t line)
{
    if (r->fragment)
        snprintf(r->where, sizeof r->where, "%s", r->name);
    else
        snprintf(r->where, sizeof r->where, "%s:%zu", r->name, line + 1);
    return r->where;
}

static const char *event_where(reader *r)
{
    return where(r, r->event.start_mark.line);
}

static size_t line_of_offset(const reader *r, size_t offset)
{
    size_t line = 0;
    for (size_t i = 0; i < offset && i < r->size_bytes; i++)
        line += r->text[i] == '\n';
    return line;
}

static mot_status parser_failed(reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "it cannot be read";
    if (p->error == YAML_MEMORY_ERROR)
        return MOT_FAIL(MOT_ERR_MEMORY, "no host memory to read %s", r->name);
    if (p->error == YAML_READER_ERROR)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: not plain UTF-8 text: %s (0x%02x)",
                        where(r, line_of_offset(r, p->problem_offset)), problem,
                        (unsigned)p->problem_value);
    size_t line = p->problem_mark.line;
    if (p->context)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: not valid YAML: %s, %s", where(r, line), p->context,
                        problem);
    return MOT_FAIL(MOT_ERR_FORMAT, "%s: not valid YAML: %s", where(r, line), problem);
}

static mot_status next_event(reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event))
        return parser_failed(r);
    return MOT_OK;
}

/* ---- the tree ---- */

void mot_yaml_free(mot_yaml *yaml)
{
    if (!yaml)
        return;
    for (int i = 0; i < yaml->n; i++) {
        if (yaml->key)
            free(yaml->key[i]);
        mot_yaml_free(yaml->item[i]);
    }
    free(yaml->key);
    free(yaml->item);
    free(yaml->text);
    free(yaml);
}

static mot_status new_yaml(mot_yaml_kind kind, int line, mot_yaml **out)
{
    MOT_TRY(mot_alloc(1, sizeof **out, out));
    (*out)->kind = kind;
    (*out)->line = line;
    return MOT_OK;
}

mot_status mot_yaml_scalar(const char *text, bool quoted, int line, mot_yaml **out)
{
    mot_yaml *yaml;
    MOT_TRY(new_yaml(MOT_YAML_SCALAR, line, &yaml));
    yaml->quoted = quoted;
    mot_status status = mot_strdup(text, &yaml->text);
    if (status != MOT_OK) {
        mot_yaml_free(yaml);
        return status;
    }
    *out = yaml;
    return MOT_OK;
}

/* Capacities are powers of two, so that n tells when the arrays are full. */
mot_status mot_yaml_append(mot_yaml *parent, const char *key, mot_yaml *item)
{
    mot_status status = MOT_OK;
    size_t n = (size_t)parent->n;
    if ((n & (n - 1)) == 0) {
        size_t capacity = n, keys = n;
        MOT_TRY_GOTO(mot_grow(&parent->item, &capacity, n ? 2 * n : 1, sizeof *parent->item));
        if (key)
            MOT_TRY_GOTO(mot_grow(&parent->key, &keys, n ? 2 * n : 1, sizeof *parent->key));
    }
    if (key)
        MOT_TRY_GOTO(mot_strdup(key, &parent->key[n]));
    parent->item[parent->n++] = item;
    return MOT_OK;
fail:
    mot_yaml_free(item);
    return status;
}

mot_yaml *mot_yaml_find(const mot_yaml *map, const char *key)
{
    if (!map || map->kind != MOT_YAML_MAP)
        return NULL;
    for (int i = 0; i < map->n; i++)
        if (strcmp(map->key[i], key) == 0)
            return map->item[i];
    return NULL;
}

mot_status mot_yaml_put(mot_yaml *map, const char *key, mot_yaml *item)
{
    for (int i = 0; i < map->n; i++) {
        if (strcmp(map->key[i], key) != 0)
            continue;
        mot_yaml_free(map->item[i]);
        map->item[i] = item;
        return MOT_OK;
    }
    return mot_yaml_append(map, key, item);
}

bool mot_yaml_is_null(const mot_yaml *yaml)
{
    return yaml->kind == MOT_YAML_SCALAR && !yaml->quoted &&
           (yaml->text[0] == '\0' || strcmp(yaml->text, "~") == 0 ||
            strcmp(yaml->text, "null") == 0);
}

mot_status mot_yaml_copy(const mot_yaml *yaml, mot_yaml **out)
{
    mot_yaml *copy, *item;
    if (yaml->kind == MOT_YAML_SCALAR)
        return mot_yaml_scalar(yaml->text, yaml->quoted, yaml->line, out);
    MOT_TRY(new_yaml(yaml->kind, yaml->line, &copy));
    mot_status status = MOT_OK;
    for (int i = 0; i < yaml->n; i++) {
        MOT_TRY_GOTO(mot_yaml_copy(yaml->item[i], &item));
        MOT_TRY_GOTO(mot_yaml_append(copy, yaml->key ? yaml->key[i] : NULL, item));
    }
    *out = copy;
    return MOT_OK;
fail:
    mot_yaml_free(copy);
    return status;
}

/* ---- events to tree ---- */

static mot_status check_event(reader *r)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (r->event.type) {
    case YAML_ALIAS_EVENT:
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: aliases (*%s) are not taken here; write it out",
                        event_where(r), (const char *)r->event.data.alias.anchor);
    case YAML_SCALAR_EVENT:
        anchor = r->event.data.scalar.anchor;
        tag = r->event.data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = r->event.data.sequence_start.anchor;
        tag = r->event.data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = r->event.data.mapping_start.anchor;
        tag = r->event.data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: anchors (&%s) are not taken here; write it out",
                        event_where(r), (const char *)anchor);
    if (tag)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: tags (%s) are not taken here", event_where(r),
                        (const char *)tag);
    if (++r->n_values > MAX_VALUES)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: more than %d values", event_where(r), MAX_VALUES);
    return MOT_OK;
}

static int event_line(const reader *r)
{
    return r->fragment ? 0 : (int)r->event.start_mark.line + 1;
}

static mot_status read_scalar(reader *r, mot_yaml **out)
{
    const char *text = (const char *)r->event.data.scalar.value;
    if (strlen(text) != r->event.data.scalar.length)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: a NUL character in a text", event_where(r));
    bool quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return mot_yaml_scalar(text, quoted, event_line(r), out);
}

static mot_status read_value(reader *r, mot_yaml **out);

static mot_status read_items(reader *r, mot_yaml *parent, yaml_event_type_t end)
{
    for (;;) {
        char key[256] = "";
        int key_line = 0;
        mot_yaml *item;
        MOT_TRY(next_event(r));
        if (r->event.type == end)
            return MOT_OK;
        if (parent->kind == MOT_YAML_MAP) {
            if (r->event.type != YAML_SCALAR_EVENT)
                return MOT_FAIL(MOT_ERR_FORMAT, "%s: a key is a plain word", event_where(r));
            MOT_TRY(check_event(r));
            const char *text = (const char *)r->event.data.scalar.value;
            size_t length = r->event.data.scalar.length;
            if (length == 0 || length >= sizeof key || strlen(text) != length)
                return MOT_FAIL(MOT_ERR_FORMAT, "%s: a key of %zu characters", event_where(r),
                                length);
            memcpy(key, text, length + 1);
            key_line = event_line(r);
            const mot_yaml *first = mot_yaml_find(parent, key);
            if (first && r->fragment)
                return MOT_FAIL(MOT_ERR_FORMAT, "%s: %s is there twice", event_where(r), key);
            if (first)
                return MOT_FAIL(MOT_ERR_FORMAT, "%s: %s is there twice, first in line %d",
                                event_where(r), key, first->line);
            MOT_TRY(next_event(r));
        }
        MOT_TRY(read_value(r, &item));
        if (key_line > 0)
            item->line =
                key_line; /* a block begins a line below its key: people look for the key */
        MOT_TRY(mot_yaml_append(parent, parent->kind == MOT_YAML_MAP ? key : NULL, item));
    }
}

/* The value that begins with the present event. */
static mot_status read_value(reader *r, mot_yaml **out)
{
    mot_yaml *yaml;
    MOT_TRY(check_event(r));
    if (r->event.type == YAML_SCALAR_EVENT)
        return read_scalar(r, out);
    bool list = r->event.type == YAML_SEQUENCE_START_EVENT;
    if (r->depth == MAX_DEPTH)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: more than %d levels", event_where(r), MAX_DEPTH);
    MOT_TRY(new_yaml(list ? MOT_YAML_LIST : MOT_YAML_MAP, event_line(r), &yaml));
    r->depth++;
    mot_status status =
        read_items(r, yaml, list ? YAML_SEQUENCE_END_EVENT : YAML_MAPPING_END_EVENT);
    r->depth--;
    if (status != MOT_OK) {
        mot_yaml_free(yaml);
        return status;
    }
    *out = yaml;
    return MOT_OK;
}

static mot_status read_document(reader *r, mot_yaml **out)
{
    mot_yaml *yaml = NULL;
    mot_status status = MOT_OK;
    MOT_TRY(next_event(r)); /* stream start */
    MOT_TRY(next_event(r));
    if (r->event.type == YAML_STREAM_END_EVENT)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: the file is empty", where(r, 0));
    MOT_TRY(next_event(r));
    MOT_TRY_GOTO(read_value(r, &yaml));
    MOT_TRY_GOTO(next_event(r)); /* document end */
    MOT_TRY_GOTO(next_event(r));
    if (r->event.type != YAML_STREAM_END_EVENT) {
        status =
            MOT_FAIL(MOT_ERR_FORMAT, "%s: a second document begins; one is taken", event_where(r));
        goto fail;
    }
    *out = yaml;
    return MOT_OK;
fail:
    mot_yaml_free(yaml);
    return status;
}

/* libyaml's words for a tab in the indentation do not say that it is a tab. */
static mot_status check_tabs(reader *r)
{
    size_t line = 0;
    bool indentation = true;
    for (size_t i = 0; i < r->size_bytes; i++) {
        char c = r->text[i];
        if (c == '\t' && indentation)
            return MOT_FAIL(MOT_ERR_FORMAT, "%s: a tab in the indentation; YAML takes spaces",
                            where(r, line));
        line += c == '\n';
        indentation = c == '\n' || (indentation && c == ' ');
    }
    return MOT_OK;
}

mot_status mot_yaml_parse(const char *text, size_t size_bytes, const char *name, bool fragment,
                          mot_yaml **out)
{
    reader r = {.text = text, .name = name, .size_bytes = size_bytes, .fragment = fragment};
    if (size_bytes > MOT_YAML_LIMIT_BYTES)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: %zu bytes; at most %d are taken", name, size_bytes,
                        MOT_YAML_LIMIT_BYTES);
    MOT_TRY(check_tabs(&r));
    if (!yaml_parser_initialize(&r.parser))
        return MOT_FAIL(MOT_ERR_MEMORY, "no host memory to read %s", name);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size_bytes);
    mot_status status = read_document(&r, out);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return status;
}
