/* define.c: reading definitions, and inserting the values of their parameters. */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/model/define.h"

#include "runtime/base/memory.h"
#include "runtime/model/layers.h"

#include <stdlib.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS "0123456789"

bool mot_is_layer_word(const char *key)
{
    return strcmp(key, "name") == 0 || strcmp(key, "as") == 0 || strcmp(key, "from") == 0;
}

mot_status mot_checkpoint_wanted(const mot_origin *origin, const mot_yaml *args, bool symbolic,
                                 mot_checkpoints choice, bool *out)
{
    static const mot_key row = {"checkpoint", MOT_KEY_BOOL, NULL, NULL, ""};
    const mot_yaml *value = mot_yaml_find(args, "checkpoint");
    bool written = false;
    if (value && !(symbolic && mot_names_parameter(value))) {
        MOT_TRY(mot_key_check(&row, "checkpoint", origin, value));
        mot_text_is_bool(value->text, &written);
    }
    *out = choice == MOT_CHECKPOINTS_WRITTEN ? written : choice == MOT_CHECKPOINTS_ALL;
    return MOT_OK;
}

mot_status mot_name_check(const mot_origin *origin, const mot_yaml *yaml, const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > 48 || strspn(name, LETTERS DIGITS ".-") != length)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: the name '%.60s'; expected 1 to 48 letters, digits, '_', '.' or '-'",
                        mot_origin_print(origin, yaml), name);
    return MOT_OK;
}

bool mot_is_block_word(const char *key)
{
    return mot_is_layer_word(key) || strcmp(key, "checkpoint") == 0;
}

/* ---- reading ---- */

static mot_status read_parameters(const mot_origin *origin, mot_definition *d)
{
    const mot_yaml *map = d->parameters;
    if (map->kind != MOT_YAML_MAP)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: parameters of %s: expected names with defaults, {out: , stride: 1}; "
                        "one without a default must be given",
                        mot_origin_print(origin, map), d->name);
    for (int i = 0; i < map->n; i++) {
        const char *name = map->key[i];
        if (strspn(name, LETTERS DIGITS) != strlen(name) || !strchr(LETTERS, name[0]))
            return MOT_FAIL(MOT_ERR_ARGUMENT,
                            "%s: the parameter '%.60s'; expected letters, digits and '_'",
                            mot_origin_print(origin, map->item[i]), name);
        if (mot_is_block_word(name))
            return MOT_FAIL(MOT_ERR_ARGUMENT,
                            "%s: the parameter %s of %s: every block has a value of this name",
                            mot_origin_print(origin, map->item[i]), name, d->name);
    }
    return MOT_OK;
}

static mot_status read_definition(const mot_origin *origin, const char *name, const mot_yaml *yaml,
                                  mot_definition *d)
{
    *d = (mot_definition){.name = name, .yaml = yaml};
    MOT_TRY(mot_name_check(origin, yaml, name));
    if (mot_layer_kind(name) >= 0 || strcmp(name, "repeat") == 0 || mot_is_block_word(name))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s is a word of its own; call the definition %s_",
                        mot_origin_print(origin, yaml), name, name);
    for (int i = 0; yaml->kind == MOT_YAML_MAP && i < yaml->n; i++) {
        if (strcmp(yaml->key[i], "layers") == 0)
            d->layers = yaml->item[i];
        else if (strcmp(yaml->key[i], "parameters") != 0)
            return MOT_FAIL(MOT_ERR_ARGUMENT,
                            "%s: the definition %s has parameters and layers, but no %s",
                            mot_origin_print(origin, yaml->item[i]), name, yaml->key[i]);
        else if (!mot_yaml_is_null(yaml->item[i]))
            d->parameters = yaml->item[i];
    }
    if (!d->layers)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: the definition %s; expected parameters: {name: default, ...} and "
                        "layers: [...]",
                        mot_origin_print(origin, yaml), name);
    return d->parameters ? read_parameters(origin, d) : MOT_OK;
}

