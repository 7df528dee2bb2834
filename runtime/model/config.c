/* config.c: a configuration is a checked tree and the name of its file; unset keys have their
 * defaults in the table.  What mot_config_set put in has line 0. */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/model/config.h"

#include "runtime/base/memory.h"
#include "runtime/model/expand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mot_config {
    char *name;     /* of the file, for messages */
    mot_yaml *root; /* always a map */
};

void mot_config_free(mot_config *config)
{
    if (!config)
        return;
    mot_yaml_free(config->root);
    free(config->name);
    free(config);
}

/* ---- the tree by path ---- */

/* The parent of `path` and its last word; parents are made with `make`, else *parent may be NULL.
 */
static mot_status walk(mot_yaml *root, const char *path, bool make, mot_yaml **parent,
                       const char **word)
{
    mot_yaml *at = root;
    const char *dot;
    for (*word = path; (dot = strchr(*word, '.')); *word = dot + 1) {
        char key[128];
        size_t length = (size_t)(dot - *word);
        if (length >= sizeof key)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "unknown key %.100s...", path);
        memcpy(key, *word, length);
        key[length] = '\0';
        mot_yaml *next = mot_yaml_find(at, key);
        if (make && (!next || next->kind != MOT_YAML_MAP)) {
            MOT_TRY(mot_alloc(1, sizeof *next, &next));
            next->kind = MOT_YAML_MAP;
            MOT_TRY(mot_yaml_put(at, key, next));
        }
        at = next;
    }
    *parent = at;
    return MOT_OK;
}

static const mot_yaml *find(const mot_config *config, const char *path)
{
    mot_yaml *parent;
    const char *word;
    if (walk(config->root, path, false, &parent, &word) != MOT_OK)
        return NULL;
    return mot_yaml_find(parent, word);
}

/* Where a key stands under its other name, give it its own. */
static mot_status use_own_names(const char *file, mot_yaml *root)
{
    for (int i = 0; i < mot_config_n_other_names; i++) {
        const char *other = mot_config_other_names[i][0], *own = mot_config_other_names[i][1];
        const char *other_word, *own_word;
        mot_yaml *map, *item;
        char *key;
        MOT_TRY(walk(root, other, false, &map, &other_word));
        MOT_TRY(walk(root, own, false, &map, &own_word));
        item = mot_yaml_find(map, other_word);
        if (!item)
            continue;
        mot_origin origin = {.name = file, .path = other};
        if (mot_yaml_find(map, own_word))
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s and %s are one key; give it once",
                            mot_origin_print(&origin, item), other, own);
        MOT_TRY(mot_strdup(own_word, &key));
        for (int k = 0; k < map->n; k++)
            if (map->item[k] == item) {
                free(map->key[k]);
                map->key[k] = key;
            }
    }
    return MOT_OK;
}

/* What the model's layers and definitions say, which only makes sense together. */
static mot_status check_model(const char *file, const mot_yaml *root)
{
    const mot_yaml *model = mot_yaml_find(root, "model");
    return mot_layers_check(file, mot_yaml_find(model, "layers"), mot_yaml_find(model, "define"));
}

/* ---- reading ---- */

static mot_status parse(const char *text, size_t size_bytes, const char *name, mot_config **out)
{
    mot_config *config;
    MOT_TRY(mot_alloc(1, sizeof *config, &config));
    mot_status status = MOT_OK;
    MOT_TRY_GOTO(mot_strdup(name, &config->name));
    MOT_TRY_GOTO(mot_yaml_parse(text, size_bytes, name, false, &config->root));
    if (config->root->kind != MOT_YAML_MAP) {
        status = MOT_FAIL(MOT_ERR_FORMAT, "%s:%d: expected the blocks data, model and train", name,
                          config->root->line);
        goto fail;
    }
    MOT_TRY_GOTO(use_own_names(name, config->root));
    MOT_TRY_GOTO(mot_keys_check("", name, config->root));
    MOT_TRY_GOTO(check_model(name, config->root));
    *out = config;
    return MOT_OK;
fail:
    mot_config_free(config);
    return status;
}

