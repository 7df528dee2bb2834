/* progress.c: turns events into a bar or lines.
 *
 * The bar is redrawn ten times a second at most, in one write, so a log line of another thread does
 * not cut it.  Time left is counted from the first step's event on: what came before is start-up.
 */
#include "config.h"

#include "tools/progress.h"

#include "runtime/base/clock.h"
#include "tools/format.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const double BAR_EVERY_S = 0.1, LINE_EVERY_S = 10;

void mot_progress_init(mot_progress *progress, FILE *out, bool quiet)
{
    memset(progress, 0, sizeof *progress);
    progress->terminal = mot_terminal_of(out);
    progress->quiet = quiet;
    progress->first_step = -1;
}

void mot_progress_clear(mot_progress *progress)
{
    if (progress->bar)
        fputs("\r\033[K", progress->terminal.out);
    fflush(progress->terminal.out);
    progress->bar = false;
}

void mot_progress_waiting(mot_progress *progress, const char *text)
{
    if (progress->quiet || !progress->terminal.is_terminal)
        return;
    mot_progress_clear(progress);
    fprintf(progress->terminal.out, "%s ...", text);
    fflush(progress->terminal.out);
    progress->bar = true;
}

static double seconds_left(const mot_progress *progress, const mot_event *event)
{
    int64_t done = event->step - progress->first_step;
    double passed = mot_clock_s() - progress->start_s;
    return done > 0 ? passed / (double)done * (double)(event->n_steps - event->step) : NAN;
}

static void draw_bar(mot_progress *progress, const mot_event *event)
{
    const mot_terminal *terminal = &progress->terminal;
    char loss[MOT_FORMAT], speed[MOT_FORMAT], left[MOT_FORMAT];
    char head[64], tail[160], bar[3 * 64 + 1], line[1024];
    double fraction = event->n_steps > 0 ? (double)event->step / (double)event->n_steps : 0;
    int64_t epoch = event->epoch < event->n_epochs ? event->epoch + 1 : event->n_epochs;
    snprintf(head, sizeof head, "epoch %" PRId64 "/%" PRId64 " ", epoch, event->n_epochs);
    snprintf(tail, sizeof tail, " %3.0f %%  loss %s  %s samples/s  %s left", 100 * fraction,
             mot_format_loss(event->loss, loss), mot_format_si(event->samples_per_second, speed),
             mot_format_clock(seconds_left(progress, event), left));
    int filled, cells = terminal->width - 1 - (int)(strlen(head) + strlen(tail));
    cells = cells < 0 ? 0 : cells > 50 ? 50 : cells;
    mot_terminal_bar_text(terminal, fraction, cells, bar, &filled);
    const char *plain = mot_terminal_style(terminal, MOT_STYLE_PLAIN);
    snprintf(line, sizeof line, "\r\033[K%s%s%.*s%s%s%s%s%.*s", head,
             mot_terminal_style(terminal, MOT_STYLE_CYAN), filled, bar, plain,
             mot_terminal_style(terminal, MOT_STYLE_DIM), bar + filled, plain,
             terminal->width - 1 - (int)strlen(head), tail);
    fputs(line, terminal->out);
    fflush(terminal->out);
    progress->bar = true;
}

static void print_step(mot_progress *progress, const mot_event *event)
{
    char loss[MOT_FORMAT], speed[MOT_FORMAT], left[MOT_FORMAT];
    fprintf(progress->terminal.out,
            "step %" PRId64 "/%" PRId64 "  loss %s  %s samples/s  %s left\n", event->step,
            event->n_steps, mot_format_loss(event->loss, loss),
            mot_format_si(event->samples_per_second, speed),
            mot_format_clock(seconds_left(progress, event), left));
    fflush(progress->terminal.out);
}

static void on_step(mot_progress *progress, const mot_event *event, double now_s)
{
    double every_s = progress->terminal.is_terminal ? BAR_EVERY_S : LINE_EVERY_S;
    /* The loss is a mean since the epoch's start: over its first steps it says little. */
    if (event->step - progress->epoch_step >= progress->epoch_length / 10)
        mot_curve_add(&progress->loss, (double)event->step, event->loss);
    if (progress->quiet || now_s - progress->drawn_s < every_s)
        return;
    if (progress->terminal.is_terminal)
        draw_bar(progress, event);
    else
        print_step(progress, event);
    progress->drawn_s = now_s;
}

static void on_epoch(mot_progress *progress, const mot_event *event, double now_s)
{
    char text[MOT_FORMAT];
    FILE *out = progress->terminal.out;
    mot_curve_add(&progress->loss, (double)event->step, event->loss);
    mot_curve_add(&progress->validation, (double)event->step, event->validation_loss);
    progress->epoch_length = event->step - progress->epoch_step;
    progress->epoch_step = event->step;
    double took_s = now_s - progress->epoch_s;
    progress->epoch_s = now_s;
    if (!progress->terminal.is_terminal)
        progress->drawn_s = now_s;
    if (progress->quiet)
        return;
    int digits = snprintf(text, sizeof text, "%" PRId64, event->n_epochs);
    fprintf(out, "epoch %*" PRId64 "/%" PRId64 "  loss %s", digits, event->epoch, event->n_epochs,
            mot_format_loss(event->loss, text));
    if (!isnan(event->validation_loss)) {
        fprintf(out, "  validation %s", mot_format_loss(event->validation_loss, text));
        if (!isnan(event->validation_accuracy))
            fprintf(out, " (%s)", mot_format_percent(event->validation_accuracy, text));
    }
    fprintf(out, "  %s samples/s", mot_format_si(event->samples_per_second, text));
    fprintf(out, "  %s\n", mot_format_short_time(took_s, text));
    fflush(out);
}

static void print_text(mot_progress *progress, mot_style style, const char *text)
{
    if (progress->quiet || !text || !*text)
        return;
    fputs(mot_terminal_style(&progress->terminal, style), progress->terminal.out);
    mot_terminal_paragraph(&progress->terminal, 0, text);
    fputs(mot_terminal_style(&progress->terminal, MOT_STYLE_PLAIN), progress->terminal.out);
    fflush(progress->terminal.out);
}

void mot_progress_event(const mot_event *event, void *user)
{
    mot_progress *progress = user;
    double now_s = mot_clock_s();
    if (progress->first_step < 0 && event->kind == MOT_EVENT_STEP) {
        progress->first_step = progress->epoch_step = event->step;
        progress->start_s = progress->drawn_s = progress->epoch_s = now_s;
    }
    progress->step = event->step;
    progress->n_steps = event->n_steps;
    if (event->kind != MOT_EVENT_STEP)
        mot_progress_clear(progress);
    switch (event->kind) {
    case MOT_EVENT_STEP:
        on_step(progress, event, now_s);
        break;
    case MOT_EVENT_EPOCH:
        on_epoch(progress, event, now_s);
        break;
    case MOT_EVENT_CHECKPOINT:
        if (event->text)
            snprintf(progress->checkpoint, sizeof progress->checkpoint, "%s", event->text);
        break;
    case MOT_EVENT_PLAN:
        print_text(progress, MOT_STYLE_DIM, event->text);
        break;
    case MOT_EVENT_NOTE:
        print_text(progress, MOT_STYLE_YELLOW, event->text);
        break;
    }
}

void mot_progress_plot(const mot_progress *progress, int rows)
{
    mot_plot_print(&progress->terminal, &progress->loss, &progress->validation,
                   "training loss, mean since the epoch's start", "validation loss", "steps", rows);
}
