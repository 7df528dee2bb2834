/* flatten.c: a sample of any shape as one row. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

static mot_status build_flatten(mot_builder *builder, const mot_layer *layer)
{
    const mot_shape from = builder->graph->tensor[builder->x].shape;
    if (from.n_dims == 2)
        return MOT_OK;
    mot_shape shape = {2, {MOT_BATCH, mot_shape_elements(&from, 1)}};
    return mot_graph_reshape(builder->graph, builder->x, layer->name, &shape, &builder->x);
}

static const mot_key keys[] = {MOT_LAYER_NAME_KEY};

const mot_layer_type mot_layer_flatten = {
    "flatten",     "flatten",
    NULL,          MOT_LAYER_KEYS(keys),
    build_flatten, "A sample of any shape as one row of numbers, `(B,1,28,28)` to `(B,784)`."};
