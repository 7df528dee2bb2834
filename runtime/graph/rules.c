/* rules.c: the table of operator rules, made from the list in op.h, and what many rules share. */
#include "config.h"

#include "runtime/graph/op/rules.h"

#include "runtime/base/text.h"

#define DECLARE_RULES(name) extern const mot_op_rules mot_rules_##name;
MOT_OPS(DECLARE_RULES)
#undef DECLARE_RULES

const mot_op_rules *mot_op_get_rules(mot_op op)
{
    static const mot_op_rules *const table[] = {
#define RULES_ROW(name) &mot_rules_##name,
        MOT_OPS(RULES_ROW)
#undef RULES_ROW
    };
    return table[op];
}

const mot_shape *mot_rules_shape(const mot_graph *graph, const mot_node *node, int i)
{
    return &graph->tensor[node->in[i]].shape;
}

mot_dtype mot_rules_dtype(const mot_graph *graph, const mot_node *node, int i)
{
    return graph->tensor[node->in[i]].dtype;
}

mot_status mot_rules_fail(const mot_graph *graph, const mot_node *node, const char *what)
{
    mot_text text = {0};
    mot_status status =
        mot_text_add(&text, "%s %s: %s; got", mot_op_name(node->op), node->name, what);
    for (int i = 0; i < node->n_in && status == MOT_OK; i++) {
        if (node->in[i] < 0)
            continue;
        const mot_tensor *tensor = &graph->tensor[node->in[i]];
        char shape[MOT_SHAPE_TEXT];
        status = mot_text_add(&text, "%s %s %s", i ? "," : "", tensor->name,
                              mot_shape_print(&tensor->shape, shape));
        if (status == MOT_OK && tensor->dtype != MOT_F32)
            status = mot_text_add(&text, " %s", mot_dtype_name(tensor->dtype));
        if (status == MOT_OK && tensor->producer >= 0)
            status = mot_text_add(&text, " from layer %s", graph->node[tensor->producer].name);
    }
    if (status == MOT_OK)
        status = MOT_FAIL(MOT_ERR_SHAPE, "%s", text.data);
    mot_text_free(&text);
    return status;
}

mot_status mot_rules_infer_same(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                                mot_dtype *dtype)
{
    for (int i = 0; i < node->n_in; i++) {
        if (mot_rules_dtype(graph, node, i) != MOT_F32)
            return mot_rules_fail(graph, node, "needs floats");
        if (!mot_shape_equal(mot_rules_shape(graph, node, i), mot_rules_shape(graph, node, 0)))
            return mot_rules_fail(graph, node, "needs inputs of one shape");
    }
    shape[0] = *mot_rules_shape(graph, node, 0);
    dtype[0] = MOT_F32;
    return MOT_OK;
}

static double bytes_of(const mot_graph *graph, const int *tensor, int n, int64_t batch)
{
    double bytes = 0;
    for (int i = 0; i < n; i++) {
        if (tensor[i] < 0)
            continue;
        const mot_tensor *t = &graph->tensor[tensor[i]];
        double item = (double)mot_dtype_bytes(t->dtype);
        bytes += (double)mot_shape_elements(&t->shape, batch) * item;
    }
    return bytes;
}

double mot_rules_bytes(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return bytes_of(graph, node->in, node->n_in, batch) +
           bytes_of(graph, node->out, node->n_out, batch);
}

mot_cost mot_rules_cost_each(const mot_graph *graph, const mot_node *node, int64_t batch,
                             double each)
{
    return (mot_cost){
        .flops = each * (double)mot_shape_elements(mot_rules_shape(graph, node, 0), batch),
        .bytes = mot_rules_bytes(graph, node, batch),
    };
}

mot_cost mot_rules_cost_elementwise(const mot_graph *graph, const mot_node *node, int64_t batch)
{
    return mot_rules_cost_each(graph, node, batch, 1);
}

mot_cost mot_node_cost(const mot_graph *graph, int node, int64_t batch)
{
    return mot_op_get_rules(graph->node[node].op)->cost(graph, &graph->node[node], batch);
}

mot_cost mot_graph_cost(const mot_graph *graph, int64_t batch)
{
    mot_cost sum = {0, 0};
    for (int i = 0; i < graph->n_nodes; i++) {
        if ((graph->node[i].phase == MOT_PHASE_UPDATE) != (batch == 0))
            continue;
        mot_cost cost = mot_node_cost(graph, i, batch);
        sum.flops += cost.flops;
        sum.bytes += cost.bytes;
    }
    return sum;
}

bool mot_node_runs(const mot_graph *graph, int node, bool inference)
{
    const mot_node *n = &graph->node[node];
    const mot_op_rules *rules = mot_op_get_rules(n->op);
    return !inference || (n->phase == MOT_PHASE_FORWARD && !rules->training_only &&
                          !rules->exchanged && !rules->for_backward);
}
