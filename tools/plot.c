/* plot.c: a grid of cells, each a set of dots (a bit mask in the order of Unicode's braille block) or
 * a mark.  A curve becomes one vertical run of dots in each dot column, from its value there to its
 * value in the column before, so steep curves have no gaps.  Without UTF-8 a cell is one dot.
 */
#include "config.h"

#include "tools/plot.h"

#include "tools/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 32, MAX_COLUMNS = 160, MARK = 0x100, LABEL_WIDTH = 9 };

typedef struct plot {
    const mot_terminal *terminal;
    int rows, columns; /* cells */
    int across, down;  /* dots in a cell */
    bool logarithmic;
    double x0, x1, y0, y1; /* range; y in the axis' own scale */
    unsigned cell[MAX_ROWS][MAX_COLUMNS];
} plot;

void mot_curve_add(mot_curve *curve, double x, double y)
{
    if (!isfinite(x) || !isfinite(y))
        return;
    if (curve->stride == 0)
        curve->stride = 1;
    if (curve->seen++ % curve->stride != 0)
        return;
    if (curve->n == MOT_CURVE_POINTS) {
        for (int i = 0; i < MOT_CURVE_POINTS / 2; i++) {
            curve->x[i] = curve->x[2 * i];
            curve->y[i] = curve->y[2 * i];
        }
        curve->n = MOT_CURVE_POINTS / 2;
        curve->stride *= 2;
    }
    curve->x[curve->n] = x;
    curve->y[curve->n++] = y;
}

static void widen(const mot_curve *curve, plot *p)
{
    for (int i = 0; curve && i < curve->n; i++) {
        p->x0 = fmin(p->x0, curve->x[i]);
        p->x1 = fmax(p->x1, curve->x[i]);
        p->y0 = fmin(p->y0, curve->y[i]);
        p->y1 = fmax(p->y1, curve->y[i]);
    }
}

static double on_axis(const plot *p, double y)
{
    return p->logarithmic ? log10(y) : y;
}

/* Dots from the bottom, 0 .. rows*down-1. */
static int dot_row(const plot *p, double y)
{
    double fraction = (on_axis(p, y) - p->y0) / (p->y1 - p->y0);
    int last = p->rows * p->down - 1, row = (int)lround(fraction * last);
    return row < 0 ? 0 : row > last ? last : row;
}

static int dot_column(const plot *p, double x)
{
    int last = p->columns * p->across - 1;
    int column = (int)lround((x - p->x0) / (p->x1 - p->x0) * last);
    return column < 0 ? 0 : column > last ? last : column;
}

static void set_dot(plot *p, int column, int row)
{
    static const unsigned bit[2][4] = {{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}};
    unsigned mask = p->across == 2 ? bit[column % 2][row % 4] : 1;
    p->cell[p->rows - 1 - row / p->down][column / p->across] |= mask;
}

static void draw_line(plot *p, const mot_curve *curve)
{
    int at = 0, before = 0;
    for (int column = 0; column < p->columns * p->across; column++) {
        double x = p->x0 + (p->x1 - p->x0) * column / (p->columns * p->across - 1);
        if (x < curve->x[0] - 1e-12 || x > curve->x[curve->n - 1] + 1e-12)
            continue;
        while (at + 2 < curve->n && curve->x[at + 1] < x)
            at++;
        double span = curve->x[at + 1] - curve->x[at];
        double t = span > 0 ? fmin(fmax((x - curve->x[at]) / span, 0), 1) : 0;
        int row = dot_row(p, curve->y[at] + t * (curve->y[at + 1] - curve->y[at]));
        if (dot_column(p, curve->x[0]) == column)
            before = row;
        set_dot(p, column, row);
        for (; before < row - 1; before++)
            set_dot(p, column, before + 1);
        for (; before > row + 1; before--)
            set_dot(p, column, before - 1);
        before = row;
    }
}

static void draw_marks(plot *p, const mot_curve *marks)
{
    for (int i = 0; i < marks->n; i++)
        p->cell[p->rows - 1 - dot_row(p, marks->y[i]) / p->down]
               [dot_column(p, marks->x[i]) / p->across] |= MARK;
}

static void print_cell(const plot *p, unsigned cell)
{
    FILE *out = p->terminal->out;
    if (cell & MARK)
        fprintf(out, "%s%s%s", mot_terminal_style(p->terminal, MOT_STYLE_YELLOW),
                mot_terminal_pick(p->terminal, "×", "x"),
                mot_terminal_style(p->terminal, MOT_STYLE_CYAN));
    else if (cell == 0)
        fputc(' ', out);
    else if (p->across == 2)
        fprintf(out, "\xE2%c%c", 0xA0 + (cell >> 6), 0x80 + (cell & 0x3F));
    else
        fputc('*', out);
}

