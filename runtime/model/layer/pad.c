/* pad.c: zeros around a sample. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

#include <inttypes.h>
#include <stdlib.h>

static mot_status build_pad(mot_builder *builder, const mot_layer *layer)
{
    const mot_shape *x = &builder->graph->tensor[builder->x].shape;
    const int64_t before = strtoll(mot_layer_text(layer, "before"), NULL, 10);
    const int64_t after = strtoll(mot_layer_text(layer, "after"), NULL, 10);
    int64_t dims[MOT_MAX_DIMS] = {0};
    const int n = mot_layer_ints(layer, "dim", dims, MOT_MAX_DIMS);
    mot_attrs attrs = {0};
    char text[MOT_SHAPE_TEXT];
    for (int i = 1; i < x->n_dims; i++) {
        attrs.step[i] = 1;
        attrs.size[i] = x->dim[i];
    }
    for (int i = 0; i < n && i < MOT_MAX_DIMS; i++) {
        if (dims[i] >= x->n_dims)
            return MOT_FAIL(MOT_ERR_SHAPE, "%s: there is no dimension %" PRId64 " in %s, from %s",
                            mot_layer_where(builder, layer), dims[i],
                            mot_layer_input_print(builder, text), builder->from);
        attrs.start[dims[i]] = before;
        attrs.size[dims[i]] = x->dim[dims[i]] + before + after;
    }
    return mot_graph_append(builder->graph, MOT_OP_pad, layer->name, &attrs, &builder->x, 1,
                            &builder->x);
}

static const mot_key keys[] = {
    {"dim", MOT_KEY_INTS, NULL, "[1,4]", "the dimension that grows, or a list: all grow alike"},
    {"before", MOT_KEY_INT, "0", "[0,16777216]", "zeros in front"},
    {"after", MOT_KEY_INT, "0", "[0,16777216]", "zeros behind"},
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `pad1`, ..."},
};

const mot_layer_type mot_layer_pad = {
    "pad",
    "pad",
    "dim",
    MOT_LAYER_KEYS(keys),
    build_pad,
    "Zeros in front of a sample's elements and behind: `pad: {dim: 1, after: 16}` adds "
    "16 channels."};
