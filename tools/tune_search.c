/* tune_search.c: one problem: the yardstick, the candidates, and making sure of the best.
 *
 * What hangs, crashes or fails before its kernel has run once is struck off as that kernel, built with
 * those parameters; later on, and where numbers are wrong, as this choice for this problem, or as that
 * kernel when it was built with parameters of its own.
 */
#include "config.h"

#include "tools/tune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CANDIDATES = 64, N_FINALISTS = 3 };

static const double PROMISING = 0.985;

/* A choice that was tried. */
typedef struct tried {
    mot_choice choice;
    double ratio, time_s, rule_s;
    bool wins;
} tried;

static mot_answer next_answer(mot_tuning *t)
{
    return mot_tune_child_answer(&t->child, t->limit_s, &mot_tune_stop);
}

static void describe(const mot_tuning *t, mot_answer answer, bool loaded, char *why, size_t size)
{
    if (answer == MOT_ANSWER_HANGS)
        snprintf(why, size, "%s did not return in %g s", loaded ? "the kernel" : "the compiler",
                 t->limit_s);
    else if (answer == MOT_ANSWER_CRASHED)
        snprintf(why, size, "the driver crashed");
    else
        snprintf(why, size, "%.*s", (int)size - 1, t->child.line);
}

/* Remember that the choice is not to be tried again, and end a child that is of no more use. */
static mot_status strike(mot_tuning *t, const mot_problem *problem, const mot_choice *choice,
                         mot_answer answer, bool loaded)
{
    const mot_choice build = mot_tuned_build_of(problem->op, choice),
                     plain = {.variant = choice->variant};
    const bool gone = answer == MOT_ANSWER_HANGS || answer == MOT_ANSWER_CRASHED;
    mot_tuned_bad bad = {.problem = *problem, .choice = *choice};
    char text[MOT_CHOICE_TEXT];
    bad.every = memcmp(&build, &plain, sizeof plain) != 0 || (gone && !loaded);
    if (bad.every)
        bad.choice = build;
    describe(t, answer, loaded, bad.why, sizeof bad.why);
    if (gone)
        mot_tune_child_end(&t->child);
    mot_tune_show_line(t, "%s struck off: %s", mot_choice_print(problem->op, choice, text),
                       bad.why);
    MOT_TRY(mot_tuned_strike(&t->tuned, &bad));
    return mot_tuned_store(t->info, &t->tuned, false);
}

static mot_status stopped(void)
{
    return MOT_FAIL(MOT_ERR_INTERRUPTED, "stopped; motley tune goes on where it was");
}

/* Ask the question and read `loaded` and `right`; whether the first one came is in *loaded. */
static mot_answer load(mot_tuning *t, bool *loaded)
{
    mot_answer answer = next_answer(t);
    *loaded = answer == MOT_ANSWER_RIGHT;
    return *loaded ? next_answer(t) : answer;
}

/* A child with the problem and its yardstick.  *possible: there is one. */
static mot_status begin(mot_tuning *t, const mot_problem *problem, bool *possible)
{
    char text[MOT_PROBLEM_TEXT];
    *possible = false;
    for (;;) {
        mot_choice rule;
        bool loaded;
        if (t->child.pid == 0)
            MOT_TRY(mot_tune_child_start(&t->child, t->info, t->precision,
                                         t->arguments->verbose > 0, &mot_tune_stop));
        mot_tune_child_ask(&t->child, "problem %s", mot_problem_print(problem, text));
        mot_answer answer = next_answer(t);
        if (answer == MOT_ANSWER_RIGHT) {
            mot_tune_child_ask(&t->child, "rule");
            answer = next_answer(t);
        }
        if (answer == MOT_ANSWER_STOPPED)
            return stopped();
        if (answer != MOT_ANSWER_RIGHT || strncmp(t->child.line, "choice ", 7) != 0 ||
            !mot_choice_parse(problem->op, t->child.line + 7, &rule)) {
            mot_tune_show_line(t, "%s left out: %s", text,
                               answer < MOT_ANSWER_HANGS ? t->child.line : "no answer");
            mot_tune_child_end(&t->child);
            return MOT_OK;
        }
        answer = load(t, &loaded);
        *possible = answer == MOT_ANSWER_RIGHT;
        if (answer == MOT_ANSWER_STOPPED)
            return stopped();
        if (*possible)
            return MOT_OK;
        if (answer == MOT_ANSWER_SHORT) {
            mot_tune_show_line(t, "%s left out: %s", text, t->child.line);
            mot_tune_child_end(&t->child);
            return MOT_OK;
        }
        MOT_TRY(strike(t, problem, &rule, answer, loaded));
        mot_tune_child_end(&t->child); /* the next one takes another yardstick */
        if (rule.variant <= 0)
            return MOT_OK; /* that was the last resort */
    }
}