static void print_grid(const plot *p)
{
    FILE *out = p->terminal->out;
    char text[MOT_FORMAT];
    for (int row = 0; row < p->rows; row++) {
        double y = p->y1 - (p->y1 - p->y0) * row / (p->rows - 1);
        bool labelled = row == 0 || row == p->rows - 1 || row == p->rows / 2;
        fprintf(out, "%*s %s%s", LABEL_WIDTH,
                labelled ? mot_format_loss(p->logarithmic ? pow(10, y) : y, text) : "",
                labelled ? mot_terminal_pick(p->terminal, "┤", "+")
                         : mot_terminal_pick(p->terminal, "│", "|"),
                mot_terminal_style(p->terminal, MOT_STYLE_CYAN));
        int last = p->columns;
        while (last > 0 && p->cell[row][last - 1] == 0)
            last--;
        for (int column = 0; column < last; column++)
            print_cell(p, p->cell[row][column]);
        fprintf(out, "%s\n", mot_terminal_style(p->terminal, MOT_STYLE_PLAIN));
    }
    fprintf(out, "%*s %s", LABEL_WIDTH, "", mot_terminal_pick(p->terminal, "└", "+"));
    for (int column = 0; column < p->columns; column++)
        fputs(mot_terminal_pick(p->terminal, "─", "-"), out);
    fputc('\n', out);
}

static void print_x_axis(const plot *p, const char *x_name)
{
    char first[MOT_FORMAT], last[MOT_FORMAT];
    snprintf(first, sizeof first, "%.4g", p->x0);
    snprintf(last, sizeof last, "%.4g", p->x1);
    int gap = p->columns - (int)(strlen(first) + strlen(last) + strlen(x_name));
    if (gap < 2)
        return;
    fprintf(p->terminal->out, "%*s%s%*s%s%*s%s\n", LABEL_WIDTH + 2, "", first, gap / 2, "", x_name,
            gap - gap / 2, "", last);
}

static void print_legend(const plot *p, const char *line_name, const char *marks_name)
{
    const mot_terminal *terminal = p->terminal;
    const char *plain = mot_terminal_style(terminal, MOT_STYLE_PLAIN);
    fprintf(terminal->out, "%*s%s%s%s %s", LABEL_WIDTH + 2, "",
            mot_terminal_style(terminal, MOT_STYLE_CYAN), mot_terminal_pick(terminal, "⠒⠒", "**"),
            plain, line_name);
    if (marks_name)
        fprintf(terminal->out, "   %s%s%s %s", mot_terminal_style(terminal, MOT_STYLE_YELLOW),
                mot_terminal_pick(terminal, "×", "x"), plain, marks_name);
    fprintf(terminal->out, "%s\n", p->logarithmic ? "   (logarithmic)" : "");
}

void mot_plot_print(const mot_terminal *terminal, const mot_curve *line, const mot_curve *marks,
                    const char *line_name, const char *marks_name, const char *x_name, int rows)
{
    if (line->n < 2 || line->x[0] == line->x[line->n - 1])
        return;
    plot *p = calloc(1, sizeof *p);
    if (!p)
        return;
    if (marks && marks->n == 0)
        marks = NULL;
    p->terminal = terminal;
    p->rows = rows < MAX_ROWS ? rows : MAX_ROWS;
    p->columns = terminal->width - LABEL_WIDTH - 4;
    p->columns = p->columns < 100 ? p->columns : 100;
    p->across = terminal->utf8 ? 2 : 1;
    p->down = terminal->utf8 ? 4 : 1;
    p->x0 = p->y0 = INFINITY;
    p->x1 = p->y1 = -INFINITY;
    widen(line, p);
    widen(marks, p);
    p->logarithmic = p->y0 > 0 && p->y1 > 30 * p->y0;
    p->y0 = on_axis(p, p->y0);
    p->y1 = on_axis(p, p->y1);
    if (p->y1 - p->y0 < 1e-9)
        p->y1 = p->y0 + 1e-9 + 0.01 * fabs(p->y0);
    draw_line(p, line);
    if (marks)
        draw_marks(p, marks);
    print_legend(p, line_name, marks ? marks_name : NULL);
    print_grid(p);
    print_x_axis(p, x_name);
    free(p);
}
