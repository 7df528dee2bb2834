/* augment.h: other views of a picture for training: moved, mirrored, turned, with a blank square.
 *
 * Pictures are bytes (C,H,W).  What is done to one depends on (seed, epoch, sample) alone, so that
 * any division of the batch trains on the same pictures.  The order is: turn about the middle, move,
 * mirror, blank.  What comes into view from outside, and the blank square, is `fill`: the byte of
 * each channel that normalization makes 0, or next to it.
 */
#ifndef MOT_TRAIN_AUGMENT_H
#define MOT_TRAIN_AUGMENT_H

#include "runtime/base/random.h"
#include "runtime/base/shape.h"

/** What may be done at most; {0}: nothing.  The last two are of samples of any kind: see mixup.h. */
typedef struct mot_augment {
    int64_t crop;   /* pixels to move, each way: padding by so many and a crop of the old size */
    bool flip;      /* mirror every other picture, left to right */
    double rotate;  /* degrees, each way */
    int64_t cutout; /* side of the square, which may stick out of the picture */
    uint8_t *fill;  /* [C], owned; NULL while nothing is done */
    double mixup;   /* alpha; 0: nothing is mixed */
    void *partner;  /* room for the sample that is mixed in, owned; NULL while nothing is mixed */
} mot_augment;

/** Are pictures painted anew? */
bool mot_augment_is_on(const mot_augment *augment);

/** What is done to one picture. */
typedef struct mot_view_change {
    int64_t right, down; /* the picture moves left and up by so many pixels */
    bool flip;
    double turn;          /* degrees, clockwise on the screen */
    int64_t cut_x, cut_y; /* the middle of the blank square */
} mot_view_change;

/** Draw it.  The numbers for one thing do not depend on whether others are asked for. */
mot_view_change mot_augment_draw(const mot_augment *augment, const mot_shape *sample,
                                 mot_random *random);
/** Paint the changed picture `in` to `out`, which do not overlap. */
void mot_augment_paint(const mot_augment *augment, const mot_view_change *change,
                       const mot_shape *sample, const uint8_t *in, uint8_t *out);

#endif
