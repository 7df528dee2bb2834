/* json.h: results as JSON, one object or array on one line; what is not a number becomes null. */
#ifndef MOT_TOOLS_JSON_H
#define MOT_TOOLS_JSON_H

#include "runtime/motley.h"

/** Print the object that `motley train --json` ends with. */
mot_status mot_json_print_report(const mot_report *report);

/** Print the array of `motley devices --json`. */
mot_status mot_json_print_devices(const mot_device_info *devices, int n_devices);

/** Print {part, samples, loss, accuracy or r2}. */
mot_status mot_json_print_evaluation(const char *part, int64_t samples, double loss,
                                     double accuracy, bool regression);

#endif
