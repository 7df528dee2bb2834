/* tune.h: which choice is the fastest for a problem?  Found by measuring, numbers checked first.
 *
 * A trial is one problem on one device, with random operands.  What the rule takes is its
 * yardstick: it and a contender run by turns, so that whatever else the machine does slows both.  A
 * contender is better only when it is so by 3 % in the middle of all pairs of runs and in most of
 * them.
 */
#ifndef MOT_DEVICES_TUNE_H
#define MOT_DEVICES_TUNE_H

#include "devices/tuned.h"

typedef struct mot_trial mot_trial;

/** What a contender's runs took, and the rule's beside them. */
typedef struct mot_timing {
    double time_s, rule_s; /* medians */
    double ratio;          /* median of time over rule's time, pair by pair */
    int n_pairs, n_wins;
} mot_timing;

/** How the numbers are checked. */
typedef enum {
    MOT_TRIAL_EXACT,   /* a product against double on the host, of large ones evenly spread rows;
                        * others, unless they are large, against the plain kernel */
    MOT_TRIAL_BY_RULE, /* against what the rule's choice gives: fast, and trusts that one */
} mot_trial_check;

/** Make operands (and what is expected); nothing is built or run.  The caller owns *out. */
mot_status mot_trial_open(mot_device *device, const mot_problem *problem, mot_trial_check check,
                          mot_trial **out);
void mot_trial_close(mot_trial *trial);

/** The yardstick: what the rule takes, for the strikes there are now. */
mot_choice mot_trial_rule(const mot_trial *trial);
/** Other choices that are worth a try and not struck off, the most promising first; how many.
 *  `variant`: of this one only; -1: of all that suit the device.  `build`: also those that build
 *  their kernel with other parameters. */
int mot_trial_candidates(const mot_trial *trial, int variant, bool build, mot_choice *out,
                         int most);

/** Record the choice and run it once, which compiles; it is the contender or yardstick then. */
mot_status mot_trial_load(mot_trial *trial, const mot_choice *choice, bool is_rule);
/** Are its numbers right?  Errors: MOT_ERR_NUMERIC. */
mot_status mot_trial_verify(mot_trial *trial, bool is_rule);
/** Contender and yardstick by turns, `n_pairs` times, or fewer when `limit_s` is over. */
mot_status mot_trial_time(mot_trial *trial, int n_pairs, double limit_s, mot_timing *out);
/** Better for sure? */
bool mot_timing_wins(const mot_timing *timing);

/** A short search, about `budget_s` seconds, for those of the operators that have no remembered
 *  choice, among choices whose kernels are there anyway.  What is found, and where nothing was
 *  found or the time was over, that the rule is to be kept, is on disk when this returns; where
 *  nothing can be remembered nothing changes.  `changed`: other choices apply now, and what was
 *  recorded is to be recorded anew.
 *  Errors: MOT_ERR_MEMORY of the host. */
mot_status mot_tune_quick(mot_device *device, const mot_operands *operands, int n_operands,
                          double budget_s, bool *changed);

#endif
