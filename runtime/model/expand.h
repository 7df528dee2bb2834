/* expand.h: the text of a model, with its repetitions and definitions, as one list of layers. */
#ifndef MOT_MODEL_EXPAND_H
#define MOT_MODEL_EXPAND_H

#include "runtime/model/layers.h"

/** Write out model.layers with the definitions of model.define (NULL: none): every layer with its
 *  full name, its values checked, the layers that it takes from, and its checkpointed block.  Names are borrowed from the
 *  trees.  The caller frees *out: mot_layers_free.
 *  Errors: MOT_ERR_ARGUMENT with file and line; inside a definition also where it is used. */
mot_status mot_layers_read(const char *file, const mot_yaml *list, const mot_yaml *define,
                           mot_checkpoints checkpoints, mot_layers *out);
void mot_layers_free(mot_layers *layers);

/** Only check; each may be NULL. */
mot_status mot_layers_check(const char *file, const mot_yaml *list, const mot_yaml *define);

#endif
