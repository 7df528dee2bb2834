/* layers.c: checking the values of a layer, and building; the layers themselves are in layer/. */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/model/layers.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/model/define.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_KEYS = 32 };

const mot_layer_type *const mot_layer_types[] = {
#define ENTRY(name) &mot_layer_##name,
    MOT_LAYERS(ENTRY)
#undef ENTRY
};
const int mot_n_layer_types = sizeof mot_layer_types / sizeof *mot_layer_types;

/* What every kind may have beside `name`, which is in each table with its default. */
static const mot_key common_keys[] = {
    {"as", MOT_KEY_TEXT, NULL, NULL, "what later layers call the output"},
    {"from", MOT_KEY_TEXTS, NULL, NULL, "what is taken instead of the output before"},
};
enum { N_COMMON = sizeof common_keys / sizeof *common_keys };

int mot_layer_kind(const char *name)
{
    for (int i = 0; i < mot_n_layer_types; i++)
        if (strcmp(mot_layer_types[i]->name, name) == 0)
            return i;
    return -1;
}

bool mot_layer_joins(const mot_layer_type *type)
{
    return type->main && strcmp(type->main, "from") == 0;
}

static const mot_key *find_key(const mot_layer_type *type, const char *name)
{
    for (int i = 0; i < type->n_keys; i++)
        if (strcmp(type->key[i].path, name) == 0)
            return &type->key[i];
    for (int i = 0; i < N_COMMON; i++)
        if (strcmp(common_keys[i].path, name) == 0)
            return &common_keys[i];
    return NULL;
}

const mot_yaml *mot_layer_value(const mot_layer *layer, const char *key)
{
    if (!layer->args)
        return NULL;
    if (layer->args->kind != MOT_YAML_MAP)
        return layer->type->main && strcmp(key, layer->type->main) == 0 ? layer->args : NULL;
    return mot_yaml_find(layer->args, key);
}

const char *mot_layer_text(const mot_layer *layer, const char *key)
{
    const mot_yaml *value = mot_layer_value(layer, key);
    return value ? value->text : find_key(layer->type, key)->value;
}

int mot_layer_ints(const mot_layer *layer, const char *key, int64_t *out, int most)
{
    const mot_yaml *value = mot_layer_value(layer, key);
    if (!value)
        return 0;
    if (value->kind == MOT_YAML_SCALAR) {
        out[0] = strtoll(value->text, NULL, 10);
        return 1;
    }
    for (int i = 0; i < value->n && i < most; i++)
        out[i] = strtoll(value->item[i]->text, NULL, 10);
    return value->n;
}

/* ---- check ---- */

static mot_status unknown_key(const mot_layer_type *type, const char *where, const char *name)
{
    const char *names[MOST_KEYS + N_COMMON], *nearest;
    size_t n = 0;
    for (int i = 0; i < type->n_keys && i < MOST_KEYS; i++)
        names[n++] = type->key[i].path;
    for (int i = 0; i < N_COMMON; i++)
        names[n++] = common_keys[i].path;
    nearest = mot_nearest_name(name, names, n);
    if (nearest)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s has no value %s; did you mean %s?", where,
                        type->name, name, nearest);
    mot_text all = {0};
    mot_status status = MOT_OK;
    for (size_t i = 0; i < n && status == MOT_OK; i++)
        status = mot_text_add(&all, "%s%s", i ? ", " : "", names[i]);
    if (status == MOT_OK)
        status = MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s has no value %s, but %s", where, type->name,
                          name, all.data);
    mot_text_free(&all);
    return status;
}

static mot_status check_arg(const mot_origin *origin, const mot_layer *layer, const char *key,
                            const mot_yaml *value, bool symbolic)
{
    const mot_key *row = find_key(layer->type, key);
    char name[96];
    if (!row)
        return unknown_key(layer->type, mot_origin_print(origin, value), key);
    if (symbolic && mot_names_parameter(value))
        return MOT_OK;
    snprintf(name, sizeof name, "%s %s", layer->type->name, key);
    MOT_TRY(mot_key_check(row, name, origin, value));
    if (strcmp(key, "name") == 0)
        return mot_name_check(origin, value, value->text);
    return MOT_OK;
}

mot_status mot_layer_check(const mot_origin *origin, const mot_layer *layer, bool symbolic)
{
    const mot_layer_type *type = layer->type;
    const mot_yaml *args = layer->args;
    if (args && args->kind != MOT_YAML_MAP) {
        if (!type->main)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s takes no value",
                            mot_origin_print(origin, layer->yaml), type->name);
        MOT_TRY(check_arg(origin, layer, type->main, args, symbolic));
    }
    for (int i = 0; args && args->kind == MOT_YAML_MAP && i < args->n; i++)
        MOT_TRY(check_arg(origin, layer, args->key[i], args->item[i], symbolic));
    if (type->main && !mot_layer_value(layer, type->main) && !find_key(type, type->main)->value)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s needs a value: %s: %s",
                        mot_origin_print(origin, layer->yaml), type->name, type->name,
                        find_key(type, type->main)->meaning);
    return MOT_OK;
}

/* ---- build ---- */

const char *mot_layer_where(const mot_builder *builder, const mot_layer *layer)
{
    static _Thread_local char text[640];
    mot_origin origin = {.name = builder->file, .path = builder->path, .within = layer->within};
    snprintf(text, sizeof text, "%s: layer %s", mot_origin_print(&origin, layer->yaml),
             layer->name);
    return text;
}

const char *mot_layer_input_print(const mot_builder *builder, char text[MOT_SHAPE_TEXT])
{
    return mot_shape_print(&builder->graph->tensor[builder->x].shape, text);
}

/* What the graph says of shapes knows no lines. */
static mot_status add_line(const mot_builder *builder, const mot_layer *layer, mot_status status)
{
    const char *where = mot_layer_where(builder, layer), *message = mot_error_message();
    if (strncmp(message, where, strcspn(where, " ")) == 0)
        return status;
    return MOT_FAIL(status, "%s: %s", where, message);
}

static mot_status build_layer(mot_builder *builder, mot_layers *layers, mot_layer *layer, int input,
                              int *in)
{
    for (int i = 0; i < layer->n_from; i++)
        in[i] = layer->from[i] < 0 ? input : layers->layer[layer->from[i]].tensor;
    builder->x = in[0];
    builder->in = in;
    builder->n_in = layer->n_from;
    builder->from = layer->from[0] < 0 ? "the input" : layers->layer[layer->from[0]].name;
    builder->graph->checkpoint = layer->checkpoint;
    layer->first_node = builder->graph->n_nodes;
    layer->first_parameter = builder->graph->n_parameters;
    mot_status status = layer->type->build(builder, layer);
    builder->graph->checkpoint = 0;
    layer->tensor = builder->x;
    return status == MOT_OK ? MOT_OK : add_line(builder, layer, status);
}

mot_status mot_layers_build(mot_builder *builder, mot_layers *layers)
{
    const int input = builder->x;
    builder->path = layers->path;
    for (int i = 0; i < layers->n; i++) {
        mot_layer *layer = &layers->layer[i];
        int *in;
        MOT_TRY(mot_alloc((size_t)layer->n_from, sizeof *in, &in));
        mot_status status = build_layer(builder, layers, layer, input, in);
        builder->in = NULL;
        free(in);
        MOT_TRY(status);
    }
    builder->from = layers->layer[layers->n - 1].name;
    return MOT_OK;
}
