/* session.h: from a command line to an open trainer; shared by train, eval, predict and export. */
#ifndef MOT_TOOLS_SESSION_H
#define MOT_TOOLS_SESSION_H

#include "tools/command.h"
#include "tools/terminal.h"

typedef struct mot_session {
    const mot_command *command;
    mot_config *config;
    mot_trainer *trainer;
    int rank, exit_status;
} mot_session;

/** Read the configuration with the changes that the command line asks for.  False: it failed, was
 *  reported, and session->exit_status says how. */
bool mot_session_configure(const mot_command *command, const mot_arguments *arguments,
                           mot_session *session);
/** Open the trainer of a configured session; `handler` (may be NULL) gets its events. */
bool mot_session_open(const mot_arguments *arguments, mot_event_handler *handler, void *user,
                      mot_session *session);
/** Close and free what is there; returns session->exit_status. */
int mot_session_close(mot_session *session);
/** Report a failure that all ranks know of; returns false. */
bool mot_session_fail(mot_session *session);

/** MOT_PART_TEST for "test" (also NULL), and so on; false when it was misused (reported). */
bool mot_session_part(const mot_command *command, const mot_arguments *arguments,
                      mot_session *session, mot_part *part);

/** Print log lines as -v asks; warnings in any case unless -q. */
void mot_session_log(const mot_arguments *arguments);

#endif
