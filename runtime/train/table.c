/* table.c: settling the columns of a table, and turning rows into samples.  table_fit.c has the
 * statistics.
 *
 * A column is words when it is listed as such or when none of its cells is a number; a single word
 * among numbers is taken for a mistake and reported with its line.  A word that only the test file
 * has becomes all zeros.
 */
#include "config.h"

#include "runtime/train/table.h"

#include "runtime/base/log.h"
#include "runtime/base/memory.h"
#include "runtime/base/numbers.h"
#include "runtime/base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 1000, MOST_INPUTS = 1000000, FEW_CLASSES = 20 };

/* ---- columns by name ---- */

static mot_status find_column(const mot_csv *csv, const char *key, const char *name, int *out)
{
    char *end;
    for (int c = 0; csv->header && c < csv->n_columns; c++)
        if (strcmp(csv->text + csv->header[c], name) == 0) {
            *out = c;
            return MOT_OK;
        }
    long number = strtol(name, &end, 10);
    if (*name != '\0' && *end == '\0' && number >= 1 && number <= csv->n_columns) {
        *out = (int)number - 1;
        return MOT_OK;
    }
    if (!csv->header)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: data.%s: there is no column '%s'; the file has no line of names, so "
                        "give a number, 1 to %d",
                        csv->name, key, name, csv->n_columns);
    mot_text names = {0};
    for (int c = 0; c < csv->n_columns && names.length < 500; c++)
        MOT_TRY(mot_text_add(&names, "%s%s", c ? ", " : "", csv->text + csv->header[c]));
    mot_status status =
        MOT_FAIL(MOT_ERR_ARGUMENT, "%s: data.%s: there is no column '%s'; the columns are %s",
                 csv->name, key, name, names.data);
    mot_text_free(&names);
    return status;
}

/* ---- words ---- */

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct cells of a column that are not missing, sorted, into column->word. */
static mot_status collect_words(const mot_csv *csv, int c, mot_column *column)
{
    const char **word;
    char name[MOT_CSV_COLUMN_TEXT];
    size_t n = 0, distinct = 0;
    MOT_TRY(mot_alloc((size_t)csv->n_rows, sizeof *word, &word));
    column->word = word;
    for (int64_t r = 0; r < csv->n_rows; r++)
        if (!mot_csv_is_missing(mot_csv_cell(csv, r, c)))
            word[n++] = mot_csv_cell(csv, r, c);
    qsort(word, n, sizeof *word, compare_words);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(word[i], word[distinct - 1]) != 0)
            word[distinct++] = word[i];
    if (distinct > MOST_WORDS)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s: %s has %zu different words; %d are the most (leave it out with "
                        "data.drop?)",
                        csv->name, mot_csv_column_print(csv, c, name), distinct, MOST_WORDS);
    column->n_words = (int)distinct;
    return MOT_OK;
}

static int find_word(const mot_column *column, const char *word)
{
    const char **found =
        bsearch(&word, column->word, (size_t)column->n_words, sizeof *column->word, compare_words);
    return found ? (int)(found - column->word) : -1;
}

/* ---- the target ---- */

/* What the target's cells are. */
typedef struct target_cells {
    bool numbers, whole;
    double *value; /* [n_rows], then the distinct ones, ascending */
    int64_t distinct;
} target_cells;

static mot_status look_at_target(const mot_table *table, target_cells *out)
{
    const mot_csv *csv = &table->csv;
    target_cells cells = {.numbers = true, .whole = true};
    char name[MOT_CSV_COLUMN_TEXT];
    MOT_TRY(mot_alloc((size_t)csv->n_rows, sizeof *cells.value, &cells.value));
    for (int64_t r = 0; r < csv->n_rows; r++) {
        const char *cell = mot_csv_cell(csv, r, table->target);
        if (mot_csv_is_missing(cell)) {
            free(cells.value);
            return MOT_FAIL(MOT_ERR_FORMAT, "%s:%" PRId64 ": %s, the target, is missing", csv->name,
                            csv->line[r], mot_csv_column_print(csv, table->target, name));
        }
        cells.numbers = cells.numbers && mot_csv_number(cell, &cells.value[r]);
        cells.whole = cells.whole && cells.numbers && cells.value[r] == rint(cells.value[r]);
    }
    if (cells.numbers) {
        qsort(cells.value, (size_t)csv->n_rows, sizeof *cells.value, mot_compare_doubles);
        for (int64_t r = 0; r < csv->n_rows; r++)
            if (r == 0 || cells.value[r] != cells.value[cells.distinct - 1])
                cells.value[cells.distinct++] = cells.value[r];
    }
    *out = cells;
    return MOT_OK;
}

