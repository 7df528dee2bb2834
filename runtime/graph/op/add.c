/* add.c: y = a + b of one shape; what sums the gradients of a tensor that is used twice.  A relu behind
 * it, or the mask of one, is fused behind backward. */
#include "config.h"

#include "runtime/graph/op/rules.h"

static mot_status gradient(mot_graph *graph, int index, const int *d_out, const bool *needs,
                           int *d_in)
{
    (void)graph, (void)index;
    for (int i = 0; i < 2; i++)
        d_in[i] = needs[i] ? d_out[0] : -1;
    return MOT_OK;
}

const mot_op_rules mot_rules_add = {
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .infer = mot_rules_infer_same,
    .gradient = gradient,
    .cost = mot_rules_cost_elementwise,
    .in_place = true,
};
