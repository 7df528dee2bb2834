/* profile.h: where the time of a step goes, for people. */
#ifndef MOT_TOOLS_PROFILE_H
#define MOT_TOOLS_PROFILE_H

#include "runtime/motley.h"
#include "tools/terminal.h"

/** What bounds an operator: the longer of its operations at the device's peak and its bytes at the
 *  device's bandwidth. */
typedef struct mot_roofline {
    bool arithmetic; /* operations bound it, else bytes */
    double rate;     /* reached, operations or bytes a second */
    double fraction; /* of the peak; NaN where that is not known.  More than 1: out of caches */
} mot_roofline;
mot_roofline mot_profile_roofline(const mot_report *report, const mot_profile_row *row);

/** Is the operator made of matrix products? */
bool mot_profile_is_product(const mot_profile_row *row);

/** A table for each device, and the exchange. */
void mot_profile_print(const mot_terminal *terminal, const mot_report *report,
                       const mot_profile *profile);

#endif
