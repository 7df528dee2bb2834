/* format.h: numbers as people read them.  Each writes into `text` (MOT_FORMAT bytes) and returns it. */
#ifndef MOT_TOOLS_FORMAT_H
#define MOT_TOOLS_FORMAT_H

#include <stdint.h>

enum { MOT_FORMAT = 32 };

/** 534210 -> "534,210". */
char *mot_format_count(int64_t n, char text[MOT_FORMAT]);
/** Three figures and a decimal prefix: 41230.0 -> "41.2 k"; 0 or NaN -> "-". */
char *mot_format_si(double value, char text[MOT_FORMAT]);
/** 17179869184 -> "16.0 GiB". */
char *mot_format_bytes(int64_t bytes, char text[MOT_FORMAT]);
/** A time left or passed: "0:12", "1:02:03"; NaN -> "-:--". */
char *mot_format_clock(double seconds, char text[MOT_FORMAT]);
/** A short time: "610 us", "1.52 ms", "3.21 s". */
char *mot_format_short_time(double seconds, char text[MOT_FORMAT]);
/** Four figures for losses; NaN -> "-". */
char *mot_format_loss(double loss, char text[MOT_FORMAT]);
/** 0.9731 -> "97.31 %"; NaN -> "-". */
char *mot_format_percent(double fraction, char text[MOT_FORMAT]);

#endif
