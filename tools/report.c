/* report.c: the tables at the end of a run.
 *
 * A device's bar is its time: the full part it computed, the light part it waited for the others.
 * Good shares show as full bars of equal length.
 */
#include "config.h"

#include "tools/report.h"

#include "tools/format.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void mot_report_print_result(const mot_terminal *terminal, const mot_report *report)
{
    FILE *out = terminal->out;
    char a[MOT_FORMAT], b[MOT_FORMAT];
    const char *bold = mot_terminal_style(terminal, MOT_STYLE_BOLD);
    const char *plain = mot_terminal_style(terminal, MOT_STYLE_PLAIN);
    fprintf(out, "result   train loss %s", mot_format_loss(report->train_loss, a));
    if (!isnan(report->validation_loss))
        fprintf(out, ", validation loss %s", mot_format_loss(report->validation_loss, a));
    if (!isnan(report->test_loss))
        fprintf(out, ", test loss %s", mot_format_loss(report->test_loss, a));
    if (!isnan(report->test_accuracy) && report->regression)
        fprintf(out, ", %stest R2 %.4f%s", bold, report->test_accuracy, plain);
    else if (!isnan(report->test_accuracy))
        fprintf(out, ", %stest accuracy %s%s", bold, mot_format_percent(report->test_accuracy, a),
                plain);
    if (!isnan(report->test_mean_abs_error))
        fprintf(out, ", mean absolute error %s", mot_format_loss(report->test_mean_abs_error, a));
    if (!isnan(report->test_perplexity))
        fprintf(out, ", perplexity %s, bits per %s %s", mot_format_loss(report->test_perplexity, a),
                report->token, mot_format_loss(report->test_bits, b));
    fputc('\n', out);
    if (!(report->samples_per_second > 0)) /* nothing was left to train */
        return;
    fprintf(out, "speed    %s samples/s, %s a step",
            mot_format_count((int64_t)report->samples_per_second, a),
            mot_format_short_time(report->step_s, b));
    fprintf(out, "; %s steps, %s samples", mot_format_count(report->steps, a),
            mot_format_count(report->samples, b));
    if (report->n_ranks > 1)
        fprintf(out, ", %d ranks", report->n_ranks);
    fputc('\n', out);
    if (!isnan(report->loss_scale))
        fprintf(out, "fp16     loss scale %g, %s steps skipped\n", report->loss_scale,
                mot_format_count(report->skipped_steps, a));
}

/* Columns of the device table; the bar takes what is left. */
typedef struct columns {
    int id, name, rank, share, samples, bar;
} columns;

static int at_least(int width, size_t needed)
{
    return (int)needed > width ? (int)needed : width;
}

static void share_text(const mot_device_report *device, int64_t batch, char text[MOT_FORMAT])
{
    snprintf(text, MOT_FORMAT, "%" PRId64 "/%" PRId64, device->share, batch);
}

static columns measure(const mot_terminal *terminal, const mot_report *report, int64_t batch)
{
    columns c = {.id = 6, .share = 5, .samples = 7, .rank = report->n_ranks > 1 ? 4 : 0};
    char text[MOT_FORMAT];
    size_t name = 4;
    for (int i = 0; i < report->n_devices; i++) {
        const mot_device_report *device = &report->devices[i];
        c.id = at_least(c.id, strlen(device->info.id));
        share_text(device, batch, text);
        c.share = at_least(c.share, strlen(text));
        c.samples = at_least(c.samples, strlen(mot_format_count(device->samples, text)));
        name = strlen(device->info.name) > name ? strlen(device->info.name) : name;
    }
    int fixed = c.id + 2 + (c.rank ? c.rank + 2 : 0) + c.share + 2 + c.samples + 2 + 8 + 2 + 7 + 2 +
                5 + 2 + 8;
    c.bar = terminal->width - 1 - fixed;
    if (c.bar > 40 && name < 60) {
        c.name = (int)name < c.bar - 22 ? (int)name : c.bar - 22;
        c.bar -= c.name + 2;
    }
    c.bar = c.bar < 6 ? 6 : c.bar > 24 ? 24 : c.bar;
    return c;
}

