/* attention.c: y = softmax(q k^T / sqrt(D)) v for every head, masked where causal, with queries, keys
 * and values as the parts of qkv (B,T,3C), C = heads x D.
 *
 * The T x T probabilities are nowhere: forward leaves the logarithm of each row's sum, lse (B,H,T),
 * and backward computes them from it again.
 * Source: Dao 2023, "FlashAttention-2". */
#include "config.h"

#include "runtime/graph/op/rules.h"

/* qkv's two shapes that follow from it: y and lse. */
static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    const mot_shape *qkv = mot_rules_shape(graph, node, 0);
    const int64_t heads = node->attrs.heads;
    (void)dtype;
    if (qkv->n_dims != 3 || !mot_shape_is_batched(qkv) ||
        mot_rules_dtype(graph, node, 0) != MOT_F32 || qkv->dim[2] % 3 != 0)
        return mot_rules_fail(graph, node, "needs queries, keys and values (B,T,3C)");
    if (heads < 1 || qkv->dim[2] / 3 % heads != 0)
        return mot_rules_fail(graph, node, "needs a number of heads that divides C");
    shape[0] = (mot_shape){.n_dims = 3, .dim = {MOT_BATCH, qkv->dim[1], qkv->dim[2] / 3}};
    shape[1] = (mot_shape){.n_dims = 3, .dim = {MOT_BATCH, heads, qkv->dim[1]}};
    return MOT_OK;
}

static mot_status gradient(mot_graph *graph, int index, const int *d_out, const bool *needs,
                           int *d_in)
{
    const mot_node node = graph->node[index];
    (void)needs;
    return mot_graph_append(graph, MOT_OP_attention_grad, node.name, &node.attrs,
                            (int[]){d_out[0], node.in[0], node.out[0], node.out[1]}, 4, d_in);
}

/* `products` products of (T,T) by (T,D), of pairs that see each other. */
static mot_cost cost_of(const mot_graph *graph, const mot_node *node, int64_t batch, int qkv_at,
                        int products)
{
    const mot_shape *qkv = mot_rules_shape(graph, node, qkv_at);
    const double length = (double)qkv->dim[1], width = (double)qkv->dim[2] / 3;
    const double seen = node->attrs.causal ? (length + 1) / 2 : length;
    return (mot_cost){
        .flops = 2.0 * products * (double)batch * length * seen * width,
        .bytes = mot_rules_bytes(graph, node, batch),
    };
}

static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return cost_of(graph, node, batch, 0, 2);
}

const mot_op_rules mot_rules_attention = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 2,
    .max_out = 2,
    .infer = infer,
    .gradient = gradient,
    .cost = cost,
    .product = true,
    .exact_out = 1u << 1,
};

static mot_status infer_grad(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                             mot_dtype *dtype)
{
    const mot_shape *dy = mot_rules_shape(graph, node, 0), *qkv = mot_rules_shape(graph, node, 1);
    (void)dtype;
    if (!mot_shape_equal(dy, mot_rules_shape(graph, node, 2)) || qkv->n_dims != 3)
        return mot_rules_fail(graph, node, "needs dy and y of one shape (B,T,C), and (B,T,3C)");
    shape[0] = *qkv;
    return MOT_OK;
}

/* The scores and the gradients of the probabilities, then of q, k and v: what the algorithm needs
 * when it keeps nothing, computing both of the first once. */
static mot_cost cost_grad(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return cost_of(graph, node, batch, 1, 5);
}

const mot_op_rules mot_rules_attention_grad = {
    .min_in = 4,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_grad,
    .cost = cost_grad,
    .product = true,
};
