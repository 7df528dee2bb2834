/* conv2d.c: every output pixel is a weighted sum of the pixels around it in all channels; and
 * conv2d_transpose, where every input pixel adds a weighted window of its own to the output: forward it
 * is what the gradient of a convolution is backward. */
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

static mot_status needs_kernel(const mot_builder *builder, const mot_layer *layer)
{
    if (mot_layer_value(layer, "kernel"))
        return MOT_OK;
    return MOT_FAIL(MOT_ERR_ARGUMENT, "%s needs a kernel: %s: {out: 32, kernel: 3}",
                    mot_layer_where(builder, layer), layer->type->name);
}

static mot_status build_conv2d(mot_builder *builder, const mot_layer *layer)
{
    mot_attrs attrs = {0};
    mot_window *w = &attrs.window;
    int operand[3] = {builder->x, -1, -1};
    MOT_TRY(needs_kernel(builder, layer));
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

static mot_status build_transpose(mot_builder *builder, const mot_layer *layer)
{
    mot_attrs attrs = {0};
    mot_window *w = &attrs.window;
    int operand[4] = {builder->x, -1, -1, -1};
    MOT_TRY(needs_kernel(builder, layer));
    MOT_TRY(mot_layer_window_transposed(builder, layer, w));
    const int64_t channels = builder->graph->tensor[builder->x].shape.dim[1];
    const int64_t outs = strtoll(mot_layer_text(layer, "out"), NULL, 10);
    w->groups = strtoll(mot_layer_text(layer, "groups"), NULL, 10);
    MOT_TRY(check_groups(builder, layer, channels, outs, w->groups));
    const int64_t taps = w->kernel[0] * w->kernel[1];
    const mot_shape weight = {4, {channels, outs / w->groups, w->kernel[0], w->kernel[1]}};
    /* As PyTorch counts them, which looks at the weight as if it were a convolution's. */
    const int64_t fan_in = weight.dim[1] * taps, fan_out = channels * taps;
    MOT_TRY(mot_layer_weight(builder, layer, layer->name, "std", &weight, fan_in, fan_out,
                             &operand[1]));
    MOT_TRY(mot_layer_bias(builder, layer, layer->name, "std", outs, fan_in, &operand[3]));
    return mot_graph_append(builder->graph, MOT_OP_conv2d_dinput, layer->name, &attrs, operand, 4,
                            &builder->x);
}

#define WINDOW_KEYS                                                                                \
    {"kernel", MOT_KEY_PAIR, NULL, MOT_LAYER_SIZES, "height and width of the window; required"},   \
    {                                                                                              \
        "stride", MOT_KEY_PAIR, NULL, MOT_LAYER_SIZES, "pixels from window to window; 1"           \
    }
#define OTHER_KEYS                                                                                 \
    {"dilation", MOT_KEY_PAIR, NULL, MOT_LAYER_SIZES, "pixels from weight to weight; 1"},          \
        {"groups", MOT_KEY_INT, "1", "[1,1048576]",                                                \
         "parts of the channels that do not see each other; as many as channels: depthwise"},      \
        MOT_LAYER_PARAMETER_KEYS

static const mot_key keys[] = {
    {"out", MOT_KEY_INT, NULL, "[1,1048576]", "number of channels that it makes"},
    WINDOW_KEYS,
    {"padding", MOT_KEY_PADDING, NULL, "[0,4096]",
     "zeros around the image; none. `same`: as many as keep its size"},
    OTHER_KEYS,
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `conv1`, `conv2`, ..."},
};

static const mot_key transpose_keys[] = {
    {"out", MOT_KEY_INT, NULL, "[1,1048576]", "number of channels that it makes"},
    WINDOW_KEYS,
    {"padding", MOT_KEY_PAIR, NULL, "[0,4096]",
     "rows and columns of the result that are left out on each side; none"},
    {"output_padding", MOT_KEY_PAIR, NULL, "[0,1023]",
     "rows and columns that are added below and to the right, fewer than the stride; none"},
    OTHER_KEYS,
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `deconv1`, `deconv2`, ..."},
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

const mot_layer_type mot_layer_conv2d_transpose = {
    "conv2d_transpose",
    "deconv",
    "out",
    MOT_LAYER_KEYS(transpose_keys),
    build_transpose,
    "Every pixel adds a weighted window to a larger image, `(B,C,H,W)` to `(B,out,H',W')` with "
    "`H' = (H - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1`, as PyTorch's "
    "ConvTranspose2d; parameters `deconv1.weight` (C, out/groups, kernel, kernel) and `deconv1.bias` (out)."};
