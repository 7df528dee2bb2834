/* tuned.h: what was found to be fast on a device, remembered between runs.
 *
 * A table holds a choice for each problem (problem.h) that was looked at, and choices that are struck
 * off: what hung or crashed the driver, or gave wrong numbers.  One text file a device holds the table,
 * `tuned-<key>` in the cache folder; the key (mot_probe_key) is that of the device, its driver and
 * all kernels, so nothing old is ever applied.  People can read the file and share it:
 *
 *     motley tuned 1
 *     key 0123456789abcdef
 *     # pocl:0, a processor, its driver
 *     product NT 256x1024x784 bias relu : direct rows 4 cols 8  # 210.4 us, by rule 235.1 us
 *     quick product TN 10x128x64 sums : rule
 *     bad product NN 64x128x10 mask : packed rows 2  # wrong numbers
 *     bad every : direct mr 12  # the driver crashed
 *     bad every conv2d : gemm rows 64 columns 128  # the compiler did not return in 10 s
 *
 * `quick`: of the short search that a training makes, which takes what is quickly tried.  It counts
 * for that very problem; others also for problems that are a little smaller or larger.  `every`:
 * the kernel as it is built with these parameters, whatever it is to compute: a product, or what the
 * operator that is named asks for.  A file may hold several devices, each behind its key.
 */
#ifndef MOT_DEVICES_TUNED_H
#define MOT_DEVICES_TUNED_H

#include "devices/problem.h"
#include "runtime/base/text.h"

typedef struct mot_tuned_entry {
    mot_problem problem;
    mot_choice choice; /* variant MOT_BY_RULE: nothing was faster than what the rule takes */
    bool quick;
    double time_s, rule_s; /* as measured side by side; 0: not measured */
} mot_tuned_entry;

typedef struct mot_tuned_bad {
    bool every;          /* struck off for every problem of this one's operator */
    mot_problem problem; /* else for this one */
    mot_choice choice;   /* `every`: the parameters that change how the kernel is built */
    char why[96];
} mot_tuned_bad;

typedef struct mot_tuned {
    mot_tuned_entry *entry;
    mot_tuned_bad *bad;
    size_t n_entries, n_bad, entry_capacity, bad_capacity;
} mot_tuned;

void mot_tuned_free(mot_tuned *tuned);

/** The entry of this very problem, or NULL. */
const mot_tuned_entry *mot_tuned_exact(const mot_tuned *tuned, const mot_problem *problem);
/** What is to be used for a problem: the entry of this very problem, unless that is quick and there
 *  is one that is not and differs in the number of samples only, by a quarter at most: then the
 *  nearest of those.  NULL: nothing is known. */
const mot_tuned_entry *mot_tuned_find(const mot_tuned *tuned, const mot_problem *problem);
/** Add an entry.  One of the same problem stays where it is, unless `replace` or it is quick and
 *  the new one is not. */
mot_status mot_tuned_put(mot_tuned *tuned, const mot_tuned_entry *entry, bool replace);
/** Strike off. */
mot_status mot_tuned_strike(mot_tuned *tuned, const mot_tuned_bad *bad);
/** Is the choice struck off, for this problem or for every one of its operator? */
bool mot_tuned_is_struck(const mot_tuned *tuned, const mot_problem *problem,
                         const mot_choice *choice);
/** The choice with nothing but what changes how its kernel is built. */
mot_choice mot_tuned_build_of(mot_op op, const mot_choice *choice);
/** All of `from` into `into`, as mot_tuned_put does. */
mot_status mot_tuned_merge(mot_tuned *into, const mot_tuned *from, bool replace);

/* ---- as text; tuned_text.c ---- */

enum { MOT_CHOICE_TEXT = 128 };
/** "direct rows 4 cols 8", "rule"; returns `out`. */
const char *mot_choice_print(mot_op op, const mot_choice *choice, char out[MOT_CHOICE_TEXT]);
bool mot_choice_parse(mot_op op, const char *text, mot_choice *out);
/** The problem that a choice is struck off for, or "every", "every conv2d"; returns `out`. */
const char *mot_tuned_bad_print(const mot_tuned_bad *bad, char out[MOT_PROBLEM_TEXT]);
/** Add to the table what `text`, of a file called `name`, says of the device with this key.  Lines
 *  that are damaged or not understood are logged and skipped; nothing in them can do harm.
 *  Errors: MOT_ERR_FORMAT when the text is no such file at all; MOT_ERR_MEMORY. */
mot_status mot_tuned_read(mot_tuned *tuned, const char *text, const char *key, const char *name);
/** Append what mot_tuned_read reads, from the key on. */
mot_status mot_tuned_print(const mot_tuned *tuned, const mot_device_info *info, mot_text *out);

/* ---- on disk; tuned_file.c ---- */

/** What is remembered of the device, and what $MOTLEY_TUNED, a file, says of it, which comes first.
 *  Failures are logged; the table is empty then.  */
void mot_tuned_load(const mot_device_info *info, mot_tuned *out);
/** Remember: what is on disk and `tuned` are merged, as mot_tuned_put does, and become both.
 *  Several processes may do this at once. */
mot_status mot_tuned_store(const mot_device_info *info, mot_tuned *tuned, bool replace);
/** Forget all that is on disk. */
mot_status mot_tuned_forget(const mot_device_info *info);
/** Add what the file says of the device, if it is there. */
mot_status mot_tuned_take(const char *path, const mot_device_info *info, mot_tuned *tuned);
/** Write the table into the file; what that says of other devices stays. */
mot_status mot_tuned_give(const char *path, const mot_device_info *info, const mot_tuned *tuned);
/** One search at a time on this host: a descriptor to close, or -1 after half a minute or where
 *  there is no lock to be had. */
int mot_tuned_lock(void);

#endif
