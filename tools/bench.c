#include "config.h"

#include "tools/bench.h"

#include "devices/devices.h"
#include "runtime/base/clock.h"
#include "runtime/base/memory.h"
#include "runtime/base/random.h"
#include "tools/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 101, LEAST_SAMPLES = 9, MOST_RUNS = 2000 };

static const double BATCH_S = 4e-3, LONG_S = 4;
enum { TIME_MS = 400 }; /* of a row, if the user says nothing */

/* ---- timing ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static mot_status time_batch(mot_device *device, mot_commands *commands, int n_runs, double *time_s)
{
    double start_s = mot_clock_s();
    for (int i = 0; i < n_runs; i++)
        MOT_TRY(mot_commands_run(commands, 0, mot_commands_count(commands), 0));
    MOT_TRY(mot_device_finish(device));
    *time_s = (mot_clock_s() - start_s) / n_runs;
    return MOT_OK;
}

static double median(double *sample, int n)
{
    qsort(sample, (size_t)n, sizeof *sample, compare_doubles);
    return sample[n / 2];
}

mot_status mot_bench_time(mot_bench *bench, mot_commands *commands, double *time_s)
{
    mot_device *device = bench->device;
    const double budget_s =
        1e-3 * (double)(bench->arguments->time_ms > 0 ? bench->arguments->time_ms : TIME_MS);
    double sample[SAMPLES], copy[SAMPLES], start_s;
    int n = 0, n_runs;
    MOT_TRY(time_batch(device, commands, 1, &sample[0]));
    MOT_TRY(time_batch(device, commands, 1, &sample[0]));
    n_runs = (int)fmin(MOST_RUNS, fmax(1, BATCH_S / fmax(sample[0], 1e-9)));
    start_s = mot_clock_s();
    if (sample[0] > LONG_S / 4) { /* one run is all that there is time for */
        if (bench->ruler)
            MOT_TRY(mot_ruler_run(bench->ruler, &copy[0]));
        n = 1;
    }
    while (n < SAMPLES) {
        double passed_s = mot_clock_s() - start_s;
        if ((n >= LEAST_SAMPLES && passed_s > budget_s) || (n > 0 && passed_s > LONG_S) ||
            (n == 1 && sample[0] > LONG_S / 4))
            break;
        MOT_TRY(time_batch(device, commands, n_runs, &sample[n]));
        if (bench->ruler)
            MOT_TRY(mot_ruler_run(bench->ruler, &copy[n]));
        n++;
    }
    *time_s = median(sample, n);
    if (bench->ruler)
        bench->peak.bytes_per_s = median(copy, n);
    return MOT_OK;
}

void mot_bench_variant(const mot_commands *commands, char out[64])
{
    const char *name = mot_commands_name(commands, 0), *slash = strchr(name, '/');
    name = slash ? slash + 1 : name;
    snprintf(out, 64, "%.*s", (int)strcspn(name, " "), name);
}

mot_status mot_bench_floats(mot_device *device, int64_t n, uint64_t seed, mot_view *out,
                            float **host)
{
    float *values;
    mot_random random;
    mot_view view = {.dtype = MOT_F32, .shape = {1, {n}}};
    MOT_TRY(mot_alloc((size_t)n, sizeof *values, &values));
    mot_random_init(&random, seed, MOT_STREAM_TEST, 0);
    for (int64_t i = 0; i < n; i++)
        values[i] = 2 * mot_random_uniform(&random) - 1;
    mot_status status = mot_buffer_new(device, (size_t)n * sizeof *values, &view.buffer);
    if (status == MOT_OK)
        status = mot_buffer_write(view.buffer, 0, (size_t)n * sizeof *values, values);
    if (status != MOT_OK) {
        mot_buffer_free(view.buffer);
        free(values);
        return status;
    }
    *out = view;
    if (host)
        *host = values;
    else
        free(values);
    return MOT_OK;
}

/* ---- printing ---- */

static void print_device(const mot_bench *bench)
{
    const mot_device_info *info = mot_device_get_info(bench->device);
    char flops[MOT_FORMAT], bytes[MOT_FORMAT];
    fprintf(bench->terminal.out, "%s%s%s  %s, %s\n",
            mot_terminal_style(&bench->terminal, MOT_STYLE_BOLD), info->id,
            mot_terminal_style(&bench->terminal, MOT_STYLE_PLAIN), info->name, info->driver);
    fprintf(bench->terminal.out, "  peak: multiply-adds %sFLOP/s, copy %sB/s\n",
            mot_format_si(bench->peak.flops_per_s, flops),
            mot_format_si(bench->peak.bytes_per_s, bytes));
    fflush(bench->terminal.out);
}

/* "48*64x64x32 NN" for a product, "dweight 64x1x28x28:32x3x3" for a convolution, "forward 12x4x64x32"
 * for attention, "relu 8192x1024" for the others. */
static void row_title(const mot_bench_row *row, char *text, size_t size)
{
    char batch[24] = "";
    if (row->batch > 1)
        snprintf(batch, sizeof batch, "%" PRId64 "*", row->batch);
    if (*row->shape)
        snprintf(text, size, "%s %s", row->what, row->shape);
    else if (row->arithmetic)
        snprintf(text, size, "%s%" PRId64 "x%" PRId64 "x%" PRId64 " %s", batch, row->m, row->n,
                 row->k, row->form);
    else
        snprintf(text, size, "%s %" PRId64 "x%" PRId64, row->what, row->m, row->n);
}

