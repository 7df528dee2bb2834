#include "config.h"

#include "runtime/base/op.h"

#include <string.h>

const char *mot_op_name(mot_op op)
{
    static const char *const names[] = {
#define MOT_OP_NAME(name) #name,
        MOT_OPS(MOT_OP_NAME)
#undef MOT_OP_NAME
    };
    return names[op];
}

bool mot_op_parse(const char *name, mot_op *out)
{
    for (int i = 0; i < MOT_N_OPS; i++)
        if (strcmp(mot_op_name((mot_op)i), name) == 0) {
            *out = (mot_op)i;
            return true;
        }
    return false;
}

const char *mot_activation_name(mot_activation activation)
{
    static const char *const names[MOT_N_ACTIVATIONS] = {"none", "relu",    "gelu", "gelu_tanh",
                                                         "silu", "sigmoid", "tanh", "leaky_relu"};
    return names[activation];
}

const char *mot_loss_name(mot_loss loss)
{
    static const char *const names[MOT_N_LOSSES] = {"mse", "l1", "huber", "bce"};
    return names[loss];
}

const char *mot_norm_name(mot_norm norm)
{
    return norm == MOT_NORM_LAYER ? "layer_norm" : norm == MOT_NORM_RMS ? "rms_norm" : "group_norm";
}
