/* define.h: definitions, a list of layers written once with parameters.
 *
 *     define:
 *       residual:
 *         parameters: {out: , stride: 1}     # out has no default
 *         layers:
 *           - linear: $out                   # or ${out}, also within a text
 */
#ifndef MOT_MODEL_DEFINE_H
#define MOT_MODEL_DEFINE_H

#include "runtime/model/keys.h"

typedef struct mot_definition {
    const char *name;
    const mot_yaml *yaml;       /* for its line */
    const mot_yaml *parameters; /* a map from name to default; NULL: none */
    const mot_yaml *layers;
    enum { MOT_DEFINITION_NEW, MOT_DEFINITION_OPEN, MOT_DEFINITION_CHECKED } state;
} mot_definition;

typedef struct mot_definitions {
    mot_definition *item; /* [n], owned; what they point to is borrowed from the tree */
    int n;
} mot_definitions;

/** Read model.define (NULL: none) but for what is in the layers.  *out is freed by the caller with
 *  free(out->item), also after an error.  Errors: MOT_ERR_ARGUMENT with the line. */
mot_status mot_definitions_read(const mot_origin *origin, const mot_yaml *define,
                                mot_definitions *out);
mot_definition *mot_definition_find(const mot_definitions *definitions, const char *name);

/** The keys that every layer has, whatever its kind: name, as, from. */
bool mot_is_layer_word(const char *key);
/** Those, and what repetitions and uses of definitions have beside: checkpoint. */
bool mot_is_block_word(const char *key);
/** Is the repetition or use of a definition with `args` (NULL: none) to be computed again for backward,
 *  by its `checkpoint: true` or by the choice that is made for all?  `symbolic`: a parameter is false. */
mot_status mot_checkpoint_wanted(const mot_origin *origin, const mot_yaml *args, bool symbolic,
                                 mot_checkpoints choice, bool *out);
/** Fail unless `name` can stand in the names of layers, values and definitions. */
mot_status mot_name_check(const mot_origin *origin, const mot_yaml *yaml, const char *name);

/** The value of each parameter for the entry `entry` with `args` (NULL, a map, or the value of the
 *  first parameter): a map, owned by the caller.  `symbolic`: what has no value is left out.
 *  Errors: MOT_ERR_ARGUMENT for a value that there is not, or a parameter without one. */
mot_status mot_definition_values(const mot_origin *origin, const mot_definition *definition,
                                 const mot_yaml *entry, const mot_yaml *args, bool symbolic,
                                 mot_yaml **out);

/** A copy of `yaml`, which stands in the layers of `definition` (NULL: in none), with the values of
 *  its parameters inserted.  `values` NULL: only check that what is named are parameters. */
mot_status mot_parameters_insert(const mot_origin *origin, const mot_definition *definition,
                                 const mot_yaml *values, const mot_yaml *yaml, mot_yaml **out);
/** Is a parameter named in it? */
bool mot_names_parameter(const mot_yaml *yaml);

#endif