mot_status mot_config_parse(const char *text, const char *name, mot_config **out)
{
    return parse(text, strlen(text), name, out);
}

mot_status mot_config_read(const char *path, mot_config **out)
{
    char *text;
    size_t size_bytes;
    MOT_TRY(mot_file_read(path, MOT_YAML_LIMIT_BYTES, &text, &size_bytes));
    mot_status status = parse(text, size_bytes, path, out);
    free(text);
    return status;
}

mot_status mot_config_copy(const mot_config *config, mot_config **out)
{
    mot_config *copy;
    MOT_TRY(mot_alloc(1, sizeof *copy, &copy));
    mot_status status = MOT_OK;
    MOT_TRY_GOTO(mot_strdup(config->name, &copy->name));
    MOT_TRY_GOTO(mot_yaml_copy(config->root, &copy->root));
    *out = copy;
    return MOT_OK;
fail:
    mot_config_free(copy);
    return status;
}

/* ---- setting ---- */

static const char *own_name(const char *path)
{
    for (int i = 0; i < mot_config_n_other_names; i++)
        if (strcmp(mot_config_other_names[i][0], path) == 0)
            return mot_config_other_names[i][1];
    return path;
}

/* Texts are taken as they stand (a separator of ',' is not YAML), unless they begin with a quote.
 */
static mot_status parse_value(const char *path, const char *text, mot_yaml **out)
{
    const mot_key *key = mot_key_find(path);
    char name[160];
    if (key && (key->type == MOT_KEY_TEXT || key->type == MOT_KEY_CHOICE) && text[0] &&
        text[0] != '"' && text[0] != '\'')
        return mot_yaml_scalar(text, key->type == MOT_KEY_TEXT, 0, out);
    snprintf(name, sizeof name, "--set %s", path);
    if (text[strspn(text, " \t\r\n")] == '\0')
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: no value behind '='", name);
    return mot_yaml_parse(text, strlen(text), name, true, out);
}

mot_status mot_config_set(mot_config *config, const char *assignment)
{
    const char *equals = strchr(assignment, '='), *word, *path;
    mot_text given = {0};
    mot_yaml *value = NULL, *changed = NULL, *parent;
    mot_status status;
    if (!equals || equals == assignment)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "--set %s: expected path=value, e.g. train.epochs=3",
                        assignment);
    MOT_TRY_GOTO(mot_text_add(&given, "%.*s", (int)(equals - assignment), assignment));
    path = own_name(given.data);
    if (!mot_key_find(path) && !mot_key_is_block(path)) {
        status = mot_key_unknown("--set", path);
        goto fail;
    }
    MOT_TRY_GOTO(parse_value(path, equals + 1, &value));
    MOT_TRY_GOTO(mot_keys_check(path, config->name, value));
    MOT_TRY_GOTO(mot_yaml_copy(config->root, &changed));
    MOT_TRY_GOTO(walk(changed, path, true, &parent, &word));
    status = mot_yaml_put(parent, word, value);
    value = NULL;
    if (status == MOT_OK)
        status = check_model(config->name, changed);
    if (status == MOT_OK) {
        mot_yaml *former = config->root;
        config->root = changed;
        changed = former;
    }
fail:
    mot_yaml_free(changed);
    mot_yaml_free(value);
    mot_text_free(&given);
    return status;
}

/* ---- getting ---- */

/* The row and, where it is set, the value. */
static mot_status look_up(const mot_config *config, const char *path, const mot_key **key,
                          const mot_yaml **yaml)
{
    *key = mot_key_find(path);
    *yaml = find(config, path);
    return *key ? MOT_OK : mot_key_unknown(config->name, path);
}

const char *mot_config_name(const mot_config *config)
{
    return config->name;
}

