/* pool2d.c: smaller images: the largest or the mean of what a window sees in each channel. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layer/window.h"

#include <inttypes.h>

static mot_status append(mot_builder *builder, const mot_layer *layer, mot_op op,
                         const mot_window *w)
{
    const mot_attrs attrs = {.window = *w};
    return mot_graph_append(builder->graph, op, layer->name, &attrs, &builder->x, 1, &builder->x);
}

static mot_status build_pool(mot_builder *builder, const mot_layer *layer, mot_op op)
{
    mot_window w;
    bool count = true;
    MOT_TRY(mot_layer_window(builder, layer, true, &w));
    for (int i = 0; i < 2; i++)
        if (2 * w.padding[i] > w.kernel[i])
            return MOT_FAIL(MOT_ERR_ARGUMENT,
                            "%s: padding %" PRId64 " is more than half the kernel, %" PRId64,
                            mot_layer_where(builder, layer), w.padding[i], w.kernel[i]);
    if (op == MOT_OP_avg_pool2d)
        mot_text_is_bool(mot_layer_text(layer, "count_padding"), &count);
    w.count_padding = count;
    return append(builder, layer, op, &w);
}

static mot_status build_max(mot_builder *builder, const mot_layer *layer)
{
    return build_pool(builder, layer, MOT_OP_max_pool2d);
}

static mot_status build_avg(mot_builder *builder, const mot_layer *layer)
{
    return build_pool(builder, layer, MOT_OP_avg_pool2d);
}

/* The window sees all, and what is left is a row of channels. */
static mot_status build_global(mot_builder *builder, const mot_layer *layer)
{
    mot_window w;
    MOT_TRY(mot_layer_window(builder, layer, false, &w));
    for (int i = 0; i < 2; i++)
        w.kernel[i] = w.stride[i] = w.image[i];
    MOT_TRY(append(builder, layer, MOT_OP_avg_pool2d, &w));
    const mot_shape shape = {2, {MOT_BATCH, builder->graph->tensor[builder->x].shape.dim[1]}};
    return mot_graph_reshape(builder->graph, builder->x, layer->name, &shape, &builder->x);
}

#define WINDOW_KEYS                                                                                \
    {"kernel", MOT_KEY_PAIR, NULL, MOT_LAYER_SIZES, "height and width of the window"},             \
        {"stride", MOT_KEY_PAIR, NULL, MOT_LAYER_SIZES,                                            \
         "pixels from window to window; the kernel"},                                              \
    {                                                                                              \
        "padding", MOT_KEY_PAIR, NULL, "[0,4096]", "pixels around the image; none"                 \
    }

static const mot_key max_keys[] = {WINDOW_KEYS, MOT_LAYER_NAME_KEY};
static const mot_key avg_keys[] = {
    WINDOW_KEYS,
    {"count_padding", MOT_KEY_BOOL, "true", NULL, "zeros around the image count as pixels"},
    MOT_LAYER_NAME_KEY,
};
static const mot_key global_keys[] = {MOT_LAYER_NAME_KEY};

const mot_layer_type mot_layer_max_pool2d = {
    "max_pool2d",
    "max_pool",
    "kernel",
    MOT_LAYER_KEYS(max_keys),
    build_max,
    "The largest of what a window sees in each channel; `max_pool2d: 2` halves an "
    "image."};
const mot_layer_type mot_layer_avg_pool2d = {
    "avg_pool2d", "avg_pool",
    "kernel",     MOT_LAYER_KEYS(avg_keys),
    build_avg,    "The mean of what a window sees in each channel."};
const mot_layer_type mot_layer_global_avg_pool = {
    "global_avg_pool",
    "global_pool",
    NULL,
    MOT_LAYER_KEYS(global_keys),
    build_global,
    "The mean of each channel, `(B,C,H,W)` to `(B,C)`."};
