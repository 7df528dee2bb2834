/* conv2d.c: y (B,O,OH,OW), where with x (B,C,H,W), w (O,C/groups,KH,KW) and b (O)
 *
 *     y[n,o,i,j] = act(b[o] + sum over c,k,l of w[o,c,k,l] x[n,c',i s - p + k d, j s - p + l d])
 *
 * (c' the c-th channel of the group of o; zeros outside of x), and its gradients: dx
 * (conv2d_dinput, masked by relu'(h) where fused), dw and db (conv2d_dweight); sums over samples,
 * never means. */
#include "config.h"

#include "runtime/graph/op/window.h"

/* 2 operations a multiply-add: every weight meets every place once a sample, padding included. */
static mot_cost cost_of(const mot_graph *graph, const mot_node *node, int64_t batch, double weights)
{
    const mot_window *w = &node->attrs.window;
    const double places = (double)mot_window_places(w, 0) * (double)mot_window_places(w, 1);
    return (mot_cost){
        .flops = 2.0 * (double)batch * places * weights,
        .bytes = mot_rules_bytes(graph, node, batch),
    };
}

static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return cost_of(graph, node, batch,
                   (double)mot_shape_elements(mot_rules_shape(graph, node, 1), 1));
}

/* Input i is a weight that fits `channels` and the window. */
static mot_status check_weight(const mot_graph *graph, const mot_node *node, int64_t channels)
{
    const mot_shape *w = mot_rules_shape(graph, node, 1);
    const mot_window *window = &node->attrs.window;
    if (w->n_dims != 4 || mot_shape_is_batched(w) || w->dim[2] != window->kernel[0] ||
        w->dim[3] != window->kernel[1])
        return mot_rules_fail(graph, node, "needs a weight (O,C/groups,KH,KW) as its window");
    if (w->dim[0] % window->groups != 0 || w->dim[1] * window->groups != channels)
        return mot_rules_fail(graph, node, "needs groups that divide both numbers of channels");
    return MOT_OK;
}

/* ---- forward ---- */

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    const mot_window *window = &node->attrs.window;
    (void)dtype;
    MOT_TRY(mot_rules_window(graph, node, 0));
    MOT_TRY(check_weight(graph, node, mot_rules_shape(graph, node, 0)->dim[1]));
    const int64_t outs = mot_rules_shape(graph, node, 1)->dim[0];
    if (node->n_in > 2) {
        const mot_shape *b = mot_rules_shape(graph, node, 2);
        if (b->n_dims != 1 || b->dim[0] != outs)
            return mot_rules_fail(graph, node, "needs a bias (O) with the O of its weight");
    }
    shape[0] = (mot_shape){
        4, {MOT_BATCH, outs, mot_window_places(window, 0), mot_window_places(window, 1)}};
    return MOT_OK;
}

static mot_status gradient(mot_graph *graph, int index, const int *d_out, const bool *needs,
                           int *d_in)
{
    const mot_node node = graph->node[index];
    const mot_attrs attrs = {.window = node.attrs.window};
    int dy = d_out[0], x = node.in[0], w = node.in[1], out[2] = {-1, -1};
    if (node.attrs.activation != MOT_ACT_NONE)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "conv2d %s: activations are fused behind backward",
                        node.name);
    if (needs[1] || needs[2]) {
        MOT_TRY(mot_graph_append_n(graph, MOT_OP_conv2d_dweight, node.name, &attrs, (int[]){dy, x},
                                   2, needs[2] ? 2 : 1, out));
        d_in[1] = needs[1] ? out[0] : -1;
        d_in[2] = out[1];
    }
    if (needs[0])
        MOT_TRY(mot_graph_append(graph, MOT_OP_conv2d_dinput, node.name, &attrs, (int[]){dy, w}, 2,
                                 &d_in[0]));
    return MOT_OK;
}

const mot_op_rules mot_rules_conv2d = {
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .gradient = gradient,
    .cost = cost,
    .product = true,
};

/* ---- gradient of the input ---- */

static mot_status infer_dinput(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                               mot_dtype *dtype)
{
    const mot_window *window = &node->attrs.window;
    const mot_shape *dy = mot_rules_shape(graph, node, 0), *w = mot_rules_shape(graph, node, 1);
    (void)dtype;
    MOT_TRY(mot_rules_window_places(graph, node, 0));
    MOT_TRY(check_weight(graph, node, w->dim[1] * window->groups));
    if (dy->dim[1] != w->dim[0])
        return mot_rules_fail(graph, node, "needs a weight with the O of dy");
    shape[0] =
        (mot_shape){4, {MOT_BATCH, w->dim[1] * window->groups, window->image[0], window->image[1]}};
    if (node->n_in > 2 && !mot_shape_equal(mot_rules_shape(graph, node, 2), &shape[0]))
        return mot_rules_fail(graph, node, "needs a mask of the shape of dx");
    return MOT_OK;
}

const mot_op_rules mot_rules_conv2d_dinput = {
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_dinput,
    .cost = cost,
    .product = true,
};

/* ---- gradients of weight and bias ---- */

static mot_status infer_dweight(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                                mot_dtype *dtype)
{
    const mot_window *window = &node->attrs.window;
    (void)dtype;
    MOT_TRY(mot_rules_window_places(graph, node, 0));
    MOT_TRY(mot_rules_window(graph, node, 1));
    const int64_t outs = mot_rules_shape(graph, node, 0)->dim[1];
    const int64_t channels = mot_rules_shape(graph, node, 1)->dim[1];
    if (outs % window->groups != 0 || channels % window->groups != 0)
        return mot_rules_fail(graph, node, "needs groups that divide both numbers of channels");
    shape[0] =
        (mot_shape){4, {outs, channels / window->groups, window->kernel[0], window->kernel[1]}};
    shape[1] = (mot_shape){1, {outs}};
    return MOT_OK;
}

static mot_cost cost_dweight(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    const mot_shape *dw = &graph->tensor[node->out[0]].shape;
    mot_cost result = cost_of(graph, node, batch, (double)mot_shape_elements(dw, 1));
    if (node->n_out > 1)
        result.flops += (double)mot_shape_elements(mot_rules_shape(graph, node, 0), batch);
    return result;
}

const mot_op_rules mot_rules_conv2d_dweight = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 2,
    .infer = infer_dweight,
    .cost = cost_dweight,
    .product = true,
};
