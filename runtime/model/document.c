/* document.c: what the table of keys says, as a resolved configuration and as doc/config.md. */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/model/config.h"

#include "runtime/model/keys.h"
#include "runtime/model/layers.h"

#include <string.h>

/* ---- the resolved configuration ---- */

/* Lines for the blocks in which `path` is and `last` was not; returns the number of blocks. */
static mot_status print_blocks(const char *last, const char *path, mot_text *text, int *depth)
{
    bool same = true;
    *depth = 0;
    for (const char *word = path, *dot; (dot = strchr(word, '.')); word = dot + 1) {
        same = same && strncmp(last, path, (size_t)(dot - path) + 1) == 0;
        if (!same)
            MOT_TRY(mot_text_add(text, "%*s%.*s:\n", 2 * *depth, "", (int)(dot - word), word));
        (*depth)++;
    }
    return MOT_OK;
}

/* One layer a line, `- linear: 128`. */
static mot_status print_layers(const mot_yaml *list, mot_text *text)
{
    for (int i = 0; i < list->n; i++) {
        const mot_yaml *layer = list->item[i];
        MOT_TRY(mot_text_add(text, "\n    - "));
        if (layer->kind == MOT_YAML_MAP && layer->n == 1) {
            MOT_TRY(mot_text_add(text, "%s: ", layer->key[0]));
            layer = layer->item[0];
        }
        if (mot_yaml_is_null(layer))
            MOT_TRY(mot_text_add(text, "{}"));
        else
            MOT_TRY(mot_yaml_print(layer, text));
    }
    return MOT_OK;
}

/* One definition a line. */
static mot_status print_definitions(const mot_yaml *map, mot_text *text)
{
    if (mot_yaml_is_null(map) || map->n == 0)
        return mot_text_add(text, " {}");
    for (int i = 0; i < map->n; i++) {
        MOT_TRY(mot_text_add(text, "\n    %s: ", map->key[i]));
        MOT_TRY(mot_yaml_print(map->item[i], text));
    }
    return MOT_OK;
}

static mot_status print_key(const mot_config *config, const mot_key *key, mot_text *text)
{
    const mot_yaml *yaml = mot_config_get_yaml(config, key->path);
    MOT_TRY(mot_text_add(text, "%s:", strrchr(key->path, '.') + 1));
    if (yaml && key->type == MOT_KEY_LAYERS) {
        MOT_TRY(print_layers(yaml, text));
    } else if (yaml && key->type == MOT_KEY_DEFINITIONS) {
        MOT_TRY(print_definitions(yaml, text));
    } else {
        MOT_TRY(mot_text_add(text, " "));
        if (yaml)
            MOT_TRY(mot_yaml_print(yaml, text));
        else
            MOT_TRY(mot_text_add(text, "%s", key->value));
    }
    return mot_text_add(text, "\n");
}

static mot_status print_config(const mot_config *config, mot_text *text)
{
    const char *last = "";
    for (int i = 0; i < mot_config_n_keys; i++) {
        const mot_key *key = &mot_config_keys[i];
        int depth;
        if (!key->value && !mot_config_is_set(config, key->path))
            continue;
        MOT_TRY(print_blocks(last, key->path, text, &depth));
        MOT_TRY(mot_text_add(text, "%*s", 2 * depth, ""));
        MOT_TRY(print_key(config, key, text));
        last = key->path;
    }
    return MOT_OK;
}

mot_status mot_config_print(const mot_config *config, char **out)
{
    mot_text text = {0};
    mot_status status = print_config(config, &text);
    if (status != MOT_OK) {
        mot_text_free(&text);
        return status;
    }
    *out = text.data;
    return MOT_OK;
}

/* ---- doc/config.md ---- */

static const char head[] =
    "# Configuration\n\n"
    "<!-- Made from the tables in runtime/model/ (config_keys.c, layer/); do not edit. "
    "-->\n\n"
    "A configuration is a YAML file with three blocks, `data`, `model` and `train`. Every key has "
    "a\n"
    "path, such as `train.optimizer.lr`; `--set train.optimizer.lr=0.1` overrides it (the value is "
    "YAML,\nso lists work: `--set 'data.normalize=[0.13, 0.31]'`). A value that a block is set to "
    "replaces the\nwhole block. What is left out has its default. Aliases, anchors, tags and "
    "second "
    "documents of YAML\nare not taken.\n";

static const char *type_name(mot_key_type type)
{
    switch (type) {
    case MOT_KEY_INT:
        return "whole number";
    case MOT_KEY_FLOAT:
        return "number";
    case MOT_KEY_BOOL:
        return "true or false";
    case MOT_KEY_TEXT:
        return "text";
    case MOT_KEY_CHOICE:
        return "";
    case MOT_KEY_INTS:
        return "whole numbers";
    case MOT_KEY_FLOATS:
        return "numbers";
    case MOT_KEY_NORMALIZE:
        return "two numbers or two lists";
    case MOT_KEY_TEXTS:
        return "list of texts";
    case MOT_KEY_PAIR:
        return "whole number, or [down, across]";
    case MOT_KEY_PADDING:
        return "`same`, whole number, or [down, across]";
    case MOT_KEY_SHARES:
        return "or a list";
    case MOT_KEY_AUTO:
        return "`auto`, or a number";
    case MOT_KEY_LAYERS:
        return "list of layers";
    case MOT_KEY_GROUPS:
        return "list of groups";
    case MOT_KEY_DEFINITIONS:
        return "definitions";
    }
    return "";
}

