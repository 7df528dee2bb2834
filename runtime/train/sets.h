/* sets.h: the data sets that are known by name, and where their files are. */
#ifndef MOT_TRAIN_SETS_H
#define MOT_TRAIN_SETS_H

#include "runtime/train/table.h"

typedef enum {
    MOT_SET_IMAGES,
    MOT_SET_TABLE,
    MOT_SET_DRAWN,
    MOT_SET_CIFAR,
    MOT_SET_TEXT,
    MOT_SET_PACKED,
    MOT_SET_FOLDER
} mot_set_kind;

/* Number of the file that mot_set.test_file names. */
enum { MOT_SET_TEST = -1 };

typedef struct mot_set {
    const char *name;
    mot_set_kind kind;
    const char *folder; /* NULL: the files are the configuration's own (idx, csv) */
    /* images: training images and labels, test images and labels; tables and texts: training and test file;
     * CIFAR: training files */
    const char *file[5];
    const char *test_file;
    const char *source; /* where the files come from; NULL: examples/get-data fetches them */
    int64_t n_classes;  /* of images; 0: from the data */
    mot_shape sample;   /* of images (u8), where all have one; else 0 dimensions */
    mot_table_options table;
    double range; /* tables that are pictures: the largest value; else 0 */
} mot_set;

/** The set that data.set names.  The configuration's check has made sure that there is one. */
mot_status mot_set_find(const char *name, const mot_set **out);

/** Where file number `which` (or MOT_SET_TEST) of the set is.  The caller frees *out; NULL when the set has no such
 *  file (a table without a test file).  `data_dir` (NULL: data.dir, then $MOTLEY_DATA) is searched
 *  for the file itself and for the set's folder.
 *  Errors: MOT_ERR_FILE when it is in none of these; the message says how to get it. */
mot_status mot_set_path(const mot_set *set, const mot_config *config, const char *data_dir,
                        int which, char **out);

#endif