static mot_status list_candidates(mot_tuning *t, const mot_problem *problem, mot_choice *list,
                                  int *n)
{
    *n = 0;
    mot_tune_child_ask(&t->child, "candidates");
    for (;;) {
        mot_answer answer = next_answer(t);
        if (answer == MOT_ANSWER_STOPPED)
            return stopped();
        if (answer != MOT_ANSWER_RIGHT || strcmp(t->child.line, "end") == 0)
            return MOT_OK;
        if (*n < MOST_CANDIDATES && strncmp(t->child.line, "choice ", 7) == 0 &&
            mot_choice_parse(problem->op, t->child.line + 7, &list[*n]))
            ++*n;
    }
}

/* *measured: it gave right numbers and was timed. */
static mot_status try(mot_tuning *t, const mot_problem *problem, const char *verb, tried *x,
                      bool *measured)
{
    char text[MOT_CHOICE_TEXT];
    bool loaded, possible = true;
    double number[3];
    int wins;
    *measured = false;
    mot_tune_child_ask(&t->child, "%s %s", verb, mot_choice_print(problem->op, &x->choice, text));
    mot_answer answer = load(t, &loaded);
    if (answer == MOT_ANSWER_RIGHT)
        answer = next_answer(t);
    if (answer == MOT_ANSWER_STOPPED)
        return stopped();
    if (answer == MOT_ANSWER_SHORT) {
        mot_tune_show_line(t, "%s not tried: %s", text, t->child.line);
        return MOT_OK;
    }
    if (answer != MOT_ANSWER_RIGHT) {
        MOT_TRY(strike(t, problem, &x->choice, answer, loaded));
        return t->child.pid == 0 ? begin(t, problem, &possible) : MOT_OK;
    }
    if (sscanf(t->child.line, "timed %lf %lf %lf %d", &number[0], &number[1], &number[2], &wins) ==
        4) {
        x->time_s = 1e-9 * number[0];
        x->rule_s = 1e-9 * number[1];
        x->ratio = 1e-6 * number[2];
        x->wins = wins == 1;
        *measured = true;
    }
    return MOT_OK;
}

static int by_ratio(const void *a, const void *b)
{
    double x = ((const tried *)a)->ratio, y = ((const tried *)b)->ratio;
    return (x > y) - (x < y);
}

/* Try all; those that were measured are left in x, the fastest first. */
static mot_status screen(mot_tuning *t, const mot_problem *problem, const mot_choice *list, int n,
                         tried *x, int *n_tried)
{
    char text[MOT_CHOICE_TEXT];
    *n_tried = 0;
    for (int i = 0; i < n && t->child.pid != 0; i++) {
        bool measured;
        if (mot_tuned_is_struck(&t->tuned, problem, &list[i]))
            continue;
        t->part = (double)i / (n + N_FINALISTS);
        mot_tune_show_progress(t, problem, mot_choice_print(problem->op, &list[i], text));
        x[*n_tried] = (tried){.choice = list[i]};
        MOT_TRY(try(t, problem, "try", &x[*n_tried], &measured));
        *n_tried += measured;
    }
    qsort(x, (size_t)*n_tried, sizeof *x, by_ratio);
    return MOT_OK;
}

mot_status mot_tune_search(mot_tuning *t, const mot_problem *problem)
{
    mot_choice list[MOST_CANDIDATES];
    tried x[MOST_CANDIDATES];
    mot_tuned_entry entry = {.problem = *problem, .choice = {.variant = MOT_BY_RULE}};
    int n, n_tried;
    bool possible, measured;
    t->part = 0;
    mot_tune_show_progress(t, problem, "by rule");
    MOT_TRY(begin(t, problem, &possible));
    if (!possible)
        return MOT_OK;
    MOT_TRY(list_candidates(t, problem, list, &n));
    MOT_TRY(screen(t, problem, list, n, x, &n_tried));
    if (n_tried > 0) { /* for those who look at the table */
        entry.time_s = entry.rule_s = x[0].rule_s;
    }
    for (int i = 0; i < n_tried && i < N_FINALISTS && x[i].ratio < PROMISING; i++) {
        t->part = (double)(n + i) / (n + N_FINALISTS);
        mot_tune_show_progress(t, problem, "the best once more");
        if (t->child.pid == 0)
            break;
        MOT_TRY(try(t, problem, "confirm", &x[i], &measured));
        if (measured && x[i].wins) {
            entry.choice = x[i].choice;
            entry.time_s = x[i].time_s;
            entry.rule_s = x[i].rule_s;
            break;
        }
    }
    MOT_TRY(mot_tuned_put(&t->tuned, &entry, true));
    return mot_tuned_store(t->info, &t->tuned, true);
}
