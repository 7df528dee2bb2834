/* keys.c: checking a tree against the table of known keys.
 *
 * Everything is checked when it is read or set, so that the typed getters cannot meet a wrong
 * value. An unknown key is looked for under the same last word elsewhere, then by edit distance.
 */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/model/keys.h"

#include "runtime/base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const mot_key *mot_key_find(const char *path)
{
    for (int i = 0; i < mot_config_n_keys; i++)
        if (strcmp(mot_config_keys[i].path, path) == 0)
            return &mot_config_keys[i];
    return NULL;
}

bool mot_key_is_block(const char *path)
{
    size_t length = strlen(path);
    for (int i = 0; i < mot_config_n_keys; i++)
        if (strncmp(mot_config_keys[i].path, path, length) == 0 &&
            mot_config_keys[i].path[length] == '.')
            return true;
    return false;
}

const char *mot_origin_print(const mot_origin *origin, const mot_yaml *yaml)
{
    static _Thread_local char text[512];
    if (!yaml)
        snprintf(text, sizeof text, "%s", origin->name);
    else if (yaml->line == 0)
        snprintf(text, sizeof text, "--set %s", origin->path);
    else
        snprintf(text, sizeof text, "%s:%d", origin->name, yaml->line);
    if (yaml && origin->within) {
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, " (in %s)", origin->within);
    }
    return text;
}

/* ---- unknown keys ---- */

static const char *last_word(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* The known path that is meant: one with the same last word, else the nearest in the same block,
 * else the nearest of all. */
static const char *nearest_path(const char *path)
{
    const char *word = last_word(path), **names, *nearest = NULL;
    size_t block = (size_t)(word - path), n = 0;
    for (int i = 0; i < mot_config_n_keys; i++)
        if (strcmp(last_word(mot_config_keys[i].path), word) == 0)
            return mot_config_keys[i].path;
    if (mot_alloc((size_t)mot_config_n_keys, sizeof *names, &names) != MOT_OK)
        return NULL;
    for (int i = 0; i < mot_config_n_keys; i++)
        if (strncmp(mot_config_keys[i].path, path, block) == 0)
            names[n++] = mot_config_keys[i].path + block;
    nearest = mot_nearest_name(word, names, n);
    if (nearest)
        nearest -= block;
    for (int i = 0; i < mot_config_n_keys; i++)
        names[i] = mot_config_keys[i].path;
    if (!nearest)
        nearest = mot_nearest_name(path, names, (size_t)mot_config_n_keys);
    free(names);
    return nearest;
}

mot_status mot_key_unknown(const char *where, const char *path)
{
    const char *nearest = nearest_path(path);
    if (nearest)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: unknown key %s; did you mean %s?", where, path,
                        nearest);
    return MOT_FAIL(MOT_ERR_ARGUMENT,
                    "%s: unknown key %s; the blocks are data, model and train, and doc/config.md "
                    "lists their keys",
                    where, path);
}

/* ---- values ---- */

bool mot_text_is_bool(const char *text, bool *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (int i = 0; i < 6; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = i % 2;
            return true;
        }
    return false;
}

double mot_yaml_float(const mot_yaml *yaml)
{
    double value = 0;
    mot_parse_float("", yaml->text, &value);
    return value;
}

static double bound(const char *text, size_t length)
{
    char copy[64];
    double value = 0;
    snprintf(copy, sizeof copy, "%.*s", (int)length, text);
    mot_parse_float("bound", copy, &value);
    return value;
}

/* Is `value` in "[0,1)"? */
static bool in_interval(const char *range, double value)
{
    if (!range)
        return true;
    size_t comma = strcspn(range, ","), end = strlen(range) - 1;
    double low = bound(range + 1, comma - 1), high = bound(range + comma + 1, end - comma - 1);
    bool above = range[0] == '(' ? value > low : value >= low;
    return above && (range[end] == ')' ? value < high : value <= high);
}

/* A word of "sgd|adam". */
static bool is_word_of(const char *words, const char *text)
{
    size_t length = strlen(text);
    for (const char *word = words; length > 0 && word; word = strchr(word, '|')) {
        word += *word == '|';
        if (strncmp(word, text, length) == 0 && (word[length] == '|' || word[length] == '\0'))
            return true;
    }
    return false;
}

