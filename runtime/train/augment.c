/* augment.c: paints row by row, so that a picture that is not turned costs little more than a copy.
 *
 * A turned picture is sampled bilinearly, in whole numbers: positions in 1/65536 of a pixel, weights
 * in 1/256.  Whole numbers make every machine paint the same bytes.
 */
#include "config.h"

#include "runtime/train/augment.h"

#include <math.h>
#include <string.h>

enum { ONE = 1 << 16 };

bool mot_augment_is_on(const mot_augment *augment)
{
    return augment->crop > 0 || augment->flip || augment->rotate > 0 || augment->cutout > 0;
}

mot_view_change mot_augment_draw(const mot_augment *augment, const mot_shape *sample,
                                 mot_random *random)
{
    uint64_t moves = 2 * (uint64_t)augment->crop + 1;
    mot_view_change change;
    change.right = (int64_t)mot_random_below(random, moves) - augment->crop;
    change.down = (int64_t)mot_random_below(random, moves) - augment->crop;
    change.flip = mot_random_below(random, 2) && augment->flip;
    change.turn = (2 * (double)mot_random_uniform(random) - 1) * augment->rotate;
    change.cut_x = (int64_t)mot_random_below(random, (uint64_t)sample->dim[2]);
    change.cut_y = (int64_t)mot_random_below(random, (uint64_t)sample->dim[1]);
    return change;
}

static int64_t clamp(int64_t x, int64_t least, int64_t most)
{
    return x < least ? least : x > most ? most : x;
}

static void mirror(uint8_t *row, int64_t width)
{
    for (int64_t a = 0, b = width - 1; a < b; a++, b--) {
        uint8_t left = row[a];
        row[a] = row[b];
        row[b] = left;
    }
}

/* One channel, moved and mirrored. */
static void move_plane(const mot_view_change *change, int64_t height, int64_t width, uint8_t fill,
                       const uint8_t *in, uint8_t *out)
{
    int64_t first = clamp(-change->right, 0, width);
    int64_t last = clamp(width - change->right, first, width);
    for (int64_t y = 0; y < height; y++, out += width) {
        int64_t from = y + change->down;
        if (from < 0 || from >= height) {
            memset(out, fill, (size_t)width);
            continue;
        }
        memset(out, fill, (size_t)first);
        if (last > first)
            memcpy(out + first, in + from * width + first + change->right, (size_t)(last - first));
        memset(out + last, fill, (size_t)(width - last));
        if (change->flip)
            mirror(out, width);
    }
}

/* The byte at (x, y), or the fill outside of the picture. */
static int at(const uint8_t *plane, int64_t height, int64_t width, int64_t x, int64_t y, int fill)
{
    return x >= 0 && x < width && y >= 0 && y < height ? plane[y * width + x] : fill;
}

/* Pixel (x, y) of every channel from the point (px, py) of `in`, in 1/65536 of a pixel. */
static void sample_point(const mot_augment *augment, const mot_shape *sample, const uint8_t *in,
                         int64_t px, int64_t py, uint8_t *out)
{
    int64_t height = sample->dim[1], width = sample->dim[2], plane = height * width;
    int64_t x = px >> 16, y = py >> 16;
    int right = (int)(px & (ONE - 1)) >> 8, down = (int)(py & (ONE - 1)) >> 8;
    int w[4] = {(256 - right) * (256 - down), right * (256 - down), (256 - right) * down,
                right * down};
    bool inside = x >= 0 && x < width - 1 && y >= 0 && y < height - 1;
    for (int64_t c = 0; c < sample->dim[0]; c++, in += plane, out += plane) {
        const uint8_t *p = in + y * width + x;
        int sum = ONE / 2, fill = augment->fill[c];
        if (inside)
            sum += w[0] * p[0] + w[1] * p[1] + w[2] * p[width] + w[3] * p[width + 1];
        else
            sum += w[0] * at(in, height, width, x, y, fill) +
                   w[1] * at(in, height, width, x + 1, y, fill) +
                   w[2] * at(in, height, width, x, y + 1, fill) +
                   w[3] * at(in, height, width, x + 1, y + 1, fill);
        *out = (uint8_t)(sum >> 16);
    }
}

/* All channels, turned, moved and mirrored in one pass: pixel (x, y) is looked for where the turn
 * back brings it. */
static void turn_picture(const mot_augment *augment, const mot_view_change *change,
                         const mot_shape *sample, const uint8_t *in, uint8_t *out)
{
    int64_t height = sample->dim[1], width = sample->dim[2];
    double radians = change->turn * (3.14159265358979323846 / 180);
    int64_t cosine = llrint(cos(radians) * ONE), sine = llrint(sin(radians) * ONE);
    int64_t mid_x = (width - 1) * (ONE / 2), mid_y = (height - 1) * (ONE / 2);
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++, out++) {
            /* twice the distance from the middle, which is whole */
            int64_t dx = 2 * ((change->flip ? width - 1 - x : x) + change->right) - (width - 1);
            int64_t dy = 2 * (y + change->down) - (height - 1);
            int64_t px = mid_x + (cosine * dx + sine * dy) / 2;
            int64_t py = mid_y + (cosine * dy - sine * dx) / 2;
            sample_point(augment, sample, in, px, py, out);
        }
}

static void blank_square(const mot_augment *augment, const mot_view_change *change,
                         const mot_shape *sample, uint8_t *out)
{
    int64_t height = sample->dim[1], width = sample->dim[2], side = augment->cutout;
    int64_t left = change->cut_x - side / 2, top = change->cut_y - side / 2;
    int64_t x0 = clamp(left, 0, width), x1 = clamp(left + side, x0, width);
    int64_t y0 = clamp(top, 0, height), y1 = clamp(top + side, y0, height);
    for (int64_t c = 0; c < sample->dim[0]; c++)
        for (int64_t y = y0; y < y1; y++)
            memset(out + (c * height + y) * width + x0, augment->fill[c], (size_t)(x1 - x0));
}

void mot_augment_paint(const mot_augment *augment, const mot_view_change *change,
                       const mot_shape *sample, const uint8_t *in, uint8_t *out)
{
    int64_t height = sample->dim[1], width = sample->dim[2], plane = height * width;
    if (augment->rotate > 0)
        turn_picture(augment, change, sample, in, out);
    else
        for (int64_t c = 0; c < sample->dim[0]; c++)
            move_plane(change, height, width, augment->fill[c], in + c * plane, out + c * plane);
    if (augment->cutout > 0)
        blank_square(augment, change, sample, out);
}
