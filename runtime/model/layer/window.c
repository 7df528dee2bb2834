/* window.c: from keys to a window that fits its images. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layer/window.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A value as {down, across}; `rule` where it is not given. */
static void read_pair(const mot_layer *layer, const char *key, const int64_t rule[2],
                      int64_t out[2])
{
    const mot_yaml *value = mot_layer_value(layer, key);
    memcpy(out, rule, 2 * sizeof *out);
    for (int i = 0; value && i < 2; i++)
        out[i] = strtoll((value->kind == MOT_YAML_LIST ? value->item[i] : value)->text, NULL, 10);
}

/* As many zeros on either side that a window of stride 1 has as many places as there are pixels. */
static mot_status same_padding(const mot_builder *builder, const mot_layer *layer, mot_window *w)
{
    for (int i = 0; i < 2; i++) {
        const int64_t around = w->dilation[i] * (w->kernel[i] - 1);
        if (around % 2 != 0 || w->stride[i] != 1)
            return MOT_FAIL(
                MOT_ERR_ARGUMENT,
                "%s: padding `same` goes with odd kernels and stride 1; here kernel %" PRId64
                ", stride %" PRId64,
                mot_layer_where(builder, layer), w->kernel[i], w->stride[i]);
        w->padding[i] = around / 2;
    }
    return MOT_OK;
}

static mot_status check_image(const mot_builder *builder, const mot_layer *layer,
                              const mot_window *w)
{
    char text[MOT_SHAPE_TEXT];
    if (mot_window_places(w, 0) >= 1 && mot_window_places(w, 1) >= 1)
        return MOT_OK;
    return MOT_FAIL(MOT_ERR_SHAPE,
                    "%s: the images %s from %s are too small: its window is %" PRId64 "x%" PRId64
                    ", and with padding they are %" PRId64 "x%" PRId64,
                    mot_layer_where(builder, layer), mot_layer_input_print(builder, text),
                    builder->from, w->dilation[0] * (w->kernel[0] - 1) + 1,
                    w->dilation[1] * (w->kernel[1] - 1) + 1, w->image[0] + 2 * w->padding[0],
                    w->image[1] + 2 * w->padding[1]);
}

static const int64_t one[2] = {1, 1}, none[2];

/* The images that the layer gets. */
static mot_status get_images(const mot_builder *builder, const mot_layer *layer, int64_t image[2])
{
    const mot_shape *x = &builder->graph->tensor[builder->x].shape;
    char text[MOT_SHAPE_TEXT];
    if (x->n_dims != 4)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s takes images (B,C,H,W), but gets %s from %s",
                        mot_layer_where(builder, layer), mot_layer_input_print(builder, text),
                        builder->from);
    memcpy(image, x->dim + 2, 2 * sizeof *image);
    return MOT_OK;
}

mot_status mot_layer_window(const mot_builder *builder, const mot_layer *layer, bool side_by_side,
                            mot_window *out)
{
    const mot_yaml *padding = mot_layer_value(layer, "padding");
    mot_window w = {.groups = 1};
    MOT_TRY(get_images(builder, layer, w.image));
    read_pair(layer, "kernel", one, w.kernel);
    read_pair(layer, "stride", side_by_side ? w.kernel : one, w.stride);
    read_pair(layer, "dilation", one, w.dilation);
    if (padding && padding->kind == MOT_YAML_SCALAR && strcmp(padding->text, "same") == 0)
        MOT_TRY(same_padding(builder, layer, &w));
    else
        read_pair(layer, "padding", none, w.padding);
    MOT_TRY(check_image(builder, layer, &w));
    *out = w;
    return MOT_OK;
}

mot_status mot_layer_window_transposed(const mot_builder *builder, const mot_layer *layer,
                                       mot_window *out)
{
    mot_window w = {.groups = 1};
    int64_t places[2], behind[2];
    MOT_TRY(get_images(builder, layer, places));
    read_pair(layer, "kernel", one, w.kernel);
    read_pair(layer, "stride", one, w.stride);
    read_pair(layer, "dilation", one, w.dilation);
    read_pair(layer, "padding", none, w.padding);
    read_pair(layer, "output_padding", none, behind);
    for (int i = 0; i < 2; i++) {
        if (behind[i] >= w.stride[i]) /* the window would come to another place */
            return MOT_FAIL(MOT_ERR_ARGUMENT,
                            "%s: output_padding %" PRId64 " must be less than the stride, %" PRId64,
                            mot_layer_where(builder, layer), behind[i], w.stride[i]);
        w.image[i] = (places[i] - 1) * w.stride[i] + w.dilation[i] * (w.kernel[i] - 1) + 1 +
                     behind[i] - 2 * w.padding[i];
        if (w.image[i] < 1)
            return MOT_FAIL(
                MOT_ERR_SHAPE,
                "%s: padding %" PRId64 " leaves nothing of the %" PRId64 " pixels that it makes",
                mot_layer_where(builder, layer), w.padding[i], w.image[i] + 2 * w.padding[i]);
    }
    *out = w;
    return MOT_OK;
}
