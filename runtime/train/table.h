/* table.h: a table of numbers and words as inputs and targets of a network.
 *
 * A column of numbers is one input, a column of words one input for each word (1 where the row has
 * it, else 0), the target column is a class or a number, and dropped columns are nothing.  Which
 * columns are words, and which words there are, is settled by the training file; statistics (what
 * fills gaps, scale and shift) by the training rows alone.
 *
 *     open -> encode (own file, maybe a test file) -> fit on training rows -> finish each set
 */
#ifndef MOT_TRAIN_TABLE_H
#define MOT_TRAIN_TABLE_H

#include "runtime/train/csv.h"
#include "runtime/train/data.h"

typedef enum { MOT_TASK_AUTO, MOT_TASK_CLASSIFICATION, MOT_TASK_REGRESSION } mot_table_task;
typedef enum { MOT_MISSING_ERROR, MOT_MISSING_MEDIAN, MOT_MISSING_MEAN } mot_table_missing;

/** Columns are named by their name, or number from 1.  Everything is borrowed until the table is
 *  freed. */
typedef struct mot_table_options {
    char separator; /* or MOT_CSV_AUTO */
    mot_csv_header header;
    const char *target;  /* NULL: the last column */
    mot_table_task task; /* auto: classes if the target is words or a few whole numbers */
    mot_table_missing missing;
    const char *const *categorical; /* columns that are words though they look like numbers */
    int n_categorical;
    const char *const *drop;
    int n_drop;
    const char *const *log; /* columns of numbers of which sign(x) log(1+|x|) is taken */
    int n_log;
    int64_t n_classes; /* above 0: labels are the whole numbers 0..n_classes-1 */
    mot_shape shape;   /* of a sample; 0 dimensions: one row of inputs */
    bool standardize_target;
} mot_table_options;

typedef enum {
    MOT_COLUMN_UNUSED,
    MOT_COLUMN_NUMBER,
    MOT_COLUMN_WORDS,
    MOT_COLUMN_TARGET
} mot_column_kind;

typedef struct mot_column {
    mot_column_kind kind;
    int64_t first;     /* its first input */
    const char **word; /* [n_words] sorted, borrowed from the csv; also of a target of words */
    int n_words;
    bool log;
    double fill; /* in place of a missing number */
} mot_column;

typedef struct mot_table {
    mot_table_options options;
    mot_csv csv;
    mot_column *column; /* [csv.n_columns] */
    int target;         /* column */
    int64_t n_inputs;
    bool regression;
    double *class_value; /* [n_classes] ascending, of a target of numbers */
    int64_t n_classes;
    float *scale,
        *shift; /* [n_inputs], from mot_table_fit: input * scale + shift is standardized */
    double target_scale, target_shift;
} mot_table;

/** Read the training file and settle the columns.  Errors: MOT_ERR_FILE, MOT_ERR_FORMAT with
 *  file:line and column, MOT_ERR_ARGUMENT for columns that are not there. */
mot_status mot_table_open(const char *path, const mot_table_options *options, mot_table **out);
/** The same for a file that was taken apart already; takes the contents of *csv, also on failure.
 */
mot_status mot_table_of(mot_csv *csv, const mot_table_options *options, mot_table **out);
void mot_table_free(mot_table *table);

/** All rows of the table's own file (`path` NULL), or of another with the same columns, as a set;
 *  gaps are NaN until mot_table_finish. */
mot_status mot_table_encode(const mot_table *table, const char *path, mot_dataset **out);

/** Take the statistics over n rows of `dataset`: fill of each column, then scale and shift. */
mot_status mot_table_fit(mot_table *table, const mot_dataset *dataset, const int64_t *rows,
                         int64_t n);
/** Fill the gaps and standardize the targets, with what fit found. */
void mot_table_finish(const mot_table *table, mot_dataset *dataset);

#endif