static mot_table_task choose_task(const mot_table *table, const target_cells *cells)
{
    if (table->options.task != MOT_TASK_AUTO)
        return table->options.task;
    if (table->options.n_classes > 0 || !cells->numbers)
        return MOT_TASK_CLASSIFICATION;
    bool few = cells->distinct <= FEW_CLASSES && cells->distinct * 5 <= table->csv.n_rows;
    return cells->whole && few ? MOT_TASK_CLASSIFICATION : MOT_TASK_REGRESSION;
}

static mot_status settle_target(mot_table *table)
{
    target_cells cells = {0};
    char name[MOT_CSV_COLUMN_TEXT];
    mot_column *column = &table->column[table->target];
    MOT_TRY(look_at_target(table, &cells));
    table->regression = choose_task(table, &cells) == MOT_TASK_REGRESSION;
    table->class_value = cells.value;
    if (table->options.task == MOT_TASK_AUTO)
        mot_log(MOT_LOG_INFO, "table %s target %d task %s distinct %" PRId64, table->csv.name,
                table->target + 1, table->regression ? "regression" : "classification",
                cells.distinct);
    if (table->regression) {
        table->n_classes = 1;
        return MOT_OK;
    }
    if (!cells.numbers) {
        MOT_TRY(collect_words(&table->csv, table->target, column));
        table->n_classes = column->n_words;
    } else if (table->options.n_classes > 0) {
        table->n_classes = table->options.n_classes;
    } else {
        table->n_classes = cells.distinct;
    }
    if (cells.numbers && cells.distinct > MOST_WORDS)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s: %s has %" PRId64 " different values, too many for classes; %d are the "
                        "most (data.task: regression?)",
                        table->csv.name, mot_csv_column_print(&table->csv, table->target, name),
                        cells.distinct, MOST_WORDS);
    if (table->n_classes < 2)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: %s has one class only", table->csv.name,
                        mot_csv_column_print(&table->csv, table->target, name));
    return MOT_OK;
}

/* ---- opening ---- */

static bool has_number(const mot_csv *csv, int c)
{
    double value;
    for (int64_t r = 0; r < csv->n_rows; r++)
        if (mot_csv_number(mot_csv_cell(csv, r, c), &value))
            return true;
    return false;
}

static mot_status settle_column(mot_table *table, int c)
{
    mot_column *column = &table->column[c];
    char name[MOT_CSV_COLUMN_TEXT];
    if (column->kind == MOT_COLUMN_UNUSED || column->kind == MOT_COLUMN_TARGET)
        return MOT_OK;
    column->first = table->n_inputs;
    if (column->kind == MOT_COLUMN_WORDS || !has_number(&table->csv, c)) {
        column->kind = MOT_COLUMN_WORDS;
        MOT_TRY(collect_words(&table->csv, c, column));
        if (column->n_words == 0)
            return MOT_FAIL(MOT_ERR_FORMAT,
                            "%s: %s is empty in every row; leave it out with data.drop",
                            table->csv.name, mot_csv_column_print(&table->csv, c, name));
    }
    table->n_inputs += column->kind == MOT_COLUMN_WORDS ? column->n_words : 1;
    if (table->n_inputs > MOST_INPUTS)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: more than %d inputs", table->csv.name, MOST_INPUTS);
    return MOT_OK;
}

static mot_status mark_columns(mot_table *table, const char *key, const char *const *names, int n,
                               mot_column_kind kind)
{
    for (int i = 0; i < n; i++) {
        int c = 0;
        MOT_TRY(find_column(&table->csv, key, names[i], &c));
        if (table->column[c].kind != MOT_COLUMN_TARGET)
            table->column[c].kind = kind;
        else if (kind == MOT_COLUMN_UNUSED)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: data.%s: '%s' is the target", table->csv.name,
                            key, names[i]);
    }
    return MOT_OK;
}

static mot_status mark_logs(mot_table *table)
{
    for (int i = 0; i < table->options.n_log; i++) {
        int c = 0;
        MOT_TRY(find_column(&table->csv, "log", table->options.log[i], &c));
        if (table->column[c].kind != MOT_COLUMN_NUMBER || !has_number(&table->csv, c))
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: data.log: '%s' is no input column of numbers",
                            table->csv.name, table->options.log[i]);
        table->column[c].log = true;
    }
    return MOT_OK;
}