static void print_device(const mot_terminal *terminal, const mot_device_report *device,
                         const columns *c, int64_t batch, int i)
{
    FILE *out = terminal->out;
    char share[MOT_FORMAT], samples[MOT_FORMAT];
    double all_s = device->busy_s + device->idle_s;
    double busy = all_s > 0 ? device->busy_s / all_s : 0;
    share_text(device, batch, share);
    fprintf(out, "%s%-*s%s", mot_terminal_style(terminal, mot_terminal_device_style(i)), c->id,
            device->info.id, mot_terminal_style(terminal, MOT_STYLE_PLAIN));
    if (c->name)
        fprintf(out, "  %-*.*s", c->name, c->name, device->info.name);
    if (c->rank)
        fprintf(out, "  %*d", c->rank, device->rank);
    fprintf(out, "  %*s  %*s", c->share, share, c->samples,
            mot_format_count(device->samples, samples));
    if (device->samples > 0) {
        fprintf(out, "  %6.2f s  %5.2f s  ", device->busy_s, device->idle_s);
        mot_terminal_bar(terminal, busy, c->bar, mot_terminal_device_style(i));
        fprintf(out, " %3.0f %%  %8.1f", 100 * busy, device->launches_per_step);
    }
    fputc('\n', out);
    if (*device->reason) {
        fputs(mot_terminal_style(terminal, MOT_STYLE_DIM), out);
        mot_terminal_paragraph(terminal, 2, device->reason);
        fputs(mot_terminal_style(terminal, MOT_STYLE_PLAIN), out);
    }
}

static bool shares_are_equal(const mot_report *report)
{
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < report->n_devices; i++) {
        const int64_t share = report->devices[i].share;
        least = share > 0 && share < least ? share : least;
        most = share > most ? share : most;
    }
    return most - least <= 1;
}

static void print_gain(const mot_terminal *terminal, const mot_report *report)
{
    if (isnan(report->equal_share_gain_predicted) && isnan(report->equal_share_gain_measured))
        return;
    if (report->equal_share_gain_measured == 1 && shares_are_equal(report)) {
        fputs("equal shares: no others were found to make a step faster\n", terminal->out);
        return;
    }
    fputs("gain over equal shares:", terminal->out);
    if (!isnan(report->equal_share_gain_predicted))
        fprintf(terminal->out, " predicted %.2fx%s", report->equal_share_gain_predicted,
                isnan(report->equal_share_gain_measured) ? "" : ",");
    if (!isnan(report->equal_share_gain_measured))
        fprintf(terminal->out, " measured %s%.2fx%s", mot_terminal_style(terminal, MOT_STYLE_BOLD),
                report->equal_share_gain_measured, mot_terminal_style(terminal, MOT_STYLE_PLAIN));
    fputc('\n', terminal->out);
}

void mot_report_print_devices(const mot_terminal *terminal, const mot_report *report)
{
    int64_t batch = 0;
    for (int i = 0; i < report->n_devices; i++)
        batch += report->devices[i].share;
    columns c = measure(terminal, report, batch);
    FILE *out = terminal->out;
    fprintf(out, "%s%-*s", mot_terminal_style(terminal, MOT_STYLE_DIM), c.id, "device");
    if (c.name)
        fprintf(out, "  %-*s", c.name, "name");
    if (c.rank)
        fprintf(out, "  %*s", c.rank, "rank");
    fprintf(out, "  %*s  %*s  %8s  %7s  %-*s  %8s%s\n", c.share, "share", c.samples, "samples",
            "busy", "idle", c.bar + 6, c.bar < 12 ? "busy and idle" : "busy and idle time",
            "launches", mot_terminal_style(terminal, MOT_STYLE_PLAIN));
    for (int i = 0; i < report->n_devices; i++)
        print_device(terminal, &report->devices[i], &c, batch, i);
    print_gain(terminal, report);
}
