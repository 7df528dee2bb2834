/* model.h: what `motley model` prints. */
#ifndef MOT_TOOLS_MODEL_H
#define MOT_TOOLS_MODEL_H

#include "runtime/model/config.h"

/** What a training takes on one device that has the whole batch, in bytes; scratch memory of kernels,
 *  which depends on the device, is not in it. */
typedef struct mot_model_sizes {
    int64_t batch;
    int64_t parameters;   /* numbers, as in the file of a trained model */
    double flops;         /* forward, one sample */
    double multiply_adds; /* the same, of matrix products */
    double step_flops;    /* forward, backward and update, the whole batch */
    int64_t parameter_bytes, gradient_bytes, state_bytes, activation_bytes, input_bytes;
    int64_t training_bytes;   /* all of these together */
    int64_t evaluation_bytes; /* without gradients and states, and with fewer activations */
    int64_t n_checkpoints;    /* blocks that are computed again for backward */
    int64_t saved_bytes;      /* what activations are less by that, */
    double again_flops;       /* for so much more work in a step */
} mot_model_sizes;

/** Print the object of `motley model --json`. */
mot_status mot_json_print_model(const mot_model *model, const mot_model_sizes *sizes);
/** Print the network in Graphviz's language: a node a layer, a frame around what belongs together. */
void mot_model_print_dot(const mot_model *model);

#endif
