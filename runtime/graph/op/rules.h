/* rules.h: what the graph knows of an operator.  Each operator of MOT_OPS defines
 * `const mot_op_rules mot_rules_<name>` in runtime/graph/op/<family>.c. */
#ifndef MOT_GRAPH_OP_RULES_H
#define MOT_GRAPH_OP_RULES_H

#include "runtime/graph/graph.h"

typedef struct mot_op_rules {
    /** Check the inputs of `node` and give the shapes and types of its outputs. */
    mot_status (*infer)(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype);
    /** Append the nodes that compute the gradients of `node`: from d_out[i] (tensor with the gradient
     *  of output i, or -1) to d_in[i] (-1 where input i needs none; needs[i] says which do).  NULL:
     *  the operator has no gradient. */
    mot_status (*gradient)(mot_graph *graph, int node, const int *d_out, const bool *needs,
                           int *d_in);
    /** Operations and bytes of `node` for `batch` samples. */
    mot_cost (*cost)(const mot_graph *graph, const mot_node *node, int64_t batch);
    /** Output 0 may lie on input `in_place` (elementwise); -1 not. */
    int in_place;
} mot_op_rules;

/** The rules of an operator, by the list in op.h. */
const mot_op_rules *mot_op_get_rules(mot_op op);

#endif
