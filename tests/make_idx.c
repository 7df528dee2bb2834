/* make_idx: a small data set in IDX files of any square size, for the shell tests.
 *
 *   make_idx N SIDE SEED IMAGES LABELS
 *
 * The library's drawn digits (28x28), averaged over areas to SIDE x SIDE.
 */
#include "config.h"

#include "runtime/base/memory.h"
#include "runtime/train/data.h"

#include <stdio.h>
#include <stdlib.h>

enum { FROM = 28 };

/* Length of what the intervals [a, a+1) and [from, to) share. */
static double overlap(double a, double from, double to)
{
    double low = a > from ? a : from, high = a + 1 < to ? a + 1 : to;
    return high > low ? high - low : 0;
}

/* out[side][side] = area averages of in[28][28]. */
static void shrink(const uint8_t *in, int side, uint8_t *out)
{
    double step = (double)FROM / side;
    for (int r = 0; r < side; r++)
        for (int c = 0; c < side; c++) {
            double sum = 0;
            for (int y = 0; y < FROM; y++)
                for (int x = 0; x < FROM; x++)
                    sum += in[y * FROM + x] * overlap(y, r * step, (r + 1) * step) *
                           overlap(x, c * step, (c + 1) * step);
            out[r * side + c] = (uint8_t)(sum / (step * step) + 0.5);
        }
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: make_idx N SIDE SEED IMAGES LABELS\n");
        return 2;
    }
    int64_t n = strtoll(argv[1], NULL, 10);
    int side = (int)strtol(argv[2], NULL, 10);
    mot_dataset *digits;
    uint8_t *small;
    if (mot_drawn_digits(0, n, strtoull(argv[3], NULL, 10), &digits) != MOT_OK ||
        mot_alloc((size_t)n * (size_t)(side * side), 1, &small) != MOT_OK)
        goto fail;
    for (int64_t i = 0; i < n; i++)
        shrink((const uint8_t *)digits->raw + i * FROM * FROM, side, small + i * side * side);
    mot_dataset shrunk = *digits;
    shrunk.sample = (mot_shape){.n_dims = 3, .dim = {1, side, side}};
    shrunk.raw = small;
    if (mot_idx_write(&shrunk, argv[4], argv[5]) != MOT_OK)
        goto fail;
    free(small);
    mot_dataset_free(digits);
    return 0;
fail:
    fprintf(stderr, "make_idx: %s\n", mot_error_message());
    return 1;
}
