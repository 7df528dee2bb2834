/* conv2d.c: every output pixel is a weighted sum of the pixels around it in all channels. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layer/init.h"
#include "runtime/model/layer/window.h"

#include <inttypes.h>
#include <stdlib.h>

static mot_status check_groups(const mot_builder *builder, const mot_layer *layer, int64_t channels,
                               int64_t outs, int64_t groups)
{
    char text[MOT_SHAPE_TEXT];
    if (channels % groups == 0 && outs % groups == 0)
        return MOT_OK;
    return MOT_FAIL(MOT_ERR_SHAPE,
                    "%s: %" PRId64 " groups do not divide both its %" PRId64
                    " channels and those of %s from %s",
                    mot_layer_where(builder, layer), groups, outs,
                    mot_layer_input_print(builder, text), builder->from);
}

static mot_status build_conv2d(mot_builder *builder, const mot_layer *layer)
{
    mot_attrs attrs = {0};
    mot_window *w = &attrs.window;
    int operand[3] = {builder->x, -1, -1};
    if (!mot_layer_value(layer, "kernel"))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s needs a kernel: conv2d: {out: 32, kernel: 3}",
                        mot_layer_where(builder, layer));
    MOT_TRY(mot_layer_window(builder, layer, false, w));
    const int64_t channels = builder->graph->tensor[builder->x].shape.dim[1];
    const int64_t outs = strtoll(mot_layer_text(layer, "out"), NULL, 10);
    w->groups = strtoll(mot_layer_text(layer, "groups"), NULL, 10);
    MOT_TRY(check_groups(builder, layer, channels, outs, w->groups));
    const int64_t taps = w->kernel[0] * w->kernel[1];
    const mot_shape weight = {4, {outs, channels / w->groups, w->kernel[0], w->kernel[1]}};
    /* As PyTorch counts them: fan_out does not know of groups. */
    MOT_TRY(
        mot_layer_parameters(builder, layer, &weight, weight.dim[1] * taps, outs * taps, operand));
    return mot_graph_append(builder->graph, MOT_OP_conv2d, layer->name, &attrs, operand, 3,
                            &builder->x);
}

static const mot_key keys[] = {
    {"out", MOT_KEY_INT, NULL, "[1,1048576]", "number of channels that it makes"},
    {"kernel", MOT_KEY_PAIR, NULL, MOT_LAYER_SIZES, "height and width of the window; required"},
    {"stride", MOT_KEY_PAIR, NULL, MOT_LAYER_SIZES, "pixels from window to window; 1"},
    {"padding", MOT_KEY_PADDING, NULL, "[0,4096]",
     "zeros around the image; none. `same`: as many as keep its size"},
    {"dilation", MOT_KEY_PAIR, NULL, MOT_LAYER_SIZES, "pixels from weight to weight; 1"},
    {"groups", MOT_KEY_INT, "1", "[1,1048576]",
     "parts of the channels that do not see each other; as many as channels: depthwise"},
    MOT_LAYER_PARAMETER_KEYS,
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `conv1`, `conv2`, ..."},
};

const mot_layer_type mot_layer_conv2d = {
    "conv2d",
    "conv",
    "out",
    MOT_LAYER_KEYS(keys),
    build_conv2d,
    "Every pixel is a weighted sum of those around it in all channels, `(B,C,H,W)` to "
    "`(B,out,H',W')`; parameters `conv1.weight` (out, C/groups, kernel, kernel) and `conv1.bias` "
    "(out)."};