bool mot_config_is_set(const mot_config *config, const char *path)
{
    return find(config, path) != NULL;
}

const mot_yaml *mot_config_get_yaml(const mot_config *config, const char *path)
{
    return find(config, path);
}

const char *mot_config_where(const mot_config *config, const char *path)
{
    mot_origin origin = {.name = config->name, .path = path};
    return mot_origin_print(&origin, find(config, path));
}

mot_status mot_config_get_text(const mot_config *config, const char *path, const char **out)
{
    const mot_key *key = NULL;
    const mot_yaml *yaml = NULL;
    MOT_TRY(look_up(config, path, &key, &yaml));
    if (!yaml)
        *out = key->value;
    else
        *out = yaml->kind == MOT_YAML_SCALAR ? yaml->text : "list";
    return MOT_OK;
}

/* Text of a scalar that a number or a bool is made of. */
static mot_status scalar_text(const mot_config *config, const char *path, const char **out)
{
    MOT_TRY(mot_config_get_text(config, path, out));
    if (!*out)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s is not set", config->name, path);
    return MOT_OK;
}

mot_status mot_config_get_int(const mot_config *config, const char *path, int64_t *out)
{
    const char *text;
    MOT_TRY(scalar_text(config, path, &text));
    return mot_parse_int(path, text, out);
}

mot_status mot_config_get_float(const mot_config *config, const char *path, double *out)
{
    const char *text;
    MOT_TRY(scalar_text(config, path, &text));
    return mot_parse_float(path, text, out);
}

mot_status mot_config_get_auto(const mot_config *config, const char *path, double automatic,
                               double *out)
{
    const char *text;
    MOT_TRY(scalar_text(config, path, &text));
    if (strcmp(text, "auto") != 0)
        return mot_parse_float(path, text, out);
    *out = automatic;
    return MOT_OK;
}

mot_status mot_config_get_bool(const mot_config *config, const char *path, bool *out)
{
    const char *text;
    MOT_TRY(scalar_text(config, path, &text));
    if (!mot_text_is_bool(text, out))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: '%s' is not true or false", path, text);
    return MOT_OK;
}

static int count_scalars(const mot_yaml *yaml)
{
    int n = yaml->kind == MOT_YAML_SCALAR;
    for (int i = 0; i < yaml->n; i++)
        n += count_scalars(yaml->item[i]);
    return n;
}

static void collect_floats(const mot_yaml *yaml, double *out, int *n)
{
    if (yaml->kind == MOT_YAML_SCALAR)
        out[(*n)++] = mot_yaml_float(yaml);
    for (int i = 0; i < yaml->n; i++)
        collect_floats(yaml->item[i], out, n);
}

mot_status mot_config_get_floats(const mot_config *config, const char *path, double **out, int *n)
{
    const mot_key *key = NULL;
    const mot_yaml *yaml = NULL;
    double *values = NULL;
    int count = 0;
    MOT_TRY(look_up(config, path, &key, &yaml));
    if (yaml) {
        MOT_TRY(mot_alloc((size_t)count_scalars(yaml), sizeof *values, &values));
        collect_floats(yaml, values, &count);
    }
    *out = values;
    *n = count;
    return MOT_OK;
}

mot_status mot_config_get_texts(const mot_config *config, const char *path, const char ***out,
                                int *n)
{
    const mot_key *key = NULL;
    const mot_yaml *yaml = NULL;
    const char **values = NULL;
    int count = 0;
    MOT_TRY(look_up(config, path, &key, &yaml));
    if (yaml) {
        MOT_TRY(mot_alloc((size_t)yaml->n + 1, sizeof *values, &values));
        if (yaml->kind == MOT_YAML_SCALAR)
            values[count++] = yaml->text;
        for (int i = 0; i < yaml->n; i++)
            values[count++] = yaml->item[i]->text;
    }
    *out = values;
    *n = count;
    return MOT_OK;
}
