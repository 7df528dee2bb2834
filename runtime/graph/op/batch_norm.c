/* batch_norm.c: batch norm of x (B,C,...) over all samples of the batch, on whatever devices they are.
 * With m and v the mean and variance of a channel, r = 1 / sqrt(v + eps), N its elements in the batch:
 *
 *     n = (x - m) r,   y = n w + b
 *     dw = sum dy n,   db = sum dy
 *     dx = w r (dy - db / N - n dw / N)
 *
 * Both ways begin with sums over samples, which are exchanged within the step (MOT_TENSOR_EXCHANGED):
 * {sum d, sum d^2, N} of d = x - running mean, which is the same everywhere and near m, so that
 * m = mean + sum d / N and v = sum d^2 / N - (sum d / N)^2 lose little; and {sum dy, sum dy n}, this
 * device's part of which is also the gradient of b and w.  The update moves the running mean and
 * variance toward m and v N / (N - 1), as PyTorch does; evaluation uses them.
 * With attrs.activation relu, y = max(0, n w + b), and the gradient's sign is found again from x.  Where
 * something is added, y = act(n w + b + r), what passes the relu is dr, and the rest begins with that.
 */
#include "config.h"

#include "runtime/graph/internal.h"

#include <string.h>

/* Inputs; of the gradients dy stands in front. */
enum { X, MEAN, VARIANCE, SUMS, WEIGHT, BIAS, RESIDUAL = MOT_BATCH_NORM_RESIDUAL };

static int64_t channels_of(const mot_graph *graph, const mot_node *node, int x)
{
    const mot_shape *shape = mot_rules_shape(graph, node, x);
    return shape->n_dims > 1 ? shape->dim[1] : 0;
}

/* Input x is (B,C,...) of floats; those from `first` on, before `end`, have C elements where they are
 * there. */
static mot_status check_sizes(const mot_graph *graph, const mot_node *node, int x, int first,
                              int end)
{
    const int64_t n_channels = channels_of(graph, node, x);
    if (!mot_shape_is_batched(mot_rules_shape(graph, node, x)) || n_channels < 1 ||
        mot_rules_dtype(graph, node, x) != MOT_F32)
        return mot_rules_fail(graph, node, "needs floats of samples (B,C,...)");
    for (int i = first; i < end && i < node->n_in; i++)
        if (node->in[i] >= 0 &&
            mot_shape_elements(mot_rules_shape(graph, node, i), 1) != n_channels)
            return mot_rules_fail(graph, node, "needs one number for each channel");
    return MOT_OK;
}

static mot_status check_sums(const mot_graph *graph, const mot_node *node, int i, int64_t n)
{
    return mot_shape_elements(mot_rules_shape(graph, node, i), 1) == n
               ? MOT_OK
               : mot_rules_fail(graph, node, "needs the sums of its input");
}

/* ---- sums ---- */

static mot_status infer_sums(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                             mot_dtype *dtype)
{
    (void)dtype;
    MOT_TRY(check_sizes(graph, node, 0, 1, node->n_in));
    shape[0] = (mot_shape){1, {2 * channels_of(graph, node, 0) + 1}};
    return MOT_OK;
}

static mot_cost cost_sums(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch, 4);
}

const mot_op_rules mot_rules_batch_norm_sums = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_sums,
    .cost = cost_sums,
    .exchanged = true,
};

/* ---- forward ---- */

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    (void)dtype;
    MOT_TRY(check_sizes(graph, node, X, WEIGHT, RESIDUAL));
    MOT_TRY(check_sums(graph, node, SUMS, 2 * channels_of(graph, node, X) + 1));
    shape[0] = *mot_rules_shape(graph, node, X);
    if (node->n_in > RESIDUAL &&
        !mot_shape_equal(mot_rules_shape(graph, node, RESIDUAL), &shape[0]))
        return mot_rules_fail(graph, node, "needs to add what has the shape of x");
    return MOT_OK;
}

