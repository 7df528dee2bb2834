/* batch_norm.c: batch norm over all devices; names and defaults as PyTorch's. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

#include <stdio.h>

/* mot_graph_parameter or mot_graph_buffer. */
typedef mot_status appender(mot_graph *graph, const char *name, const mot_shape *shape,
                            mot_init init, int *out);

static mot_status add(mot_builder *builder, const mot_layer *layer, appender *append,
                      const char *of, const mot_shape *shape, mot_init_kind init, int *out)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", layer->name, of);
    return append(builder->graph, name, shape, (mot_init){init, 0}, out);
}

static mot_status build(mot_builder *builder, const mot_layer *layer)
{
    const mot_shape x = builder->graph->tensor[builder->x].shape;
    const mot_shape channels = {1, {x.n_dims > 1 ? x.dim[1] : 0}};
    mot_attrs attrs = {0};
    int mean, variance, sums, weight = -1, bias = -1;
    bool affine = true;
    char text[MOT_SHAPE_TEXT];
    if (x.n_dims < 2)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s normalizes channels (B,C,...), but gets %s from %s",
                        mot_layer_where(builder, layer), mot_layer_input_print(builder, text),
                        builder->from);
    MOT_TRY(mot_parse_float("eps", mot_layer_text(layer, "eps"), &attrs.eps));
    MOT_TRY(mot_parse_float("momentum", mot_layer_text(layer, "momentum"), &attrs.momentum));
    mot_text_is_bool(mot_layer_text(layer, "affine"), &affine);
    if (affine) {
        MOT_TRY(
            add(builder, layer, mot_graph_parameter, "weight", &channels, MOT_INIT_ONE, &weight));
        MOT_TRY(add(builder, layer, mot_graph_parameter, "bias", &channels, MOT_INIT_ZERO, &bias));
    }
    MOT_TRY(add(builder, layer, mot_graph_buffer, "running_mean", &channels, MOT_INIT_ZERO, &mean));
    MOT_TRY(
        add(builder, layer, mot_graph_buffer, "running_var", &channels, MOT_INIT_ONE, &variance));
    MOT_TRY(mot_graph_append(builder->graph, MOT_OP_batch_norm_sums, layer->name, &attrs,
                             (int[]){builder->x, mean}, 2, &sums));
    return mot_graph_append(builder->graph, MOT_OP_batch_norm, layer->name, &attrs,
                            (int[]){builder->x, mean, variance, sums, weight, bias}, 6,
                            &builder->x);
}

static const mot_key keys[] = {
    {"eps", MOT_KEY_FLOAT, "1e-5", "(0,1]", "added to the variance, keeps the division finite"},
    {"momentum", MOT_KEY_FLOAT, "0.1", "(0,1]",
     "part of a batch's mean and variance in the running ones"},
    {"affine", MOT_KEY_BOOL, "true", NULL, "with a weight and a bias for each channel"},
    MOT_LAYER_NAME_KEY,
};

const mot_layer_type mot_layer_batch_norm = {
    "batch_norm",
    "batch_norm",
    NULL,
    MOT_LAYER_KEYS(keys),
    build,
    "Mean 0 and deviation 1 of each channel of `(B,C,...)` over all samples of the batch, on "
    "whatever devices they are, then times a weight plus a bias; evaluation takes running means "
    "and variances.  With `train.accumulate` the batch's statistics are those of its parts, and "
    "the last part's go into the running ones.  Parameters `batch_norm1.weight` and "
    "`batch_norm1.bias`, and kept with them `batch_norm1.running_mean` and "
    "`batch_norm1.running_var`."};
