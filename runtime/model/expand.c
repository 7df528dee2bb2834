/* expand.c: from the text of a model to its layers.
 *
 * Lists of layers stand in lists (`repeat`) and in definitions.  A list has a scope, the values that
 * are named in it: a repetition also sees those around it, a definition only its own; `input` is
 * what enters the list.  It has a place, which says how its layers are numbered and called.
 *
 *   1. Each definition is gone through once by itself (`symbolic`): what names a parameter is not
 *      looked at, everything else is checked, and that no definition leads back to itself.
 *   2. The model's list is written out, definitions with the values of each use.
 *
 * So a mistake in a definition is told even where nobody uses it, and step 2 ends. */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/model/expand.h"

#include "runtime/base/memory.h"
#include "runtime/model/define.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char list_help[] =
    "a list of layers, e.g. [flatten, {linear: 128}, relu, {linear: 10}]";

enum { MOST_LAYERS = 4096, MOST_LEVELS = 32, INPUT = -1 };

typedef struct named {
    const char *name;
    int value; /* layer, or INPUT */
    const mot_yaml *yaml;
} named;

typedef struct scope {
    const struct scope *outer; /* a repetition's; NULL */
    int input;                 /* value */
    named *item;               /* [n] */
    int n;
    size_t capacity;
} scope;

/* Where a list stands. */
typedef struct place {
    mot_origin origin;
    const mot_definition *definition; /* NULL: in none */
    const mot_yaml *values;           /* of its parameters */
    const char *prefix;               /* of names */
    int *count;     /* [n_counts] names given so far, by kind and definition; NULL: none yet */
    int level;      /* definitions around it */
    int checkpoint; /* the block around it that is computed again; 0: none */
} place;

typedef struct reader {
    const char *file, *path;
    mot_definitions definitions;
    mot_layers *out;
    mot_checkpoints checkpoints;
    bool symbolic;
} reader;

/* An entry of a list. */
typedef struct entry {
    const mot_yaml *yaml;
    const char *word;     /* the kind of layer, the definition, or "repeat" */
    const mot_yaml *tree; /* its values as they stand, NULL; those of names last longer than args */
    const mot_yaml *args; /* the same with parameters inserted */
    mot_yaml *own_args;   /* where that made a difference; NULL */
} entry;

static mot_status read_list(reader *r, const place *p, scope *s, const mot_yaml *list, int *at);

/* ---- names ---- */

/* Kinds, then definitions, then `repeat`. */
static int n_counts(const reader *r)
{
    return mot_n_layer_types + r->definitions.n + 1;
}

/* "conv3" or the name that is given, behind the prefix of the place. */
static mot_status make_name(const place *p, const entry *e, const char *given, const char *prefix,
                            int number, char name[MOT_LAYER_NAME])
{
    int length = given ? snprintf(name, MOT_LAYER_NAME, "%s%s", p->prefix, given)
                       : snprintf(name, MOT_LAYER_NAME, "%s%s%d", p->prefix, prefix, number);
    if (length > MOT_LAYER_NAME_MOST)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: the name %s... has %d characters; at most %d are taken",
                        mot_origin_print(&p->origin, e->yaml), name, length, MOT_LAYER_NAME_MOST);
    return MOT_OK;
}

/* ---- values ---- */

static const named *find_value(const scope *s, const char *name)
{
    for (; s; s = s->outer)
        for (int i = 0; i < s->n; i++)
            if (strcmp(s->item[i].name, name) == 0)
                return &s->item[i];
    return NULL;
}

static mot_status note_value(const place *p, scope *s, const mot_yaml *as, int value)
{
    MOT_TRY(mot_name_check(&p->origin, as, as->text));
    if (strcmp(as->text, "input") == 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: `input` is what enters the list of layers; choose another name",
                        mot_origin_print(&p->origin, as));
    const named *first = find_value(s, as->text);
    if (first)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: the value %s is there already, from line %d",
                        mot_origin_print(&p->origin, as), as->text, first->yaml->line);
    MOT_TRY(mot_grow(&s->item, &s->capacity, (size_t)s->n + 1, sizeof *s->item));
    s->item[s->n++] = (named){as->text, value, as};
    return MOT_OK;
}

