/* linear.c: y = act(x w^T + b), and its gradients
 *
 *     dx = dy w         (linear_dinput, masked by relu'(h) where fused)
 *     dw = dy^T x       (linear_dweight)
 *     db = sum_B dy     (its second output)
 *
 * with x (B,K), w (N,K), b (N), y (B,N); sums over samples, never means.  With sequences x (B,T,K),
 * y (B,T,N), each position is a row of its own, and gradients are sums over these too.
 */
#include "config.h"

#include "runtime/graph/op/rules.h"

static bool is_weight(const mot_shape *shape)
{
    return shape->n_dims == 2 && !mot_shape_is_batched(shape);
}

/* (B,K) or (B,T,K); pictures are not meant to be taken line by line. */
static bool is_rows(const mot_shape *shape)
{
    return (shape->n_dims == 2 || shape->n_dims == 3) && mot_shape_is_batched(shape);
}

/* Rows of a sample: its positions. */
static double positions(const mot_shape *shape)
{
    return shape->n_dims == 3 ? (double)shape->dim[1] : 1;
}

static mot_shape with_last(mot_shape shape, int64_t n)
{
    shape.dim[shape.n_dims - 1] = n;
    return shape;
}

/* 2 operations a multiply-add, over the rows x N x K of all three products. */
static mot_cost cost_product(const mot_graph *graph, const mot_node *node, int64_t batch, double n,
                             double k)
{
    return (mot_cost){
        .flops = 2.0 * (double)batch * positions(mot_rules_shape(graph, node, 0)) * n * k,
        .bytes = mot_rules_bytes(graph, node, batch),
    };
}

/* ---- forward ---- */

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    const mot_shape *x = mot_rules_shape(graph, node, 0), *w = mot_rules_shape(graph, node, 1);
    (void)dtype;
    if (!is_rows(x) || mot_rules_dtype(graph, node, 0) != MOT_F32)
        return mot_rules_fail(graph, node, "needs an input (B,K) or (B,T,K), so flatten it first");
    if (!is_weight(w) || w->dim[1] != mot_shape_last(x))
        return mot_rules_fail(graph, node, "needs a weight (N,K) with the K of its input");
    if (node->n_in > 2) {
        const mot_shape *b = mot_rules_shape(graph, node, 2);
        if (b->n_dims != 1 || b->dim[0] != w->dim[0])
            return mot_rules_fail(graph, node, "needs a bias (N) with the N of its weight");
    }
    shape[0] = with_last(*x, w->dim[0]);
    return MOT_OK;
}

static mot_status gradient(mot_graph *graph, int index, const int *d_out, const bool *needs,
                           int *d_in)
{
    const mot_node node = graph->node[index];
    int dy = d_out[0], x = node.in[0], w = node.in[1], out[2] = {-1, -1};
    if (node.attrs.activation != MOT_ACT_NONE)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "linear %s: activations are fused behind backward",
                        node.name);
    if (needs[1] || needs[2]) {
        MOT_TRY(mot_graph_append_n(graph, MOT_OP_linear_dweight, node.name, NULL, (int[]){dy, x}, 2,
                                   needs[2] ? 2 : 1, out));
        d_in[1] = needs[1] ? out[0] : -1;
        d_in[2] = out[1];
    }
    if (needs[0])
        MOT_TRY(mot_graph_append(graph, MOT_OP_linear_dinput, node.name, NULL, (int[]){dy, w}, 2,
                                 &d_in[0]));
    return MOT_OK;
}

static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    const mot_shape *w = mot_rules_shape(graph, node, 1);
    return cost_product(graph, node, batch, (double)w->dim[0], (double)w->dim[1]);
}

const mot_op_rules mot_rules_linear = {
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
    const mot_shape *dy = mot_rules_shape(graph, node, 0), *w = mot_rules_shape(graph, node, 1);
    (void)dtype;
    if (!is_rows(dy) || !is_weight(w) || mot_shape_last(dy) != w->dim[0])
        return mot_rules_fail(graph, node, "needs dy (B,N) or (B,T,N), and a weight (N,K)");
    shape[0] = with_last(*dy, w->dim[1]);
    if (node->n_in > 2 && !mot_shape_equal(mot_rules_shape(graph, node, 2), &shape[0]))
        return mot_rules_fail(graph, node, "needs a mask of the shape of dx");
    return MOT_OK;
}

const mot_op_rules mot_rules_linear_dinput = {
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
    const mot_shape *dy = mot_rules_shape(graph, node, 0), *x = mot_rules_shape(graph, node, 1);
    (void)dtype;
    if (!is_rows(dy) || !is_rows(x) || positions(dy) != positions(x))
        return mot_rules_fail(graph, node, "needs dy (B,N) and x (B,K), or (B,T,N) and (B,T,K)");
    shape[0] = (mot_shape){.n_dims = 2, .dim = {mot_shape_last(dy), mot_shape_last(x)}};
    shape[1] = (mot_shape){.n_dims = 1, .dim = {mot_shape_last(dy)}};
    return MOT_OK;
}

static mot_cost cost_dweight(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    const mot_shape *dy = mot_rules_shape(graph, node, 0);
    double n = (double)mot_shape_last(dy);
    double k = (double)mot_shape_last(mot_rules_shape(graph, node, 1));
    mot_cost result = cost_product(graph, node, batch, n, k);
    if (node->n_out > 1)
        result.flops += (double)batch * positions(dy) * n;
    return result;
}

const mot_op_rules mot_rules_linear_dweight = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 2,
    .infer = infer_dweight,
    .cost = cost_dweight,
    .product = true,
    .narrow_in = 1u << 1,
};
