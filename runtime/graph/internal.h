/* internal.h: what the files of this folder share and nobody else calls. */
#ifndef MOT_GRAPH_INTERNAL_H
#define MOT_GRAPH_INTERNAL_H

#include "runtime/graph/graph.h"
#include "runtime/graph/op/rules.h"

/** Append a tensor / a node as given; for the node `name` and the graph's phase are filled in. */
mot_status mot_graph_add_tensor(mot_graph *graph, mot_tensor_kind kind, const char *name,
                                mot_dtype dtype, const mot_shape *shape, int *out);
mot_status mot_graph_add_node(mot_graph *graph, const mot_node *node, const char *name);

/** The tensor whose memory `tensor` uses: itself, or what it views. */
static inline int mot_graph_root(const mot_graph *graph, int tensor)
{
    int root = graph->tensor[tensor].view_of;
    return root < 0 ? tensor : root;
}

/** Append the backward nodes and connect parameters with their gradients (differentiate.c). */
mot_status mot_graph_differentiate(mot_graph *graph);
/** Have backward read copies of what the checkpointed blocks computed (recompute.c). */
mot_status mot_graph_recompute(mot_graph *graph);
/** Note that node i is number[i] now. */
void mot_graph_renumber_nodes(mot_graph *graph, const int *number);
/** Join nodes by the table in fuse.c, then drop what is no longer used and number anew.  Called before
 *  backward is appended, for what can be joined only then, and behind it. */
mot_status mot_graph_fuse(mot_graph *graph, bool before);
/** Store in 16 bits what is kept for backward (narrow.c). */
mot_status mot_graph_narrow(mot_graph *graph, mot_dtype storage);
/** Append the nodes of the update, their ranges and states; the flat layout is known (update.c). */
mot_status mot_graph_append_update(mot_graph *graph, mot_op optimizer, const mot_attrs *attrs);

#endif
