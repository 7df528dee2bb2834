/* summary.h: what a data set has, in numbers. */
#ifndef MOT_TRAIN_SUMMARY_H
#define MOT_TRAIN_SUMMARY_H

#include "runtime/train/data.h"

enum { MOT_SUMMARY_TRAIN, MOT_SUMMARY_VALIDATION, MOT_SUMMARY_TEST, MOT_SUMMARY_PARTS };

typedef struct mot_summary {
    int64_t n[MOT_SUMMARY_PARTS]; /* samples; 0: no such part */
    /* Samples of each class, or of texts how often a token occurs; NULL for regression. */
    int64_t *count[MOT_SUMMARY_PARTS]; /* [n_classes] */
    /* Of the training samples, by channel of a picture or column of a table; bytes between 0 and 1,
     * as data.normalize has them.  Texts have none. */
    double *mean, *deviation; /* [n_channels] */
    int64_t n_channels;
} mot_summary;

/** Reads every training sample and every label. */
mot_status mot_summary_of(const mot_data *data, mot_summary *out);
void mot_summary_free(mot_summary *summary);

#endif
