/* lanes.h: for the primitives in devices/ only: rows dealt to teams of work-items, as
 * kernels_cl/lanes.cl has them. */
#ifndef MOT_DEVICES_LANES_H
#define MOT_DEVICES_LANES_H

#include "devices/variant.h"

/* A group's work-items; the most pieces that a lane has; groups that keep a GPU's unit busy. */
enum { MOT_LANES_ITEMS = 256, MOT_LANES_PIECES = 4, MOT_LANES_GROUPS = 16 };

/** The parameters of kernels_cl/lanes.cl. */
typedef struct mot_lanes {
    int lanes, pieces, width;
} mot_lanes;

/** For rows of `columns` elements; `aligned`: all begin at a multiple of 4 elements where columns
 *  is one.  A kernel that keeps much of each piece says after how many a lane, `good`, more lanes
 *  are better.  False where the rows are too long, or groups too small. */
bool mot_lanes_for(const mot_recording *r, int64_t columns, bool aligned, int good, mot_lanes *out);
/** Begin a launch of `kernel` in `source`, which includes lanes.cl. */
void mot_lanes_begin(const mot_recording *r, const mot_lanes *lanes, mot_launch *launch,
                     const char *source, const char *kernel);
/** Up to `most` groups; chunk: rows of a group, a multiple of its teams. */
mot_range mot_lanes_range(const mot_lanes *lanes, int64_t rows, int64_t most);

#endif
