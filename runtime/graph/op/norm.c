/* norm.c: layer norm, RMS norm and group norm of x (B,...).  A sample is R runs of attrs.group
 * elements with mean m and r = 1 / sqrt(variance + eps) each:
 *
 *     n = (x - m) r,   y = n w + b
 *     dw = sum dy n,   db = sum dy       over samples and all positions that share the weight
 *     g = dy w,   dx = r (g - mean(g) - n mean(g n))   with the means of the run
 *
 * For RMS norm m is 0, r = 1 / sqrt(mean of squares + eps), and mean(g) is not taken off.
 * stats (B,R,2) = {m, r} is what backward needs beside x.
 */
#include "config.h"

#include "runtime/graph/op/rules.h"

/* The inputs `w` and on are parameters (N) that fit a sample of `x`. */
static mot_status check_sizes(const mot_graph *graph, const mot_node *node, int x, int w)
{
    const mot_shape *shape = mot_rules_shape(graph, node, x);
    const int64_t group = node->attrs.group, sample = mot_shape_elements(shape, 1);
    if (!mot_shape_is_batched(shape) || mot_rules_dtype(graph, node, x) != MOT_F32)
        return mot_rules_fail(graph, node, "needs floats of samples (B,...)");
    if (group < 1 || sample % group != 0)
        return mot_rules_fail(graph, node,
                              "needs samples that are a multiple of what is "
                              "normalized together");
    for (int i = w; i < node->n_in; i++) {
        if (node->in[i] < 0)
            continue;
        const mot_shape *parameter = mot_rules_shape(graph, node, i);
        const int64_t n = mot_shape_elements(parameter, 1);
        const bool fits = node->attrs.norm == MOT_NORM_GROUP
                              ? n > 0 && sample % n == 0 && group % (sample / n) == 0
                              : n == group;
        if (mot_shape_is_batched(parameter) || !fits)
            return mot_rules_fail(graph, node, "needs a weight and bias that fit its input");
    }
    return MOT_OK;
}

static mot_shape stats_shape(const mot_node *node, const mot_shape *x)
{
    return (mot_shape){3, {MOT_BATCH, mot_shape_elements(x, 1) / node->attrs.group, 2}};
}

/* ---- forward ---- */

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    (void)dtype;
    MOT_TRY(check_sizes(graph, node, 0, 1));
    if (node->n_in > 2 && node->in[2] >= 0 && node->in[1] < 0)
        return mot_rules_fail(graph, node, "needs a weight where it has a bias");
    shape[0] = *mot_rules_shape(graph, node, 0);
    shape[1] = stats_shape(node, &shape[0]);
    return MOT_OK;
}

static mot_status gradient(mot_graph *graph, int index, const int *d_out, const bool *needs,
                           int *d_in)
{
    const mot_node node = graph->node[index];
    const int w = node.n_in > 1 ? node.in[1] : -1;
    const int in[] = {d_out[0], node.in[0], node.out[1], w};
    int out[3] = {-1, -1, -1};
    MOT_TRY(mot_graph_append_n(graph, MOT_OP_norm_grad, node.name, &node.attrs, in, w < 0 ? 3 : 4,
                               needs[2]   ? 3
                               : needs[1] ? 2
                                          : 1,
                               out));
    d_in[0] = needs[0] ? out[0] : -1;
    d_in[1] = needs[1] ? out[1] : -1;
    d_in[2] = out[2];
    return MOT_OK;
}

static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch, 8);
}

const mot_op_rules mot_rules_norm = {
    .min_in = 1,
    .max_in = 3,
    .min_out = 2,
    .max_out = 2,
    .infer = infer,
    .gradient = gradient,
    .cost = cost,
    .in_place = true,
    .exact_out = 1u << 1,
};

/* ---- backward ---- */

static mot_status infer_grad(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                             mot_dtype *dtype)
{
    const mot_shape *x = mot_rules_shape(graph, node, 1);
    const mot_shape stats = stats_shape(node, x);
    (void)dtype;
    MOT_TRY(check_sizes(graph, node, 1, 3));
    if (!mot_shape_equal(mot_rules_shape(graph, node, 0), x) ||
        !mot_shape_equal(mot_rules_shape(graph, node, 2), &stats))
        return mot_rules_fail(graph, node, "needs dy and x of one shape and their statistics");
    shape[0] = *x;
    if (node->n_in > 3)
        shape[1] = shape[2] = *mot_rules_shape(graph, node, 3);
    return MOT_OK;
}

static mot_cost cost_grad(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch, 14);
}

const mot_op_rules mot_rules_norm_grad = {
    .min_in = 3,
    .max_in = 4,
    .min_out = 1,
    .max_out = 3,
    .infer = infer_grad,
    .cost = cost_grad,
    .in_place = true,
};
