/* softmax_xent.c: softmax and cross-entropy in one pass; gives the gradient of the logits and the
 * sums {rows that count, losses, correct, losses without smoothing}.  Rows are samples, or all
 * positions of sequences: then the mean that training takes is over positions, as PyTorch's is.
 *
 * With smoothing s a label asks for 1 - s of its class and s / C of each of the C classes, its own
 * too.  A row with a label below 0 has no loss and no gradient and is not counted.  What the summed
 * gradient is divided by is the sum of these counts over devices and ranks, so the mean over the
 * rows that count is exact however they are spread over shares.
 *
 * A label may be two classes with a weight: the loss is that of both, weighted, which is linear in the
 * label as smoothing is; correct is a row that says the first. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    const mot_shape *logits = mot_rules_shape(graph, node, 0);
    const mot_shape *label = mot_rules_shape(graph, node, 1);
    if (logits->n_dims < 2 || logits->n_dims > 3 || !mot_shape_is_batched(logits) ||
        mot_rules_dtype(graph, node, 0) != MOT_F32)
        return mot_rules_fail(graph, node, "needs logits (B,C) or (B,T,C)");
    mot_shape rows = *logits;
    rows.n_dims--;
    const mot_shape mixed = {2, {logits->dim[0], 3}};
    if ((!mot_shape_equal(label, &rows) &&
         !(logits->n_dims == 2 && mot_shape_equal(label, &mixed))) ||
        mot_rules_dtype(graph, node, 1) != MOT_I32)
        return mot_rules_fail(
            graph, node, "needs labels (B) or (B,T) of i32, one for each row, or mixed ones (B,3)");
    if (!(node->attrs.smoothing >= 0 && node->attrs.smoothing < 1))
        return mot_rules_fail(graph, node, "needs a smoothing from 0 to below 1");
    shape[0] = *logits;
    shape[1] = (mot_shape){.n_dims = 1, .dim = {4}};
    dtype[0] = dtype[1] = MOT_F32;
    return MOT_OK;
}

/* Maximum, difference, exponential, sum, quotient, difference. */
static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch, 6);
}

const mot_op_rules mot_rules_softmax_xent = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 2,
    .max_out = 2,
    .infer = infer,
    .cost = cost,
    .loss = true,
};
