/* tune.h: what the files of `motley tune` share.
 *
 * A compiler may hang or crash on a kernel, so this process never calls one: it starts itself once more
 * as a child that opens one device and does what it is told, a line at a time.  When a line of answer
 * does not come within the limit, or the child is gone, what it was at is struck off, and a new child
 * goes on behind it.
 *
 *     question                  answers, a line each
 *     problem PROBLEM           ok
 *     rule                      choice CHOICE, loaded, right
 *     candidates                choice CHOICE ..., end
 *     try CHOICE                loaded, right, timed NS NS-BY-RULE RATIO-PPM WINS
 *     confirm CHOICE            the same, with more runs
 *
 * Instead of `loaded` (built, and run once), `right` and so on there may be `wrong WHY` or `failed WHY`.
 *
 * cmd_tune.c       the command          tune_child.c  the child
 * tune_problems.c  what to look at      tune_ask.c    starting it, asking it, ending it
 * tune_search.c    trying candidates    tune_show.c   progress and results
 */
#ifndef MOT_TOOLS_TUNE_H
#define MOT_TOOLS_TUNE_H

#include "devices/tuned.h"
#include "tools/command.h"
#include "tools/terminal.h"

#include <signal.h>
#include <sys/types.h>

/** What came of a question. */
typedef enum {
    MOT_ANSWER_RIGHT,
    MOT_ANSWER_WRONG,   /* wrong numbers */
    MOT_ANSWER_FAILED,  /* the driver refuses */
    MOT_ANSWER_SHORT,   /* of memory, perhaps only now */
    MOT_ANSWER_HANGS,   /* no answer within the limit */
    MOT_ANSWER_CRASHED, /* the child is gone */
    MOT_ANSWER_STOPPED, /* the person wants to stop */
} mot_answer;

enum { MOT_TUNE_LINE = 512 };

typedef struct mot_tune_child {
    pid_t pid; /* 0: none */
    int socket;
    char line[MOT_TUNE_LINE]; /* the latest answer */
    char unread[MOT_TUNE_LINE * 4];
    size_t n_unread;
} mot_tune_child;

/** Start the child on a device.  Errors: MOT_ERR_DEVICE: it could not open it within half a minute. */
mot_status mot_tune_child_start(mot_tune_child *child, const mot_device_info *info,
                                mot_precision precision, bool verbose,
                                const volatile sig_atomic_t *stop);
/** End it, whatever it is at. */
void mot_tune_child_end(mot_tune_child *child);
/** Ask; the answers come by mot_tune_child_answer. */
void mot_tune_child_ask(mot_tune_child *child, const char *format, ...) MOT_PRINTF(2, 3);
/** The next line, in child->line.  MOT_ANSWER_WRONG and FAILED: `line` is the reason. */
mot_answer mot_tune_child_answer(mot_tune_child *child, double limit_s,
                                 const volatile sig_atomic_t *stop);
/** The child itself: `motley tune-child DEVICE PRECISION`.  Returns the exit status. */
int mot_tune_child_main(int argc, char **argv);

/** A tuning under way. */
typedef struct mot_tuning {
    const mot_arguments *arguments;
    mot_terminal terminal;
    double limit_s;
    const mot_device_info *info; /* the present device */
    mot_precision precision;
    mot_tuned tuned; /* what is known of it */
    mot_tune_child child;
    mot_problem *problem; /* [n_problems] to be looked at on each device */
    size_t n_problems, capacity;
    size_t n_done, n_all;          /* problems of all devices */
    double start_s, drawn_s, part; /* of the present problem, 0..1 */
    size_t n_measured;             /* in this run */
    bool bar;                      /* the bar stands in the last line */
    void *json;                    /* rows so far */
} mot_tuning;

/** Set when the person wants to stop. */
extern volatile sig_atomic_t mot_tune_stop;

/** The problems of the configuration at the batch sizes that `n_devices` devices are likely to get; a
 *  usual set where it is NULL. */
mot_status mot_tune_problems(mot_tuning *tuning, const mot_config *config, int n_devices);

/** Look at problem i on the present device and remember what was found.
 *  Errors: MOT_ERR_INTERRUPTED; those of files and of the device. */
mot_status mot_tune_search(mot_tuning *tuning, const mot_problem *problem);

/** Draw the bar, or on a plain terminal nothing; `what` is being tried. */
void mot_tune_show_progress(mot_tuning *tuning, const mot_problem *problem, const char *what);
/** One line: what became of the problem, or of a candidate. */
void mot_tune_show_line(mot_tuning *tuning, const char *format, ...) MOT_PRINTF(2, 3);
/** What was found for a problem, where there is no bar to look at. */
void mot_tune_show_result(mot_tuning *tuning, const mot_problem *problem);
/** The table of the present device. */
void mot_tune_show_table(mot_tuning *tuning);
/** Remember the present device's rows for the end, and print all as one line of JSON. */
mot_status mot_tune_json_add(mot_tuning *tuning);
mot_status mot_tune_json_print(mot_tuning *tuning);
void mot_tune_json_free(mot_tuning *tuning);

#endif
