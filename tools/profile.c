/* profile.c: the table that `motley train --profile` ends with.
 *
 * A device's rows add up to the mean step: what no kernel accounts for is launching, waiting for
 * other devices and ranks, and the host.  Times are the driver's own, taken at each launch.
 */
#include "config.h"

#include "tools/profile.h"

#include "tools/format.h"

#include <math.h>
#include <string.h>

enum { BAR = 10, TITLE = 26, BESIDE = 57 };

mot_roofline mot_profile_roofline(const mot_report *report, const mot_profile_row *row)
{
    const mot_device_report *device = &report->devices[row->device];
    double flops_s = row->flops / device->peak_flops_per_s;
    double bytes_s = row->bytes / device->peak_bytes_per_s;
    mot_roofline r = {.arithmetic = flops_s > bytes_s, .fraction = NAN};
    r.rate = (r.arithmetic ? row->flops : row->bytes) / row->time_s;
    if (device->peak_flops_per_s > 0 && device->peak_bytes_per_s > 0)
        r.fraction = (r.arithmetic ? flops_s : bytes_s) / row->time_s;
    return r;
}

bool mot_profile_is_product(const mot_profile_row *row)
{
    static const char *const products[] = {"linear", "matmul", "conv", "attention"};
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        if (strncmp(row->op, products[i], strlen(products[i])) == 0)
            return true;
    return false;
}

/* In a narrow terminal rows have no bar, and then shorter names. */
static int bar_cells(const mot_terminal *terminal)
{
    return terminal->width - 1 >= TITLE + BESIDE + BAR ? BAR : 0;
}

static int title_cells(const mot_terminal *terminal)
{
    int left = terminal->width - 1 - BESIDE;
    return left < 18 ? 18 : left > TITLE ? TITLE : left;
}

static void print_share(const mot_terminal *terminal, double time_s, double step_s)
{
    char time[MOT_FORMAT];
    double share = time_s / step_s;
    fprintf(terminal->out, " %8s %5.1f %% ", mot_format_short_time(time_s, time), 100 * share);
    mot_terminal_bar(terminal, fmin(fmax(share, 0), 1), bar_cells(terminal), MOT_STYLE_CYAN);
}

static void print_row(const mot_terminal *terminal, const mot_report *report,
                      const mot_profile *profile, const mot_profile_row *row)
{
    mot_roofline r = mot_profile_roofline(report, row);
    char title[64];
    int cells = title_cells(terminal);
    snprintf(title, sizeof title, "%.20s %.20s", row->op, row->layer);
    fprintf(terminal->out, "  %-*.*s %-8s %4.1f", cells, cells, title, row->phase, row->launches);
    print_share(terminal, row->time_s, profile->step_s);
    fprintf(terminal->out, " %7.1f %-7s", r.rate / 1e9, r.arithmetic ? "GFLOP/s" : "GB/s");
    if (isfinite(r.fraction))
        fprintf(terminal->out, " %4.0f %%", 100 * r.fraction);
    fputc('\n', terminal->out);
}

static void print_device(const mot_terminal *terminal, const mot_report *report,
                         const mot_profile *profile, int d)
{
    const mot_device_report *device = &report->devices[d];
    FILE *out = terminal->out;
    char flops[MOT_FORMAT], bytes[MOT_FORMAT];
    double kernels_s = 0, products_s = 0, product_flops = 0;
    for (int i = 0; i < profile->n_rows; i++) {
        const mot_profile_row *row = &profile->row[i];
        bool counts = row->device == d;
        kernels_s += counts ? row->time_s : 0;
        products_s += counts && mot_profile_is_product(row) ? row->time_s : 0;
        product_flops += counts && mot_profile_is_product(row) ? row->flops : 0;
    }
    if (kernels_s <= 0)
        return;
    fprintf(out, "%s%s%s  peak %sFLOP/s, %sB/s\n", mot_terminal_style(terminal, MOT_STYLE_BOLD),
            device->info.id, mot_terminal_style(terminal, MOT_STYLE_PLAIN),
            mot_format_si(device->peak_flops_per_s, flops),
            mot_format_si(device->peak_bytes_per_s, bytes));
    fprintf(out, "%s  %-*s %-8s %4s %8s %7s %-*s %-15s %s%s\n",
            mot_terminal_style(terminal, MOT_STYLE_DIM), title_cells(terminal),
            "operator and layer", "phase", "runs", "time", "share", bar_cells(terminal), "",
            "  speed", "of peak", mot_terminal_style(terminal, MOT_STYLE_PLAIN));
    for (int i = 0; i < profile->n_rows; i++)
        if (profile->row[i].device == d)
            print_row(terminal, report, profile, &profile->row[i]);
    fprintf(out, "  %-*s", title_cells(terminal) + 14, "outside kernels");
    print_share(terminal, profile->step_s - kernels_s, profile->step_s);
    fprintf(out, "\n  matrix products: %.0f %% of the step", 100 * products_s / profile->step_s);
    if (products_s > 0 && device->peak_flops_per_s > 0)
        fprintf(out, ", in them %.0f %% of the peak",
                100 * product_flops / products_s / device->peak_flops_per_s);
    fputs("\n\n", out);
}

void mot_profile_print(const mot_terminal *terminal, const mot_report *report,
                       const mot_profile *profile)
{
    FILE *out = terminal->out;
    char text[MOT_FORMAT], steps[MOT_FORMAT];
    fprintf(out, "where the %s of a step go, as a mean of %s steps\n",
            mot_format_short_time(profile->step_s, text),
            mot_format_count(profile->n_steps, steps));
    for (int d = 0; d < report->n_devices; d++)
        print_device(terminal, report, profile, d);
    if (profile->exchange_s > 0) {
        double hidden = 1 - profile->exposed_s / profile->exchange_s;
        fprintf(out, "exchange of gradients: %s a step",
                mot_format_short_time(profile->exchange_s, text));
        fprintf(out, ", %.0f %% of it hidden behind backward\n\n", 100 * fmin(fmax(hidden, 0), 1));
    }
}
