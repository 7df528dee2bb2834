/* Rows on GPUs: as few lanes a row as hold it in their registers, so that trees are short. */
#include "config.h"

#include "devices/lanes.h"

#include <stdio.h>

enum { FEWEST = 4 };

bool mot_lanes_for(const mot_recording *r, int64_t columns, bool aligned, int good, mot_lanes *out)
{
    const int width = aligned && columns % 4 == 0 ? 4 : 1;
    int lanes = FEWEST;
    while (lanes < MOT_LANES_ITEMS && columns > (int64_t)lanes * width * good)
        lanes *= 2;
    *out = (mot_lanes){
        .lanes = lanes,
        .pieces = (int)mot_min(mot_ceil_div(columns, (int64_t)lanes * width), MOT_LANES_PIECES),
        .width = width};
    return r->traits.group >= MOT_LANES_ITEMS &&
           columns <= (int64_t)lanes * width * MOT_LANES_PIECES;
}

void mot_lanes_begin(const mot_recording *r, const mot_lanes *lanes, mot_launch *launch,
                     const char *source, const char *kernel)
{
    char options[64];
    snprintf(options, sizeof options, "-DLANES=%d -DPIECES=%d -DW=%d", lanes->lanes, lanes->pieces,
             lanes->width);
    mot_launch_begin(launch, r->commands, source, options, kernel);
}

mot_range mot_lanes_range(const mot_lanes *lanes, int64_t rows, int64_t most)
{
    const int64_t teams = MOT_LANES_ITEMS / lanes->lanes, steps = mot_ceil_div(rows, teams);
    const int64_t chunk = mot_ceil_div(steps, mot_min(steps, most)) * teams;
    return (mot_range){
        .groups = mot_ceil_div(rows, chunk), .local = MOT_LANES_ITEMS, .chunk = chunk};
}