static void print_row(const mot_bench *bench, const mot_bench_row *row)
{
    const mot_terminal *terminal = &bench->terminal;
    char title[96], time[MOT_FORMAT];
    int cells = terminal->width - 1 - 72; /* what the rest of the row leaves */
    cells = cells < 6 ? 6 : cells > 12 ? 12 : cells;
    row_title(row, title, sizeof title);
    fprintf(terminal->out, "  %-26s %-9s %9s %8.1f %-7s ", title, row->variant,
            mot_format_short_time(row->time_s, time), row->rate,
            row->arithmetic ? "GFLOP/s" : "GB/s");
    mot_terminal_bar(terminal, fmin(row->fraction, 1), cells, MOT_STYLE_CYAN);
    fprintf(terminal->out, " %3.0f %%\n", 100 * row->fraction);
    fflush(terminal->out);
}

void mot_bench_note(mot_bench *bench, const char *what, const char *why)
{
    fprintf(bench->terminal.out, "  %s%s: %.*s%s\n",
            mot_terminal_style(&bench->terminal, MOT_STYLE_DIM), what, (int)strcspn(why, "\n"), why,
            mot_terminal_style(&bench->terminal, MOT_STYLE_PLAIN));
}

mot_status mot_bench_add(mot_bench *bench, mot_bench_row *row, double work)
{
    MOT_TRY(mot_grow(&bench->row, &bench->capacity, bench->n_rows + 1, sizeof *bench->row));
    snprintf(row->device, sizeof row->device, "%s", mot_device_get_info(bench->device)->id);
    row->rate = work / row->time_s / 1e9;
    row->peak = (row->arithmetic ? bench->peak.flops_per_s : bench->peak.bytes_per_s) / 1e9;
    row->fraction = row->rate / row->peak;
    bench->row[bench->n_rows++] = *row;
    print_row(bench, row);
    return MOT_OK;
}

/* ---- devices ---- */

static mot_status bench_device(mot_bench *bench, const mot_device_info *info, size_t copy_bytes,
                               mot_status (*one)(mot_bench *bench))
{
    const mot_device_options options = {.precision = bench->precision};
    mot_status status = mot_device_open(info, &options, &bench->device);
    if (status == MOT_OK)
        status = mot_device_peak(bench->device, copy_bytes, &bench->peak,
                                 copy_bytes > 0 ? &bench->ruler : NULL);
    if (status == MOT_OK) {
        print_device(bench);
        status = one(bench);
    }
    mot_ruler_free(bench->ruler);
    mot_device_close(bench->device);
    bench->ruler = NULL;
    bench->device = NULL;
    return status;
}

static mot_status bench_devices(mot_bench *bench, size_t copy_bytes,
                                mot_status (*one)(mot_bench *bench))
{
    const char *selection =
        bench->arguments->devices ? bench->arguments->devices : getenv("MOTLEY_DEVICES");
    mot_device_info *info;
    char *note;
    int n;
    MOT_TRY(
        mot_devices_select(selection && *selection ? selection : "auto", 1, 0, &info, &n, &note));
    mot_status status = MOT_OK;
    for (int i = 0; status == MOT_OK && i < n; i++)
        status = bench_device(bench, &info[i], copy_bytes, one);
    free(info);
    free(note);
    return status;
}

int mot_bench_run(mot_bench *bench, size_t copy_bytes, mot_status (*one)(mot_bench *bench))
{
    int exit_status = MOT_EXIT_OK;
    bench->terminal = mot_terminal_of(bench->arguments->json ? stderr : stdout);
    mot_status status = bench_devices(bench, copy_bytes, one);
    if (status == MOT_OK && bench->n_rows == 0)
        status = MOT_FAIL(MOT_ERR_ARGUMENT, "nothing could be measured");
    if (status == MOT_OK && bench->arguments->json)
        status = mot_json_print_bench(bench->row, (int)bench->n_rows);
    if (status != MOT_OK)
        exit_status = mot_command_failed(bench->command, false);
    free(bench->row);
    return exit_status;
}

mot_status mot_bench_shapes(mot_bench *bench, const char *const *usual, size_t n_usual,
                            mot_status (*one)(mot_bench *bench, const char *shape))
{
    const mot_arguments *arguments = bench->arguments;
    for (int i = 0; i < arguments->n_operands; i++)
        MOT_TRY(one(bench, arguments->operand[i]));
    for (size_t i = 0; arguments->n_operands == 0 && i < n_usual; i++)
        MOT_TRY(one(bench, usual[i]));
    return MOT_OK;
}

mot_status
mot_bench_variants(mot_bench *bench, mot_bench_row *row, mot_operands *operands, double flops,
                   mot_status (*measure)(mot_bench *bench, mot_bench_row *row,
                                         mot_operands *operands, int variant, double flops))
{
    const char *wanted = bench->arguments->variant;
    if (!bench->arguments->variants && !wanted)
        return measure(bench, row, operands, MOT_BY_RULE, flops);
    for (int i = 0; i < mot_primitive_n_variants(operands->op); i++) {
        const char *name = mot_primitive_variant_name(operands->op, i);
        if (wanted && strcmp(wanted, name) != 0)
            continue;
        if (measure(bench, row, operands, i, flops) != MOT_OK)
            mot_bench_note(bench, name, mot_error_message());
    }
    return MOT_OK;
}
