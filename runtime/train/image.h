/* image.h: pictures from PNG and JPEG files, and their size changed. */
#ifndef MOT_TRAIN_IMAGE_H
#define MOT_TRAIN_IMAGE_H

#include "runtime/base/status.h"

#include <stddef.h>
#include <stdint.h>

/** Rows from the top, pixels from the left, `channels` bytes each: grey, or red, green, blue. */
typedef struct mot_image {
    int64_t height, width;
    int channels;
    uint8_t *pixel; /* owned (free) */
} mot_image;

/** Pictures with more pixels are refused before memory is taken. */
enum { MOT_IMAGE_MOST_PIXELS = 1 << 26 };

/** Decode a file's bytes, PNG or JPEG as they begin, to `channels` 1 or 3; what is transparent is
 *  black.  Errors: MOT_ERR_FORMAT with `name` when it is neither, or damaged in any way;
 *  MOT_ERR_UNSUPPORTED when this motley was built without the library. */
mot_status mot_image_decode(const char *name, const void *bytes, size_t size_bytes, int channels,
                            mot_image *out);

/** The doors to the two libraries. */
mot_status mot_image_decode_png(const char *name, const void *bytes, size_t size_bytes,
                                int channels, mot_image *out);
mot_status mot_image_decode_jpeg(const char *name, const void *bytes, size_t size_bytes,
                                 int channels, mot_image *out);

/** Paint a picture of any size to planes out[channels][height][width]: each pixel is a mean of those
 *  around its place, weighted by a triangle as wide as both grids need (bilinear where it grows). */
mot_status mot_image_resize(const mot_image *image, int64_t height, int64_t width, uint8_t *out);

#endif
