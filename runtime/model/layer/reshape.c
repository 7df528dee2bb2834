/* reshape.c: the same numbers of a sample under another shape. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

#include <inttypes.h>

static mot_status does_not_fit(const mot_builder *builder, const mot_layer *layer)
{
    const mot_shape *x = &builder->graph->tensor[builder->x].shape;
    char text[MOT_SHAPE_TEXT];
    return MOT_FAIL(MOT_ERR_SHAPE,
                    "%s does not fit the %" PRId64 " numbers of a sample, %s, from %s",
                    mot_layer_where(builder, layer), mot_shape_elements(x, 1),
                    mot_layer_input_print(builder, text), builder->from);
}

static mot_status build_reshape(mot_builder *builder, const mot_layer *layer)
{
    int64_t dims[MOT_MAX_DIMS], known = 1;
    int n = mot_layer_ints(layer, "shape", dims, MOT_MAX_DIMS), open = -1;
    if (n < 1 || n > MOT_MAX_DIMS - 1)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s: a sample has 1 to %d dimensions, not %d",
                        mot_layer_where(builder, layer), MOT_MAX_DIMS - 1, n);
    mot_shape shape = {.n_dims = n + 1, .dim = {MOT_BATCH}};
    for (int i = 0; i < n; i++) {
        if (dims[i] == 0 || (dims[i] < 0 && open >= 0))
            return MOT_FAIL(MOT_ERR_SHAPE, "%s: expected sizes from 1 on; one may be -1, the rest",
                            mot_layer_where(builder, layer));
        if (dims[i] < 0)
            open = i;
        else if (__builtin_mul_overflow(known, dims[i], &known))
            return does_not_fit(builder, layer);
        shape.dim[i + 1] = dims[i];
    }
    int64_t elements = mot_shape_elements(&builder->graph->tensor[builder->x].shape, 1);
    if (open >= 0)
        shape.dim[open + 1] = elements / known;
    if (elements % known != 0 || mot_shape_elements(&shape, 1) != elements)
        return does_not_fit(builder, layer);
    return mot_graph_reshape(builder->graph, builder->x, layer->name, &shape, &builder->x);
}

static const mot_key keys[] = {
    {"shape", MOT_KEY_INTS, NULL, "[-1,1099511627776]",
     "shape of a sample, `[16, 49]`; one size may be -1: what is left"},
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `reshape1`, ..."},
};

const mot_layer_type mot_layer_reshape = {
    "reshape",     "reshape",
    "shape",       MOT_LAYER_KEYS(keys),
    build_reshape, "The numbers of a sample under another shape; they stay where they are."};
