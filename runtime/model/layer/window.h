/* window.h: what the layers share whose windows walk over images. */
#ifndef MOT_MODEL_LAYER_WINDOW_H
#define MOT_MODEL_LAYER_WINDOW_H

#include "runtime/model/layers.h"

/** Read kernel, stride, padding and dilation of the layer, as far as it has these keys, and see that
 *  the window fits the images that come from the layer before.  Where no stride is given it is 1,
 *  or with `side_by_side` the kernel.
 *  Errors: MOT_ERR_SHAPE and MOT_ERR_ARGUMENT name the layer, with shapes. */
mot_status mot_layer_window(const mot_builder *builder, const mot_layer *layer, bool side_by_side,
                            mot_window *out);

/** The same for conv2d_transpose: the window walks over the images that the layer makes, and comes to as
 *  many places as there are pixels in those that it gets. */
mot_status mot_layer_window_transposed(const mot_builder *builder, const mot_layer *layer,
                                       mot_window *out);

/** Range of kernels, strides and dilations. */
#define MOT_LAYER_SIZES "[1,1024]"

#endif
