/* image_png.c: the only file that includes <png.h>. */
#include "config.h"

#include "runtime/train/image.h"

#include "runtime/base/memory.h"

#include <stdlib.h>

#ifdef HAVE_PNG
#include <png.h>

mot_status mot_image_decode_png(const char *name, const void *bytes, size_t size_bytes,
                                int channels, mot_image *out)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    uint8_t *pixel = NULL;
    mot_status status = MOT_OK;
    if (!png_image_begin_read_from_memory(&png, bytes, size_bytes))
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: damaged PNG: %s", name, png.message);
    png.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    if (png.width < 1 || png.height < 1 || png.height > MOT_IMAGE_MOST_PIXELS / png.width)
        status = MOT_FAIL(MOT_ERR_FORMAT, "%s: %ux%u pixels; %d are the most", name, png.height,
                          png.width, MOT_IMAGE_MOST_PIXELS);
    if (status == MOT_OK)
        status = mot_alloc(PNG_IMAGE_SIZE(png), 1, &pixel);
    if (status == MOT_OK && (!png_image_finish_read(&png, &(png_color){0, 0, 0}, pixel, 0, NULL) ||
                             png.warning_or_error))
        status = MOT_FAIL(MOT_ERR_FORMAT, "%s: damaged PNG: %s", name, png.message);
    png_image_free(&png);
    if (status != MOT_OK) {
        free(pixel);
        return status;
    }
    *out = (mot_image){png.height, png.width, channels, pixel};
    return MOT_OK;
}

#else

mot_status mot_image_decode_png(const char *name, const void *bytes, size_t size_bytes,
                                int channels, mot_image *out)
{
    (void)bytes, (void)size_bytes, (void)channels, (void)out;
    return MOT_FAIL(MOT_ERR_UNSUPPORTED,
                    "%s is a PNG, and this motley was built without libpng: install libpng-dev, "
                    "configure and build anew",
                    name);
}

#endif
