/* window.h: for the rules of convolution and pooling. */
#ifndef MOT_GRAPH_OP_WINDOW_H
#define MOT_GRAPH_OP_WINDOW_H

#include "runtime/graph/op/rules.h"

/** Input i is images (B,C,H,W) over which the node's window can walk. */
mot_status mot_rules_window(const mot_graph *graph, const mot_node *node, int i);
/** Input i is (B,...,OH,OW), one number for each place of the window. */
mot_status mot_rules_window_places(const mot_graph *graph, const mot_node *node, int i);

#endif
