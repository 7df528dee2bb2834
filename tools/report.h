/* report.h: what a run did, for people: the result, and each device's part in it. */
#ifndef MOT_TOOLS_REPORT_H
#define MOT_TOOLS_REPORT_H

#include "runtime/motley.h"
#include "tools/terminal.h"

/** Losses, accuracy and speed in a few lines. */
void mot_report_print_result(const mot_terminal *terminal, const mot_report *report);

/** The table of devices (share, samples, busy and idle, launches) and the gain over equal shares. */
void mot_report_print_devices(const mot_terminal *terminal, const mot_report *report);

#endif
