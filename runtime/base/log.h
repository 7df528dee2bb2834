/* log.h: one line an event, `name value` pairs, lower case.
 *
 * The library never prints by itself: lines go to the sink that the program sets (none: dropped).
 * A sink may be called from any thread; calls are serialised.
 */
#ifndef MOT_BASE_LOG_H
#define MOT_BASE_LOG_H

#include "runtime/base/status.h"

/** Log one line, e.g. mot_log(MOT_LOG_INFO, "device %s left_out 1 reason slower", id). */
void mot_log(mot_log_level level, const char *format, ...) MOT_PRINTF(2, 3);

#endif
