/* plot.h: a curve drawn with characters: braille dots (2 x 4 a cell), or '*' without UTF-8. */
#ifndef MOT_TOOLS_PLOT_H
#define MOT_TOOLS_PLOT_H

#include "tools/terminal.h"

enum { MOT_CURVE_POINTS = 1024 };

/** Points in the order of x.  A full curve keeps every second point and then takes every second new
 *  one, so it covers a run of any length with bounded memory.  {0} is an empty one. */
typedef struct mot_curve {
    double x[MOT_CURVE_POINTS], y[MOT_CURVE_POINTS];
    int n;
    long stride, seen;
} mot_curve;

/** Add a point; those that are not finite are dropped. */
void mot_curve_add(mot_curve *curve, double x, double y);

/** Draw `line` connected and `marks` (may be NULL) as single crosses, in `rows` rows, with axes.
 *  The vertical axis is logarithmic where the values span more than a factor of 30.  Draws nothing
 *  for fewer than two points. */
void mot_plot_print(const mot_terminal *terminal, const mot_curve *line, const mot_curve *marks,
                    const char *line_name, const char *marks_name, const char *x_name, int rows);

#endif
