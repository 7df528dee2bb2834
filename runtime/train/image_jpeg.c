/* image_jpeg.c: the only file that includes <jpeglib.h>.
 *
 * The library leaves an error by longjmp, so all that must be freed then lives in one struct.  What
 * it takes for a mere warning, above all an early end, is an error here: a picture of which half is
 * grey is worse than none. */
#include "config.h"

#include "runtime/train/image.h"

#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef HAVE_JPEG
#include <jpeglib.h>
#include <setjmp.h>

typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf away;
    char message[JMSG_LENGTH_MAX];
    mot_image image;
} decoder;

static void on_error(j_common_ptr common)
{
    decoder *d = common->client_data;
    common->err->format_message(common, d->message);
    longjmp(d->away, 1);
}

static void on_message(j_common_ptr common, int level)
{
    if (level < 0)
        on_error(common);
}

static mot_status read_header(const char *name, decoder *d, const void *bytes, size_t size_bytes,
                              int channels)
{
    jpeg_mem_src(&d->jpeg, bytes, (unsigned long)size_bytes);
    jpeg_read_header(&d->jpeg, TRUE);
    d->jpeg.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    if (d->jpeg.image_height > MOT_IMAGE_MOST_PIXELS / d->jpeg.image_width)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: %ux%u pixels; %d are the most", name,
                        d->jpeg.image_height, d->jpeg.image_width, MOT_IMAGE_MOST_PIXELS);
    jpeg_start_decompress(&d->jpeg);
    d->image.height = d->jpeg.output_height;
    d->image.width = d->jpeg.output_width;
    d->image.channels = channels;
    return mot_alloc((size_t)(d->image.height * d->image.width), (size_t)channels, &d->image.pixel);
}

static mot_status decode(const char *name, decoder *d, const void *bytes, size_t size_bytes,
                         int channels)
{
    if (setjmp(d->away))
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: damaged JPEG: %s", name, d->message);
    MOT_TRY(read_header(name, d, bytes, size_bytes, channels));
    while (d->jpeg.output_scanline < d->jpeg.output_height) {
        JSAMPROW row =
            d->image.pixel + (size_t)d->jpeg.output_scanline * (size_t)(d->image.width * channels);
        jpeg_read_scanlines(&d->jpeg, &row, 1);
    }
    jpeg_finish_decompress(&d->jpeg);
    return MOT_OK;
}

mot_status mot_image_decode_jpeg(const char *name, const void *bytes, size_t size_bytes,
                                 int channels, mot_image *out)
{
    decoder *d;
    MOT_TRY(mot_alloc(1, sizeof *d, &d));
    d->jpeg.err = jpeg_std_error(&d->errors);
    d->jpeg.client_data = d;
    d->errors.error_exit = on_error;
    d->errors.emit_message = on_message;
    jpeg_create_decompress(&d->jpeg);
    mot_status status = decode(name, d, bytes, size_bytes, channels);
    jpeg_destroy_decompress(&d->jpeg);
    if (status == MOT_OK)
        *out = d->image;
    else
        free(d->image.pixel);
    free(d);
    return status;
}

#else

mot_status mot_image_decode_jpeg(const char *name, const void *bytes, size_t size_bytes,
                                 int channels, mot_image *out)
{
    (void)bytes, (void)size_bytes, (void)channels, (void)out;
    return MOT_FAIL(MOT_ERR_UNSUPPORTED,
                    "%s is a JPEG, and this motley was built without libjpeg: install "
                    "libjpeg-dev, configure and build anew",
                    name);
}

#endif