static mot_status settle_columns(mot_table *table)
{
    const mot_table_options *o = &table->options;
    mot_csv *csv = &table->csv;
    MOT_TRY(mot_alloc((size_t)csv->n_columns, sizeof *table->column, &table->column));
    table->target = csv->n_columns - 1;
    if (o->target)
        MOT_TRY(find_column(csv, "target", o->target, &table->target));
    for (int c = 0; c < csv->n_columns; c++)
        table->column[c].kind = c == table->target ? MOT_COLUMN_TARGET : MOT_COLUMN_NUMBER;
    MOT_TRY(mark_columns(table, "categorical", o->categorical, o->n_categorical, MOT_COLUMN_WORDS));
    MOT_TRY(mark_columns(table, "drop", o->drop, o->n_drop, MOT_COLUMN_UNUSED));
    MOT_TRY(mark_logs(table));
    MOT_TRY(settle_target(table));
    for (int c = 0; c < csv->n_columns; c++)
        MOT_TRY(settle_column(table, c));
    if (table->n_inputs == 0)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: no column is left beside the target", csv->name);
    if (o->shape.n_dims == 0)
        table->options.shape = (mot_shape){1, {table->n_inputs}};
    else if (mot_shape_elements(&o->shape, 1) != table->n_inputs)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s: data.shape has %" PRId64 " elements, but the table has %" PRId64
                        " inputs",
                        csv->name, mot_shape_elements(&o->shape, 1), table->n_inputs);
    return MOT_OK;
}

mot_status mot_table_of(mot_csv *csv, const mot_table_options *options, mot_table **out)
{
    mot_table *table;
    mot_status status = mot_alloc(1, sizeof *table, &table);
    if (status != MOT_OK) {
        mot_csv_free(csv);
        return status;
    }
    table->options = *options;
    table->target_scale = 1;
    table->csv = *csv;
    *csv = (mot_csv){0};
    status = settle_columns(table);
    if (status != MOT_OK)
        mot_table_free(table);
    else
        *out = table;
    return status;
}

mot_status mot_table_open(const char *path, const mot_table_options *options, mot_table **out)
{
    mot_csv csv;
    MOT_TRY(mot_csv_read(path, options->separator, options->header, &csv));
    return mot_table_of(&csv, options, out);
}

void mot_table_free(mot_table *table)
{
    if (!table)
        return;
    for (int c = 0; table->column && c < table->csv.n_columns; c++)
        free(table->column[c].word);
    free(table->column);
    free(table->class_value);
    free(table->scale);
    free(table->shift);
    mot_csv_free(&table->csv);
    free(table);
}

/* ---- rows ---- */

/* The place of a cell that is being read, for messages. */
static mot_status wrong_cell(const mot_csv *csv, int64_t row, int c, const char *what,
                             const char *hint)
{
    char name[MOT_CSV_COLUMN_TEXT];
    return MOT_FAIL(MOT_ERR_FORMAT, "%s:%" PRId64 ": %s: '%.100s' %s%s", csv->name, csv->line[row],
                    mot_csv_column_print(csv, c, name), mot_csv_cell(csv, row, c), what, hint);
}

static mot_status encode_cell(const mot_table *table, const mot_csv *csv, int64_t row, int c,
                              float *input, int64_t *n_unknown)
{
    const mot_column *column = &table->column[c];
    const char *cell = mot_csv_cell(csv, row, c);
    bool missing = mot_csv_is_missing(cell);
    double value = NAN;
    if (missing && table->options.missing == MOT_MISSING_ERROR)
        return wrong_cell(csv, row, c, "is a missing value",
                          "; data.missing: median would fill it");
    if (column->kind == MOT_COLUMN_NUMBER) {
        if (!missing && !mot_csv_number(cell, &value))
            return wrong_cell(csv, row, c, "is not a number",
                              " (a column of words goes into data.categorical)");
        input[column->first] = (float)(column->log ? copysign(log1p(fabs(value)), value) : value);
        return MOT_OK;
    }
    int word = missing ? -1 : find_word(column, cell);
    *n_unknown += word < 0 && !missing;
    if (word >= 0)
        input[column->first + word] = 1;
    return MOT_OK;
}

static mot_status encode_class(const mot_table *table, const mot_csv *csv, int64_t row,
                               int32_t *label)
{
    const mot_column *column = &table->column[table->target];
    const char *cell = mot_csv_cell(csv, row, table->target);
    char range[64];
    double value, *found;
    if (column->word) {
        *label = find_word(column, cell);
        return *label >= 0
                   ? MOT_OK
                   : wrong_cell(csv, row, table->target, "is no class of the training file", "");
    }
    snprintf(range, sizeof range, "; there are %" PRId64 " classes", table->n_classes);
    if (!mot_csv_number(cell, &value))
        return wrong_cell(csv, row, table->target, "is not a number", "");
    if (table->options.n_classes > 0) {
        if (value < 0 || value >= (double)table->n_classes || value != rint(value))
            return wrong_cell(csv, row, table->target, "is no class", range);
        *label = (int32_t)value;
        return MOT_OK;
    }
    found = bsearch(&value, table->class_value, (size_t)table->n_classes, sizeof value,
                    mot_compare_doubles);
    if (!found)
        return wrong_cell(csv, row, table->target, "is no class of the training file", range);
    *label = (int32_t)(found - table->class_value);
    return MOT_OK;
}

