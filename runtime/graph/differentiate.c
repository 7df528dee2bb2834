/* differentiate.c: reverse-mode automatic differentiation.
 *
 * The loss gives the gradient of the network's output; from there the forward nodes are walked
 * backward, and each node's rules append the nodes that turn the gradients of its outputs into
 * those of its inputs.  All uses of a tensor come behind the node that made it, so when that node
 * is reached the gradient is complete.  A second use adds its part with `add`.  Views have no node:
 * their gradients count for their root, under the root's shape.
 *
 * What always holds: nothing is computed for a tensor that no parameter leads to (raw input).
 */
#include "config.h"

#include "runtime/graph/internal.h"

#include "runtime/base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct reverse {
    mot_graph *graph;
    int n_tensors; /* of the forward part */
    bool *needs;   /* [n_tensors] does a parameter lead to it? */
    int *gradient; /* [n_tensors] of roots: the gradient so far, -1 */
} reverse;

static void find_needs(reverse *r)
{
    const mot_graph *graph = r->graph;
    for (int i = 0; i < graph->n_parameters; i++)
        r->needs[graph->parameter[i]] = true;
    for (int i = 0; i < graph->n_nodes; i++) {
        const mot_node *node = &graph->node[i];
        bool any = false;
        for (int k = 0; k < node->n_in; k++)
            any |= node->in[k] >= 0 && r->needs[mot_graph_root(graph, node->in[k])];
        for (int k = 0; k < node->n_out; k++)
            r->needs[node->out[k]] = any;
    }
}

/* The gradient of `tensor` is called d_<tensor>. */
static mot_status name_gradient(mot_graph *graph, int gradient, int tensor)
{
    char name[256], *copy;
    snprintf(name, sizeof name, "d_%s", graph->tensor[tensor].name);
    MOT_TRY(mot_strdup(name, &copy));
    free(graph->tensor[gradient].name);
    graph->tensor[gradient].name = copy;
    return MOT_OK;
}

/* View `x` under the shape of `like`, where that differs. */
static mot_status shaped_like(mot_graph *graph, int x, int like, int *out)
{
    mot_shape shape = graph->tensor[like].shape;
    *out = x;
    if (mot_shape_equal(&graph->tensor[x].shape, &shape))
        return MOT_OK;
    char name[256];
    snprintf(name, sizeof name, "d_%s", graph->tensor[like].name);
    return mot_graph_reshape(graph, x, name, &shape, out);
}

/* One use of `tensor` gives the gradient `part`. */
static mot_status contribute(reverse *r, int tensor, int part)
{
    mot_graph *graph = r->graph;
    int root = mot_graph_root(graph, tensor), sum = r->gradient[root];
    MOT_TRY(shaped_like(graph, part, root, &part));
    if (sum >= 0) {
        MOT_TRY(mot_graph_append(graph, MOT_OP_add, graph->tensor[root].name, NULL,
                                 (int[]){sum, part}, 2, &part));
        MOT_TRY(name_gradient(graph, part, root));
    }
    r->gradient[root] = part;
    return MOT_OK;
}

static mot_status through_node(reverse *r, int index)
{
    mot_graph *graph = r->graph;
    const mot_node node = graph->node[index];
    int d_out[MOT_NODE_OUTPUTS], d_in[MOT_NODE_INPUTS];
    bool needs[MOT_NODE_INPUTS] = {false}, any_needs = false, any_out = false;
    for (int i = 0; i < node.n_out; i++) {
        d_out[i] = r->gradient[node.out[i]];
        any_out |= d_out[i] >= 0;
    }
    for (int i = 0; i < MOT_NODE_INPUTS; i++) {
        d_in[i] = -1;
        needs[i] = i < node.n_in && node.in[i] >= 0 && r->needs[mot_graph_root(graph, node.in[i])];
        any_needs |= needs[i];
    }
    if (!any_out || !any_needs)
        return MOT_OK;
    const mot_op_rules *rules = mot_op_get_rules(node.op);
    if (!rules->gradient)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "%s %s has no gradient, and parameters lie before it",
                        mot_op_name(node.op), node.name);
    MOT_TRY(rules->gradient(graph, index, d_out, needs, d_in));
    for (int i = 0; i < node.n_in; i++) {
        if (d_in[i] < 0)
            continue;
        /* A rule may pass a gradient on as it is; that one has its name already. */
        bool passed = false;
        for (int k = 0; k < node.n_out; k++)
            passed |= d_in[i] == d_out[k];
        if (!passed)
            MOT_TRY(name_gradient(graph, d_in[i], node.in[i]));
        MOT_TRY(contribute(r, node.in[i], d_in[i]));
    }
    return MOT_OK;
}

/* The finished gradients of the parameters move to the flat gradient buffer. */
static mot_status connect_parameters(reverse *r)
{
    mot_graph *graph = r->graph;
    for (int i = 0; i < graph->n_parameters; i++) {
        int parameter = graph->parameter[i], gradient = r->gradient[parameter];
        if (gradient < 0)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "the loss does not depend on parameter %s",
                            graph->tensor[parameter].name);
        int root = mot_graph_root(graph, gradient);
        if (graph->tensor[root].kind != MOT_TENSOR_ACTIVATION ||
            graph->node[graph->tensor[root].producer].phase != MOT_PHASE_BACKWARD)
            return MOT_FAIL(MOT_ERR_UNSUPPORTED, "parameter %s: its gradient is that of another",
                            graph->tensor[parameter].name);
        for (int t = 0; t < graph->n_tensors; t++)
            if (mot_graph_root(graph, t) == root)
                graph->tensor[t].kind = MOT_TENSOR_GRADIENT;
        graph->tensor[parameter].gradient = root;
    }
    return MOT_OK;
}

/* Where backward begins: the loss's gradient, scaled where 16 bits would lose its small parts. */
static mot_status begin(reverse *r)
{
    mot_graph *graph = r->graph;
    const mot_node loss = graph->node[graph->loss_node];
    int d = loss.out[0];
    if (graph->loss_scale >= 0)
        MOT_TRY(mot_graph_append(graph, MOT_OP_scale_gradient, loss.name, NULL,
                                 (int[]){d, graph->loss_scale}, 2, &d));
    MOT_TRY(name_gradient(graph, d, loss.in[0]));
    return contribute(r, loss.in[0], d);
}

mot_status mot_graph_differentiate(mot_graph *graph)
{
    reverse r = {.graph = graph, .n_tensors = graph->n_tensors};
    mot_status status;
    MOT_TRY_GOTO(mot_alloc((size_t)r.n_tensors, sizeof *r.needs, &r.needs));
    MOT_TRY_GOTO(mot_alloc((size_t)r.n_tensors, sizeof *r.gradient, &r.gradient));
    for (int i = 0; i < r.n_tensors; i++)
        r.gradient[i] = -1;
    find_needs(&r);
    graph->phase = MOT_PHASE_BACKWARD;
    graph->checkpoint = 0;
    MOT_TRY_GOTO(begin(&r));
    for (int i = graph->loss_node - 1; i >= 0; i--)
        MOT_TRY_GOTO(through_node(&r, i));
    MOT_TRY_GOTO(connect_parameters(&r));
fail:
    free(r.needs);
    free(r.gradient);
    return status;
}
