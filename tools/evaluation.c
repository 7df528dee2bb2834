#include "config.h"

#include "tools/evaluation.h"

#include "tools/format.h"

#include <inttypes.h>
#include <math.h>

/* Of classes in a table of their own; names are cut. */
enum { MOST_CLASSES = 100, NAME = 16 };

static double part_of(int64_t some, int64_t all)
{
    return all > 0 ? (double)some / (double)all : NAN;
}

mot_class_scores mot_class_scores_of(const mot_evaluation *e, int64_t i)
{
    return (mot_class_scores){.precision = part_of(e->correct[i], e->predicted[i]),
                              .recall = part_of(e->correct[i], e->labelled[i]),
                              .f1 = part_of(2 * e->correct[i], e->labelled[i] + e->predicted[i])};
}

static double or_none(double value)
{
    return isnan(value) ? 0 : value;
}

mot_class_scores mot_class_scores_mean(const mot_evaluation *e)
{
    mot_class_scores sum = {0};
    double n = 0;
    for (int64_t i = 0; i < e->n_classes; i++) {
        const mot_class_scores one = mot_class_scores_of(e, i);
        if (isnan(one.f1))
            continue;
        sum.precision += or_none(one.precision);
        sum.recall += or_none(one.recall);
        sum.f1 += one.f1;
        n++;
    }
    return (mot_class_scores){sum.precision / n, sum.recall / n, sum.f1 / n};
}

/* The name of a class, or its number in `text`. */
static const char *class_name(const mot_evaluation *e, int64_t i, char text[MOT_FORMAT])
{
    return e->class_name ? e->class_name[i] : mot_format_count(i, text);
}

/* Padded to `width`, cut behind so many characters of UTF-8; `left`: the padding comes first. */
static void print_name(FILE *out, const char *name, int width, bool left)
{
    int bytes = 0, n = 0;
    for (; name[bytes]; bytes++) {
        n += (name[bytes] & 0xC0) != 0x80;
        if (n > width)
            break;
    }
    const int padding = n > width ? 0 : width - n;
    fprintf(out, "%*s%.*s%*s", left ? padding : 0, "", bytes, name, left ? 0 : padding, "");
}

static void print_scores(FILE *out, const char *name, const char *rows, mot_class_scores s)
{
    char a[MOT_FORMAT], b[MOT_FORMAT], c[MOT_FORMAT];
    print_name(out, name, NAME, false);
    fprintf(out, " %10s %10s %10s %10s\n", rows, mot_format_percent(s.precision, a),
            mot_format_percent(s.recall, b), mot_format_percent(s.f1, c));
}

static void print_classes(const mot_terminal *terminal, const mot_evaluation *e)
{
    char name[MOT_FORMAT], rows[MOT_FORMAT];
    fprintf(terminal->out, "\n%s%-*s %10s %10s %10s %10s%s\n",
            mot_terminal_style(terminal, MOT_STYLE_DIM), NAME, "class", "rows", "precision",
            "recall", "F1", mot_terminal_style(terminal, MOT_STYLE_PLAIN));
    for (int64_t i = 0; i < e->n_classes; i++) {
        if (e->labelled[i] + e->predicted[i] == 0)
            continue;
        print_scores(terminal->out, class_name(e, i, name), mot_format_count(e->labelled[i], rows),
                     mot_class_scores_of(e, i));
    }
    print_scores(terminal->out, "mean", mot_format_count(e->n_rows, rows),
                 mot_class_scores_mean(e));
}

/* Columns that the largest count, or the number of a class, needs. */
static int cell_width(const mot_evaluation *e)
{
    char text[MOT_FORMAT];
    int64_t most = e->n_classes;
    for (int64_t i = 0; i < e->n_classes * e->n_classes; i++)
        most = e->confusion[i] > most ? e->confusion[i] : most;
    return snprintf(text, sizeof text, "%" PRId64, most);
}

/* A row for each class, a column for each that it was taken for.  What is right stands out; 0 is a
 * point, so that mistakes are seen. */
static void print_confusion(const mot_terminal *terminal, const mot_evaluation *e)
{
    FILE *out = terminal->out;
    char name[MOT_FORMAT];
    const int cell = cell_width(e);
    if (NAME + e->n_classes * (cell + 1) > terminal->width)
        return;
    fprintf(out, "\n%s%-*s", mot_terminal_style(terminal, MOT_STYLE_DIM), NAME, "taken for");
    for (int64_t i = 0; i < e->n_classes; i++) {
        fputc(' ', out);
        print_name(out, class_name(e, i, name), cell, true);
    }
    fprintf(out, "%s\n", mot_terminal_style(terminal, MOT_STYLE_PLAIN));
    for (int64_t i = 0; i < e->n_classes; i++) {
        print_name(out, class_name(e, i, name), NAME, false);
        for (int64_t k = 0; k < e->n_classes; k++) {
            const int64_t n = e->confusion[i * e->n_classes + k];
            fputs(i == k ? mot_terminal_style(terminal, MOT_STYLE_BOLD) : "", out);
            if (n > 0)
                fprintf(out, " %*" PRId64, cell, n);
            else
                fprintf(out, " %*s", cell, ".");
            fputs(i == k ? mot_terminal_style(terminal, MOT_STYLE_PLAIN) : "", out);
        }
        fputc('\n', out);
    }
}

void mot_evaluation_print(const mot_terminal *terminal, const char *name, int64_t n,
                          const char *token, const mot_evaluation *e)
{
    FILE *out = terminal->out;
    char text[MOT_FORMAT];
    fprintf(out, "%s  samples %s", name, mot_format_count(n, text));
    if (e->n_classes > 0 && e->n_rows != n)
        fprintf(out, "  labels %s", mot_format_count(e->n_rows, text));
    fprintf(out, "  loss %s", mot_format_loss(e->loss, text));
    if (e->n_classes == 0)
        fprintf(out, "  R2 %.4f", e->r2);
    else
        fprintf(out, "  accuracy %s", mot_format_percent(e->accuracy, text));
    if (!isnan(e->mean_abs_error))
        fprintf(out, "  mean absolute error %s", mot_format_loss(e->mean_abs_error, text));
    if (!isnan(e->top5_accuracy))
        fprintf(out, "  top 5 %s", mot_format_percent(e->top5_accuracy, text));
    if (token)
        fprintf(out, "  perplexity %s", mot_format_loss(e->perplexity, text));
    if (token)
        fprintf(out, "  bits per %s %s", token, mot_format_loss(e->bits, text));
    fputc('\n', out);
    if (token || e->n_classes == 0 || e->n_classes > MOST_CLASSES)
        return;
    print_classes(terminal, e);
    print_confusion(terminal, e);
}
