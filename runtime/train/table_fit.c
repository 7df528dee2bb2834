/* table_fit.c: statistics of a table over its training rows.
 *
 * Gaps are filled first (median or mean of what is there), then mean and deviation are taken of the
 * filled columns, in double.  Inputs of words stay 0 and 1.  A column that does not vary is only
 * shifted.
 */
#include "config.h"

#include "runtime/train/table.h"

#include "runtime/base/memory.h"
#include "runtime/base/numbers.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Mean and deviation (over n) of values; deviation 1 when there is none to speak of. */
static void moments(const double *value, int64_t n, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        sum += value[i];
    *mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++)
        squares += (value[i] - *mean) * (value[i] - *mean);
    *deviation = sqrt(squares / (double)n);
    if (*deviation <= 1e-7 * fabs(*mean) || *deviation == 0)
        *deviation = 1;
}

/* What stands for a missing number: sorts `value`. */
static double middle(double *value, int64_t n, mot_table_missing how)
{
    double mean, deviation;
    moments(value, n, &mean, &deviation);
    if (how == MOT_MISSING_MEAN)
        return mean;
    qsort(value, (size_t)n, sizeof *value, mot_compare_doubles);
    return (value[(n - 1) / 2] + value[n / 2]) / 2;
}

/* One column of numbers; `value` has room for all rows. */
static mot_status fit_column(mot_table *table, int c, const float *input, const int64_t *rows,
                             int64_t n, double *value)
{
    mot_column *column = &table->column[c];
    char name[MOT_CSV_COLUMN_TEXT];
    double mean, deviation;
    int64_t known = 0;
    for (int64_t i = 0; i < n; i++) {
        float cell = input[rows[i] * table->n_inputs + column->first];
        if (!isnan(cell))
            value[known++] = cell;
    }
    if (known == 0)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: %s has no value in any training row", table->csv.name,
                        mot_csv_column_print(&table->csv, c, name));
    column->fill = middle(value, known, table->options.missing);
    for (; known < n; known++)
        value[known] = column->fill;
    moments(value, n, &mean, &deviation);
    table->scale[column->first] = (float)(1 / deviation);
    table->shift[column->first] = (float)(-mean / deviation);
    return MOT_OK;
}

static void fit_target(mot_table *table, const mot_dataset *set, const int64_t *rows, int64_t n,
                       double *value)
{
    if (!table->regression || !table->options.standardize_target)
        return;
    for (int64_t i = 0; i < n; i++)
        value[i] = set->target[rows[i]];
    moments(value, n, &table->target_shift, &table->target_scale);
}

mot_status mot_table_fit(mot_table *table, const mot_dataset *dataset, const int64_t *rows,
                         int64_t n)
{
    double *value;
    if (n < 1)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: no row is left to train on", table->csv.name);
    MOT_TRY(mot_alloc((size_t)table->n_inputs, sizeof(float), &table->scale));
    MOT_TRY(mot_alloc((size_t)table->n_inputs, sizeof(float), &table->shift));
    for (int64_t i = 0; i < table->n_inputs; i++)
        table->scale[i] = 1;
    MOT_TRY(mot_alloc((size_t)n, sizeof *value, &value));
    mot_status status = MOT_OK;
    for (int c = 0; status == MOT_OK && c < table->csv.n_columns; c++)
        if (table->column[c].kind == MOT_COLUMN_NUMBER)
            status = fit_column(table, c, dataset->raw, rows, n, value);
    fit_target(table, dataset, rows, n, value);
    free(value);
    return status;
}

void mot_table_finish(const mot_table *table, mot_dataset *dataset)
{
    float *input = dataset->owned[0], *target = dataset->owned[1];
    for (int64_t r = 0; r < dataset->n; r++)
        for (int c = 0; c < table->csv.n_columns; c++) {
            const mot_column *column = &table->column[c];
            float *cell = &input[r * table->n_inputs + column->first];
            if (column->kind == MOT_COLUMN_NUMBER && isnan(*cell))
                *cell = (float)column->fill;
        }
    for (int64_t r = 0; table->regression && r < dataset->n; r++)
        target[r] = (float)((target[r] - table->target_shift) / table->target_scale);
}