static mot_status gradient(mot_graph *graph, int index, const int *d_out, const bool *needs,
                           int *d_in)
{
    mot_node node = graph->node[index];
    int d = d_out[0], sums[3] = {-1, -1, -1};
    if (node.n_in > RESIDUAL) {
        if (node.attrs.activation == MOT_ACT_RELU)
            MOT_TRY(mot_graph_append(graph, MOT_OP_relu_grad, node.name, NULL,
                                     (int[]){d, node.out[0]}, 2, &d));
        node.attrs.activation = MOT_ACT_NONE;
        d_in[RESIDUAL] = needs[RESIDUAL] ? d : -1;
        if (!needs[X] && !needs[WEIGHT] && !needs[BIAS])
            return MOT_OK;
    }
    const int sums_in[] = {
        d, node.in[X], node.in[SUMS], node.in[MEAN], node.in[WEIGHT], node.in[BIAS]};
    MOT_TRY(mot_graph_append_n(graph, MOT_OP_batch_norm_grad_sums, node.name, &node.attrs, sums_in,
                               6,
                               needs[BIAS]     ? 3
                               : needs[WEIGHT] ? 2
                                               : 1,
                               sums));
    d_in[WEIGHT] = sums[1];
    d_in[BIAS] = sums[2];
    if (!needs[X])
        return MOT_OK;
    const int in[] = {d,       node.in[X],      node.in[SUMS], node.in[MEAN],
                      sums[0], node.in[WEIGHT], node.in[BIAS]};
    return mot_graph_append(graph, MOT_OP_batch_norm_grad, node.name, &node.attrs, in, 7, &d_in[X]);
}

/* The running mean and variance follow the batch's. */
static mot_status update(mot_graph *graph, int index)
{
    const mot_node *node = &graph->node[index];
    mot_node moves = {.op = MOT_OP_batch_norm_update,
                      .attrs = {.momentum = node->attrs.momentum},
                      .n_in = 1,
                      .n_out = 2};
    memset(moves.in, -1, sizeof moves.in);
    memset(moves.out, -1, sizeof moves.out);
    moves.in[0] = node->in[SUMS];
    moves.out[0] = node->in[MEAN];
    moves.out[1] = node->in[VARIANCE];
    return mot_graph_add_node(graph, &moves, node->name);
}

static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch, node->n_in > RESIDUAL ? 5 : 4);
}

const mot_op_rules mot_rules_batch_norm = {
    .min_in = 4,
    .max_in = 7,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .gradient = gradient,
    .update = update,
    .cost = cost,
    .in_place = false, /* backward reads x */
};

/* ---- backward ---- */

/* dy, x, sums, mean, and from `first` on what there is for each channel. */
static mot_status check_backward(const mot_graph *graph, const mot_node *node, int first)
{
    MOT_TRY(check_sizes(graph, node, 1, first, node->n_in));
    MOT_TRY(check_sums(graph, node, 2, 2 * channels_of(graph, node, 1) + 1));
    if (!mot_shape_equal(mot_rules_shape(graph, node, 0), mot_rules_shape(graph, node, 1)))
        return mot_rules_fail(graph, node, "needs dy and x of one shape");
    return MOT_OK;
}

static mot_status infer_grad_sums(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                                  mot_dtype *dtype)
{
    const int64_t n_channels = channels_of(graph, node, 1);
    (void)dtype;
    MOT_TRY(check_backward(graph, node, 3));
    shape[0] = (mot_shape){1, {2 * n_channels}};
    shape[1] = shape[2] = (mot_shape){1, {n_channels}};
    return MOT_OK;
}

static mot_cost cost_grad_sums(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch, 5);
}

const mot_op_rules mot_rules_batch_norm_grad_sums = {
    .min_in = 4,
    .max_in = 6,
    .min_out = 1,
    .max_out = 3,
    .infer = infer_grad_sums,
    .cost = cost_grad_sums,
    .exchanged = true,
};

static mot_status infer_grad(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                             mot_dtype *dtype)
{
    (void)dtype;
    MOT_TRY(check_backward(graph, node, 5));
    MOT_TRY(check_sums(graph, node, 4, 2 * channels_of(graph, node, 1)));
    shape[0] = *mot_rules_shape(graph, node, 1);
    return MOT_OK;
}

static mot_cost cost_grad(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch, 7);
}

const mot_op_rules mot_rules_batch_norm_grad = {
    .min_in = 5,
    .max_in = 7,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_grad,
    .cost = cost_grad,
    .in_place = true,
};

/* ---- update ---- */

static mot_cost cost_update(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    (void)batch;
    return (mot_cost){.flops = 4 * (double)mot_shape_elements(mot_rules_shape(graph, node, 0), 1),
                      .bytes = mot_rules_bytes(graph, node, 1)};
}

const mot_op_rules mot_rules_batch_norm_update = {
    .min_in = 1,
    .max_in = 1,
    .min_out = 2,
    .max_out = 2,
    .cost = cost_update,
};