static mot_status unknown_value(const place *p, const scope *s, const mot_yaml *name)
{
    mot_text all = {0};
    mot_status status = mot_text_add(&all, "input");
    for (; s && status == MOT_OK; s = s->outer)
        for (int i = 0; i < s->n && status == MOT_OK && all.length < 400; i++)
            status = mot_text_add(&all, ", %s", s->item[i].name);
    if (status == MOT_OK)
        status = MOT_FAIL(MOT_ERR_ARGUMENT,
                          "%s: no layer above gives a value %.60s (as: %.60s); there are %s",
                          mot_origin_print(&p->origin, name), name->text, name->text, all.data);
    mot_text_free(&all);
    return status;
}

static mot_status resolve(const place *p, const scope *s, const mot_yaml *name, int *out)
{
    const named *value = find_value(s, name->text);
    if (!value && strcmp(name->text, "input") != 0)
        return unknown_value(p, s, name);
    *out = value ? value->value : s->input;
    return MOT_OK;
}

/* `from` of something that takes one value. */
static mot_status resolve_one(const place *p, const scope *s, const char *word,
                              const mot_yaml *from, int *out)
{
    if (!from)
        return MOT_OK;
    if (from->kind == MOT_YAML_LIST && from->n == 1)
        from = from->item[0];
    if (from->kind != MOT_YAML_SCALAR || mot_yaml_is_null(from))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s takes one value: from: NAME",
                        mot_origin_print(&p->origin, from), word);
    return resolve(p, s, from, out);
}

/* `from` of a kind that joins: a list of values, or one beside the output before. */
static mot_status resolve_all(const place *p, const scope *s, mot_layer *layer, int at)
{
    const mot_yaml *from = mot_layer_value(layer, "from");
    const bool list = from->kind == MOT_YAML_LIST;
    const int n = list ? from->n : 2;
    if (n < 2)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s takes at least two values: [a, b]",
                        mot_origin_print(&p->origin, from), layer->type->name);
    MOT_TRY(mot_alloc((size_t)n, sizeof *layer->from, &layer->from));
    layer->n_from = n;
    layer->from[0] = at;
    if (!list)
        return resolve(p, s, from, &layer->from[1]);
    for (int i = 0; i < n; i++)
        MOT_TRY(resolve(p, s, from->item[i], &layer->from[i]));
    return MOT_OK;
}

/* ---- one layer ---- */

static mot_status add_layer(reader *r, const place *p, const entry *e, mot_layer **out)
{
    mot_layers *all = r->out;
    if (all->n == MOST_LAYERS)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: more than %d layers, repetitions written out",
                        mot_origin_print(&p->origin, e->yaml), MOST_LAYERS);
    MOT_TRY(mot_grow(&all->layer, &all->capacity, (size_t)all->n + 1, sizeof *all->layer));
    mot_layer *layer = &all->layer[all->n++];
    *layer = (mot_layer){.yaml = e->yaml, .args = e->args, .checkpoint = p->checkpoint};
    if (p->origin.within)
        MOT_TRY(mot_strdup(p->origin.within, &layer->within));
    *out = layer;
    return MOT_OK;
}

static mot_status check_unique(const reader *r, const place *p, const mot_layer *layer)
{
    for (const mot_layer *other = r->out->layer; other < layer; other++)
        if (strcmp(other->name, layer->name) == 0)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: layer %s: another layer has this name",
                            mot_origin_print(&p->origin, layer->yaml), layer->name);
    return MOT_OK;
}

static mot_status read_layer(reader *r, const place *p, scope *s, entry *e, int kind, int *at)
{
    mot_layer *layer;
    MOT_TRY(add_layer(r, p, e, &layer));
    layer->own_args = e->own_args;
    e->own_args = NULL;
    layer->type = mot_layer_types[kind];
    MOT_TRY(mot_layer_check(&p->origin, layer, r->symbolic));
    const mot_yaml *name = mot_layer_value(layer, "name"), *as = mot_yaml_find(e->tree, "as");
    const int number = ++p->count[kind];
    if (!r->symbolic) {
        MOT_TRY(
            make_name(p, e, name ? name->text : NULL, layer->type->prefix, number, layer->name));
        MOT_TRY(check_unique(r, p, layer));
    }
    if (mot_layer_joins(layer->type)) {
        MOT_TRY(resolve_all(p, s, layer, *at));
    } else {
        MOT_TRY(mot_alloc(1, sizeof *layer->from, &layer->from));
        layer->n_from = 1;
        layer->from[0] = *at;
        MOT_TRY(resolve_one(p, s, e->word, mot_layer_value(layer, "from"), &layer->from[0]));
    }
    *at = r->out->n - 1;
    return as ? note_value(p, s, as, *at) : MOT_OK;
}

