/* progress.h: what a person sees while training: a bar with speed, loss and time left on a terminal,
 * a line now and then elsewhere; and the curve for the end.
 */
#ifndef MOT_TOOLS_PROGRESS_H
#define MOT_TOOLS_PROGRESS_H

#include "runtime/motley.h"
#include "tools/plot.h"
#include "tools/terminal.h"

typedef struct mot_progress {
    mot_terminal terminal;
    bool quiet;            /* print nothing, only collect */
    bool bar;              /* the bar stands in the last line */
    int64_t first_step;    /* of this run: more than 0 after --resume; -1 before the first event */
    int64_t step, n_steps; /* newest */
    int64_t epoch_step, epoch_length; /* step before this epoch, and steps of the one before */
    double start_s, drawn_s, epoch_s; /* clock: first event, last output, start of this epoch */
    char checkpoint[512];             /* the newest one's path, or "" */
    mot_curve loss, validation;       /* over steps */
} mot_progress;

void mot_progress_init(mot_progress *progress, FILE *out, bool quiet);

/** The mot_event_handler; `user` is the mot_progress. */
void mot_progress_event(const mot_event *event, void *user);

/** On a terminal: say what is being waited for, in the place of the bar. */
void mot_progress_waiting(mot_progress *progress, const char *text);

/** Take the bar away, so that other text can be printed. */
void mot_progress_clear(mot_progress *progress);

/** Loss over steps, drawn with characters. */
void mot_progress_plot(const mot_progress *progress, int rows);

#endif
