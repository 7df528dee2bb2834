/* activation.c: gelu, silu, sigmoid, tanh and leaky_relu; names and defaults as PyTorch's. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

#include <string.h>

static mot_status append(mot_builder *builder, const mot_layer *layer, const mot_attrs *attrs)
{
    return mot_graph_append(builder->graph, MOT_OP_activation, layer->name, attrs, &builder->x, 1,
                            &builder->x);
}

static mot_status build_gelu(mot_builder *builder, const mot_layer *layer)
{
    const bool by_tanh = strcmp(mot_layer_text(layer, "approximate"), "tanh") == 0;
    return append(builder, layer,
                  &(mot_attrs){.activation = by_tanh ? MOT_ACT_GELU_TANH : MOT_ACT_GELU});
}

static mot_status build_silu(mot_builder *builder, const mot_layer *layer)
{
    return append(builder, layer, &(mot_attrs){.activation = MOT_ACT_SILU});
}

static mot_status build_sigmoid(mot_builder *builder, const mot_layer *layer)
{
    return append(builder, layer, &(mot_attrs){.activation = MOT_ACT_SIGMOID});
}

static mot_status build_tanh(mot_builder *builder, const mot_layer *layer)
{
    return append(builder, layer, &(mot_attrs){.activation = MOT_ACT_TANH});
}

static mot_status build_leaky_relu(mot_builder *builder, const mot_layer *layer)
{
    double slope;
    MOT_TRY(mot_parse_float("negative_slope", mot_layer_text(layer, "negative_slope"), &slope));
    return append(builder, layer,
                  &(mot_attrs){.activation = MOT_ACT_LEAKY_RELU, .slope = (float)slope});
}

static const mot_key gelu_keys[] = {
    {"approximate", MOT_KEY_CHOICE, "none", "none|tanh",
     "`none`: with the normal distribution itself; `tanh`: with a formula close to it, as GPT-2 "
     "has"},
    MOT_LAYER_NAME_KEY,
};
static const mot_key leaky_relu_keys[] = {
    {"negative_slope", MOT_KEY_FLOAT, "0.01", "[0,1]", "factor of what is below 0"},
    MOT_LAYER_NAME_KEY,
};
static const mot_key name_only[] = {MOT_LAYER_NAME_KEY};

const mot_layer_type mot_layer_gelu = {
    "gelu",        "gelu",
    "approximate", MOT_LAYER_KEYS(gelu_keys),
    build_gelu,    "x times the part of the normal distribution that is below x."};
const mot_layer_type mot_layer_silu = {"silu",     "silu",
                                       NULL,       MOT_LAYER_KEYS(name_only),
                                       build_silu, "x sigmoid(x), also called swish."};
const mot_layer_type mot_layer_sigmoid = {
    "sigmoid", "sigmoid", NULL, MOT_LAYER_KEYS(name_only), build_sigmoid, "1 / (1 + exp(-x))."};
const mot_layer_type mot_layer_tanh = {
    "tanh", "tanh", NULL, MOT_LAYER_KEYS(name_only), build_tanh, "The hyperbolic tangent."};
const mot_layer_type mot_layer_leaky_relu = {
    "leaky_relu",     "leaky_relu",
    "negative_slope", MOT_LAYER_KEYS(leaky_relu_keys),
    build_leaky_relu, "x above 0, else x times a small number: `leaky_relu: 0.01`."};