/* ---- lists in lists ---- */

/* Read `list` in a scope of its own, and numbered anew unless the place counts already: `*at` goes in
 * and comes out. */
static mot_status read_inner(reader *r, const place *p, const scope *outer, const mot_yaml *list,
                             int *at)
{
    scope inner = {.outer = outer, .input = *at};
    place there = *p;
    if (!p->count)
        MOT_TRY(mot_alloc((size_t)n_counts(r), sizeof *there.count, &there.count));
    mot_status status = read_list(r, &there, &inner, list, at);
    if (!p->count)
        free(there.count);
    free(inner.item);
    return status;
}

/* The entry's layers, at `inner`, may be a block that is computed again, unless they are in one. */
static mot_status begin_block(reader *r, const place *p, const entry *e, place *inner)
{
    bool checkpoint;
    MOT_TRY(mot_checkpoint_wanted(&p->origin, e->args, r->symbolic, r->checkpoints, &checkpoint));
    if (checkpoint && inner->checkpoint == 0)
        inner->checkpoint = ++r->out->n_checkpoints;
    return MOT_OK;
}

static mot_status read_count(const reader *r, const place *p, const mot_yaml *yaml, int64_t *out)
{
    static const mot_key row = {"repeat", MOT_KEY_INT, NULL, "[1,4096]", ""};
    *out = 1;
    if (r->symbolic && mot_names_parameter(yaml))
        return MOT_OK;
    MOT_TRY(mot_key_check(&row, "repeat", &p->origin, yaml));
    return r->symbolic ? MOT_OK : mot_parse_int("repeat", yaml->text, out);
}

/* The keys of a repetition, {repeat: 4, layers: [...]}. */
static mot_status check_repeat(const place *p, const mot_yaml *map)
{
    for (int i = 0; i < map->n; i++) {
        const char *key = map->key[i];
        const mot_yaml *value = map->item[i];
        if (mot_is_layer_word(key) && strcmp(key, "from") != 0 &&
            (value->kind != MOT_YAML_SCALAR || mot_yaml_is_null(value)))
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s of repeat; expected a name",
                            mot_origin_print(&p->origin, value), key);
        if (!mot_is_block_word(key) && strcmp(key, "repeat") != 0 && strcmp(key, "layers") != 0)
            return MOT_FAIL(MOT_ERR_ARGUMENT,
                            "%s: repeat goes with layers, name, from, as and checkpoint, not %s",
                            mot_origin_print(&p->origin, value), key);
    }
    if (!mot_yaml_find(map, "layers"))
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: repeat needs a list of layers: {repeat: 4, layers: [...]}",
                        mot_origin_print(&p->origin, map));
    return MOT_OK;
}

/* Several layers are a block, with a name in front of theirs; a single one just goes on counting. */
static mot_status read_repeat(reader *r, const place *p, scope *s, entry *e, int *at)
{
    const mot_yaml *map = e->args, *layers = mot_yaml_find(e->tree, "layers");
    MOT_TRY(check_repeat(p, e->tree));
    const mot_yaml *name = mot_yaml_find(map, "name"), *as = mot_yaml_find(e->tree, "as");
    char given[80], prefix[MOT_LAYER_NAME];
    int64_t times;
    MOT_TRY(read_count(r, p, mot_yaml_find(map, "repeat"), &times));
    MOT_TRY(resolve_one(p, s, "repeat", mot_yaml_find(map, "from"), at));
    if (name && !(r->symbolic && mot_names_parameter(name)))
        MOT_TRY(mot_name_check(&p->origin, name, name->text));
    for (int64_t i = 1; i <= times; i++) {
        place inner = *p;
        MOT_TRY(begin_block(r, p, e, &inner));
        if (name || layers->n != 1) {
            const int number = name ? 0 : ++p->count[n_counts(r) - 1];
            snprintf(given, sizeof given, "%.48s%" PRId64 ".", name ? name->text : "", i);
            MOT_TRY(make_name(p, e, name ? given : NULL, "block", number, prefix));
            if (!name)
                strcat(prefix, ".");
            inner.prefix = prefix;
            inner.count = NULL;
        }
        MOT_TRY(read_inner(r, &inner, s, layers, at));
    }
    return as ? note_value(p, s, as, *at) : MOT_OK;
}

