/* csv.c: taking tables apart.
 *
 * One pass over the text, which is rewritten in place: a cell without its quotes is never longer
 * than with them, so every cell ends up NUL-terminated somewhere in the same memory, and the grid
 * is 4 bytes a cell.  The number of columns is that of the first line.
 *
 * strtod is not used: it follows the program's locale, and takes hexadecimal and "inf", which in a
 * table are more likely mistakes.
 */
#include "config.h"

#include "runtime/train/csv.h"

#include "runtime/base/memory.h"
#include "runtime/train/gzip_file.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const size_t LIMIT_BYTES = (size_t)2 << 30; /* offsets are 32 bits */
static const int64_t MOST_CELLS = (int64_t)1 << 31;

/* Where the parser is: `at` reads, `to` writes (never ahead of `at`). */
typedef struct parser {
    mot_csv *csv;
    char *text;
    size_t at, to, size;
    char separator;
    int64_t line;
    size_t n_cells;
} parser;

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* ---- what the text looks like ---- */

static char find_separator(const char *text, size_t size)
{
    static const char candidates[] = ",;\t|";
    int64_t count[4] = {0};
    bool quoted = false;
    for (size_t i = 0; i < size && (quoted || !is_line_end(text[i])); i++) {
        const char *found = text[i] ? strchr(candidates, text[i]) : NULL;
        if (text[i] == '"')
            quoted = !quoted;
        else if (found && !quoted)
            count[found - candidates]++;
    }
    int best = 0;
    for (int i = 1; i < 4; i++)
        if (count[i] > count[best])
            best = i;
    return candidates[best];
}

static bool is_number(const char *cell)
{
    double value;
    return mot_csv_number(cell, &value);
}

/* Is row 0 a line of names?  See mot_csv_parse. */
static bool looks_like_header(const mot_csv *csv)
{
    bool any_number = false;
    for (int c = 0; c < csv->n_columns; c++)
        any_number |= is_number(mot_csv_cell(csv, 0, c));
    if (!any_number)
        return true;
    for (int c = 0; c < csv->n_columns; c++) {
        const char *name = mot_csv_cell(csv, 0, c);
        bool differs = !is_number(name) && !mot_csv_is_missing(name) && csv->n_rows > 1;
        for (int64_t r = 1; differs && r < csv->n_rows; r++)
            differs = is_number(mot_csv_cell(csv, r, c));
        if (differs)
            return true;
    }
    return false;
}

/* ---- cells and rows ---- */

static mot_status wrong(const parser *p, const char *what)
{
    return MOT_FAIL(MOT_ERR_FORMAT, "%s:%" PRId64 ": %s", p->csv->name, p->line, what);
}

/* Step over one line end, LF, CR LF or CR. */
static void skip_line_end(parser *p)
{
    p->at += p->text[p->at] == '\r' && p->at + 1 < p->size && p->text[p->at + 1] == '\n' ? 2 : 1;
    p->line++;
}

static bool at_cell_end(const parser *p)
{
    return p->at == p->size || p->text[p->at] == p->separator || is_line_end(p->text[p->at]);
}

static void skip_blanks(parser *p)
{
    while (!at_cell_end(p) && (p->text[p->at] == ' ' || p->text[p->at] == '\t'))
        p->at++;
}

/* Behind the opening quote, up to behind the closing one and blanks. */
static mot_status read_quoted(parser *p)
{
    int64_t opened = p->line;
    for (;;) {
        if (p->at == p->size) {
            p->line = opened;
            return wrong(p, "a quote that is opened here is not closed");
        }
        char c = p->text[p->at++];
        if (c == '"' && (p->at == p->size || p->text[p->at] != '"'))
            break;
        p->at += c == '"';
        p->line += c == '\n';
        p->text[p->to++] = c;
    }
    skip_blanks(p);
    return at_cell_end(p) ? MOT_OK : wrong(p, "something follows behind a closing quote");
}

static void read_plain(parser *p)
{
    size_t begin = p->to;
    while (!at_cell_end(p))
        p->text[p->to++] = p->text[p->at++];
    while (p->to > begin && (p->text[p->to - 1] == ' ' || p->text[p->to - 1] == '\t'))
        p->to--;
}

/* Step over what ends a cell: the separator, which is returned, or the end of the row ('\n').
 * Spaces as separators count once, however many, and not at all at the end of a row. */
static char step_over(parser *p)
{
    size_t before = p->at;
    while (p->separator == ' ' && p->at < p->size && p->text[p->at] == ' ')
        p->at++;
    if (p->at == p->size)
        return '\n';
    if (is_line_end(p->text[p->at])) {
        skip_line_end(p);
        return '\n';
    }
    p->at += p->at == before;
    return p->separator;
}

/* One cell and what ends it, which goes to *end: the NUL of the cell may take its place. */
static mot_status read_cell(parser *p, char *end)
{
    mot_csv *csv = p->csv;
    skip_blanks(p);
    uint32_t offset = (uint32_t)p->to;
    if (p->at < p->size && p->text[p->at] == '"') {
        p->at++;
        MOT_TRY(read_quoted(p));
    } else {
        read_plain(p);
    }
    if (memchr(p->text + offset, '\0', p->to - offset))
        return wrong(p, "a zero byte; this is not a text file");
    if ((int64_t)p->n_cells >= MOST_CELLS)
        return wrong(p, "more cells than can be counted in 31 bits");
    MOT_TRY(mot_grow(&csv->cell, &csv->cell_capacity, p->n_cells + 1, sizeof *csv->cell));
    csv->cell[p->n_cells++] = offset;
    *end = step_over(p);
    p->text[p->to++] = '\0'; /* at most where the separator was, or the text's own NUL */
    return MOT_OK;
}

