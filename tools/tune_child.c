/* tune_child.c: the process that opens one device, builds what it is asked to try, and measures.
 *
 * Answers go to the socket that was standard output; what drivers print goes to standard error, which
 * the parent shows on demand only.  It ends with its parent, by the end of its input or, where it hangs,
 * by the system's signal.
 */
#include "config.h"

#include "tools/tune.h"

#include "devices/devices.h"
#include "devices/tune.h"
#include "runtime/base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { MOST_CANDIDATES = 64, SCREEN_PAIRS = 5, SURE_PAIRS = 25 };

static const double SCREEN_S = 1, SURE_S = 3;

typedef struct child {
    FILE *out;
    mot_device *device;
    mot_precision precision;
    mot_trial *trial;
    mot_problem problem; /* its */
} child;

static void say(const child *c, const char *format, ...) MOT_PRINTF(2, 3);

static void say(const child *c, const char *format, ...)
{
    char line[MOT_TUNE_LINE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    line[strcspn(line, "\n")] = '\0';
    fprintf(c->out, "%s\n", line);
    fflush(c->out);
}

/* Say what went wrong; returns whether nothing did. */
static bool good(const child *c, mot_status status)
{
    if (status == MOT_OK)
        return true;
    say(c, "%s %s",
        status == MOT_ERR_NUMERIC  ? "wrong"
        : status == MOT_ERR_MEMORY ? "short"
                                   : "failed",
        mot_error_message());
    return false;
}

static void answer_problem(child *c, const char *text)
{
    mot_trial_close(c->trial);
    c->trial = NULL;
    if (!mot_problem_parse(text, &c->problem))
        say(c, "failed '%s' is no problem", text);
    else if (good(c, mot_trial_open(c->device, &c->problem, MOT_TRIAL_EXACT, &c->trial)))
        say(c, "ok");
}

static void answer_rule(child *c)
{
    char text[MOT_CHOICE_TEXT];
    const mot_choice rule = mot_trial_rule(c->trial);
    say(c, "choice %s", mot_choice_print(c->problem.op, &rule, text));
    if (!good(c, mot_trial_load(c->trial, &rule, true)))
        return;
    say(c, "loaded");
    if (good(c, mot_trial_verify(c->trial, true)))
        say(c, "right");
}

static void answer_candidates(child *c)
{
    mot_choice list[MOST_CANDIDATES];
    char text[MOT_CHOICE_TEXT];
    int n = mot_trial_candidates(c->trial, -1, true, list, MOST_CANDIDATES);
    for (int i = 0; i < n; i++)
        say(c, "choice %s", mot_choice_print(c->problem.op, &list[i], text));
    say(c, "end");
}

static void answer_try(child *c, const char *text, int n_pairs, double limit_s)
{
    mot_choice choice;
    mot_timing timing;
    if (!mot_choice_parse(c->problem.op, text, &choice) || choice.variant < 0) {
        say(c, "failed '%s' is no choice", text);
        return;
    }
    if (!good(c, mot_trial_load(c->trial, &choice, false)))
        return;
    say(c, "loaded");
    if (!good(c, mot_trial_verify(c->trial, false)))
        return;
    say(c, "right");
    if (good(c, mot_trial_time(c->trial, n_pairs, limit_s, &timing)))
        say(c, "timed %.0f %.0f %.0f %d", 1e9 * timing.time_s, 1e9 * timing.rule_s,
            1e6 * timing.ratio, mot_timing_wins(&timing));
}

static const char *behind(const char *line, const char *word)
{
    size_t n = strlen(word);
    return strncmp(line, word, n) == 0 ? line + n : NULL;
}

static void answer(child *c, const char *line)
{
    const char *rest;
    if ((rest = behind(line, "problem ")))
        answer_problem(c, rest);
    else if (!c->trial)
        say(c, "failed there is no problem");
    else if (strcmp(line, "rule") == 0)
        answer_rule(c);
    else if (strcmp(line, "candidates") == 0)
        answer_candidates(c);
    else if ((rest = behind(line, "try ")))
        answer_try(c, rest, SCREEN_PAIRS, SCREEN_S);
    else if ((rest = behind(line, "confirm ")))
        answer_try(c, rest, SURE_PAIRS, SURE_S);
    else
        say(c, "failed '%s' is no question", line);
}

static mot_status open_device(child *c, const char *id)
{
    mot_device_info *info;
    char *note;
    int n;
    MOT_TRY(mot_devices_select_offline(id, 1, 0, &info, &n, &note));
    mot_device_options options = {.precision = c->precision};
    mot_status status = mot_device_open(&info[0], &options, &c->device);
    free(info);
    free(note);
    return status;
}

static void print_log(mot_log_level level, const char *line, void *user)
{
    (void)level, (void)user;
    fprintf(stderr, "motley: %s\n", line);
}

int mot_tune_child_main(int argc, char **argv)
{
    child c = {0};
    char line[MOT_TUNE_LINE];
    if (argc < 4)
        return MOT_EXIT_USAGE;
    signal(SIGINT, SIG_IGN); /* the terminal sends it to the parent as well, who decides */
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    int out = dup(STDOUT_FILENO);
    c.out = out >= 0 ? fdopen(out, "w") : NULL;
    if (!c.out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return MOT_EXIT_FAILED;
    mot_log_set(print_log, MOT_LOG_DEBUG, NULL);
    c.precision = (mot_precision)atoi(argv[3]);
    if (good(&c, open_device(&c, argv[2]))) {
        say(&c, "ok");
        while (fgets(line, sizeof line, stdin)) {
            line[strcspn(line, "\n")] = '\0';
            answer(&c, line);
        }
        mot_trial_close(c.trial);
        mot_device_close(c.device);
    }
    fclose(c.out);
    return MOT_EXIT_OK;
}
