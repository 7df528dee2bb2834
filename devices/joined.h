/* joined.h: what joined.c and joined_kernel.c share; only they include it. */
#ifndef MOT_DEVICES_JOINED_H
#define MOT_DEVICES_JOINED_H

#include "devices/commands.h"

enum {
    MOT_JOINED_BASES = 16,
    MOT_JOINED_LAUNCHES = 256, /* those of a piece, times the steps that it runs for at once */
    MOT_JOINED_CASES = 64,
    MOT_JOINED_OPTIONS = 256,
    MOT_JOINED_GROUPS = 4,  /* a thread: pocl gives its first half of all and one more at once */
    MOT_JOINED_REGIONS = 8, /* at most */
    MOT_JOINED_APART = 16,  /* ints between counters: a cache line */
};

/* One kernel with its cases, in the order of their names.  Its arguments: MOT_JOINED_BASES base
 * pointers, words, launches, first slot, slots, steps, counters, scratch. */
struct mot_joined {
    mot_joined *next;
    cl_program program;
    char options[MOT_JOINED_OPTIONS];
    int n_cases;
    char *name[MOT_JOINED_CASES]; /* "source kernel kinds" */
};

/** Into how many regions the units of a launch are divided; each has a counter of its own. */
int mot_joined_regions(const mot_device *device);
/** Add the options of another kernel; false where the two cannot be built together. */
bool mot_joined_merge_options(char to[MOT_JOINED_OPTIONS], const char *more);
/** The case of a launch, as it is called and as a number of this kernel's (-1: it has none). */
mot_status mot_joined_case_name(const mot_record *r, char **out);
int mot_joined_find_case(const mot_joined *joined, const char *name);
/** The kernel for launches [first, last) with these options; the device keeps it.  A new one gets the
 *  cases of all launches of these commands that can be built with them: other ranges will come. */
mot_status mot_joined_get(mot_commands *commands, int first, int last, const char *options,
                          mot_joined **out);

#endif
