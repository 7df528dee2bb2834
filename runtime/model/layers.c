/* layers.c: reading the entries of a list of layers; the layers themselves are in layer/. */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/model/layers.h"

#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char list_help[] =
    "a list of layers, e.g. [flatten, {linear: 128}, relu, {linear: 10}]";

enum { MOST_KEYS = 32 };

const mot_layer_type *const mot_layer_types[] = {
#define ENTRY(name) &mot_layer_##name,
    MOT_LAYERS(ENTRY)
#undef ENTRY
};
const int mot_n_layer_types = sizeof mot_layer_types / sizeof *mot_layer_types;

/* The number of a kind, or -1. */
static int find_type(const char *name)
{
    for (int i = 0; i < mot_n_layer_types; i++)
        if (strcmp(mot_layer_types[i]->name, name) == 0)
            return i;
    return -1;
}

static mot_status unknown_type(const char *where, const char *name)
{
    const char *names[sizeof mot_layer_types / sizeof *mot_layer_types], *nearest;
    mot_text all = {0};
    mot_status status = MOT_OK;
    for (int i = 0; i < mot_n_layer_types && status == MOT_OK; i++) {
        names[i] = mot_layer_types[i]->name;
        status = mot_text_add(&all, "%s%s", i ? ", " : "", names[i]);
    }
    nearest = mot_nearest_name(name, names, (size_t)mot_n_layer_types);
    if (status == MOT_OK && nearest)
        status = MOT_FAIL(MOT_ERR_ARGUMENT, "%s: unknown layer %s; did you mean %s?", where, name,
                          nearest);
    else if (status == MOT_OK)
        status =
            MOT_FAIL(MOT_ERR_ARGUMENT, "%s: unknown layer %s; there are %s", where, name, all.data);
    mot_text_free(&all);
    return status;
}

static const mot_key *find_key(const mot_layer_type *type, const char *name)
{
    for (int i = 0; i < type->n_keys; i++)
        if (strcmp(type->key[i].path, name) == 0)
            return &type->key[i];
    return NULL;
}

static mot_status unknown_key(const mot_layer_type *type, const char *where, const char *name)
{
    const char *names[MOST_KEYS], *nearest;
    for (int i = 0; i < type->n_keys && i < MOST_KEYS; i++)
        names[i] = type->key[i].path;
    nearest = mot_nearest_name(name, names, (size_t)type->n_keys);
    if (nearest)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s has no value %s; did you mean %s?", where,
                        type->name, name, nearest);
    return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s has no value %s", where, type->name, name);
}

static const mot_yaml *find_arg(const mot_layer *layer, const char *key)
{
    if (!layer->args)
        return NULL;
    if (layer->args->kind == MOT_YAML_SCALAR)
        return strcmp(key, layer->type->main) == 0 ? layer->args : NULL;
    return mot_yaml_find(layer->args, key);
}

const char *mot_layer_text(const mot_layer *layer, const char *key)
{
    const mot_yaml *arg = find_arg(layer, key);
    return arg ? arg->text : find_key(layer->type, key)->value;
}

/* ---- check ---- */

/* What an entry is, without looking at its values. */
static mot_status read_entry(const mot_origin *origin, const mot_yaml *entry, mot_layer *layer)
{
    const char *where = mot_origin_print(origin, entry), *name = entry->text;
    *layer = (mot_layer){.yaml = entry};
    if (entry->kind == MOT_YAML_LIST || mot_yaml_is_null(entry) || (!name && entry->n == 0))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: expected a layer, e.g. relu, or linear: 128", where);
    if (entry->kind == MOT_YAML_MAP) {
        name = entry->key[0];
        if (entry->n > 1)
            return MOT_FAIL(MOT_ERR_ARGUMENT,
                            "%s: a layer is one name with its values, %s: {..., %s: ...}", where,
                            name, entry->key[1]);
        layer->args = entry->item[0];
        if (mot_yaml_is_null(layer->args))
            layer->args = NULL;
    }
    layer->kind = find_type(name);
    if (layer->kind < 0)
        return unknown_type(where, name);
    layer->type = mot_layer_types[layer->kind];
    return MOT_OK;
}