static const char *kind_name(const mot_yaml *yaml)
{
    return yaml->kind == MOT_YAML_LIST ? "a list" : "a map";
}

static mot_status expected(const char *name, const mot_origin *origin, const mot_yaml *yaml,
                           const char *what, const char *range)
{
    const char *where = mot_origin_print(origin, yaml), *in = range ? " in " : "";
    range = range ? range : "";
    if (yaml->kind != MOT_YAML_SCALAR)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s is %s; expected %s%s%s", where, name,
                        kind_name(yaml), what, in, range);
    if (mot_yaml_is_null(yaml))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s has no value; expected %s%s%s", where, name, what,
                        in, range);
    return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s is '%s'; expected %s%s%s", where, name, yaml->text,
                    what, in, range);
}

static bool is_number(const mot_yaml *yaml, bool whole, const char *range)
{
    if (yaml->kind != MOT_YAML_SCALAR || yaml->quoted)
        return false;
    int64_t n = 0;
    double x = 0;
    mot_status status =
        whole ? mot_parse_int("", yaml->text, &n) : mot_parse_float("", yaml->text, &x);
    return status == MOT_OK && isfinite(x) && in_interval(range, whole ? (double)n : x);
}

/* One number or a list of them, lists in lists allowed up to `depth`. */
static bool are_numbers(const mot_yaml *yaml, bool whole, const char *range, int depth)
{
    if (yaml->kind != MOT_YAML_LIST)
        return is_number(yaml, whole, range);
    for (int i = 0; i < yaml->n; i++)
        if (depth == 0 || !are_numbers(yaml->item[i], whole, range, depth - 1))
            return false;
    return yaml->n > 0;
}

static bool is_text(const mot_yaml *yaml)
{
    return yaml->kind == MOT_YAML_SCALAR && !mot_yaml_is_null(yaml);
}

static bool are_texts(const mot_yaml *yaml)
{
    for (int i = 0; yaml->kind == MOT_YAML_LIST && i < yaml->n; i++)
        if (!is_text(yaml->item[i]))
            return false;
    return yaml->kind == MOT_YAML_LIST || is_text(yaml);
}

static bool is_normalize(const mot_yaml *yaml)
{
    if (yaml->kind != MOT_YAML_LIST || yaml->n != 2 || !are_numbers(yaml, false, NULL, 2))
        return false;
    const mot_yaml *mean = yaml->item[0], *deviation = yaml->item[1];
    return mean->kind == deviation->kind && mean->n == deviation->n &&
           are_numbers(deviation, false, "(0,1e30]", 1);
}

static bool is_shares(const mot_key *key, const mot_yaml *yaml)
{
    double sum = 0;
    if (yaml->kind == MOT_YAML_SCALAR)
        return is_word_of(key->range, yaml->text);
    if (!are_numbers(yaml, false, "[0,1e30]", 1))
        return false;
    for (int i = 0; i < yaml->n; i++)
        sum += yaml->item[i]->kind == MOT_YAML_SCALAR ? mot_yaml_float(yaml->item[i]) : NAN;
    return sum > 0;
}

/* Numbers are those of `range`. */
static bool is_pair(const mot_key *key, const mot_yaml *yaml)
{
    return are_numbers(yaml, true, key->range, 1) &&
           (yaml->kind == MOT_YAML_SCALAR || yaml->n == 2);
}

static mot_status expected_word(const mot_key *key, const char *name, const mot_origin *origin,
                                const mot_yaml *yaml)
{
    mot_text words = {0};
    mot_status status = mot_text_add(&words, "one of");
    const char *at = key->range;
    for (const char *end = at; status == MOT_OK && *end; at = end + 1) {
        end = at + strcspn(at, "|");
        status = mot_text_add(&words, "%s %.*s", at == key->range ? "" : ",", (int)(end - at), at);
        if (*end == '\0')
            break;
    }
    if (status == MOT_OK)
        status = expected(name, origin, yaml, words.data, NULL);
    mot_text_free(&words);
    return status;
}

