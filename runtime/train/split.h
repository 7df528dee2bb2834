/* split.h: which rows are trained on, held out for validation, or kept for the test. */
#ifndef MOT_TRAIN_SPLIT_H
#define MOT_TRAIN_SPLIT_H

#include "runtime/train/data.h"

/** Divide *train into a test set of round(fraction * n) rows, at least one, drawn at random by
 *  `seed`, and the rest, both in their order.  *train is replaced.  Fraction 0: *test becomes NULL.
 */
mot_status mot_split_test(mot_dataset **train, double fraction, uint64_t seed, mot_dataset **test);

/** Fill the index lists of `data`, whose train part is there: `validation` rows (below 1: that part
 *  of them) drawn by `seed`, and at most `limit` (0: all) of the others to train on. */
mot_status mot_split_validation(mot_data *data, double validation, int64_t limit, uint64_t seed);

#endif