/* Names become parameters' names and stand in messages: no spaces, no surprises. */
static mot_status check_name(const char *where, const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t length = strlen(name);
    if (length == 0 || length > 48 || strspn(name, good) != length)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: the name '%.60s'; expected 1 to 48 letters, digits, '_', '.' or '-'",
                        where, name);
    return MOT_OK;
}

static mot_status check_arg(const mot_origin *origin, const mot_layer *layer, const char *key,
                            const mot_yaml *value)
{
    const mot_key *row = find_key(layer->type, key);
    char name[96];
    if (!row)
        return unknown_key(layer->type, mot_origin_print(origin, value), key);
    snprintf(name, sizeof name, "%s %s", layer->type->name, key);
    MOT_TRY(mot_key_check(row, name, origin, value));
    if (strcmp(key, "name") == 0)
        return check_name(mot_origin_print(origin, value), value->text);
    return MOT_OK;
}

static mot_status check_layer(const mot_origin *origin, const mot_layer *layer)
{
    const mot_layer_type *type = layer->type;
    const mot_yaml *args = layer->args;
    const char *where = mot_origin_print(origin, layer->yaml);
    if (args && args->kind != MOT_YAML_MAP) {
        if (!type->main)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s takes no value", where, type->name);
        MOT_TRY(check_arg(origin, layer, type->main, args));
    }
    for (int i = 0; args && args->kind == MOT_YAML_MAP && i < args->n; i++)
        MOT_TRY(check_arg(origin, layer, args->key[i], args->item[i]));
    if (type->main && !mot_layer_text(layer, type->main))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s needs a value: %s: %s", where, type->name,
                        type->name, find_key(type, type->main)->meaning);
    return MOT_OK;
}

mot_status mot_layers_check(const mot_origin *origin, const mot_yaml *list)
{
    mot_layer layer;
    if (list->kind != MOT_YAML_LIST || list->n == 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: model.layers: expected %s",
                        mot_origin_print(origin, list), list_help);
    for (int i = 0; i < list->n; i++) {
        MOT_TRY(read_entry(origin, list->item[i], &layer));
        MOT_TRY(check_layer(origin, &layer));
    }
    return MOT_OK;
}

/* ---- build ---- */

const char *mot_layer_where(const mot_builder *builder, const mot_layer *layer)
{
    static _Thread_local char text[640];
    mot_origin origin = {builder->file, "model.layers"};
    snprintf(text, sizeof text, "%s: layer %s", mot_origin_print(&origin, layer->yaml),
             layer->name);
    return text;
}

const char *mot_layer_input_print(const mot_builder *builder, char text[MOT_SHAPE_TEXT])
{
    return mot_shape_print(&builder->graph->tensor[builder->x].shape, text);
}

static mot_status note_name(mot_builder *builder, const mot_layer *layer)
{
    for (int i = 0; i < builder->n_names; i++)
        if (strcmp(builder->name[i], layer->name) == 0)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: another layer has this name",
                            mot_layer_where(builder, layer));
    return mot_strdup(layer->name, &builder->name[builder->n_names++]);
}

static mot_status build_layer(mot_builder *builder, mot_layer *layer, int number)
{
    const mot_yaml *name = find_arg(layer, "name");
    if (name)
        snprintf(layer->name, sizeof layer->name, "%s", name->text);
    else
        snprintf(layer->name, sizeof layer->name, "%s%d", layer->type->prefix, number);
    MOT_TRY(note_name(builder, layer));
    MOT_TRY(layer->type->build(builder, layer));
    builder->from = builder->name[builder->n_names - 1];
    return MOT_OK;
}

mot_status mot_layers_build(mot_builder *builder, const mot_yaml *list)
{
    mot_origin origin = {builder->file, "model.layers"};
    int *count;
    mot_layer layer;
    MOT_TRY(mot_alloc((size_t)mot_n_layer_types, sizeof *count, &count));
    mot_status status = mot_alloc((size_t)list->n, sizeof *builder->name, &builder->name);
    for (int i = 0; i < list->n && status == MOT_OK; i++) {
        status = read_entry(&origin, list->item[i], &layer);
        if (status == MOT_OK)
            status = build_layer(builder, &layer, ++count[layer.kind]);
    }
    free(count);
    return status;
}
