/* norm.c: layer_norm, rms_norm and group_norm; names and defaults as PyTorch's.  They start with
 * weights of 1 and biases of 0, whatever model.init says. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The operator with parameters of `shape`, where the layer has them. */
static mot_status append(mot_builder *builder, const mot_layer *layer, mot_norm norm, int64_t group,
                         const mot_shape *shape, bool weight, bool bias)
{
    mot_attrs attrs = {.norm = norm, .group = group};
    int in[3] = {builder->x, -1, -1}, out[2];
    char name[96];
    MOT_TRY(mot_parse_float("eps", mot_layer_text(layer, "eps"), &attrs.eps));
    snprintf(name, sizeof name, "%s.weight", layer->name);
    if (weight)
        MOT_TRY(
            mot_graph_parameter(builder->graph, name, shape, (mot_init){MOT_INIT_ONE, 0}, &in[1]));
    snprintf(name, sizeof name, "%s.bias", layer->name);
    if (weight && bias)
        MOT_TRY(
            mot_graph_parameter(builder->graph, name, shape, (mot_init){MOT_INIT_ZERO, 0}, &in[2]));
    MOT_TRY(mot_graph_append(builder->graph, MOT_OP_norm, layer->name, &attrs, in, 3, out));
    builder->x = out[0];
    return MOT_OK;
}

static bool is_set(const mot_layer *layer, const char *key)
{
    bool value = true;
    mot_text_is_bool(mot_layer_text(layer, key), &value);
    return value;
}

/* Over the last `dims` dimensions. */
static mot_status build_last(mot_builder *builder, const mot_layer *layer, mot_norm norm, bool bias)
{
    const mot_shape x = builder->graph->tensor[builder->x].shape;
    const int dims = (int)strtol(mot_layer_text(layer, "dims"), NULL, 10);
    mot_shape last = {.n_dims = dims};
    char text[MOT_SHAPE_TEXT];
    if (dims >= x.n_dims)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s normalizes the last %d dimensions of a sample, but gets %s from %s",
                        mot_layer_where(builder, layer), dims, mot_layer_input_print(builder, text),
                        builder->from);
    for (int i = 0; i < dims; i++)
        last.dim[i] = x.dim[x.n_dims - dims + i];
    return append(builder, layer, norm, mot_shape_elements(&last, 1), &last,
                  is_set(layer, "elementwise_affine"), bias);
}

static mot_status build_layer_norm(mot_builder *builder, const mot_layer *layer)
{
    return build_last(builder, layer, MOT_NORM_LAYER, is_set(layer, "bias"));
}

static mot_status build_rms_norm(mot_builder *builder, const mot_layer *layer)
{
    return build_last(builder, layer, MOT_NORM_RMS, false);
}

static mot_status build_group_norm(mot_builder *builder, const mot_layer *layer)
{
    const mot_shape x = builder->graph->tensor[builder->x].shape;
    const int64_t groups = strtoll(mot_layer_text(layer, "groups"), NULL, 10);
    const int64_t n_channels = x.n_dims > 1 ? x.dim[1] : 0;
    char text[MOT_SHAPE_TEXT];
    if (n_channels == 0 || n_channels % groups != 0)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s has %" PRId64 " groups, which do not divide the channels of %s from %s",
                        mot_layer_where(builder, layer), groups,
                        mot_layer_input_print(builder, text), builder->from);
    return append(builder, layer, MOT_NORM_GROUP, mot_shape_elements(&x, 1) / groups,
                  &(mot_shape){1, {n_channels}}, is_set(layer, "affine"), true);
}

#define DIMS_KEY                                                                                   \
    {                                                                                              \
        "dims", MOT_KEY_INT, "1", "[1,4]",                                                         \
            "how many of the last dimensions are normalized together"                              \
    }
#define EPS_MEANING "added to the variance, keeps the division finite"

static const mot_key layer_norm_keys[] = {
    DIMS_KEY,
    {"eps", MOT_KEY_FLOAT, "1e-5", "(0,1]", EPS_MEANING},
    {"elementwise_affine", MOT_KEY_BOOL, "true", NULL, "with a weight and a bias"},
    {"bias", MOT_KEY_BOOL, "true", NULL, "with a bias beside the weight"},
    MOT_LAYER_NAME_KEY,
};
static const mot_key rms_norm_keys[] = {
    DIMS_KEY,
    {"eps", MOT_KEY_FLOAT, "1.1920929e-7", "(0,1]",
     "added to the mean square, keeps the division finite"},
    {"elementwise_affine", MOT_KEY_BOOL, "true", NULL, "with a weight"},
    MOT_LAYER_NAME_KEY,
};
static const mot_key group_norm_keys[] = {
    {"groups", MOT_KEY_INT, NULL, "[1,16777216]", "number of groups"},
    {"eps", MOT_KEY_FLOAT, "1e-5", "(0,1]", EPS_MEANING},
    {"affine", MOT_KEY_BOOL, "true", NULL, "with a weight and a bias for each channel"},
    MOT_LAYER_NAME_KEY,
};

const mot_layer_type mot_layer_layer_norm = {
    "layer_norm",
    "layer_norm",
    "dims",
    MOT_LAYER_KEYS(layer_norm_keys),
    build_layer_norm,
    "Mean 0 and deviation 1 over the last dimension of a sample, or the last few, "
    "then times a weight plus a bias, one for each element; parameters "
    "`layer_norm1.weight` and `layer_norm1.bias`."};
const mot_layer_type mot_layer_rms_norm = {
    "rms_norm",
    "rms_norm",
    "dims",
    MOT_LAYER_KEYS(rms_norm_keys),
    build_rms_norm,
    "Mean square 1 over the last dimension of a sample, or the last few, then times "
    "a weight for each element; parameter `rms_norm1.weight`."};
const mot_layer_type mot_layer_group_norm = {
    "group_norm",
    "group_norm",
    "groups",
    MOT_LAYER_KEYS(group_norm_keys),
    build_group_norm,
    "Mean 0 and deviation 1 over each group of channels of a sample `(B,C,...)`, "
    "then times a weight plus a bias, one for each channel; parameters "
    "`group_norm1.weight` and `group_norm1.bias`."};
