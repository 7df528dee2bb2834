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

mot_status mot_layer_parameters(mot_builder *builder, const mot_layer *layer,
                                const mot_shape *weight, int64_t fan_in, int64_t fan_out,
                                int operand[3])
{
    const char *init = mot_layer_text(layer, "init");
    const mot_shape b = {1, {weight->dim[0]}};
    char name[96];
    bool bias = true;
    operand[2] = -1;
    mot_text_is_bool(mot_layer_text(layer, "bias"), &bias);
    init = init ? init : builder->init;
    snprintf(name, sizeof name, "%s.weight", layer->name);
    MOT_TRY(mot_graph_parameter(builder->graph, name, weight, weight_init(init, fan_in, fan_out),
                                &operand[1]));
    snprintf(name, sizeof name, "%s.bias", layer->name);
    return bias
               ? mot_graph_parameter(builder->graph, name, &b, bias_init(init, fan_in), &operand[2])
               : MOT_OK;
}