/* Go through a definition by itself. */
static mot_status check_definition(reader *r, mot_definition *d, int level)
{
    place p = {.origin = {.name = r->file, .path = r->path},
               .definition = d,
               .prefix = "",
               .level = level};
    int at = INPUT;
    if (level > MOST_LEVELS)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: definitions in definitions, more than %d levels",
                        mot_origin_print(&p.origin, d->yaml), MOST_LEVELS);
    d->state = MOT_DEFINITION_OPEN;
    MOT_TRY(read_inner(r, &p, NULL, d->layers, &at));
    d->state = MOT_DEFINITION_CHECKED;
    return MOT_OK;
}

static mot_status check_circle(reader *r, const place *p, const entry *e, mot_definition *d)
{
    if (d->state == MOT_DEFINITION_OPEN)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: %s leads back to %s: a definition cannot hold itself",
                        mot_origin_print(&p->origin, e->yaml), p->definition->name, d->name);
    return d->state == MOT_DEFINITION_NEW ? check_definition(r, d, p->level + 1) : MOT_OK;
}

/* The layers of a definition with the values that the entry gives. */
static mot_status read_use(reader *r, const place *p, const entry *e, const mot_definition *d,
                           const mot_yaml *values, int *at)
{
    const mot_yaml *name = mot_yaml_find(e->args, "name");
    char prefix[MOT_LAYER_NAME], within[96];
    const int number = ++p->count[mot_n_layer_types + (int)(d - r->definitions.item)];
    if (name)
        MOT_TRY(mot_name_check(&p->origin, name, name->kind == MOT_YAML_SCALAR ? name->text : ""));
    MOT_TRY(make_name(p, e, name ? name->text : NULL, d->name, number, prefix));
    strcat(prefix, ".");
    if (e->yaml->line > 0)
        snprintf(within, sizeof within, "%.48s of line %d", d->name, e->yaml->line);
    else
        snprintf(within, sizeof within, "%.48s", d->name);
    place inner = {.origin = {r->file, r->path, within},
                   .definition = d,
                   .values = values,
                   .prefix = prefix,
                   .level = p->level + 1,
                   .checkpoint = p->checkpoint};
    MOT_TRY(begin_block(r, p, e, &inner));
    return read_inner(r, &inner, NULL, d->layers, at);
}

static mot_status read_definition(reader *r, const place *p, scope *s, entry *e, mot_definition *d,
                                  int *at)
{
    const mot_yaml *as = mot_yaml_find(e->tree, "as");
    mot_yaml *values;
    MOT_TRY(resolve_one(p, s, d->name, mot_yaml_find(e->tree, "from"), at));
    MOT_TRY(mot_definition_values(&p->origin, d, e->yaml, e->args, r->symbolic, &values));
    mot_status status;
    if (r->symbolic) { /* a stand-in: what is inside is looked at once, by itself */
        mot_layer *layer;
        MOT_TRY_GOTO(check_circle(r, p, e, d));
        MOT_TRY_GOTO(add_layer(r, p, e, &layer));
        *at = r->out->n - 1;
    } else {
        MOT_TRY_GOTO(read_use(r, p, e, d, values, at));
    }
    if (as && as->kind != MOT_YAML_SCALAR)
        status = MOT_FAIL(MOT_ERR_ARGUMENT, "%s: as of %s; expected a name",
                          mot_origin_print(&p->origin, as), d->name);
    else if (as)
        status = note_value(p, s, as, *at);
fail:
    mot_yaml_free(values);
    return status;
}

/* ---- entries ---- */

