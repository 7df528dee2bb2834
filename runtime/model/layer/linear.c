/* linear.c: every output is a weighted sum of all inputs. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mot_init weight_init(const char *init, int64_t fan_in, int64_t fan_out)
{
    double in = (double)fan_in, out = (double)fan_out;
    if (strcmp(init, "he") == 0)
        return (mot_init){MOT_INIT_NORMAL, (float)sqrt(2.0 / in)};
    if (strcmp(init, "xavier") == 0)
        return (mot_init){MOT_INIT_UNIFORM, (float)sqrt(6.0 / (in + out))};
    if (strcmp(init, "normal") == 0)
        return (mot_init){MOT_INIT_NORMAL, 0.01f};
    if (strcmp(init, "zeros") == 0)
        return (mot_init){MOT_INIT_ZERO, 0};
    return (mot_init){MOT_INIT_UNIFORM, (float)(1.0 / sqrt(in))};
}

static mot_init bias_init(const char *init, int64_t fan_in)
{
    if (strcmp(init, "pytorch") == 0)
        return (mot_init){MOT_INIT_UNIFORM, (float)(1.0 / sqrt((double)fan_in))};
    return (mot_init){MOT_INIT_ZERO, 0};
}

static mot_status check_linear(const mot_builder *builder, const mot_layer *layer)
{
    const mot_shape *x = &builder->graph->tensor[builder->x].shape;
    const char *where = mot_layer_where(builder, layer), *in = mot_layer_text(layer, "in");
    char text[MOT_SHAPE_TEXT];
    if (x->n_dims != 2)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s takes (B,K), but gets %s from %s; put `flatten` in between", where,
                        mot_layer_input_print(builder, text), builder->from);
    int64_t wanted = in ? strtoll(in, NULL, 10) : x->dim[1];
    if (wanted != x->dim[1])
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s takes %" PRId64 " inputs, but gets %" PRId64 ", %s, from %s", where,
                        wanted, x->dim[1], mot_layer_input_print(builder, text), builder->from);
    return MOT_OK;
}

static mot_status build_linear(mot_builder *builder, const mot_layer *layer)
{
    MOT_TRY(check_linear(builder, layer));
    const char *init = mot_layer_text(layer, "init");
    int64_t out = strtoll(mot_layer_text(layer, "out"), NULL, 10);
    int64_t in = builder->graph->tensor[builder->x].shape.dim[1];
    mot_shape w = {2, {out, in}}, b = {1, {out}};
    int operand[3] = {builder->x, -1, -1};
    char name[96];
    bool bias = true;
    mot_text_is_bool(mot_layer_text(layer, "bias"), &bias);
    init = init ? init : builder->init;
    snprintf(name, sizeof name, "%s.weight", layer->name);
    MOT_TRY(mot_graph_parameter(builder->graph, name, &w, weight_init(init, in, out), &operand[1]));
    snprintf(name, sizeof name, "%s.bias", layer->name);
    if (bias)
        MOT_TRY(mot_graph_parameter(builder->graph, name, &b, bias_init(init, in), &operand[2]));
    return mot_graph_append(builder->graph, MOT_OP_linear, layer->name, NULL, operand, 3,
                            &builder->x);
}

static const mot_key keys[] = {
    {"out", MOT_KEY_INT, NULL, "[1,16777216]", "number of outputs"},
    {"in", MOT_KEY_INT, NULL, "[1,1099511627776]", "number of inputs, if it shall be checked"},
    {"bias", MOT_KEY_BOOL, "true", NULL, "with a bias"},
    {"init", MOT_KEY_CHOICE, NULL, "pytorch|he|xavier|normal|zeros", "instead of `model.init`"},
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `fc1`, `fc2`, ..."},
};

const mot_layer_type mot_layer_linear = {"linear",
                                         "fc",
                                         "out",
                                         MOT_LAYER_KEYS(keys),
                                         build_linear,
                                         "Every output is a weighted sum of all inputs, y = x W^T "
                                         "+ b; parameters `fc1.weight` (out, in) "
                                         "and `fc1.bias` (out)."};
