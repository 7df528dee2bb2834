/* data.h: data sets in memory or mapped, and the loader that hands out batches.
 *
 * A data set is samples of one fixed shape, raw as they are stored (u8 pixels stay u8), with a class
 * or float targets each.  Which samples make up step t is a pure function of (seed, epoch, batch):
 * one permutation an epoch, global batches are consecutive ranges of it, a device's share is a
 * consecutive range of a batch.
 */
#ifndef MOT_TRAIN_DATA_H
#define MOT_TRAIN_DATA_H

#include "runtime/model/config.h"

typedef struct mot_dataset {
    char *name;
    mot_shape sample;       /* one sample, without a batch dimension: (1,28,28), (11) */
    mot_dtype dtype;        /* MOT_U8 or MOT_F32 */
    int64_t n;
    const void *raw;        /* (n, sample...) */
    bool regression;
    int64_t n_classes;      /* or n_targets */
    const int32_t *label;   /* (n), classification */
    const float *target;    /* (n, n_targets), regression */
    void *owned[4];         /* freed with the set */
} mot_dataset;

void mot_dataset_free(mot_dataset *dataset);

/** Train, validation and test parts as the configuration's data block says. */
typedef struct mot_data {
    mot_dataset *train, *test;   /* test may be NULL */
    int64_t *train_index, n_train;            /* rows of `train` that are trained on */
    int64_t *validation_index, n_validation;  /* rows of `train` held out */
    mot_sample_spec spec;        /* scale and shift are owned by this struct */
} mot_data;

/** Read the set that the data block names.  `data_dir` overrides where its files are (NULL: data.dir,
 *  then $MOTLEY_DATA/<set>).  Errors name the file and say how to get the data. */
mot_status mot_data_open(const mot_config *config, const char *data_dir, mot_data **out);
void mot_data_close(mot_data *data);

/* Readers; `path` may be plain or gzip, with or without ".gz" at the end.  Each checks everything. */
mot_status mot_idx_read(const char *images, const char *labels, mot_dataset **out);
mot_status mot_idx_write(const mot_dataset *dataset, const char *images, const char *labels);
/** n drawn digits (28x28 u8, 10 classes), sample i a pure function of (seed, i). */
mot_status mot_drawn_digits(int64_t n, uint64_t seed, mot_dataset **out);

#endif
