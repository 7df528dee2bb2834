/* mixup.h: two samples as one, for training: lambda of a sample and 1 - lambda of another, inputs and
 * labels, with lambda from Beta(alpha, alpha).
 *
 * Which other one and how much of it depends on (seed, epoch, sample) alone, as augmentation does, so
 * that any division of the batch trains on the same mixtures.  Of the two the sample itself is the
 * larger part, which leaves the distribution of pairs as it is and makes every sample of an epoch the
 * main part of one mixture.
 *
 * Source: Zhang, Cisse, Dauphin & Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018.
 */
#ifndef MOT_TRAIN_MIXUP_H
#define MOT_TRAIN_MIXUP_H

#include "runtime/base/random.h"

#include <stddef.h>

/** A whole sample: weights are whole numbers, so that every machine mixes the same. */
enum { MOT_MIXUP_WHOLE = 1 << 16 };

typedef struct mot_mixture {
    int64_t partner; /* of n */
    int32_t weight;  /* of the sample itself, half of a whole or more; the partner has the rest */
} mot_mixture;

/** Draw it for partners 0..n-1 and alpha > 0. */
mot_mixture mot_mixup_draw(double alpha, int64_t n, mot_random *random);

/** x = weight of x and the rest of `other`, n elements; bytes are rounded. */
void mot_mixup_bytes(int32_t weight, const uint8_t *other, size_t n, uint8_t *x);
void mot_mixup_floats(int32_t weight, const float *other, size_t n, float *x);

#endif
