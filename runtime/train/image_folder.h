/* image_folder.h: a folder with a folder of PNG and JPEG images for each class, as one data set.
 *
 * Classes are called and ordered as their folders, images ordered as their names, byte by byte, so
 * that every machine has the same set.  All is decoded once, into memory.
 */
#ifndef MOT_TRAIN_IMAGE_FOLDER_H
#define MOT_TRAIN_IMAGE_FOLDER_H

#include "runtime/train/data.h"

typedef struct mot_image_options {
    int channels;          /* 1 or 3 */
    int64_t height, width; /* that all get; 0: they must have one size */
} mot_image_options;

/** Decoded sets are at most so large. */
#define MOT_IMAGE_FOLDER_MOST_BYTES ((size_t)1 << 34)

/** Read a folder; classes as in `like` (NULL: its own).  Files with other endings than .png, .jpg and
 *  .jpeg are not looked at.  Errors: MOT_ERR_FILE, MOT_ERR_FORMAT with the path of what is wrong. */
mot_status mot_image_folder_read(const char *path, const mot_image_options *options,
                                 const mot_dataset *like, mot_dataset **out);

#endif
