/* class_counts.h: which class a network gave to what, counted: whole numbers, so that the same comes
 * out of any order and any division over ranks. */
#ifndef MOT_TRAIN_CLASS_COUNTS_H
#define MOT_TRAIN_CLASS_COUNTS_H

#include "runtime/comm/comm.h"

/** More classes than this have no confusion matrix. */
enum { MOT_MOST_CONFUSED = 256, MOT_TOP = 5 };

typedef struct mot_class_counts {
    int64_t n_classes;
    int64_t *count; /* all of the below, one behind the other */
    int64_t n_counts;
    int64_t *in_top;                         /* [1] rows whose label is among the MOT_TOP largest */
    int64_t *labelled, *predicted, *correct; /* [n_classes] */
    int64_t *confusion; /* [n_classes * n_classes] by label, then prediction; NULL: too many */
} mot_class_counts;

mot_status mot_class_counts_new(int64_t n_classes, mot_class_counts **out);
void mot_class_counts_free(mot_class_counts *counts);
/** One row: `outputs` has a number for each class, or, with `single`, one, above 0 for the second of
 *  two.  Of equal outputs the first counts as the largest.  A label below 0 is not counted. */
void mot_class_counts_add(mot_class_counts *counts, const float *outputs, bool single,
                          int32_t label);
/** Sum over all ranks, on all ranks. */
mot_status mot_class_counts_sum(mot_class_counts *counts, mot_comm *comm);

#endif