mot_status mot_definitions_read(const mot_origin *origin, const mot_yaml *define,
                                mot_definitions *out)
{
    *out = (mot_definitions){0};
    if (!define || mot_yaml_is_null(define))
        return MOT_OK;
    if (define->kind != MOT_YAML_MAP)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: model.define: expected names of definitions, each with parameters and "
                        "layers",
                        mot_origin_print(origin, define));
    MOT_TRY(mot_alloc((size_t)define->n, sizeof *out->item, &out->item));
    for (; out->n < define->n; out->n++)
        MOT_TRY(
            read_definition(origin, define->key[out->n], define->item[out->n], &out->item[out->n]));
    return MOT_OK;
}

mot_definition *mot_definition_find(const mot_definitions *definitions, const char *name)
{
    for (int i = 0; i < definitions->n; i++)
        if (strcmp(definitions->item[i].name, name) == 0)
            return &definitions->item[i];
    return NULL;
}

/* ---- calling ---- */

static mot_status unknown_value(const mot_origin *origin, const mot_definition *d,
                                const mot_yaml *yaml, const char *name)
{
    const char *nearest = d->parameters ? mot_nearest_name(name, (const char **)d->parameters->key,
                                                           (size_t)d->parameters->n)
                                        : NULL;
    if (nearest)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s has no parameter %s; did you mean %s?",
                        mot_origin_print(origin, yaml), d->name, name, nearest);
    return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s has no parameter %s", mot_origin_print(origin, yaml),
                    d->name, name);
}

enum { MOST_VALUES = 64, MOST_CHARACTERS = 4096 };

/* Values are inserted into values of other definitions: none may grow without bound. */
static int count_values(const mot_yaml *yaml)
{
    int n = 1;
    for (int i = 0; i < yaml->n && n <= MOST_VALUES; i++)
        n += count_values(yaml->item[i]);
    return n;
}

static mot_status check_values(const mot_origin *origin, const mot_definition *d,
                               const mot_yaml *args)
{
    const int n_parameters = d->parameters ? d->parameters->n : 0;
    if (args && args->kind != MOT_YAML_MAP && n_parameters == 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s takes no value", mot_origin_print(origin, args),
                        d->name);
    for (int i = 0; args && args->kind == MOT_YAML_MAP && i < args->n; i++)
        if (!mot_is_block_word(args->key[i]) && !mot_yaml_find(d->parameters, args->key[i]))
            return unknown_value(origin, d, args->item[i], args->key[i]);
    return MOT_OK;
}

/* What is given for parameter i, else its default; NULL where there is neither. */
static const mot_yaml *value_of(const mot_definition *d, const mot_yaml *args, int i)
{
    const mot_yaml *value = mot_yaml_find(args, d->parameters->key[i]);
    if (i == 0 && args && args->kind != MOT_YAML_MAP)
        value = args;
    if (!value || mot_yaml_is_null(value))
        value = d->parameters->item[i];
    return mot_yaml_is_null(value) ? NULL : value;
}

mot_status mot_definition_values(const mot_origin *origin, const mot_definition *d,
                                 const mot_yaml *entry, const mot_yaml *args, bool symbolic,
                                 mot_yaml **out)
{
    mot_yaml *values, *copy;
    mot_status status = MOT_OK;
    MOT_TRY(check_values(origin, d, args));
    MOT_TRY(mot_alloc(1, sizeof *values, &values));
    values->kind = MOT_YAML_MAP;
    for (int i = 0; d->parameters && i < d->parameters->n; i++) {
        const char *name = d->parameters->key[i];
        const mot_yaml *value = value_of(d, args, i);
        if (!value && symbolic)
            continue;
        if (!value) {
            status = MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s needs a value for %s",
                              mot_origin_print(origin, entry), d->name, name);
            goto fail;
        }
        if (count_values(value) > MOST_VALUES) {
            status = MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s: more than %d values for %s",
                              mot_origin_print(origin, value), d->name, MOST_VALUES, name);
            goto fail;
        }
        MOT_TRY_GOTO(mot_yaml_copy(value, &copy));
        MOT_TRY_GOTO(mot_yaml_put(values, name, copy));
    }
    *out = values;
    return MOT_OK;
fail:
    mot_yaml_free(values);
    return status;
}

/* ---- inserting ---- */

