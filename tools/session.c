#include "config.h"

#include "tools/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One write a line, so that lines of several threads stay whole; a progress bar is wiped first. */
static void print_log(mot_log_level level, const char *line, void *user)
{
    (void)user;
    fprintf(stderr, "%s%s%s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "",
            level == MOT_LOG_WARNING ? "motley: warning: " : "motley: ", line);
}

void mot_session_log(const mot_arguments *arguments)
{
    int level = MOT_LOG_WARNING + arguments->verbose;
    if (mot_command_rank() != 0 || arguments->quiet)
        return;
    mot_log_set(print_log, level < MOT_LOG_DEBUG ? (mot_log_level)level : MOT_LOG_DEBUG, NULL);
}

static mot_status set_number(mot_config *config, const char *key, int64_t value)
{
    char assignment[64];
    if (value < 0)
        return MOT_OK;
    snprintf(assignment, sizeof assignment, "%s=%" PRId64, key, value);
    return mot_config_set(config, assignment);
}

static mot_status change_config(const mot_arguments *arguments, mot_config *config)
{
    for (int i = 0; i < arguments->set.n; i++)
        MOT_TRY(mot_config_set(config, arguments->set.item[i]));
    MOT_TRY(set_number(config, "train.epochs", arguments->epochs));
    return set_number(config, "train.seed", arguments->seed);
}

bool mot_session_configure(const mot_command *command, const mot_arguments *arguments,
                           mot_session *session)
{
    *session = (mot_session){.command = command, .rank = mot_command_rank()};
    mot_session_log(arguments);
    if (mot_config_read(arguments->operand[0], &session->config) != MOT_OK) {
        session->exit_status = mot_command_failed(command, false);
        return false;
    }
    if (change_config(arguments, session->config) != MOT_OK) {
        session->exit_status = mot_command_misused(command, "%s", mot_error_message());
        return false;
    }
    return true;
}

bool mot_session_open(const mot_arguments *arguments, mot_event_handler *handler, void *user,
                      mot_session *session)
{
    mot_run_options options = {
        .devices = arguments->devices,
        .data_dir = arguments->data,
        .out_dir = arguments->out,
        .init = arguments->init,
        .kernels = arguments->kernels,
        .resume = arguments->resume,
        .profile = arguments->profile,
        .max_steps = arguments->steps > 0 ? arguments->steps : 0,
        .on_event = handler,
        .event_user = user,
    };
    if (mot_trainer_open(session->config, &options, &session->trainer) != MOT_OK)
        return mot_session_fail(session);
    session->rank = mot_trainer_rank(session->trainer);
    return true;
}

bool mot_session_fail(mot_session *session)
{
    session->exit_status = mot_command_failed(session->command, true);
    return false;
}

int mot_session_close(mot_session *session)
{
    mot_trainer_close(session->trainer);
    mot_config_free(session->config);
    session->trainer = NULL;
    session->config = NULL;
    return session->exit_status;
}

bool mot_session_part(const mot_command *command, const mot_arguments *arguments,
                      mot_session *session, mot_part *part)
{
    static const char *const names[] = {"train", "validation", "test"};
    const char *name = arguments->part ? arguments->part : "test";
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            *part = (mot_part)i;
            return true;
        }
    *session = (mot_session){0};
    session->exit_status =
        mot_command_misused(command, "--part is train, validation or test, not '%s'", name);
    return false;
}
