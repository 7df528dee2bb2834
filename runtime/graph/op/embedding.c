/* embedding.c: y = w[ids], rows of a table w (V,C) for ids (B,T); dw's row v is the sum of dy over
 * the positions whose id is v. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status infer(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype)
{
    const mot_shape *ids = mot_rules_shape(graph, node, 0), *w = mot_rules_shape(graph, node, 1);
    (void)dtype;
    if (ids->n_dims != 2 || !mot_shape_is_batched(ids) ||
        mot_rules_dtype(graph, node, 0) == MOT_F32)
        return mot_rules_fail(graph, node, "needs ids (B,T) of i32 or u8");
    if (w->n_dims != 2 || mot_shape_is_batched(w))
        return mot_rules_fail(graph, node, "needs a table (V,C)");
    shape[0] = (mot_shape){.n_dims = 3, .dim = {MOT_BATCH, ids->dim[1], w->dim[1]}};
    return MOT_OK;
}

static mot_status gradient(mot_graph *graph, int index, const int *d_out, const bool *needs,
                           int *d_in)
{
    const mot_node node = graph->node[index];
    const mot_attrs attrs = {.rows = mot_rules_shape(graph, &node, 1)->dim[0]};
    return needs[1] ? mot_graph_append(graph, MOT_OP_embedding_dweight, node.name, &attrs,
                                       (int[]){d_out[0], node.in[0]}, 2, &d_in[1])
                    : MOT_OK;
}

/* Nothing but copies; of the table, as many rows as there are ids. */
static mot_cost cost(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    const mot_shape y = graph->tensor[node->out[0]].shape;
    return (mot_cost){.bytes = 2.0 * sizeof(float) * (double)mot_shape_elements(&y, batch)};
}

const mot_op_rules mot_rules_embedding = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .gradient = gradient,
    .cost = cost,
};

static mot_status infer_dweight(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                                mot_dtype *dtype)
{
    const mot_shape *dy = mot_rules_shape(graph, node, 0), *ids = mot_rules_shape(graph, node, 1);
    (void)dtype;
    if (dy->n_dims != 3 || ids->n_dims != 2 || dy->dim[1] != ids->dim[1] || node->attrs.rows < 1)
        return mot_rules_fail(graph, node, "needs dy (B,T,C) and ids (B,T)");
    shape[0] = (mot_shape){.n_dims = 2, .dim = {node->attrs.rows, dy->dim[2]}};
    return MOT_OK;
}

const mot_op_rules mot_rules_embedding_dweight = {
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_dweight,
    .cost = mot_rules_cost_elementwise,
};
