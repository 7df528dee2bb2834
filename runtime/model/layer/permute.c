/* permute.c: the dimensions of a sample in another order. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

static mot_status build_permute(mot_builder *builder, const mot_layer *layer)
{
    const int n_dims = builder->graph->tensor[builder->x].shape.n_dims;
    int64_t order[MOT_MAX_DIMS];
    mot_attrs attrs = {0};
    unsigned seen = 1;
    char text[MOT_SHAPE_TEXT];
    int n = mot_layer_ints(layer, "order", order, MOT_MAX_DIMS);
    for (int i = 0; i < n && n == n_dims - 1; i++) {
        attrs.order[i + 1] = (int)order[i];
        seen |= 1u << order[i];
    }
    if (seen != (1u << n_dims) - 1)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s: expected each of the dimensions 1 to %d once, for it gets %s from %s",
                        mot_layer_where(builder, layer), n_dims - 1,
                        mot_layer_input_print(builder, text), builder->from);
    return mot_graph_append(builder->graph, MOT_OP_permute, layer->name, &attrs, &builder->x, 1,
                            &builder->x);
}

static const mot_key keys[] = {
    {"order", MOT_KEY_INTS, NULL, "[1,4]",
     "which dimension comes first, second, ...; `[2, 1]` makes (B,T,C) of (B,C,T)"},
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `permute1`, ..."},
};

const mot_layer_type mot_layer_permute = {
    "permute",     "permute",
    "order",       MOT_LAYER_KEYS(keys),
    build_permute, "The dimensions of a sample in another order; that of the samples, 0, stays."};