bool mot_names_parameter(const mot_yaml *yaml)
{
    if (yaml->kind == MOT_YAML_SCALAR)
        return strchr(yaml->text, '$') != NULL;
    for (int i = 0; i < yaml->n; i++)
        if (mot_names_parameter(yaml->item[i]))
            return true;
    return false;
}

/* The name behind the '$' at `text`, and what follows it; NULL when there is no name. */
static const char *read_name(const char *text, char name[64])
{
    bool braces = text[1] == '{';
    const char *first = text + 1 + braces;
    size_t length = strspn(first, LETTERS DIGITS);
    if (length == 0 || length > 63 || (braces && first[length] != '}'))
        return NULL;
    memcpy(name, first, length);
    name[length] = '\0';
    return first + length + braces;
}

/* The value of the parameter at `text` ('$...'), NULL when only checking; *rest is what follows. */
static mot_status find_value(const mot_origin *origin, const mot_definition *d,
                             const mot_yaml *values, const mot_yaml *yaml, const char *text,
                             const char **rest, const mot_yaml **out)
{
    char name[64];
    *rest = read_name(text, name);
    if (!*rest)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: '%.60s': expected a parameter's name behind '$'",
                        mot_origin_print(origin, yaml), yaml->text);
    if (!mot_yaml_find(d->parameters, name))
        return unknown_value(origin, d, yaml, name);
    *out = mot_yaml_find(values, name);
    return MOT_OK;
}

static mot_status insert_in_text(const mot_origin *origin, const mot_definition *d,
                                 const mot_yaml *values, const mot_yaml *yaml, mot_text *text)
{
    const mot_yaml *value;
    MOT_TRY(mot_text_add(text, "%s", ""));
    for (const char *at = yaml->text, *dollar; *at;) {
        dollar = at + strcspn(at, "$");
        MOT_TRY(mot_text_add_bytes(text, at, (size_t)(dollar - at)));
        at = dollar;
        if (!*dollar)
            continue;
        MOT_TRY(find_value(origin, d, values, yaml, dollar, &at, &value));
        if (value && value->kind != MOT_YAML_SCALAR)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: '%.60s': a list cannot be a part of a text",
                            mot_origin_print(origin, yaml), yaml->text);
        if (value)
            MOT_TRY(mot_text_add(text, "%s", value->text));
        if (text->length > MOST_CHARACTERS)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: a text of more than %d characters",
                            mot_origin_print(origin, yaml), MOST_CHARACTERS);
    }
    return MOT_OK;
}

static mot_status insert_in_scalar(const mot_origin *origin, const mot_definition *d,
                                   const mot_yaml *values, const mot_yaml *yaml, mot_yaml **out)
{
    mot_text text = {0};
    if (yaml->text[0] == '$') { /* all of it? then whatever the value is */
        const mot_yaml *value;
        const char *rest;
        MOT_TRY(find_value(origin, d, values, yaml, yaml->text, &rest, &value));
        if (*rest == '\0' && value)
            return mot_yaml_copy(value, out);
    }
    mot_status status = insert_in_text(origin, d, values, yaml, &text);
    if (status == MOT_OK)
        status =
            values ? mot_yaml_scalar(text.data, false, yaml->line, out) : mot_yaml_copy(yaml, out);
    mot_text_free(&text);
    return status;
}

mot_status mot_parameters_insert(const mot_origin *origin, const mot_definition *d,
                                 const mot_yaml *values, const mot_yaml *yaml, mot_yaml **out)
{
    mot_yaml *copy, *item;
    if (!d || !mot_names_parameter(yaml))
        return mot_yaml_copy(yaml, out);
    if (yaml->kind == MOT_YAML_SCALAR)
        return insert_in_scalar(origin, d, values, yaml, out);
    MOT_TRY(mot_alloc(1, sizeof *copy, &copy));
    copy->kind = yaml->kind;
    copy->line = yaml->line;
    mot_status status = MOT_OK;
    for (int i = 0; i < yaml->n; i++) {
        MOT_TRY_GOTO(mot_parameters_insert(origin, d, values, yaml->item[i], &item));
        MOT_TRY_GOTO(mot_yaml_append(copy, yaml->key ? yaml->key[i] : NULL, item));
    }
    *out = copy;
    return MOT_OK;
fail:
    mot_yaml_free(copy);
    return status;
}
