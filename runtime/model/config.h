/* config.h: a configuration's blocks data, model and train, read from YAML and --set, checked
 * against one table of known keys (config_keys.c), from which doc/config.md and the defaults come.
 *
 * Files of this folder include the build's config.h as <config.h>: quotes would find this one.
 */
#ifndef MOT_MODEL_CONFIG_H
#define MOT_MODEL_CONFIG_H

#include "runtime/base/status.h"
#include "runtime/graph/graph.h"

/* A node of the configuration tree (YAML), with its line for messages. */
typedef enum { MOT_YAML_SCALAR, MOT_YAML_LIST, MOT_YAML_MAP } mot_yaml_kind;
typedef struct mot_yaml {
    mot_yaml_kind kind;
    int line;   /* 0: from mot_config_set */
    char *text; /* scalar */
    bool quoted;
    char **key;             /* map: [n] */
    struct mot_yaml **item; /* list, map: [n] */
    int n;
} mot_yaml;

/** Values by path, e.g. mot_config_get_int(config, "train.epochs", &n).  Types and ranges were
 *  checked when the values came in; an unset key gives its default.  Errors: MOT_ERR_ARGUMENT for a
 *  key that is not in the table, or is unset and has no default. */
mot_status mot_config_get_int(const mot_config *config, const char *path, int64_t *out);
mot_status mot_config_get_float(const mot_config *config, const char *path, double *out);
/** The same for a key that may be `auto`, which stands for `automatic`. */
mot_status mot_config_get_auto(const mot_config *config, const char *path, double automatic,
                               double *out);
mot_status mot_config_get_bool(const mot_config *config, const char *path, bool *out);
/** Borrowed until the configuration changes; NULL for an unset key without default.  For a key that
 *  takes a word or a list (train.shares), "list" means a list: mot_config_get_floats reads it. */
mot_status mot_config_get_text(const mot_config *config, const char *path, const char **out);
/** A list of numbers (or one number): *out is freed by the caller; n = 0 (and NULL) when unset.
 *  Lists in the list are joined: data.normalize [[m1,m2],[s1,s2]] gives means, then deviations. */
mot_status mot_config_get_floats(const mot_config *config, const char *path, double **out, int *n);
/** A list of texts (or one text), borrowed until the configuration changes: *out itself is freed by
 *  the caller with free(), its entries are not. */
mot_status mot_config_get_texts(const mot_config *config, const char *path, const char ***out,
                                int *n);
/** The value as it stands in the tree, e.g. model.layers; NULL when unset. */
const mot_yaml *mot_config_get_yaml(const mot_config *config, const char *path);
/** The name that mot_config_read or mot_config_parse was given; borrowed. */
const char *mot_config_name(const mot_config *config);
bool mot_config_is_set(const mot_config *config, const char *path);
/** "file.yaml:12" (or "--set train.lr") for messages about the value at `path`; valid until the
 *  next call of this thread. */
const char *mot_config_where(const mot_config *config, const char *path);
mot_status mot_config_copy(const mot_config *config, mot_config **out);
/** The known keys as a Markdown table: path, type, default, meaning.  Freed by the caller. */
mot_status mot_config_document(char **out);

/** What the data set tells the model. */
typedef struct mot_sample_spec {
    mot_shape input;       /* with MOT_BATCH in front: (B,1,28,28), (B,11) */
    mot_dtype input_dtype; /* of the raw samples: u8 pixels (0..255) or f32; tokens: u8, i32 */
    bool regression;       /* targets are floats, n_targets of them; else classes */
    int64_t n_classes;     /* or n_targets */
    bool tokens;           /* raw samples (B,T) are numbers of tokens, with a label each: (B,T) */
    /* Normalization: y = raw * scale[c] + shift[c], channels c = groups of `group` elements. */
    const float *scale, *shift; /* [n_channels]; NULL: 1 and 0 (u8: 1/255 and 0) */
    int64_t n_channels, group;
} mot_sample_spec;

/** A layer of a model, repetitions and definitions written out. */
typedef struct mot_model_layer {
    char *name;
    const char *kind;
    mot_shape shape; /* of its output */
    int64_t parameters;
    double flops, multiply_adds; /* forward, one sample; these of matrix products, two flops each */
    int *from;                   /* [n_from] layers whose outputs it takes; -1: the input */
    int n_from;
} mot_model_layer;

typedef struct mot_model {
    mot_graph *graph; /* sealed */
    mot_shape input;
    mot_model_layer *layer; /* [n_layers] */
    int n_layers;
    int n_checkpoints; /* blocks that are computed again */
} mot_model;

/** Which blocks of layers are computed again for backward. */
typedef enum {
    MOT_CHECKPOINTS_WRITTEN, /* those of which the text says so */
    MOT_CHECKPOINTS_NONE,
    MOT_CHECKPOINTS_ALL, /* every repetition and definition that is in no other */
} mot_checkpoints;

/** As mot_model_build, with what is known of each layer, and with a choice of checkpoints.  Freed by
 *  mot_model_free. */
mot_status mot_model_open(const mot_config *config, const mot_sample_spec *spec,
                          mot_checkpoints checkpoints, mot_model **out);
void mot_model_free(mot_model *model);

/** Build the sealed graph of the configuration's model for such samples: ingest, layers, loss,
 *  backward, update.  Errors name file:line and layer. */
mot_status mot_model_build(const mot_config *config, const mot_sample_spec *spec, mot_graph **out);

#endif
