/* conv2d_taps.cl: included by convolution's kernels: which taps of the window a pixel
 * sees, and how one goes over the places of all samples.
 *
 * A pixel's coordinate times `source`, plus first + t * step for tap t, is where it looks, in units
 * of `phases`; see devices/conv2d.h.  Of the pixels of a phase every `every`-th tap sees
 * something. */
#ifndef CONV2D_TAPS_CL
#define CONV2D_TAPS_CL
#include "conv2d_finish.cl"
#define NOWHERE (-(1 << 30)) /* a coordinate, or the distance to one, outside of any image */

/* The first tap that a pixel of `phase` sees anything with; `every` if there is none. */
int first_tap(int phase, int first, int step, int phases, int every)
{
    int t = 0;
    while (t < every && (phase + first + t * step) % phases != 0)
        t++;
    return t;
}

/* How many taps do, if t is the first. */
int taps_from(int t, int kernel_size, int every)
{
    return t < every && t < kernel_size ? (kernel_size - t + every - 1) / every : 0;
}

/* A walk over the places of all samples, out_y x out_x each, in hops of so many: the place at which
 * it is in `sample`, oy and ox, and one hop on. */
#define WALK(place, hop_places)                                                                    \
    const int hop_x = (hop_places) % out_x, hop_y = (hop_places) / out_x % out_y;                  \
    const int hop = (hop_places) / out_x / out_y;                                                  \
    int sample = (place) / places, oy = (place) % places / out_x, ox = (place) % places % out_x
#define WALK_ON                                                                                    \
    ox += hop_x;                                                                                   \
    oy += hop_y;                                                                                   \
    sample += hop;                                                                                 \
    if (ox >= out_x) {                                                                             \
        ox -= out_x;                                                                               \
        oy++;                                                                                      \
    }                                                                                              \
    if (oy >= out_y) {                                                                             \
        oy -= out_y;                                                                               \
        sample++;                                                                                  \
    }
#endif
