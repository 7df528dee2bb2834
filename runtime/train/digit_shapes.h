/* digit_shapes.h: how people write the ten digits, as strokes through a few points. */
#ifndef MOT_TRAIN_DIGIT_SHAPES_H
#define MOT_TRAIN_DIGIT_SHAPES_H

#include <stdint.h>

/** A point in hundredths of half the digit's height: x right, y down, (0,0) the middle.  A point
 * that repeats its predecessor is a corner; MOT_PEN_UP between two points lifts the pen. */
typedef struct mot_digit_point {
    int8_t x, y;
} mot_digit_point;

#define MOT_PEN_UP                                                                                 \
    {                                                                                              \
        127, 127                                                                                   \
    }
enum { MOT_DIGIT_MOST_POINTS = 24 };

typedef struct mot_digit_shape {
    int digit;
    int n_points;
    mot_digit_point point[MOT_DIGIT_MOST_POINTS];
} mot_digit_shape;

/** Number of ways to write `digit` (0..9), at least 1. */
int mot_digit_n_shapes(int digit);
/** Way number `which` of writing `digit`. */
const mot_digit_shape *mot_digit_shape_get(int digit, int which);

#endif
