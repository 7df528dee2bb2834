/* rules.h: what the graph knows of an operator.  Each operator of MOT_OPS defines
 * `const mot_op_rules mot_rules_<name>` in runtime/graph/op/<family>.c. */
#ifndef MOT_GRAPH_OP_RULES_H
#define MOT_GRAPH_OP_RULES_H

#include "runtime/graph/graph.h"

typedef struct mot_op_rules {
    int min_in, max_in;   /* inputs; those above min_in are optional */
    int min_out, max_out; /* outputs; mot_graph_append gives all, mot_graph_append_n the first n */
    /** Check the inputs of `node` and give the shapes and types of its max_out outputs (filled with
     *  MOT_F32 before). */
    mot_status (*infer)(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                        mot_dtype *dtype);
    /** Append the nodes that compute the gradients of `node`: from d_out[i] (tensor with the
     *  gradient of output i, or -1) to d_in[i] (-1 where input i needs none; needs[i] says which
     *  do).  What completes a parameter's gradient comes first, so that its bucket can leave.
     *  NULL: the operator has no gradient. */
    mot_status (*gradient)(mot_graph *graph, int node, const int *d_out, const bool *needs,
                           int *d_in);
    /** Operations and bytes of `node` for `batch` samples. */
    mot_cost (*cost)(const mot_graph *graph, const mot_node *node, int64_t batch);
    bool in_place;      /* output 0 may lie on input 0 (elementwise) */
    bool product;       /* its operations are multiply-adds, two each */
    bool loss;          /* output 0 is the gradient of input 0, output 1 the sums */
    bool training_only; /* when evaluating, output 0 is input 0 and the node does not run */
    bool exchanged;     /* output 0 is MOT_TENSOR_EXCHANGED; does not run when evaluating */
    bool for_backward;  /* only backward reads what it gives; does not run when evaluating */
    unsigned narrow_in; /* inputs that may have 16 bits, bit i for input i; see narrow.c */
    unsigned exact_out; /* outputs that stay float whatever the storage: statistics */
    /** Append what the update does for the forward node `node`.  NULL: nothing. */
    mot_status (*update)(mot_graph *graph, int node);
    /** An optimizer: how many flat states it keeps.  NULL: not an optimizer. */
    int (*n_states)(const mot_attrs *attrs);
    bool per_parameter; /* an optimizer that needs norms of each parameter by itself */
} mot_op_rules;

/** The rules of an operator, by the list in op.h. */
const mot_op_rules *mot_op_get_rules(mot_op op);

/** As mot_graph_append, with only the first `n_out` outputs. */
mot_status mot_graph_append_n(mot_graph *graph, mot_op op, const char *name, const mot_attrs *attrs,
                              const int *in, int n_in, int n_out, int *out);

/** For infer: fail with MOT_ERR_SHAPE; the message is "<op> <node>: <what>; got ..." with the shape
 *  of every input and the layer that made it. */
mot_status mot_rules_fail(const mot_graph *graph, const mot_node *node, const char *what);
/** Shape and type of input i of a node. */
const mot_shape *mot_rules_shape(const mot_graph *graph, const mot_node *node, int i);
mot_dtype mot_rules_dtype(const mot_graph *graph, const mot_node *node, int i);
/** infer for elementwise operators: all inputs and output 0 have one shape. */
mot_status mot_rules_infer_same(const mot_graph *graph, const mot_node *node, mot_shape *shape,
                                mot_dtype *dtype);
/** Bytes of all inputs and outputs of a node: what it moves at least. */
double mot_rules_bytes(const mot_graph *graph, const mot_node *node, int64_t batch);
/** cost for elementwise operators: one operation an element of the first input, or `each`. */
mot_cost mot_rules_cost_elementwise(const mot_graph *graph, const mot_node *node, int64_t batch);
mot_cost mot_rules_cost_each(const mot_graph *graph, const mot_node *node, int64_t batch,
                             double each);

#endif
