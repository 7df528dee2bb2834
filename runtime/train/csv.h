/* csv.h: text with separated values as a grid of cells. */
#ifndef MOT_TRAIN_CSV_H
#define MOT_TRAIN_CSV_H

#include "runtime/base/status.h"

enum {
    MOT_CSV_MOST_COLUMNS = 65536,
    MOT_CSV_AUTO = 0, /* separator: the one of , ; tab | that is most frequent in line 1 */
};

typedef enum { MOT_HEADER_AUTO, MOT_HEADER_YES, MOT_HEADER_NO } mot_csv_header;

/** A grid of cells; quotes are resolved, blanks around unquoted cells are cut off. */
typedef struct mot_csv {
    char *name;       /* of the file, for messages */
    char *text;       /* all cells, each NUL-terminated */
    uint32_t *cell;   /* [n_rows * n_columns] offsets into text; see mot_csv_cell */
    int64_t *line;    /* [n_rows] line of the file that a row begins on, from 1 */
    uint32_t *header; /* [n_columns] offsets of the column names; NULL without a header line */
    int64_t n_rows;
    int n_columns;
    size_t cell_capacity, line_capacity;
} mot_csv;

/** Take apart `text` (size_bytes, then a NUL), which the table takes over, also on failure.
 *  RFC 4180: cells may be in double quotes, then hold separators, line ends and doubled quotes;
 * lines end in LF, CR LF or CR.  Empty lines and a byte order mark are skipped. A header is found
 * by itself (MOT_HEADER_AUTO) when no cell of line 1 is a number, or when one is none in a column
 * whose other cells all are. Errors: MOT_ERR_FORMAT with file:line: rows of unlike length, a quote
 * that is not closed, a zero byte, too many columns, no rows. */
mot_status mot_csv_parse(const char *name, char *text, size_t size_bytes, char separator,
                         mot_csv_header header, mot_csv *out);
/** The same for a file, plain or gzip.  Errors: MOT_ERR_FILE too. */
mot_status mot_csv_read(const char *path, char separator, mot_csv_header header, mot_csv *out);
void mot_csv_free(mot_csv *csv);

static inline const char *mot_csv_cell(const mot_csv *csv, int64_t row, int column)
{
    return csv->text + csv->cell[row * csv->n_columns + column];
}

/** "column 'age'" or "column 3" into `text` of MOT_CSV_COLUMN_TEXT bytes; returns `text`. */
enum { MOT_CSV_COLUMN_TEXT = 128 };
char *mot_csv_column_print(const mot_csv *csv, int column, char *text);

/** Does a cell say that its value is not known: empty, ?, NA, N/A, NaN, null, None? */
bool mot_csv_is_missing(const char *cell);
/** The cell as a decimal number; false when it is none, or none that float32 can hold. */
bool mot_csv_number(const char *cell, double *out);

#endif
