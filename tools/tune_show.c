/* tune_show.c: what a person sees of tuning: a bar on a terminal, a line for each problem elsewhere, and
 * the table at the end. */
#include "config.h"

#include "tools/tune.h"

#include "runtime/base/clock.h"
#include "tools/format.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const double DRAW_EVERY_S = 0.1;

static void clear(mot_tuning *t)
{
    if (t->bar)
        fputs("\r\033[K", t->terminal.out);
    t->bar = false;
}

void mot_tune_show_progress(mot_tuning *t, const mot_problem *problem, const char *what)
{
    const mot_terminal *terminal = &t->terminal;
    double now_s = mot_clock_s(), done = (double)t->n_measured + t->part;
    char name[MOT_PROBLEM_TEXT], left[MOT_FORMAT], tail[320], bar[3 * 32 + 1];
    if (!terminal->is_terminal || now_s - t->drawn_s < DRAW_EVERY_S)
        return;
    double left_s = done > 0.05
                        ? (now_s - t->start_s) / done * ((double)(t->n_all - t->n_done) - t->part)
                        : NAN;
    int filled, cells = terminal->width > 100 ? 32 : 16;
    clear(t);
    mot_terminal_bar_text(terminal, ((double)t->n_done + t->part) / (double)t->n_all, cells, bar,
                          &filled);
    snprintf(tail, sizeof tail, " %zu/%zu  %s left  %s  %s", t->n_done + 1, t->n_all,
             mot_format_clock(left_s, left), mot_problem_print(problem, name), what);
    fprintf(terminal->out, "%s%.*s%s%s%s%s%.*s", mot_terminal_style(terminal, MOT_STYLE_CYAN),
            filled, bar, mot_terminal_style(terminal, MOT_STYLE_PLAIN),
            mot_terminal_style(terminal, MOT_STYLE_DIM), bar + filled,
            mot_terminal_style(terminal, MOT_STYLE_PLAIN), terminal->width - 1 - cells, tail);
    fflush(terminal->out);
    t->bar = true;
    t->drawn_s = now_s;
}

void mot_tune_show_line(mot_tuning *t, const char *format, ...)
{
    va_list args;
    clear(t);
    fprintf(t->terminal.out, "  ");
    va_start(args, format);
    vfprintf(t->terminal.out, format, args);
    va_end(args);
    fputc('\n', t->terminal.out);
    fflush(t->terminal.out);
}

static void show_row(const mot_tuning *t, const mot_tuned_entry *e, int width)
{
    char problem[MOT_PROBLEM_TEXT], choice[MOT_CHOICE_TEXT], rule[MOT_FORMAT], tuned[MOT_FORMAT];
    FILE *out = t->terminal.out;
    fprintf(out, "  %-*s", width, mot_problem_print(&e->problem, problem));
    if (e->time_s > 0)
        fprintf(out, "  %9s  %9s  %+5.0f %%", mot_format_short_time(e->rule_s, rule),
                mot_format_short_time(e->time_s, tuned), 100 * (e->rule_s / e->time_s - 1));
    else
        fprintf(out, "  %9s  %9s  %7s", "", "", "");
    fprintf(out, "  %s\n",
            e->choice.variant < 0 ? "by rule"
                                  : mot_choice_print(e->problem.op, &e->choice, choice));
}

void mot_tune_show_result(mot_tuning *t, const mot_problem *problem)
{
    const mot_tuned_entry *e = mot_tuned_exact(&t->tuned, problem);
    if (!e || t->terminal.is_terminal)
        return;
    fprintf(t->terminal.out, "%zu/%zu", t->n_done, t->n_all);
    show_row(t, e, 0);
    fflush(t->terminal.out);
}

void mot_tune_show_table(mot_tuning *t)
{
    const mot_terminal *terminal = &t->terminal;
    char text[MOT_PROBLEM_TEXT];
    int width = 7;
    clear(t);
    for (size_t i = 0; i < t->n_problems; i++) {
        int n = (int)strlen(mot_problem_print(&t->problem[i], text));
        width = n > width ? n : width;
    }
    fprintf(terminal->out, "%s%s%s  %s, %s\n", mot_terminal_style(terminal, MOT_STYLE_BOLD),
            t->info->id, mot_terminal_style(terminal, MOT_STYLE_PLAIN), t->info->name,
            t->info->driver);
    fprintf(terminal->out, "%s  %-*s  %9s  %9s  %7s  %s%s\n",
            mot_terminal_style(terminal, MOT_STYLE_DIM), width, "problem", "by rule", "tuned",
            "gain", "choice", mot_terminal_style(terminal, MOT_STYLE_PLAIN));
    for (size_t i = 0; i < t->n_problems; i++) {
        const mot_tuned_entry *e = mot_tuned_exact(&t->tuned, &t->problem[i]);
        if (e && !e->quick)
            show_row(t, e, width);
    }
    for (size_t i = 0; i < t->tuned.n_bad; i++) {
        const mot_tuned_bad *b = &t->tuned.bad[i];
        char choice[MOT_CHOICE_TEXT];
        fprintf(terminal->out, "  struck off: %s for %s: %s\n",
                mot_choice_print(b->problem.op, &b->choice, choice), mot_tuned_bad_print(b, text),
                b->why);
    }
    fflush(terminal->out);
}