static mot_status unknown_word(const reader *r, const place *p, const entry *e)
{
    const char **names, *nearest, *where = mot_origin_print(&p->origin, e->yaml);
    mot_text all = {0};
    size_t n = 0;
    MOT_TRY(mot_alloc((size_t)n_counts(r), sizeof *names, &names));
    mot_status status = MOT_OK;
    for (int i = 0; i < mot_n_layer_types; i++)
        names[n++] = mot_layer_types[i]->name;
    for (int i = 0; i < r->definitions.n; i++)
        names[n++] = r->definitions.item[i].name;
    names[n++] = "repeat";
    for (size_t i = 0; i < n && status == MOT_OK && all.length < 2000; i++)
        status = mot_text_add(&all, "%s%s", i ? ", " : "", names[i]);
    nearest = mot_nearest_name(e->word, names, n);
    if (status == MOT_OK && nearest)
        status = MOT_FAIL(MOT_ERR_ARGUMENT, "%s: unknown layer %s; did you mean %s?", where,
                          e->word, nearest);
    else if (status == MOT_OK)
        status = MOT_FAIL(MOT_ERR_ARGUMENT, "%s: unknown layer %s; there are %s", where, e->word,
                          all.data);
    mot_text_free(&all);
    free(names);
    return status;
}

/* The word and the values of an entry, without looking at them. */
static mot_status read_entry(const place *p, const mot_yaml *yaml, entry *e)
{
    const char *where = mot_origin_print(&p->origin, yaml);
    const mot_yaml *args = NULL;
    *e = (entry){.yaml = yaml, .word = yaml->text};
    if (yaml->kind == MOT_YAML_LIST || mot_yaml_is_null(yaml) || (!yaml->text && yaml->n == 0))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: expected a layer, e.g. relu, or linear: 128", where);
    if (yaml->kind == MOT_YAML_MAP) {
        const bool repeat = mot_yaml_find(yaml, "repeat") != NULL;
        if (!repeat && yaml->n > 1)
            return MOT_FAIL(MOT_ERR_ARGUMENT,
                            "%s: a layer is one name with its values, %s: {..., %s: ...}", where,
                            yaml->key[0], yaml->key[1]);
        e->word = repeat ? "repeat" : yaml->key[0];
        args = repeat ? yaml : yaml->item[0];
        if (mot_yaml_is_null(args))
            args = NULL;
    } else if (strcmp(yaml->text, "repeat") == 0) {
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: repeat needs a list of layers: {repeat: 4, layers: [...]}", where);
    }
    e->tree = e->args = args;
    return MOT_OK;
}

/* Insert parameters; the layers of a repetition see to theirs themselves. */
static mot_status insert_values(const place *p, entry *e)
{
    if (!p->definition || !e->args || !mot_names_parameter(e->args))
        return MOT_OK;
    if (strcmp(e->word, "repeat") != 0) {
        MOT_TRY(mot_parameters_insert(&p->origin, p->definition, p->values, e->args, &e->own_args));
        e->args = e->own_args;
        return MOT_OK;
    }
    mot_yaml *map, *item;
    mot_status status = MOT_OK;
    MOT_TRY(mot_alloc(1, sizeof *map, &map));
    map->kind = MOT_YAML_MAP;
    map->line = e->args->line;
    for (int i = 0; i < e->args->n; i++) {
        if (strcmp(e->args->key[i], "layers") == 0)
            continue;
        MOT_TRY_GOTO(
            mot_parameters_insert(&p->origin, p->definition, p->values, e->args->item[i], &item));
        MOT_TRY_GOTO(mot_yaml_append(map, e->args->key[i], item));
    }
    e->args = e->own_args = map;
    return MOT_OK;
fail:
    mot_yaml_free(map);
    return status;
}

static mot_status read_word(reader *r, const place *p, scope *s, entry *e, int *at)
{
    const int kind = mot_layer_kind(e->word);
    mot_definition *definition = mot_definition_find(&r->definitions, e->word);
    if (strcmp(e->word, "repeat") == 0)
        return read_repeat(r, p, s, e, at);
    if (definition)
        return read_definition(r, p, s, e, definition, at);
    return kind >= 0 ? read_layer(r, p, s, e, kind, at) : unknown_word(r, p, e);
}

