/* init.c: parameters as the configuration says. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layer/init.h"

#include <math.h>
#include <stdio.h>
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

static const char *init_of(const mot_builder *builder, const mot_layer *layer)
{
    const char *init = mot_layer_text(layer, "init");
    return init ? init : builder->init;
}

mot_status mot_layer_weight_init(const mot_builder *builder, const mot_layer *layer,
                                 const char *std, int64_t fan_in, int64_t fan_out, mot_init *init)
{
    const char *text = mot_layer_text(layer, std);
    double deviation;
    *init = weight_init(init_of(builder, layer), fan_in, fan_out);
    if (text) {
        MOT_TRY(mot_parse_float(std, text, &deviation));
        *init = (mot_init){MOT_INIT_NORMAL, (float)deviation};
    }
    return MOT_OK;
}

void mot_layer_bias_init(const mot_builder *builder, const mot_layer *layer, const char *std,
                         int64_t fan_in, bool *bias, mot_init *init)
{
    *bias = true;
    mot_text_is_bool(mot_layer_text(layer, "bias"), bias);
    *init = mot_layer_text(layer, std) ? (mot_init){MOT_INIT_ZERO, 0}
                                       : bias_init(init_of(builder, layer), fan_in);
}

mot_status mot_layer_weight(mot_builder *builder, const mot_layer *layer, const char *name,
                            const char *std, const mot_shape *shape, int64_t fan_in,
                            int64_t fan_out, int *out)
{
    mot_init init;
    char full[112];
    MOT_TRY(mot_layer_weight_init(builder, layer, std, fan_in, fan_out, &init));
    snprintf(full, sizeof full, "%s.weight", name);
    return mot_graph_parameter(builder->graph, full, shape, init, out);
}

mot_status mot_layer_bias(mot_builder *builder, const mot_layer *layer, const char *name,
                          const char *std, int64_t n, int64_t fan_in, int *out)
{
    const mot_shape shape = {1, {n}};
    mot_init init;
    char full[112];
    bool bias;
    *out = -1;
    mot_layer_bias_init(builder, layer, std, fan_in, &bias, &init);
    snprintf(full, sizeof full, "%s.bias", name);
    return bias ? mot_graph_parameter(builder->graph, full, &shape, init, out) : MOT_OK;
}

mot_status mot_layer_parameters(mot_builder *builder, const mot_layer *layer,
                                const mot_shape *weight, int64_t fan_in, int64_t fan_out,
                                int operand[3])
{
    MOT_TRY(
        mot_layer_weight(builder, layer, layer->name, "std", weight, fan_in, fan_out, &operand[1]));
    return mot_layer_bias(builder, layer, layer->name, "std", weight->dim[0], fan_in, &operand[2]);
}
