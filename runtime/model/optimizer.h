/* optimizer.h: the configuration's train.optimizer, and what of the train block belongs to the update
 * of the weights, as the graph takes it. */
#ifndef MOT_MODEL_OPTIMIZER_H
#define MOT_MODEL_OPTIMIZER_H

#include "runtime/graph/graph.h"
#include "runtime/model/config.h"

typedef struct mot_optimizer {
    mot_op op;
    double lr;       /* what schedules start from */
    mot_attrs attrs; /* with clipping and the moving average */
} mot_optimizer;

/** Read it, with the optimizer's own defaults for what is `auto`.
 *  Errors: MOT_ERR_ARGUMENT for values that do not go together. */
mot_status mot_optimizer_read(const mot_config *config, mot_optimizer *out);

/** Samples of the parts in which a batch is trained: data.batch / train.accumulate, rounded up.
 *  Errors: MOT_ERR_ARGUMENT for more parts than samples. */
mot_status mot_optimizer_part(const mot_config *config, int64_t *out);

/** Give the parameters of a graph that is not sealed the rules of train.optimizer.groups.  Errors:
 *  MOT_ERR_ARGUMENT for a pattern that no parameter's name matches. */
mot_status mot_optimizer_group(const mot_config *config, mot_graph *graph);

#endif
