/* layers.h: the kinds of layer that a model text may name, and building them; layers.c has the
 * table.
 *
 * A layer is written as its name (`relu`), as its name with its main value (`linear: 128`), or with
 * a map of values (`linear: {out: 128, bias: false}`).
 */
#ifndef MOT_MODEL_LAYERS_H
#define MOT_MODEL_LAYERS_H

#include "runtime/graph/graph.h"
#include "runtime/model/keys.h"

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

extern const mot_layer_type mot_layer_types[];
extern const int mot_n_layer_types;

/** Check a list of layers as far as text alone allows.  Errors: MOT_ERR_ARGUMENT with line. */
mot_status mot_layers_check(const mot_origin *origin, const mot_yaml *list);
/** Append the layers of a checked list to builder->graph.  Errors name line and layers. */
mot_status mot_layers_build(mot_builder *builder, const mot_yaml *list);
/** "mnist.yaml:12: layer fc1" for messages; valid until the next call of this thread. */
const char *mot_layer_where(const mot_builder *builder, const mot_layer *layer);

/** Value of a key of a layer; its default, or NULL, when it is not given. */
const char *mot_layer_text(const mot_layer *layer, const char *key);

#endif
