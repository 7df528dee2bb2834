/* sampling.h: which token follows, from the network's outputs. */
#ifndef MOT_TRAIN_SAMPLING_H
#define MOT_TRAIN_SAMPLING_H

#include "runtime/base/status.h"

#include <stdint.h>

typedef struct mot_sampling {
    double temperature; /* outputs are divided by it; 0: always the most likely token */
    int64_t top_k;      /* only so many of the most likely tokens; 0: all */
    uint64_t seed;
} mot_sampling;

/** Draw token number `position` of a text from n logits: a pure function of these, of equal logits the
 *  first comes first.  Errors: MOT_ERR_NUMERIC when one is not finite. */
mot_status mot_sampling_draw(const mot_sampling *sampling, const float *logit, int64_t n,
                             uint64_t position, int32_t *token);

#endif
