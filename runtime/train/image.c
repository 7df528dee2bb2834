#include "config.h"

#include "runtime/train/image.h"

#include "runtime/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

mot_status mot_image_decode(const char *name, const void *bytes, size_t size_bytes, int channels,
                            mot_image *out)
{
    static const unsigned char png[] = {0x89, 'P', 'N', 'G'}, jpeg[] = {0xFF, 0xD8, 0xFF};
    if (size_bytes >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
        return mot_image_decode_png(name, bytes, size_bytes, channels, out);
    if (size_bytes >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0)
        return mot_image_decode_jpeg(name, bytes, size_bytes, channels, out);
    return MOT_FAIL(MOT_ERR_FORMAT, "%s is neither a PNG nor a JPEG image", name);
}

/* The weights with which `from` places make place `i` of `to`: *first and how many. */
static int64_t weights_of(int64_t i, int64_t from, int64_t to, int64_t *first, float *weight)
{
    double scale = (double)from / (double)to, reach = fmax(1, scale);
    double middle = ((double)i + 0.5) * scale, sum = 0;
    int64_t begin = (int64_t)fmax(0, floor(middle - reach + 0.5));
    int64_t end = (int64_t)fmin((double)from, floor(middle + reach + 0.5));
    for (int64_t k = begin; k < end; k++) {
        double w = fmax(0, 1 - fabs(((double)k + 0.5 - middle) / reach));
        weight[k - begin] = (float)w;
        sum += w;
    }
    for (int64_t k = begin; k < end; k++)
        weight[k - begin] /= (float)sum;
    *first = begin;
    return end - begin;
}

/* Lines of `from` values become lines of `to`, and the result is transposed: the second pass, along
 * the other side, turns it back. */
static void resize_lines(const float *in, int64_t n_lines, int64_t from, int64_t to, float *weight,
                         float *out)
{
    for (int64_t i = 0; i < to; i++) {
        int64_t first, n = weights_of(i, from, to, &first, weight);
        for (int64_t line = 0; line < n_lines; line++) {
            float sum = 0;
            for (int64_t k = 0; k < n; k++)
                sum += weight[k] * in[line * from + first + k];
            out[i * n_lines + line] = sum;
        }
    }
}

static void copy_plane(const mot_image *image, int channel, float *out)
{
    for (int64_t i = 0; i < image->height * image->width; i++)
        out[i] = image->pixel[i * image->channels + channel];
}

mot_status mot_image_resize(const mot_image *image, int64_t height, int64_t width, uint8_t *out)
{
    int64_t most = image->width > image->height ? image->width : image->height;
    int64_t before = image->height * image->width, after = height * width;
    bool same = image->height == height && image->width == width;
    float *plane = NULL, *narrow = NULL, *weight = NULL;
    mot_status status;
    MOT_TRY_GOTO(mot_alloc((size_t)(before > after ? before : after), sizeof *plane, &plane));
    MOT_TRY_GOTO(mot_alloc((size_t)(image->height * width), sizeof *narrow, &narrow));
    MOT_TRY_GOTO(mot_alloc((size_t)most + 2, sizeof *weight, &weight));
    for (int c = 0; c < image->channels; c++, out += height * width) {
        copy_plane(image, c, plane);
        if (!same) {
            resize_lines(plane, image->height, image->width, width, weight, narrow);
            resize_lines(narrow, width, image->height, height, weight, plane);
        }
        for (int64_t i = 0; i < height * width; i++)
            out[i] = (uint8_t)fminf(255, plane[i] + 0.5f);
    }
fail:
    free(plane);
    free(narrow);
    free(weight);
    return status;
}