static mot_status read_row(parser *p)
{
    mot_csv *csv = p->csv;
    int64_t begin = p->line;
    int n = 0;
    char end = '\n';
    while (p->separator == ' ' && p->text[p->at] == ' ')
        p->at++;
    do {
        MOT_TRY(read_cell(p, &end));
        if (++n > MOT_CSV_MOST_COLUMNS)
            return MOT_FAIL(MOT_ERR_FORMAT, "%s:%" PRId64 ": more than %d columns", csv->name,
                            begin, MOT_CSV_MOST_COLUMNS);
    } while (end == p->separator);
    if (csv->n_rows == 0)
        csv->n_columns = n;
    if (n != csv->n_columns)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s:%" PRId64 ": %d columns, but the first line has %d (separator '%s')",
                        csv->name, begin, n, csv->n_columns,
                        p->separator == '\t' ? "tab" : (char[]){p->separator, '\0'});
    MOT_TRY(mot_grow(&csv->line, &csv->line_capacity, (size_t)csv->n_rows + 1, sizeof *csv->line));
    csv->line[csv->n_rows++] = begin;
    return MOT_OK;
}

/* Make the first row the header. */
static mot_status take_header(mot_csv *csv)
{
    size_t n = (size_t)csv->n_columns;
    MOT_TRY(mot_alloc(n, sizeof *csv->header, &csv->header));
    memcpy(csv->header, csv->cell, n * sizeof *csv->header);
    csv->n_rows--;
    memmove(csv->cell, csv->cell + n, (size_t)csv->n_rows * n * sizeof *csv->cell);
    memmove(csv->line, csv->line + 1, (size_t)csv->n_rows * sizeof *csv->line);
    return MOT_OK;
}

static mot_status parse(parser *p, mot_csv_header header)
{
    mot_csv *csv = p->csv;
    if (p->size >= 3 && memcmp(p->text, "\xEF\xBB\xBF", 3) == 0)
        p->at = 3;
    while (p->at < p->size) {
        if (is_line_end(p->text[p->at]))
            skip_line_end(p);
        else
            MOT_TRY(read_row(p));
    }
    if (csv->n_rows == 0)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s is empty; a table was expected", csv->name);
    if (header == MOT_HEADER_YES || (header == MOT_HEADER_AUTO && looks_like_header(csv)))
        MOT_TRY(take_header(csv));
    if (csv->n_rows == 0)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s has a header, but no rows", csv->name);
    return MOT_OK;
}

mot_status mot_csv_parse(const char *name, char *text, size_t size_bytes, char separator,
                         mot_csv_header header, mot_csv *out)
{
    mot_csv csv = {.text = text};
    parser p = {.csv = &csv, .text = text, .size = size_bytes, .separator = separator, .line = 1};
    mot_status status = mot_strdup(name, &csv.name);
    if (status == MOT_OK && size_bytes > LIMIT_BYTES)
        status = MOT_FAIL(MOT_ERR_FORMAT, "%s is larger than %zu bytes", name, LIMIT_BYTES);
    if (separator == MOT_CSV_AUTO)
        p.separator = find_separator(text, size_bytes);
    if (status == MOT_OK)
        status = parse(&p, header);
    if (status != MOT_OK)
        mot_csv_free(&csv);
    else
        *out = csv;
    return status;
}

mot_status mot_csv_read(const char *path, char separator, mot_csv_header header, mot_csv *out)
{
    char *text;
    size_t size_bytes;
    MOT_TRY(mot_gzip_read(path, LIMIT_BYTES, &text, &size_bytes));
    return mot_csv_parse(path, text, size_bytes, separator, header, out);
}

void mot_csv_free(mot_csv *csv)
{
    free(csv->name);
    free(csv->text);
    free(csv->cell);
    free(csv->line);
    free(csv->header);
    *csv = (mot_csv){0};
}

char *mot_csv_column_print(const mot_csv *csv, int column, char *text)
{
    if (csv->header)
        snprintf(text, MOT_CSV_COLUMN_TEXT, "column '%.100s'", csv->text + csv->header[column]);
    else
        snprintf(text, MOT_CSV_COLUMN_TEXT, "column %d", column + 1);
    return text;
}

/* ---- cells as values ---- */

bool mot_csv_is_missing(const char *cell)
{
    static const char *const words[] = {"", "?", "NA", "N/A", "NaN", "null", "None"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(cell, words[i]) == 0)
            return true;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* [+-] digits [. digits] [e [+-] digits], with a digit before or behind the point.  Digits are
 * gathered in a double and scaled once, which is exact to a few units in the last place of a
 * double, far below float32. */
bool mot_csv_number(const char *cell, double *out)
{
    const char *c = cell;
    bool negative = *c == '-', minus_exponent = false;
    double value = 0;
    int n_digits = 0, scale = 0, exponent = 0;
    c += *c == '-' || *c == '+';
    for (; is_digit(*c); c++, n_digits++)
        value = value * 10 + (*c - '0');
    if (*c == '.')
        for (c++; is_digit(*c); c++, n_digits++)
            if (scale > -400) {
                value = value * 10 + (*c - '0');
                scale--;
            }
    if (n_digits == 0)
        return false;
    if (*c == 'e' || *c == 'E') {
        minus_exponent = c[1] == '-';
        c += c[1] == '-' || c[1] == '+' ? 2 : 1;
        if (!is_digit(*c))
            return false;
        for (; is_digit(*c); c++)
            exponent = exponent < 10000 ? exponent * 10 + (*c - '0') : exponent;
    }
    if (*c != '\0')
        return false;
    scale += minus_exponent ? -exponent : exponent;
    if (value != 0)
        value *= pow(10, scale);
    if (!(value <= FLT_MAX))
        return false;
    *out = negative ? -value : value;
    return true;
}
