/* layers.h: the kinds of layer that a model text may name, and building them.  The kinds are the
 * files of runtime/model/layer/; layer/list.h lists them.
 *
 * A layer is written as its name (`relu`), as its name with its main value (`linear: 128`), or with
 * a map of values (`linear: {out: 128, bias: false}`).
 */
#ifndef MOT_MODEL_LAYERS_H
#define MOT_MODEL_LAYERS_H

#include "runtime/graph/graph.h"
#include "runtime/model/keys.h"
#include "runtime/model/layer/list.h"

/** The model under construction. */
typedef struct mot_builder {
    mot_graph *graph;
    const char *file; /* for messages */
    const char *init; /* model.init */
    int x;            /* tensor: the output of the layers so far */
    const char *from; /* name of the layer that made it */
    char **name;      /* [n_names] of all layers */
    int n_names;
    uint32_t n_dropouts;
} mot_builder;

typedef struct mot_layer {
    const struct mot_layer_type *type;
    int kind;             /* its number in mot_layer_types */
    const mot_yaml *yaml; /* the entry, for its line */
    const mot_yaml *args; /* scalar, map or NULL */
    char name[64];
} mot_layer;

typedef struct mot_layer_type {
    const char *name, *prefix; /* default names are prefix + number, from 1 */
    const char *main;          /* the key that `name: value` sets; NULL: none */
    const mot_key *key;        /* [n_keys] */
    int n_keys;
    mot_status (*build)(mot_builder *builder, const mot_layer *layer);
    const char *meaning; /* for the document */
} mot_layer_type;

/** All kinds, in the order of the list. */
extern const mot_layer_type *const mot_layer_types[];
extern const int mot_n_layer_types;
#define MOT_LAYER_DECLARE(name) extern const mot_layer_type mot_layer_##name;
MOT_LAYERS(MOT_LAYER_DECLARE)
#undef MOT_LAYER_DECLARE

/** Check a list of layers as far as text alone allows.  Errors: MOT_ERR_ARGUMENT with line. */
mot_status mot_layers_check(const mot_origin *origin, const mot_yaml *list);
/** Append the layers of a checked list to builder->graph.  Errors name line and layers. */
mot_status mot_layers_build(mot_builder *builder, const mot_yaml *list);
/** "mnist.yaml:12: layer fc1" for messages; valid until the next call of this thread. */
const char *mot_layer_where(const mot_builder *builder, const mot_layer *layer);

/** Value of a key of a layer; its default, or NULL, when it is not given. */
const char *mot_layer_text(const mot_layer *layer, const char *key);
/** The shape that the layer under construction gets, "(B,784)", for messages. */
const char *mot_layer_input_print(const mot_builder *builder, char text[MOT_SHAPE_TEXT]);

/** For the tables of the kinds: the key that each has, and both fields of the table. */
#define MOT_LAYER_NAME_KEY                                                                         \
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of the kind and a number"}
#define MOT_LAYER_KEYS(table) .key = (table), .n_keys = sizeof(table) / sizeof *(table)

#endif
