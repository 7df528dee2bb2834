/* bench_step.c: how long is a training step, and how much of the devices' arithmetic does it use?
 *
 * A training like any other, without files, that is asked to stop when enough steps were seen.
 */
#include "config.h"

#include "tools/bench.h"

#include "runtime/base/clock.h"
#include "tools/format.h"
#include "tools/session.h"

#include <math.h>
#include <stdio.h>

enum { LEAST_STEPS = 20 };

static const double RUN_S = 3;

/* When to stop; for the handler of events. */
typedef struct watch {
    mot_trainer *trainer; /* NULL until it is open */
    double start_s;
    int64_t first_step;
} watch;

static void on_event(const mot_event *event, void *user)
{
    watch *w = user;
    if (event->kind != MOT_EVENT_STEP || !w->trainer)
        return;
    if (w->start_s == 0) {
        w->start_s = mot_clock_s();
        w->first_step = event->step;
    }
    if (event->step - w->first_step >= LEAST_STEPS && mot_clock_s() - w->start_s > RUN_S)
        mot_trainer_stop(w->trainer);
}

static mot_bench_steps steps_of(const mot_report *report)
{
    mot_bench_steps s = {.step_s = report->step_s};
    double peak = 0;
    int64_t batch = 0;
    bool known = true;
    for (int i = 0; i < report->n_devices; i++) {
        const mot_device_report *device = &report->devices[i];
        batch += device->share;
        s.launches += device->launches_per_step;
        if (device->share > 0) {
            peak += device->peak_flops_per_s;
            known = known && device->peak_flops_per_s > 0;
        }
    }
    s.samples_per_s = (double)batch / s.step_s;
    s.flops_per_s = report->step_flops / s.step_s;
    s.fraction = known ? s.flops_per_s / peak : NAN;
    return s;
}

static void print(const mot_terminal *terminal, const mot_report *report, const mot_bench_steps *s)
{
    FILE *out = terminal->out;
    char text[MOT_FORMAT];
    for (int i = 0; i < report->n_devices; i++) {
        const mot_device_report *device = &report->devices[i];
        if (device->share > 0)
            fprintf(out, "%s%s%s  %s, %d samples, peak %sFLOP/s\n",
                    mot_terminal_style(terminal, MOT_STYLE_BOLD), device->info.id,
                    mot_terminal_style(terminal, MOT_STYLE_PLAIN), device->info.name,
                    (int)device->share, mot_format_si(device->peak_flops_per_s, text));
    }
    fprintf(out, "  step %s", mot_format_short_time(s->step_s, text));
    fprintf(out, ", %ssamples/s", mot_format_si(s->samples_per_s, text));
    fprintf(out, ", %.3g launches, %.1f GFLOP/s", s->launches, s->flops_per_s / 1e9);
    if (isfinite(s->fraction)) {
        fputs("  ", out);
        mot_terminal_bar(terminal, fmin(s->fraction, 1), 12, MOT_STYLE_CYAN);
        fprintf(out, " %.0f %%", 100 * s->fraction);
    }
    fputc('\n', out);
    fflush(out);
}

/* Without --steps nothing but the clock ends the run. */
static mot_status make_endless(const mot_arguments *arguments, mot_config *config)
{
    MOT_TRY(mot_config_set(config, "train.epochs=1000000"));
    return arguments->steps > 0 ? MOT_OK : mot_config_set(config, "train.steps=0");
}

static bool measure(mot_session *session, const mot_arguments *arguments)
{
    watch w = {0};
    if (!mot_session_open(arguments, arguments->steps > 0 ? NULL : on_event, &w, session))
        return false;
    w.trainer = session->trainer;
    mot_status status = mot_trainer_run(session->trainer);
    if (status != MOT_OK && status != MOT_ERR_INTERRUPTED)
        return mot_session_fail(session);
    if (mot_trainer_measure_peaks(session->trainer) != MOT_OK)
        return mot_session_fail(session);
    const mot_report *report = mot_trainer_report(session->trainer);
    mot_terminal terminal = mot_terminal_of(arguments->json ? stderr : stdout);
    if (session->rank != 0)
        return true;
    mot_bench_steps steps = steps_of(report);
    print(&terminal, report, &steps);
    return !arguments->json || mot_json_print_steps(report, &steps) == MOT_OK ||
           mot_session_fail(session);
}

int mot_bench_step(const mot_command *command, const mot_arguments *arguments)
{
    mot_session session;
    if (mot_session_configure(command, arguments, &session)) {
        if (make_endless(arguments, session.config) != MOT_OK)
            session.exit_status = mot_command_failed(command, false);
        else
            measure(&session, arguments);
    }
    return mot_session_close(&session);
}
