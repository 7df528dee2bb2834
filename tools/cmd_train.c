/* cmd_train.c: trains, shows how it goes, and says what happened on which device.
 *
 * Interrupts: the first Ctrl-C lets the trainer finish its step and write a checkpoint, the second
 * ends the process at once.
 */
#include "config.h"

#include "runtime/base/text.h"
#include "tools/command.h"
#include "tools/digits.h"
#include "tools/format.h"
#include "tools/json.h"
#include "tools/profile.h"
#include "tools/progress.h"
#include "tools/report.h"
#include "tools/session.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLOT_ROWS = 9 };

/* What a signal handler needs. */
static mot_trainer *volatile interrupted_trainer;
static volatile sig_atomic_t n_interrupts, interrupts_silent;

static void on_interrupt(int signal_number)
{
    static const char text[] =
        "\nmotley: finishing this step and writing a checkpoint; once more to quit at once\n";
    (void)signal_number;
    if (n_interrupts++ > 0)
        _exit(MOT_EXIT_INTERRUPTED);
    if (!interrupts_silent && write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(MOT_EXIT_INTERRUPTED);
    mot_trainer_stop(interrupted_trainer);
}

static void catch_interrupts(const mot_session *session)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    interrupted_trainer = session->trainer;
    interrupts_silent = session->rank != 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void release_interrupts(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    interrupted_trainer = NULL;
}

/* Does --out name a folder with a trained network that --resume does not go on with? */
static bool replaces_a_network(const mot_arguments *arguments)
{
    char path[4096];
    if (!arguments->out || arguments->resume)
        return false;
    const int n = snprintf(path, sizeof path, "%s/model.safetensors", arguments->out);
    return n < (int)sizeof path && access(path, F_OK) == 0;
}

static void print_header(const mot_terminal *terminal, const mot_arguments *arguments)
{
    const bool replaces = replaces_a_network(arguments);
    fprintf(terminal->out, "%smotley %s%s trains %s%s%s\n",
            mot_terminal_style(terminal, MOT_STYLE_BOLD), mot_version(),
            mot_terminal_style(terminal, MOT_STYLE_PLAIN), arguments->operand[0],
            replaces ? ", replacing the network in " : "", replaces ? arguments->out : "");
    fflush(terminal->out);
}

/* " --name value", the value in quotes where a shell would need them. */
static void print_option(FILE *out, const char *name, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./:,=@%+-";
    const char *quote = *value && value[strspn(value, plain)] == '\0' ? "" : "'";
    fprintf(out, "%s%s %s%s%s", *name ? " " : "", name, quote, value, quote);
}

static void print_number(FILE *out, const char *name, int64_t value)
{
    if (value >= 0)
        fprintf(out, " %s %" PRId64, name, value);
}

/* This command line again, with --resume. */
static void print_resume_command(FILE *out, const mot_arguments *arguments)
{
    fputs("motley train", out);
    print_option(out, "", arguments->operand[0]);
    print_option(out, "--out", arguments->out);
    fputs(" --resume", out);
    if (arguments->devices)
        print_option(out, "--devices", arguments->devices);
    if (arguments->data)
        print_option(out, "--data", arguments->data);
    if (arguments->kernels)
        print_option(out, "--kernels", arguments->kernels);
    for (int i = 0; i < arguments->set.n; i++)
        print_option(out, "--set", arguments->set.item[i]);
    print_number(out, "--epochs", arguments->epochs);
    print_number(out, "--steps", arguments->steps);
    print_number(out, "--seed", arguments->seed);
}

static int interrupted(const mot_session *session, const mot_progress *progress,
                       const mot_arguments *arguments)
{
    if (session->rank != 0)
        return MOT_EXIT_INTERRUPTED;
    fprintf(stderr, "motley: stopped after step %" PRId64 " of %" PRId64 "; ", progress->step,
            progress->n_steps);
    if (arguments->out) {
        fprintf(stderr, "go on with\n  ");
        print_resume_command(stderr, arguments);
        fputc('\n', stderr);
    } else {
        fprintf(stderr, "nothing was kept, for want of --out DIR\n");
    }
    return MOT_EXIT_INTERRUPTED;
}

static void print_files(FILE *out, const mot_arguments *arguments)
{
    if (arguments->out)
        fprintf(out, "files    %s: model.safetensors, metrics.jsonl, the resolved configuration\n",
                arguments->out);
}

/* Everything that follows a run that ended well.  All ranks come here: drawing asks the network. */
static bool show_results(mot_session *session, const mot_progress *progress,
                         const mot_arguments *arguments)
{
    const mot_report *report = mot_trainer_report(session->trainer);
    const mot_profile *profile = NULL;
    const mot_terminal *terminal = &progress->terminal;
    bool silent = session->rank != 0 || arguments->quiet;
    if (!silent && progress->first_step < 0)
        fprintf(terminal->out,
                "%s is at its end, step %" PRId64 "; more with --epochs or --steps\n\n",
                arguments->resume ? arguments->out : "the training", report->steps);
    if (!silent && progress->first_step >= 0) {
        fputc('\n', terminal->out);
        mot_progress_plot(progress, PLOT_ROWS);
        fputc('\n', terminal->out);
    }
    if (arguments->draw && mot_digits_possible(session->trainer)) {
        if (mot_digits_show(terminal, session->trainer, MOT_PART_TEST, silent) != MOT_OK)
            return mot_session_fail(session);
        if (!silent)
            fputc('\n', terminal->out);
    }
    if (arguments->profile && mot_trainer_profile(session->trainer, &profile) != MOT_OK && !silent)
        fprintf(terminal->out, "no profile: %s\n\n", mot_error_message());
    if (!silent) {
        if (profile)
            mot_profile_print(terminal, report, profile);
        mot_report_print_devices(terminal, report);
        fputc('\n', terminal->out);
        mot_report_print_result(terminal, report);
        print_files(terminal->out, arguments);
        fflush(terminal->out);
    }
    if (arguments->json && session->rank == 0 && mot_json_print_report(report, profile) != MOT_OK)
        return mot_session_fail(session);
    return true;
}

static void train(mot_session *session, const mot_arguments *arguments, mot_progress *progress)
{
    bool silent = session->rank != 0 || arguments->quiet;
    mot_progress_init(progress, arguments->json ? stderr : stdout, silent);
    if (!silent)
        print_header(&progress->terminal, arguments);
    mot_progress_waiting(progress, "opening data and devices");
    bool open = mot_session_open(arguments, mot_progress_event, progress, session);
    mot_progress_clear(progress);
    if (!open)
        return;
    catch_interrupts(session);
    mot_status status = mot_trainer_run(session->trainer);
    release_interrupts();
    mot_progress_clear(progress);
    if (status == MOT_ERR_INTERRUPTED)
        session->exit_status = interrupted(session, progress, arguments);
    else if (status != MOT_OK)
        mot_session_fail(session);
    else
        show_results(session, progress, arguments);
}

static int run(const mot_command *command, const mot_arguments *arguments)
{
    mot_session session;
    if (arguments->resume && !arguments->out)
        return mot_command_misused(command, "--resume needs --out DIR, the run to go on with");
    if (arguments->resume && arguments->init)
        return mot_command_misused(command, "--resume and --init exclude each other: a checkpoint"
                                            " holds its own weights");
    mot_progress *progress = calloc(1, sizeof *progress);
    if (!progress)
        return mot_command_misused(command, "host memory is short");
    if (mot_session_configure(command, arguments, &session))
        train(&session, arguments, progress);
    free(progress);
    return mot_session_close(&session);
}

static const mot_option options[] = {
    MOT_OPTION_DEVICES,
    MOT_OPTION_DATA,
    MOT_OPTION_SET,
    {"epochs", 0, MOT_OPTION_INT, "N", "times through the data (as --set train.epochs=N)",
     MOT_PLACE(epochs), 1},
    {"steps", 0, MOT_OPTION_INT, "N", "stop after N steps in all", MOT_PLACE(steps), 1},
    MOT_OPTION_SEED,
    {"out", 'o', MOT_OPTION_TEXT, "DIR",
     "write the model, checkpoints, metrics and the resolved configuration to DIR", MOT_PLACE(out),
     0},
    {"resume", 0, MOT_OPTION_FLAG, NULL, "go on from the newest checkpoint in DIR",
     MOT_PLACE(resume), 0},
    MOT_OPTION_INIT,
    MOT_OPTION_KERNELS,
    {"draw", 0, MOT_OPTION_FLAG, NULL,
     "at the end draw some test samples and what the network says", MOT_PLACE(draw), 0},
    {"profile", 0, MOT_OPTION_FLAG, NULL,
     "at the end say where the time of a step goes; small steps are slower while it is measured",
     MOT_PLACE(profile), 0},
    MOT_OPTION_JSON("end with the result as one JSON object; all else goes to standard error"),
    {"quiet", 'q', MOT_OPTION_FLAG, NULL, "print errors and what --json asks for only",
     MOT_PLACE(quiet), 0},
    MOT_OPTION_VERBOSE,
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_train = {
    "train",
    "CONFIG",
    1,
    1,
    "train the network of a configuration on all devices",
    "CONFIG is a YAML file with the blocks data, model and train; see doc/config.md.\n"
    "Ctrl-C finishes the step, writes a checkpoint to DIR and says how to go on.",
    options,
    run,
    true,
};
