/* relu.c: max(x, 0). */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

static mot_status build_relu(mot_builder *builder, const mot_layer *layer)
{
    return mot_graph_append(builder->graph, MOT_OP_relu, layer->name, NULL, &builder->x, 1,
                            &builder->x);
}

static const mot_key keys[] = {MOT_LAYER_NAME_KEY};

const mot_layer_type mot_layer_relu = {"relu",     "relu",      NULL, MOT_LAYER_KEYS(keys),
                                       build_relu, "max(x, 0)."};