mot_status mot_key_check(const mot_key *key, const char *name, const mot_origin *origin,
                         const mot_yaml *yaml)
{
    bool ok = false, value;
    const char *what = "", *range = NULL;
    switch (key->type) {
    case MOT_KEY_INT:
        ok = is_number(yaml, true, range = key->range);
        what = "a whole number";
        break;
    case MOT_KEY_FLOAT:
        ok = is_number(yaml, false, range = key->range);
        what = "a number";
        break;
    case MOT_KEY_BOOL:
        ok = yaml->kind == MOT_YAML_SCALAR && !yaml->quoted && mot_text_is_bool(yaml->text, &value);
        what = "true or false";
        break;
    case MOT_KEY_TEXT:
        ok = is_text(yaml);
        what = "a text";
        break;
    case MOT_KEY_CHOICE:
        if (yaml->kind != MOT_YAML_SCALAR || !is_word_of(key->range, yaml->text))
            return expected_word(key, name, origin, yaml);
        return MOT_OK;
    case MOT_KEY_INTS:
        ok = are_numbers(yaml, true, range = key->range, 1);
        what = "a list of whole numbers";
        break;
    case MOT_KEY_FLOATS:
        ok = are_numbers(yaml, false, range = key->range, 2);
        what = "a list of numbers";
        break;
    case MOT_KEY_NORMALIZE:
        ok = is_normalize(yaml);
        what = "[mean, deviation] or [[means], [deviations]], deviations above 0";
        break;
    case MOT_KEY_TEXTS:
        ok = are_texts(yaml);
        what = "a list of texts";
        break;
    case MOT_KEY_SHARES:
        ok = is_shares(key, yaml);
        what = "auto, equal, or a list of weights from 0, not all 0";
        break;
    case MOT_KEY_AUTO:
        ok = (yaml->kind == MOT_YAML_SCALAR && strcmp(yaml->text, "auto") == 0) ||
             is_number(yaml, false, range = key->range);
        what = "auto, or a number";
        break;
    case MOT_KEY_PAIR:
        ok = is_pair(key, yaml);
        range = key->range;
        what = "one whole number, or [down, across],";
        break;
    case MOT_KEY_PADDING:
        ok =
            (yaml->kind == MOT_YAML_SCALAR && is_word_of("same", yaml->text)) || is_pair(key, yaml);
        range = key->range;
        what = "same, or one whole number, or [down, across],";
        break;
    case MOT_KEY_LAYERS:
    case MOT_KEY_DEFINITIONS:
        return MOT_OK;
    case MOT_KEY_GROUPS:
        return mot_groups_check(origin, yaml);
    }
    if (ok)
        return MOT_OK;
    if (yaml->kind != MOT_YAML_SCALAR) {
        mot_text shown = {0};
        mot_status status = mot_yaml_print(yaml, &shown);
        if (status == MOT_OK)
            status = MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s is %.200s; expected %s%s%s",
                              mot_origin_print(origin, yaml), name, shown.data, what,
                              range ? " in " : "", range ? range : "");
        mot_text_free(&shown);
        return status;
    }
    return expected(name, origin, yaml, what, range);
}

/* ---- the tree ---- */

mot_status mot_keys_check(const char *path, const char *file, const mot_yaml *yaml)
{
    mot_origin origin = {.name = file, .path = path};
    const mot_key *key = mot_key_find(path);
    if (key)
        return mot_key_check(key, path, &origin, yaml);
    if (*path && !mot_key_is_block(path))
        return mot_key_unknown(mot_origin_print(&origin, yaml), path);
    if (mot_yaml_is_null(yaml))
        return MOT_OK; /* a block with nothing in it */
    if (yaml->kind != MOT_YAML_MAP)
        return expected(
            *path ? path : "the file", &origin, yaml,
            *path ? "a block of `key: value` lines" : "the blocks data, model and train", NULL);
    for (int i = 0; i < yaml->n; i++) {
        mot_text below = {0};
        mot_status status = mot_text_add(&below, "%s%s%s", path, *path ? "." : "", yaml->key[i]);
        if (status == MOT_OK)
            status = mot_keys_check(below.data, file, yaml->item[i]);
        mot_text_free(&below);
        MOT_TRY(status);
    }
    return MOT_OK;
}