static mot_status encode_number(const mot_table *table, const mot_csv *csv, int64_t row,
                                float *target)
{
    double value = 0;
    if (!mot_csv_number(mot_csv_cell(csv, row, table->target), &value))
        return wrong_cell(csv, row, table->target, "is not a number", "");
    *target = (float)value;
    return MOT_OK;
}

/* Classes have names unless they are 0..n-1 by themselves. */
static mot_status name_classes(const mot_table *table, mot_dataset *set)
{
    const mot_column *column = &table->column[table->target];
    bool needed = column->word != NULL;
    for (int64_t i = 0; !needed && table->options.n_classes == 0 && i < table->n_classes; i++)
        needed = table->class_value[i] != (double)i;
    if (!needed)
        return MOT_OK;
    MOT_TRY(mot_alloc((size_t)table->n_classes, sizeof *set->class_name, &set->class_name));
    for (int64_t i = 0; i < table->n_classes; i++) {
        mot_text text = {0};
        if (column->word)
            MOT_TRY(mot_text_add(&text, "%s", column->word[i]));
        else
            MOT_TRY(mot_text_add(&text, "%g", table->class_value[i]));
        set->class_name[i] = text.data;
    }
    return MOT_OK;
}

static mot_status encode_rows(const mot_table *table, const mot_csv *csv, mot_dataset *set)
{
    float *input, *target = NULL;
    int32_t *label = NULL;
    int64_t n_unknown = 0;
    size_t n = (size_t)csv->n_rows, elements;
    MOT_TRY(mot_size_mul(n, (size_t)table->n_inputs, &elements));
    MOT_TRY(mot_alloc(elements, sizeof *input, &input));
    set->raw = set->owned[0] = input;
    if (table->regression)
        MOT_TRY(mot_alloc(n, sizeof *target, &target));
    else
        MOT_TRY(mot_alloc(n, sizeof *label, &label));
    set->owned[1] = table->regression ? (void *)target : (void *)label;
    set->target = target;
    set->label = label;
    for (int64_t r = 0; r < csv->n_rows; r++) {
        for (int c = 0; c < csv->n_columns; c++)
            if (table->column[c].kind == MOT_COLUMN_NUMBER ||
                table->column[c].kind == MOT_COLUMN_WORDS)
                MOT_TRY(encode_cell(table, csv, r, c, input + r * table->n_inputs, &n_unknown));
        if (table->regression)
            MOT_TRY(encode_number(table, csv, r, &target[r]));
        else
            MOT_TRY(encode_class(table, csv, r, &label[r]));
    }
    if (n_unknown > 0)
        mot_log(MOT_LOG_WARNING, "table %s unknown_words %" PRId64 " taken_as none", csv->name,
                n_unknown);
    return MOT_OK;
}

/* A test file must have the training file's columns. */
static mot_status check_columns(const mot_csv *own, const mot_csv *other)
{
    if (own->n_columns != other->n_columns)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s has %d columns, but %s has %d", other->name,
                        other->n_columns, own->name, own->n_columns);
    for (int c = 0; own->header && other->header && c < own->n_columns; c++)
        if (strcmp(own->text + own->header[c], other->text + other->header[c]) != 0)
            return MOT_FAIL(MOT_ERR_FORMAT, "%s calls column %d '%.100s', but %s '%.100s'",
                            other->name, c + 1, other->text + other->header[c], own->name,
                            own->text + own->header[c]);
    return MOT_OK;
}

mot_status mot_table_encode(const mot_table *table, const char *path, mot_dataset **out)
{
    mot_csv other = {0};
    mot_dataset *set = NULL;
    const mot_csv *csv = path ? &other : &table->csv;
    mot_status status = MOT_OK;
    if (path) {
        MOT_TRY_GOTO(mot_csv_read(path, table->options.separator, table->options.header, &other));
        MOT_TRY_GOTO(check_columns(&table->csv, &other));
    }
    MOT_TRY_GOTO(mot_alloc(1, sizeof *set, &set));
    MOT_TRY_GOTO(mot_strdup(csv->name, &set->name));
    set->sample = table->options.shape;
    set->dtype = MOT_F32;
    set->n = csv->n_rows;
    set->regression = table->regression;
    set->n_classes = table->n_classes;
    MOT_TRY_GOTO(encode_rows(table, csv, set));
    if (!table->regression)
        MOT_TRY_GOTO(name_classes(table, set));
    mot_csv_free(&other);
    *out = set;
    return MOT_OK;
fail:
    mot_csv_free(&other);
    mot_dataset_free(set);
    return status;
}
