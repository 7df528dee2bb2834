/* fuzz_csv: the input is one byte of options and a table; it is taken apart and, where that works,
 * made a table: encoded, fitted, finished.  What is accepted must hold together. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "runtime/train/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static mot_status parse(const uint8_t *bytes, size_t size, char separator, mot_csv_header header,
                        mot_csv *csv)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, bytes, size);
    text[size] = '\0';
    return mot_csv_parse("t.csv", text, size, separator, header, csv);
}

static size_t check_grid(const mot_csv *csv)
{
    size_t length = 0;
    double value;
    for (int64_t r = 0; r < csv->n_rows; r++)
        for (int c = 0; c < csv->n_columns; c++) {
            const char *cell = mot_csv_cell(csv, r, c);
            length += strlen(cell);
            if (mot_csv_number(cell, &value) && !isfinite((float)value))
                abort();
        }
    for (int c = 0; csv->header && c < csv->n_columns; c++)
        length += strlen(csv->text + csv->header[c]);
    return length;
}

static void check_table(mot_table *table)
{
    mot_dataset *set;
    if (mot_table_encode(table, NULL, &set) != MOT_OK)
        return;
    int64_t *rows = calloc((size_t)set->n, sizeof *rows);
    if (!rows)
        abort();
    for (int64_t r = 0; r < set->n; r++)
        rows[r] = r;
    if (mot_table_fit(table, set, rows, set->n) == MOT_OK) {
        mot_table_finish(table, set);
        const float *raw = set->raw;
        for (int64_t i = 0; i < set->n * table->n_inputs; i++)
            if (!isfinite(raw[i]))
                abort();
        for (int64_t i = 0; !set->regression && i < set->n; i++)
            if (set->label[i] < 0 || set->label[i] >= set->n_classes)
                abort();
    }
    free(rows);
    mot_dataset_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char separators[] = {MOT_CSV_AUTO, ',', ' ', '\t'};
    mot_csv csv;
    if (size < 1)
        return 0;
    mot_table_options options = {.separator = separators[bytes[0] & 3],
                                 .header = (mot_csv_header)((bytes[0] >> 2 & 3) % 3),
                                 .task = (mot_table_task)((bytes[0] >> 4 & 3) % 3),
                                 .missing = (mot_table_missing)((bytes[0] >> 6 & 3) % 3),
                                 .standardize_target = true};
    if (parse(bytes + 1, size - 1, options.separator, options.header, &csv) != MOT_OK)
        return *mot_error_message() ? 0 : (abort(), 0);
    mot_table *table;
    if (check_grid(&csv) > size)
        abort();
    if (mot_table_of(&csv, &options, &table) == MOT_OK) {
        check_table(table);
        mot_table_free(table);
    }
    return 0;
}