static mot_status read_list(reader *r, const place *p, scope *s, const mot_yaml *list, int *at)
{
    if (list->kind != MOT_YAML_LIST || list->n == 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s: expected %s", mot_origin_print(&p->origin, list),
                        s->outer || p->definition ? "layers" : "model.layers", list_help);
    for (int i = 0; i < list->n; i++) {
        entry e;
        MOT_TRY(read_entry(p, list->item[i], &e));
        MOT_TRY(insert_values(p, &e));
        mot_status status = read_word(r, p, s, &e, at);
        mot_yaml_free(e.own_args);
        MOT_TRY(status);
    }
    return MOT_OK;
}

/* ---- the whole ---- */

/* Every layer must lead to the last one. */
static mot_status check_ends(const reader *r)
{
    const mot_layers *all = r->out;
    bool *used;
    int dead = -1;
    MOT_TRY(mot_alloc((size_t)all->n, sizeof *used, &used));
    used[all->n - 1] = true;
    for (int i = all->n - 1; i >= 0; i--) {
        for (int k = 0; used[i] && k < all->layer[i].n_from; k++)
            if (all->layer[i].from[k] >= 0)
                used[all->layer[i].from[k]] = true;
        dead = used[i] ? dead : i;
    }
    free(used);
    if (dead < 0)
        return MOT_OK;
    const mot_layer *layer = &all->layer[dead];
    mot_origin origin = {r->file, r->path, layer->within};
    return MOT_FAIL(MOT_ERR_ARGUMENT,
                    "%s: layer %s: nothing takes what it gives; name it with `as`, and take it "
                    "with `from` or `add`",
                    mot_origin_print(&origin, layer->yaml), layer->name);
}

void mot_layers_free(mot_layers *layers)
{
    for (int i = 0; i < layers->n; i++) {
        mot_yaml_free(layers->layer[i].own_args);
        free(layers->layer[i].within);
        free(layers->layer[i].from);
    }
    free(layers->layer);
    *layers = (mot_layers){0};
}

static mot_status check_definitions(reader *r, const mot_yaml *define)
{
    mot_layers scratch = {0};
    mot_origin origin = {.name = r->file, .path = r->path};
    MOT_TRY(mot_definitions_read(&origin, define, &r->definitions));
    r->symbolic = true;
    r->out = &scratch;
    mot_status status = MOT_OK;
    for (int i = 0; i < r->definitions.n && status == MOT_OK; i++)
        if (r->definitions.item[i].state == MOT_DEFINITION_NEW) {
            status = check_definition(r, &r->definitions.item[i], 1);
            mot_layers_free(&scratch);
        }
    r->symbolic = false;
    return status;
}

static mot_status read_model(reader *r, const mot_yaml *list, const mot_yaml *define)
{
    place p = {.origin = {.name = r->file, .path = r->path}, .prefix = ""};
    mot_layers *out = r->out;
    int at = INPUT;
    mot_status status = check_definitions(r, define);
    r->out = out;
    if (status != MOT_OK || !list)
        return status;
    MOT_TRY(read_inner(r, &p, NULL, list, &at));
    return check_ends(r);
}

mot_status mot_layers_read(const char *file, const mot_yaml *list, const mot_yaml *define,
                           mot_checkpoints checkpoints, mot_layers *out)
{
    const bool list_set = list && list->line == 0, define_set = define && define->line == 0;
    mot_layers layers = {.path = list_set ? define_set ? "model" : "model.layers" : "model.define"};
    reader r = {.file = file, .path = layers.path, .out = &layers, .checkpoints = checkpoints};
    mot_status status = read_model(&r, list, define);
    free(r.definitions.item);
    if (status != MOT_OK) {
        mot_layers_free(&layers);
        return status;
    }
    *out = layers;
    return MOT_OK;
}

mot_status mot_layers_check(const char *file, const mot_yaml *list, const mot_yaml *define)
{
    mot_layers layers;
    MOT_TRY(mot_layers_read(file, list, define, MOT_CHECKPOINTS_WRITTEN, &layers));
    mot_layers_free(&layers);
    return MOT_OK;
}
