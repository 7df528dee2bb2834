/* data.h: data sets in memory, and how a configuration's data block becomes one.
 *
 * A data set is samples of one fixed shape, raw as they are stored (u8 pixels stay u8), with a
 * class or float targets each, or a run of tokens, whose samples are windows of it (text_set.h).  Which samples make up step t is a pure function of (seed, epoch,
 * batch): one permutation an epoch, global batches are consecutive ranges of it, a device's share
 * is a consecutive range of a batch (mot_trainer_load).
 *
 * The keys of the data block and what they mean are in doc/config.md; sets.h lists the known sets,
 * table.h says what becomes of a table's columns, split.h which rows are held out.
 */
#ifndef MOT_TRAIN_DATA_H
#define MOT_TRAIN_DATA_H

#include "runtime/model/config.h"
#include "runtime/train/augment.h"
#include "runtime/train/vocabulary.h"

/** The label of what does not count: see MOT_OP_softmax_xent. */
enum { MOT_NO_CLASS = -1 };

typedef struct mot_dataset {
    char *name;
    mot_shape sample; /* one sample, without a batch dimension: (1,28,28), (11) */
    mot_dtype dtype;  /* MOT_U8 or MOT_F32; of tokens MOT_U8 or MOT_I32 */
    int64_t n;
    const void *raw;  /* (n, sample...); or (n_tokens) */
    int64_t n_tokens; /* above 0: a run of tokens; a sample (T) has T labels, a token further */
    bool regression;
    int64_t n_classes;    /* or n_targets */
    const int32_t *label; /* (n), classification; MOT_NO_CLASS or a class */
    bool ignores;         /* labels that are `ignored` are handed out as MOT_NO_CLASS */
    int32_t ignored;
    const float *target; /* (n, n_targets), regression; as trained on, see mot_data */
    char **class_name;   /* [n_classes]; NULL: a class is called by its number */
    void *owned[4];      /* freed with the set */
} mot_dataset;

void mot_dataset_free(mot_dataset *dataset);
/** Bytes of one raw sample. */
size_t mot_dataset_sample_bytes(const mot_dataset *dataset);
/** Labels of one sample: 1, or one for each token. */
int64_t mot_dataset_n_labels(const mot_dataset *dataset);
/** Bytes of one sample's labels or targets. */
size_t mot_dataset_label_bytes(const mot_dataset *dataset);

/** How a training step wants its samples. */
typedef struct mot_draw {
    uint64_t seed;
    int64_t epoch;
    bool anywhere;              /* windows of tokens begin anywhere, else one behind the other */
    const mot_augment *augment; /* NULL: as they are stored */
    const int64_t *rows;        /* [n_rows], borrowed: the partners that mixup draws from */
    int64_t n_rows;
} mot_draw;

/** Labels (i32) or targets (f32) of sample `row` as it is stored; ignored labels are MOT_NO_CLASS. */
void mot_dataset_labels(const mot_dataset *dataset, int64_t row, void *label);
/** Write sample `row` and its labels (i32; those that are ignored MOT_NO_CLASS) or targets (f32).  What
 *  is drawn at random depends on the draw and the row alone, not on who asks for it.  `draw` NULL: the
 *  sample as it is stored.
 *  Of classes that are mixed `label` is three numbers, as softmax_xent has them.  A sample whose label
 *  or partner's label is ignored is not mixed. */
void mot_dataset_take(const mot_dataset *dataset, const mot_draw *draw, int64_t row, void *raw,
                      void *label);

/** Sample `row` will be taken soon: let it come from memory. */
void mot_dataset_expect(const mot_dataset *dataset, int64_t row);

/** Train, validation and test parts as the configuration's data block says. */
typedef struct mot_data {
    mot_dataset *train, *test;               /* test may be NULL */
    int64_t *train_index, n_train;           /* rows of `train` that are trained on, ascending */
    int64_t *validation_index, n_validation; /* rows of `train` held out, ascending; */
    mot_dataset *validation;    /* or a set of its own, which may borrow from `train` */
    mot_vocabulary *vocabulary; /* of tokens; else NULL */
    mot_augment augment;        /* of the training samples, in training */
    mot_sample_spec spec;       /* scale and shift are owned by this struct */
    /* Regression targets may be standardized, so that the loss is in units of their deviation over
     * the training rows.  In original units: value = stored * target_scale + target_shift, for
     * stored targets and for predictions alike (1 and 0 when they are not).  R2 is the same in
     * both. */
    double target_scale, target_shift;
    void *mapped; /* the file that the sets borrow from, or NULL */
    size_t mapped_bytes;
    char *note; /* what people should know of what was read, or NULL */
} mot_data;

/** Read the set that the data block names.  `data_dir` overrides where its files are (NULL:
 * data.dir, then $MOTLEY_DATA/<folder>).  Errors name the file and say how to get the data. */
mot_status mot_data_open(const mot_config *config, const char *data_dir, mot_data **out);
void mot_data_close(mot_data *data);

/** What samples are like.  The data are read only where neither the name of the set nor the
 *  configuration says it; then *data holds them, and what `spec` points to, else it is NULL.  The
 *  caller closes it.  Without data scale and shift are left out. */
mot_status mot_data_spec(const mot_config *config, const char *data_dir, mot_sample_spec *spec,
                         mot_data **data);

/* Readers; `path` may be plain or gzip, with or without ".gz" at the end.  Each checks everything.
 */

/** Images and labels in IDX files.  `n_classes` 0: one more than the largest label; `ignored` (NULL:
 *  none) becomes MOT_NO_CLASS.
 *  Errors: MOT_ERR_FILE; MOT_ERR_FORMAT with the file and the numbers. */
mot_status mot_idx_read(const char *images, const char *labels, int64_t n_classes,
                        const int32_t *ignored, mot_dataset **out);
/** Write a classified set of u8 or f32 samples; gzip where a name ends in ".gz". */
mot_status mot_idx_write(const mot_dataset *dataset, const char *images, const char *labels);
/** n drawn digits (28x28 u8, 10 classes), samples first..first+n-1; sample i is a pure function of
 *  (seed, i). */
mot_status mot_drawn_digits(int64_t first, int64_t n, uint64_t seed, mot_dataset **out);

#endif
