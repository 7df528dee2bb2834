/* sum.c: sums and means over dimensions of a sample. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

/* Which dimensions, as bits. */
static mot_status read_dims(const mot_builder *builder, const mot_layer *layer, unsigned *out)
{
    const int n_dims = builder->graph->tensor[builder->x].shape.n_dims;
    int64_t dims[MOT_MAX_DIMS] = {0};
    const int n = mot_layer_ints(layer, "dim", dims, MOT_MAX_DIMS);
    char text[MOT_SHAPE_TEXT];
    *out = 0;
    for (int i = 0; i < n && i < MOT_MAX_DIMS; i++) {
        if (dims[i] >= n_dims || *out >> dims[i] & 1)
            return MOT_FAIL(MOT_ERR_SHAPE,
                            "%s: expected some of the dimensions 1 to %d, for it gets %s from %s",
                            mot_layer_where(builder, layer), n_dims - 1,
                            mot_layer_input_print(builder, text), builder->from);
        *out |= 1u << dims[i];
    }
    return MOT_OK;
}

/* Dimensions that are side by side go at once, the last ones first, so that numbers stay right. */
static mot_status build_over(mot_builder *builder, const mot_layer *layer, bool mean)
{
    unsigned over;
    MOT_TRY(read_dims(builder, layer, &over));
    for (int last = MOT_MAX_DIMS - 1; last > 0; last--) {
        const mot_shape *x = &builder->graph->tensor[builder->x].shape;
        mot_attrs attrs = {.factor = 1, .axis = last};
        int64_t n = 1;
        if (!(over >> last & 1))
            continue;
        n = x->dim[last];
        for (attrs.n_axes = 1; over >> (attrs.axis - 1) & 1; attrs.n_axes++)
            n *= x->dim[--attrs.axis];
        if (mean)
            attrs.factor = 1.0f / (float)n;
        MOT_TRY(mot_graph_append(builder->graph, MOT_OP_sum, layer->name, &attrs, &builder->x, 1,
                                 &builder->x));
        last = attrs.axis;
    }
    return MOT_OK;
}

static mot_status build_sum(mot_builder *builder, const mot_layer *layer)
{
    return build_over(builder, layer, false);
}

static mot_status build_mean(mot_builder *builder, const mot_layer *layer)
{
    return build_over(builder, layer, true);
}

static const mot_key sum_keys[] = {
    {"dim", MOT_KEY_INTS, NULL, "[1,4]", "the dimension, or a list of them, that goes"},
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `sum1`, ..."},
};

const mot_layer_type mot_layer_sum = {
    "sum", "sum", "dim", MOT_LAYER_KEYS(sum_keys), build_sum, "The sum over dimensions."};

static const mot_key mean_keys[] = {
    {"dim", MOT_KEY_INTS, NULL, "[1,4]", "the dimension, or a list of them, that goes"},
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `mean1`, ..."},
};

const mot_layer_type mot_layer_mean = {
    "mean",     "mean",
    "dim",      MOT_LAYER_KEYS(mean_keys),
    build_mean, "The mean over dimensions: `mean: [2, 3]` makes (B,C) of (B,C,H,W)."};
