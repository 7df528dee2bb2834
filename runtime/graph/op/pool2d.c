/* pool2d.c: the largest, or the mean, of what a window sees in each channel:
 *
 *     max_pool2d  y = max of the pixels; dx: dy goes to the first of the largest
 *     avg_pool2d  y = sum of the pixels / n, n the window's size, or without count_padding the
 *                 pixels that are there; dx: dy / n to each
 */
#include "config.h"

#include "runtime/graph/op/window.h"

/* One operation for each pixel that a window sees. */
static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    const mot_window *w = &node->attrs.window;
    const mot_shape *x = mot_rules_shape(graph, node, 0); /* or dy: channels are the same */
    const double places = (double)mot_window_places(w, 0) * (double)mot_window_places(w, 1);
    return (mot_cost){
        .flops = (double)batch * (double)x->dim[1] * places * (double)w->kernel[0] *
                 (double)w->kernel[1],
        .bytes = mot_rules_bytes(graph, node, batch),
    };
}

/* No window may lie in the padding alone. */
static mot_status check_padding(const mot_graph *graph, const mot_node *node)
{
    const mot_window *w = &node->attrs.window;
    for (int i = 0; i < 2; i++)
        if (2 * w->padding[i] > w->kernel[i] || w->dilation[i] != 1 || w->groups != 1)
            return mot_rules_fail(graph, node, "needs a padding of at most half its kernel");
    return MOT_OK;
}

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    const mot_window *w = &node->attrs.window;
    (void)dtype;
    MOT_TRY(mot_rules_window(graph, node, 0));
    MOT_TRY(check_padding(graph, node));
    shape[0] = *mot_rules_shape(graph, node, 0);
    shape[0].dim[2] = mot_window_places(w, 0);
    shape[0].dim[3] = mot_window_places(w, 1);
    return MOT_OK;
}

static mot_status infer_grad(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                             mot_dtype *dtype)
{
    const mot_window *w = &node->attrs.window;
    (void)dtype;
    MOT_TRY(mot_rules_window_places(graph, node, 0));
    MOT_TRY(check_padding(graph, node));
    shape[0] = *mot_rules_shape(graph, node, 0);
    shape[0].dim[2] = w->image[0];
    shape[0].dim[3] = w->image[1];
    if (node->n_in > 1 && !mot_shape_equal(mot_rules_shape(graph, node, 1), &shape[0]))
        return mot_rules_fail(graph, node, "needs dy and x of the same channels");
    return MOT_OK;
}

static mot_status gradient_max(mot_graph *graph, int index, const int *d_out, const bool *needs,
                               int *d_in)
{
    const mot_node node = graph->node[index];
    (void)needs;
    return mot_graph_append(graph, MOT_OP_max_pool2d_grad, node.name, &node.attrs,
                            (int[]){d_out[0], node.in[0]}, 2, d_in);
}

static mot_status gradient_avg(mot_graph *graph, int index, const int *d_out, const bool *needs,
                               int *d_in)
{
    const mot_node node = graph->node[index];
    (void)needs;
    return mot_graph_append(graph, MOT_OP_avg_pool2d_grad, node.name, &node.attrs, d_out, 1, d_in);
}

const mot_op_rules mot_rules_max_pool2d = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .gradient = gradient_max,
    .cost = cost,
};

const mot_op_rules mot_rules_max_pool2d_grad = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_grad,
    .cost = cost,
};

const mot_op_rules mot_rules_avg_pool2d = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .gradient = gradient_avg,
    .cost = cost,
};

const mot_op_rules mot_rules_avg_pool2d_grad = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_grad,
    .cost = cost,
};