/* "`sgd`, `adam`", "whole number in [1,10]". */
static mot_status document_values(const mot_key *key, mot_text *text)
{
    bool words = key->type == MOT_KEY_CHOICE || key->type == MOT_KEY_SHARES;
    if (!words && key->range)
        return mot_text_add(text, "%s in %s", type_name(key->type), key->range);
    for (const char *word = words ? key->range : "", *end; *word; word = end + (*end == '|')) {
        end = word + strcspn(word, "|");
        MOT_TRY(mot_text_add(text, "%s`%.*s`", word == key->range ? "" : ", ", (int)(end - word),
                             word));
    }
    return mot_text_add(text, "%s%s", words ? " " : "", type_name(key->type));
}

static mot_status document_key(const mot_key *key, mot_text *text)
{
    MOT_TRY(mot_text_add(text, "| `%s` | ", key->path));
    MOT_TRY(document_values(key, text));
    if (key->value)
        MOT_TRY(mot_text_add(text, " | `%s`", key->value));
    else
        MOT_TRY(mot_text_add(text, " | "));
    return mot_text_add(text, " | %s |\n", key->meaning);
}

static mot_status document_keys(mot_text *text)
{
    const char *last = "";
    for (int i = 0; i < mot_config_n_keys; i++) {
        const char *path = mot_config_keys[i].path;
        int block = (int)strcspn(path, ".");
        if (strncmp(last, path, (size_t)block + 1) != 0)
            MOT_TRY(mot_text_add(text,
                                 "\n## %.*s\n\n| key | values | default | meaning |\n"
                                 "| --- | --- | --- | --- |\n",
                                 block, path));
        MOT_TRY(document_key(&mot_config_keys[i], text));
        last = path;
    }
    return MOT_OK;
}

static const char branches[] =
    "A layer takes what the one before it gives, unless it has `from: NAME`. The output of a layer "
    "is\nnamed by `as: NAME`; `input` is what enters the list. `add` and `concat` take several "
    "values: a list\nof names, or one name for the output before and that.\n\n"
    "```yaml\n"
    "  layers:\n"
    "    - flatten\n"
    "    - linear: {out: 64, as: wide}\n"
    "    - relu\n"
    "    - linear: 64\n"
    "    - add: wide                # the output before, and `wide`\n"
    "    - linear: 10\n"
    "```\n\n"
    "`repeat: N` with a list of layers stands for the list N times, one behind the other. Its "
    "layers are\ncalled `block1.fc1`, `block1.relu1`, ..., `block2.fc1`, ...; with `name: stage`, "
    "`stage1.fc1`; a list of a\nsingle layer goes on counting, `residual1`, `residual2`. Names of "
    "values given outside hold within, not\nthe other way round.\n\n"
    "```yaml\n"
    "    - repeat: 4\n"
    "      layers: [{linear: 64}, relu, add: input]\n"
    "```\n\n"
    "`model.define` holds lists of layers that are written once and used like a kind of layer. "
    "Each has\n`layers` and, if it is to have any, `parameters` with their defaults; one without "
    "a default must be\ngiven. `$out` or `${out}` in a value of its layers is the parameter `out`. "
    "The first parameter is the\nmain value, so that `residual: 64` is `residual: {out: 64}`; "
    "`name`, `as` and `from` go with it as with\nany layer. Its layers are called "
    "`residual1.fc1`, ...\n\n"
    "```yaml\n"
    "model:\n"
    "  define:\n"
    "    residual:\n"
    "      parameters: {out: , dropout: 0.1}    # `out` has no default\n"
    "      layers:\n"
    "        - linear: $out\n"
    "        - relu\n"
    "        - dropout: $dropout\n"
    "        - add: input\n"
    "  layers:\n"
    "    - flatten\n"
    "    - linear: 64\n"
    "    - repeat: 3\n"
    "      layers: [residual: 64]\n"
    "    - linear: 10\n"
    "```\n\n"
    "With `checkpoint: true` a repetition (each time for itself) or a use of a definition keeps\n"
    "no values for backward but what leaves it, and is computed again when backward comes to it,\n"
    "but for what leaves it: less memory, the same bits (with `train.storage: float32`), at most\n"
    "the time of forward more. Blocks within it belong to it; `repeat: 1` makes a block of any\n"
    "list. It pays for blocks that are wide inside and narrow outside.\n\n"
    "```yaml\n"
    "    - repeat: 12\n"
    "      checkpoint: true\n"
    "      layers: [{residual: {out: 64}}]\n"
    "```\n\n"
    "`motley model CONFIG` prints what becomes of it: names, shapes, parameters, memory.\n";

static mot_status document_layers(mot_text *text)
{
    MOT_TRY(mot_text_add(
        text, "\n## Layers\n\n"
              "An entry of `model.layers` is a name (`relu`), a name with its main value "
              "(`linear: 128`), or a\nname with several (`linear: {out: 128, bias: false}`).\n\n"));
    MOT_TRY(mot_text_add(text, "%s", branches));
    for (int i = 0; i < mot_n_layer_types; i++) {
        const mot_layer_type *type = mot_layer_types[i];
        MOT_TRY(mot_text_add(text, "\n### %s\n\n%s\n\n", type->name, type->meaning));
        MOT_TRY(mot_text_add(text, "| value | values | default | meaning |\n"
                                   "| --- | --- | --- | --- |\n"));
        for (int k = 0; k < type->n_keys; k++)
            MOT_TRY(document_key(&type->key[k], text));
    }
    return MOT_OK;
}

mot_status mot_config_document(char **out)
{
    mot_text text = {0};
    mot_status status = mot_text_add(&text, "%s", head);
    if (status == MOT_OK)
        status = document_keys(&text);
    if (status == MOT_OK)
        status = document_layers(&text);
    if (status != MOT_OK) {
        mot_text_free(&text);
        return status;
    }
    *out = text.data;
    return MOT_OK;
}
