/* cmd_tune.c: measures which kernels are fast for a model's shapes on this machine's devices, and
 * remembers it for those who train here. */
#include "config.h"

#include "tools/tune.h"

#include "devices/devices.h"
#include "devices/probe.h"
#include "runtime/base/clock.h"
#include "tools/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_LIMIT_S = 10 };

volatile sig_atomic_t mot_tune_stop;

static void on_signal(int number)
{
    (void)number;
    mot_tune_stop = 1;
}

static bool is_done(const mot_tuning *t, const mot_problem *problem)
{
    const mot_tuned_entry *e = mot_tuned_exact(&t->tuned, problem);
    return e && !e->quick;
}

/* What is known of the device: nothing, what is remembered, and what the file brings. */
static mot_status recall(mot_tuning *t)
{
    const mot_arguments *arguments = t->arguments;
    mot_tuned_free(&t->tuned);
    if (arguments->anew)
        return mot_tuned_forget(t->info);
    if (arguments->file)
        MOT_TRY(mot_tuned_take(arguments->file, t->info, &t->tuned));
    return mot_tuned_store(t->info, &t->tuned, false);
}

static mot_status tune_problems(mot_tuning *t)
{
    for (size_t i = 0; i < t->n_problems; i++) {
        if (is_done(t, &t->problem[i])) {
            t->n_done++;
            continue;
        }
        MOT_TRY(mot_tune_search(t, &t->problem[i]));
        t->n_done++;
        t->n_measured++;
        mot_tune_show_result(t, &t->problem[i]);
    }
    return MOT_OK;
}

/* What was found so far is shown and shared when it is stopped, too. */
static mot_status tune_device(mot_tuning *t)
{
    MOT_TRY(recall(t));
    mot_status status = tune_problems(t), shared = MOT_OK;
    char *why = NULL;
    if (status != MOT_OK)
        why = strdup(mot_error_message());
    mot_tune_child_end(&t->child);
    mot_tune_show_table(t);
    if (t->arguments->json)
        shared = mot_tune_json_add(t);
    if (shared == MOT_OK && t->arguments->file)
        shared = mot_tuned_give(t->arguments->file, t->info, &t->tuned);
    if (status != MOT_OK && why)
        mot_error_set(why);
    free(why);
    return status != MOT_OK ? status : shared;
}

/* Parts of one device, and equal devices with one driver, share what is remembered. */
static int drop_alike(mot_device_info *info, int n)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        char key[17], other[17];
        bool seen = false;
        mot_probe_key(&info[i], key);
        for (int j = 0; j < kept; j++) {
            mot_probe_key(&info[j], other);
            seen = seen || strcmp(key, other) == 0;
        }
        if (!seen && info[i].compiler)
            info[kept++] = info[i];
    }
    return kept;
}

static mot_status tune_devices(mot_tuning *t, const mot_config *config)
{
    const char *selection =
        t->arguments->devices ? t->arguments->devices : getenv("MOTLEY_DEVICES");
    mot_device_info *info;
    char *note;
    int n;
    MOT_TRY(
        mot_devices_select(selection && *selection ? selection : "auto", 1, 0, &info, &n, &note));
    free(note);
    mot_status status = mot_tune_problems(t, config, n);
    n = drop_alike(info, n);
    if (status == MOT_OK && n == 0)
        status = MOT_FAIL(MOT_ERR_DEVICE, "no device here has a compiler: nothing can be tuned");
    t->n_all = t->n_problems * (size_t)n;
    t->start_s = mot_clock_s();
    for (int i = 0; i < n && status == MOT_OK; i++) {
        t->info = &info[i];
        status = tune_device(t);
    }
    free(info);
    return status;
}

static int finish(mot_tuning *t, const mot_command *command, mot_status status)
{
    if (status == MOT_OK || status == MOT_ERR_INTERRUPTED) {
        char *why = status == MOT_OK ? NULL : strdup(mot_error_message());
        mot_status printed = t->arguments->json ? mot_tune_json_print(t) : MOT_OK;
        if (printed == MOT_OK && why)
            mot_error_set(why);
        free(why);
        if (printed != MOT_OK)
            status = printed;
    }
    if (status == MOT_OK)
        return MOT_EXIT_OK;
    mot_command_failed(command, false);
    return status == MOT_ERR_INTERRUPTED ? MOT_EXIT_INTERRUPTED : MOT_EXIT_FAILED;
}

static int run(const mot_command *command, const mot_arguments *arguments)
{
    mot_session session = {0};
    mot_tuning t = {.arguments = arguments,
                    .terminal = mot_terminal_of(arguments->json ? stderr : stdout),
                    .limit_s = arguments->n > 0 ? (double)arguments->n : DEFAULT_LIMIT_S};
    struct sigaction action = {.sa_handler = on_signal};
    mot_session_log(arguments);
    if (arguments->n_operands > 0 && !mot_session_configure(command, arguments, &session))
        return mot_session_close(&session);
    if (arguments->n_operands == 0 && (arguments->set.n > 0 || arguments->data))
        return mot_command_misused(command, "--set and --data need a configuration");
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int exit_status = finish(&t, command, tune_devices(&t, session.config));
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    mot_tuned_free(&t.tuned);
    mot_tune_json_free(&t);
    free(t.problem);
    mot_session_close(&session);
    return exit_status;
}

static const mot_option options[] = {
    MOT_OPTION_DEVICES,
    MOT_OPTION_DATA,
    MOT_OPTION_SET,
    {"limit", 0, MOT_OPTION_INT, "S",
     "give up a kernel that takes its compiler, or a run, more than S seconds (default: 10)",
     MOT_PLACE(n), 1},
    {"file", 0, MOT_OPTION_TEXT, "FILE",
     "take over what this file says of these devices, and write to it all that is known of them",
     MOT_PLACE(file), 0},
    {"anew", 0, MOT_OPTION_FLAG, NULL, "forget what was found before", MOT_PLACE(anew), 0},
    MOT_OPTION_JSON("end with one JSON object; all else goes to standard error"),
    MOT_OPTION_VERBOSE,
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_tune = {
    "tune",
    "[CONFIG]",
    0,
    1,
    "find the fastest kernels for a model's shapes",
    "Tries ways to compute what the configuration has: matrix products (without a configuration:\n"
    "a usual set), convolutions, attention, norms, activations.  Numbers are checked first, in a\n"
    "child process that may hang or crash.  What is faster than the rules' choice is remembered,\n"
    "and training uses it.  It may be stopped; when started again it goes on with what is missing.",
    options,
    run,
    false,
};
