/* window.c: checks that convolution and pooling share. */
#include "config.h"

#include "runtime/graph/op/window.h"

/* Kernels index images with ints, and so does who computes where a window lies. */
enum { MOST = 1 << 24, MOST_PIXELS = 1 << 30 };

static bool is_sound(const mot_window *w)
{
    bool sound = w->groups >= 1;
    for (int i = 0; i < 2; i++) {
        sound = sound && w->kernel[i] >= 1 && w->kernel[i] <= MOST && w->stride[i] >= 1 &&
                w->stride[i] <= MOST && w->padding[i] >= 0 && w->padding[i] <= MOST &&
                w->dilation[i] >= 1 && w->dilation[i] <= MOST;
        sound = sound && w->dilation[i] * (w->kernel[i] - 1) <= MOST;
    }
    return sound;
}

static mot_status check_sizes(const mot_graph *graph, const mot_node *node)
{
    const mot_window *w = &node->attrs.window;
    if (!is_sound(w))
        return mot_rules_fail(graph, node, "needs a window of sizes from 1 to 16777216");
    if (w->image[0] < 1 || w->image[1] < 1)
        return mot_rules_fail(graph, node, "needs images with pixels");
    if (w->image[0] > MOST || w->image[1] > MOST || w->image[0] * w->image[1] > MOST_PIXELS)
        return mot_rules_fail(graph, node, "needs smaller images");
    return MOT_OK;
}

mot_status mot_rules_window(const mot_graph *graph, const mot_node *node, int i)
{
    const mot_shape *x = mot_rules_shape(graph, node, i);
    const mot_window *w = &node->attrs.window;
    if (x->n_dims != 4 || !mot_shape_is_batched(x) || mot_rules_dtype(graph, node, i) != MOT_F32)
        return mot_rules_fail(graph, node, "needs images (B,C,H,W)");
    MOT_TRY(check_sizes(graph, node));
    if (x->dim[2] != w->image[0] || x->dim[3] != w->image[1])
        return mot_rules_fail(graph, node, "needs images of the size that its window knows");
    if (mot_window_places(w, 0) < 1 || mot_window_places(w, 1) < 1)
        return mot_rules_fail(graph, node, "needs larger images for its kernel");
    return MOT_OK;
}

mot_status mot_rules_window_places(const mot_graph *graph, const mot_node *node, int i)
{
    const mot_shape *dy = mot_rules_shape(graph, node, i);
    const mot_window *w = &node->attrs.window;
    MOT_TRY(check_sizes(graph, node));
    if (dy->n_dims != 4 || !mot_shape_is_batched(dy) || dy->dim[2] != mot_window_places(w, 0) ||
        dy->dim[3] != mot_window_places(w, 1))
        return mot_rules_fail(graph, node, "needs dy with a number for each place of the window");
    return MOT_OK;
}
