/* clock.h: monotonic time in seconds. */
#ifndef MOT_BASE_CLOCK_H
#define MOT_BASE_CLOCK_H

/** Seconds since some fixed moment of this boot. */
double mot_clock_s(void);

#endif
