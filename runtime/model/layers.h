/* layers.h: the kinds of layer that a model text may name, and building them.  The kinds are the
 * files of runtime/model/layer/; layer/list.h lists them.
 *
 * A layer is written as its name (`relu`), as its name with its main value (`linear: 128`), or with
 * a map of values (`linear: {out: 128, bias: false}`).  Beside those of its kind it may have `name`,
 * `as` (what later layers call its output) and `from` (what it takes instead of the output before).
 * A kind whose main value is `from` takes several values: `add: [a, b]`, or `add: a` for the output
 * before and a.
 */
#ifndef MOT_MODEL_LAYERS_H
#define MOT_MODEL_LAYERS_H

#include "runtime/graph/graph.h"
#include "runtime/model/keys.h"
#include "runtime/model/layer/list.h"

enum { MOT_LAYER_NAME = 80, MOT_LAYER_NAME_MOST = 78 }; /* a dot goes behind it, and ".weight" */

/** The model under construction. */
typedef struct mot_builder {
    mot_graph *graph;
    const char *file; /* for messages */
    const char *path; /* see mot_layers */
    const char *init; /* model.init */
    int x;            /* tensor: what the layer takes (the first of several), then what it gives */
    const int *in;    /* [n_in] tensors: all that it takes */
    int n_in;
    const char *from; /* name of the layer that made x */
    uint32_t n_dropouts;
} mot_builder;

/** A layer of the model, with repetitions and definitions written out. */
typedef struct mot_layer {
    const struct mot_layer_type *type;
    const mot_yaml *yaml;      /* the entry, for its line */
    const mot_yaml *args;      /* scalar, list, map or NULL */
    mot_yaml *own_args;        /* args with parameters inserted; NULL: args are the tree's */
    char name[MOT_LAYER_NAME]; /* "residual1.fc2" */
    char *within;              /* of the definition's use, for messages; NULL */
    int *from;                 /* [n_from] layers whose outputs it takes; -1: the model's input */
    int n_from;
    int checkpoint; /* the block that is computed again for backward; 0: none */
    /* When it is built: its output, and where its nodes and parameters begin in the graph. */
    int tensor, first_node, first_parameter;
} mot_layer;

typedef struct mot_layers {
    mot_layer *layer; /* [n] each takes from earlier ones */
    int n;
    size_t capacity;
    int n_checkpoints; /* numbers of blocks that are computed again, from 1 */
    const char *path;  /* how messages call a text that came by --set */
} mot_layers;

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

/** The number of a kind, or -1. */
int mot_layer_kind(const char *name);
/** Does the kind take several values? */
bool mot_layer_joins(const mot_layer_type *type);
/** Check the values of a layer as far as text alone allows; `symbolic`: but for those that name
 *  parameters.  Errors: MOT_ERR_ARGUMENT with line. */
mot_status mot_layer_check(const mot_origin *origin, const mot_layer *layer, bool symbolic);
/** Append the layers to builder->graph, whose x is the model's input.  Errors name line and layer. */
mot_status mot_layers_build(mot_builder *builder, mot_layers *layers);

/* ---- for the build functions ---- */

/** "mnist.yaml:12: layer fc1" for messages; valid until the next call of this thread. */
const char *mot_layer_where(const mot_builder *builder, const mot_layer *layer);
/** Value of a key of a layer as text; its default, or NULL, when it is not given. */
const char *mot_layer_text(const mot_layer *layer, const char *key);
/** The value as it stands in the tree, for lists; NULL when it is not given. */
const mot_yaml *mot_layer_value(const mot_layer *layer, const char *key);
/** Numbers of a key, one or a list of them: up to `most` into out[]; how many are there. */
int mot_layer_ints(const mot_layer *layer, const char *key, int64_t *out, int most);
/** The shape that the layer under construction gets, "(B,784)", for messages. */
const char *mot_layer_input_print(const mot_builder *builder, char text[MOT_SHAPE_TEXT]);

/** For the tables of the kinds: the key that each has, and both fields of the table. */
#define MOT_LAYER_NAME_KEY                                                                         \
    {                                                                                              \
        "name", MOT_KEY_TEXT, NULL, NULL, "instead of the kind and a number"                       \
    }
#define MOT_LAYER_KEYS(table) .key = (table), .n_keys = sizeof(table) / sizeof *(table)

#endif
