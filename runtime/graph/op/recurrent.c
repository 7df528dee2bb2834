/* recurrent.c: LSTM and GRU over sequences, from what the input gives to the gates, x (B,T,GH), G = 4
 * or 3 gates of H units, which a linear layer makes of all positions at once.  State 0 is zero.
 * With p[t] = x[t] + w h[t-1] + b, in parts of H,
 *
 *     lstm   i, f, o = sigmoid(p), g = tanh(p)    c[t] = f c[t-1] + i g    h[t] = o tanh(c[t])
 *     gru    r, z = sigmoid(p)                    n = tanh(x_n + r (w_n h[t-1] + b_n))
 *                                                 h[t] = (1 - z) n + z h[t-1]
 *
 * in the order i f g o and r z n.  Kept for backward: gates (B,T,4H), for lstm with the cells c, for
 * gru with w_n h[t-1] + b_n as the fourth.  The gradients of w and b are those of a linear layer from
 * h[t-1], which lstm_grad and gru_grad leave as `before`.
 * Source: the formulas and the order of PyTorch's nn.LSTM and nn.GRU. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static bool is_gru(const mot_node *node)
{
    return node->op == MOT_OP_gru || node->op == MOT_OP_gru_grad;
}

static mot_shape with_last(mot_shape shape, int64_t n)
{
    shape.dim[shape.n_dims - 1] = n;
    return shape;
}

/* The product of the state with w, at each position. */
static mot_cost cost_of(const mot_graph *graph, const mot_node *node, int64_t batch, int x, int w)
{
    const mot_shape *weight = mot_rules_shape(graph, node, w);
    return (mot_cost){
        .flops = 2.0 * (double)batch * (double)mot_rules_shape(graph, node, x)->dim[1] *
                 (double)mot_shape_elements(weight, 1),
        .bytes = mot_rules_bytes(graph, node, batch),
    };
}

/* ---- forward ---- */

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    const mot_shape *x = mot_rules_shape(graph, node, 0), *w = mot_rules_shape(graph, node, 1);
    const int64_t n_gates = is_gru(node) ? 3 : 4, width = mot_shape_last(w);
    (void)dtype;
    if (x->n_dims != 3 || !mot_shape_is_batched(x) || mot_rules_dtype(graph, node, 0) != MOT_F32)
        return mot_rules_fail(graph, node, "needs sequences (B,T,C)");
    if (w->n_dims != 2 || mot_shape_is_batched(w) || w->dim[0] != n_gates * width ||
        x->dim[2] != w->dim[0])
        return mot_rules_fail(graph, node,
                              is_gru(node) ? "needs x (B,T,3H) and a weight (3H,H)"
                                           : "needs x (B,T,4H) and a weight (4H,H)");
    if (node->n_in > 2) {
        const mot_shape *b = mot_rules_shape(graph, node, 2);
        if (b->n_dims != 1 || b->dim[0] != w->dim[0])
            return mot_rules_fail(graph, node, "needs a bias with an element for each row of w");
    }
    shape[0] = with_last(*x, width);
    shape[1] = with_last(*x, 4 * width);
    if (!is_gru(node))
        shape[2] = shape[0];
    return MOT_OK;
}

static mot_status gradient_of_weights(mot_graph *graph, const mot_node *node, const bool *needs,
                                      int gates, int before, int *d_in)
{
    int out[2] = {-1, -1};
    if (!needs[1] && !needs[2])
        return MOT_OK;
    MOT_TRY(mot_graph_append_n(graph, MOT_OP_linear_dweight, node->name, NULL,
                               (int[]){gates, before}, 2, needs[2] ? 2 : 1, out));
    d_in[1] = needs[1] ? out[0] : -1;
    d_in[2] = out[1];
    return MOT_OK;
}

static mot_status gradient_lstm(mot_graph *graph, int index, const int *d_out, const bool *needs,
                                int *d_in)
{
    const mot_node node = graph->node[index];
    int out[2];
    MOT_TRY(mot_graph_append(graph, MOT_OP_lstm_grad, node.name, NULL,
                             (int[]){d_out[0], node.out[0], node.out[1], node.out[2], node.in[1]},
                             5, out));
    d_in[0] = needs[0] ? out[0] : -1;
    return gradient_of_weights(graph, &node, needs, out[0], out[1], d_in);
}

static mot_status gradient_gru(mot_graph *graph, int index, const int *d_out, const bool *needs,
                               int *d_in)
{
    const mot_node node = graph->node[index];
    int out[3];
    MOT_TRY(mot_graph_append(graph, MOT_OP_gru_grad, node.name, NULL,
                             (int[]){d_out[0], node.out[0], node.out[1], node.in[1]}, 4, out));
    d_in[0] = needs[0] ? out[0] : -1;
    return gradient_of_weights(graph, &node, needs, out[1], out[2], d_in);
}

static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return cost_of(graph, node, batch, 0, 1);
}

const mot_op_rules mot_rules_lstm = {
    .min_in = 2,
    .max_in = 3,
    .min_out = 3,
    .max_out = 3,
    .infer = infer,
    .gradient = gradient_lstm,
    .cost = cost,
    .product = true,
};

const mot_op_rules mot_rules_gru = {
    .min_in = 2,
    .max_in = 3,
    .min_out = 2,
    .max_out = 2,
    .infer = infer,
    .gradient = gradient_gru,
    .cost = cost,
    .product = true,
};

/* ---- gradients ---- */

static mot_status infer_grad(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                             mot_dtype *dtype)
{
    const mot_shape *dy = mot_rules_shape(graph, node, 0), *gates = mot_rules_shape(graph, node, 2);
    const mot_shape *w = mot_rules_shape(graph, node, node->n_in - 1);
    (void)dtype;
    if (dy->n_dims != 3 || !mot_shape_equal(dy, mot_rules_shape(graph, node, 1)) ||
        gates->n_dims != 3 || gates->dim[2] != 4 * dy->dim[2] || w->n_dims != 2)
        return mot_rules_fail(graph, node, "needs dy and y (B,T,H), gates (B,T,4H) and a weight");
    shape[0] = with_last(*dy, w->dim[0]);
    if (is_gru(node))
        shape[1] = shape[0];
    shape[is_gru(node) ? 2 : 1] = *dy;
    return MOT_OK;
}

static mot_cost cost_grad(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return cost_of(graph, node, batch, 0, node->n_in - 1);
}

const mot_op_rules mot_rules_lstm_grad = {
    .min_in = 5,
    .max_in = 5,
    .min_out = 2,
    .max_out = 2,
    .infer = infer_grad,
    .cost = cost_grad,
    .product = true,
};

const mot_op_rules mot_rules_gru_grad = {
    .min_in = 4,
    .max_in = 4,
    .min_out = 3,
    .max_out = 3,
    .infer = infer_grad,
    .cost = cost_grad,
    .product = true,
};
