/* init.h: how the parameters of a layer of weighted sums start. */
#ifndef MOT_MODEL_LAYER_INIT_H
#define MOT_MODEL_LAYER_INIT_H

#include "runtime/model/layers.h"

/** Append `<layer>.weight` of the given shape and, unless `bias: false`, `<layer>.bias` (outs), as
 *  the layer's `std`, its `init`, or model.init says.  fan_in, fan_out: weights that lead to one
 *  output and away from one input.  The tensors go to operand[1] and operand[2], -1 without a bias. */
mot_status mot_layer_parameters(mot_builder *builder, const mot_layer *layer,
                                const mot_shape *weight, int64_t fan_in, int64_t fan_out,
                                int operand[3]);

/** The two by themselves, for layers with several: `<name>.weight`, with the deviation that the key
 *  `std` gives where it is set, and `<name>.bias` (n) or -1, for a weight made so. */
mot_status mot_layer_weight(mot_builder *builder, const mot_layer *layer, const char *name,
                            const char *std, const mot_shape *shape, int64_t fan_in,
                            int64_t fan_out, int *out);
mot_status mot_layer_bias(mot_builder *builder, const mot_layer *layer, const char *name,
                          const char *std, int64_t n, int64_t fan_in, int *out);

/** How these start, for layers that call them otherwise; *bias: is there one? */
mot_status mot_layer_weight_init(const mot_builder *builder, const mot_layer *layer,
                                 const char *std, int64_t fan_in, int64_t fan_out, mot_init *init);
void mot_layer_bias_init(const mot_builder *builder, const mot_layer *layer, const char *std,
                         int64_t fan_in, bool *bias, mot_init *init);

/** The rows of the tables of keys. */
#define MOT_LAYER_PARAMETER_KEYS                                                                   \
    {"bias", MOT_KEY_BOOL, "true", NULL, "with a bias"},                                           \
        {"init", MOT_KEY_CHOICE, NULL, "pytorch|he|xavier|normal|zeros",                           \
         "instead of `model.init`"},                                                               \
    {                                                                                              \
        "std", MOT_KEY_FLOAT, NULL, "[0,1000]",                                                    \
            "weights normal with this deviation, biases 0, instead of `init`"                      \
    }

#endif
