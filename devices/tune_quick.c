/* The short search at the beginning of a training.
 *
 * In this process and among kernels that training runs anyway (but for what it stores in 16 bits or has
 * unaligned), so no compiler can get in the way: only how the work is divided differs.  One process of a host searches at a time; the next one
 * finds what the first has remembered.  Every problem of the training is remembered, those that
 * there was no time for as the rule's: what is used is the same in the next run.
 */
#include "config.h"

#include "devices/tune.h"

#include "devices/state.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <stdlib.h>
#include <unistd.h>

enum { SCREEN_PAIRS = 3, SURE_PAIRS = 15, LEAST_SURE_PAIRS = 7, MOST_CANDIDATES = 32 };

typedef struct search {
    mot_device *device;
    mot_problem *problem; /* [n] without a remembered choice */
    int n;
    unsigned built[MOT_N_OPS]; /* variants, a bit each, that the rule takes for such a problem */
    mot_tuned found;
} search;

static bool is_listed(const search *s, const mot_problem *problem)
{
    for (int i = 0; i < s->n; i++)
        if (mot_problem_equal(&s->problem[i], problem))
            return true;
    return false;
}

static mot_status list_problems(search *s, const mot_operands *operands, int n_operands)
{
    MOT_TRY(mot_alloc((size_t)n_operands + 1, sizeof *s->problem, &s->problem));
    for (int i = 0; i < n_operands; i++) {
        mot_problem problem;
        if (!mot_operands_problem(&operands[i], s->device->precision, &problem))
            continue;
        s->built[problem.op] |= 1u << mot_primitive_rule(s->device, &operands[i]).variant;
        if (!mot_tuned_find(&s->device->tuned, &problem) && !is_listed(s, &problem))
            s->problem[s->n++] = problem;
    }
    return MOT_OK;
}

/* Is the contender that is loaded faster, surely? */
static mot_status confirm(mot_trial *trial, double limit_s, mot_tuned_entry *entry,
                          const mot_choice *choice)
{
    mot_timing timing;
    MOT_TRY(mot_trial_load(trial, choice, false));
    MOT_TRY(mot_trial_verify(trial, false));
    MOT_TRY(mot_trial_time(trial, SURE_PAIRS, limit_s, &timing));
    if (timing.n_pairs >= LEAST_SURE_PAIRS && mot_timing_wins(&timing)) {
        entry->choice = *choice;
        entry->time_s = timing.time_s;
        entry->rule_s = timing.rule_s;
    }
    return MOT_OK;
}

/* Try choices until half of the time is over, then make sure of the best. */
static mot_status screen(search *s, mot_trial *trial, double budget_s, mot_tuned_entry *entry)
{
    const double start_s = mot_clock_s();
    mot_choice best = {.variant = MOT_BY_RULE};
    const mot_choice rule = mot_trial_rule(trial);
    double best_ratio = 1;
    MOT_TRY(mot_trial_load(trial, &rule, true));
    MOT_TRY(mot_trial_verify(trial, true));
    for (int v = 0; v < mot_primitive_n_variants(entry->problem.op); v++) {
        mot_choice choice[MOST_CANDIDATES];
        const bool built = s->built[entry->problem.op] >> v & 1;
        int n = built ? mot_trial_candidates(trial, v, false, choice, MOST_CANDIDATES) : 0;
        for (int i = 0; i < n && mot_clock_s() - start_s < budget_s / 2; i++) {
            mot_timing timing;
            if (mot_trial_load(trial, &choice[i], false) != MOT_OK ||
                mot_trial_verify(trial, false) != MOT_OK)
                continue;
            MOT_TRY(mot_trial_time(trial, SCREEN_PAIRS, budget_s / 4, &timing));
            if (timing.ratio < best_ratio) {
                best_ratio = timing.ratio;
                best = choice[i];
            }
        }
    }
    if (best_ratio > 0.97)
        return MOT_OK;
    return confirm(trial, budget_s - (mot_clock_s() - start_s), entry, &best);
}

static double work_of(const mot_problem *p)
{
    return 1e6 + mot_problem_work(p);
}

static mot_status search_all(search *s, double budget_s)
{
    const double end_s = mot_clock_s() + budget_s;
    double work = 0;
    for (int i = 0; i < s->n; i++)
        work += work_of(&s->problem[i]);
    for (int i = 0; i < s->n; i++) {
        mot_tuned_entry entry = {
            .problem = s->problem[i], .choice = {.variant = MOT_BY_RULE}, .quick = true};
        double left_s = end_s - mot_clock_s(), part_s = left_s * work_of(&s->problem[i]) / work;
        work -= work_of(&s->problem[i]);
        if (budget_s > 0 && left_s > 0) {
            mot_trial *trial = NULL;
            mot_status status =
                mot_trial_open(s->device, &s->problem[i], MOT_TRIAL_BY_RULE, &trial);
            if (status == MOT_OK)
                status = screen(s, trial, part_s, &entry);
            mot_trial_close(trial);
            /* Memory may be short, for the training has its own already: then it is the rule's. */
            if (status != MOT_OK)
                mot_log(MOT_LOG_INFO, "tune device %s tried 0 why \"%s\"", s->device->info.id,
                        mot_error_message());
        }
        MOT_TRY(mot_tuned_put(&s->found, &entry, false));
    }
    return MOT_OK;
}

static int count_gains(const mot_tuned *tuned)
{
    int n = 0;
    for (size_t i = 0; i < tuned->n_entries; i++)
        n += tuned->entry[i].choice.variant != MOT_BY_RULE;
    return n;
}

static mot_status search_and_remember(search *s, double budget_s, bool *changed)
{
    mot_tuned nothing = {0};
    const double start_s = mot_clock_s();
    mot_status status = mot_tuned_store(&s->device->info, &nothing, false);
    mot_tuned_free(&nothing);
    if (status == MOT_OK) {
        MOT_TRY(search_all(s, budget_s));
        int gains = count_gains(&s->found);
        status = mot_tuned_store(&s->device->info, &s->found, false);
        if (status == MOT_OK)
            mot_log(MOT_LOG_INFO, "tune device %s problems %d faster %d time_s %.2f",
                    s->device->info.id, s->n, gains, mot_clock_s() - start_s);
    }
    if (status != MOT_OK) {
        mot_log(MOT_LOG_INFO, "tune device %s remembered 0 why \"%s\"", s->device->info.id,
                mot_error_message());
        return MOT_OK;
    }
    mot_device_recall_tuned(s->device);
    *changed = true;
    return MOT_OK;
}

mot_status mot_tune_quick(mot_device *device, const mot_operands *operands, int n_operands,
                          double budget_s, bool *changed)
{
    search s = {.device = device};
    *changed = false;
    if (device->by_rule)
        return MOT_OK;
    mot_status status = list_problems(&s, operands, n_operands);
    int lock = status == MOT_OK && s.n > 0 ? mot_tuned_lock() : -1;
    if (lock >= 0) {
        /* Another process may have been faster. */
        mot_device_recall_tuned(device);
        *changed = true;
        s.n = 0;
        free(s.problem);
        s.problem = NULL;
        status = list_problems(&s, operands, n_operands);
        if (status == MOT_OK && s.n > 0)
            status = search_and_remember(&s, budget_s, changed);
        close(lock);
    }
    mot_tuned_free(&s.found);
    free(s.problem);
    return status;
}
