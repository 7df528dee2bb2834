/* conv2d_pixels.cl: included by convolution's kernels for CPUs: images with channels last, and
 * tiles of TALL pixels by two vectors of channels, summed in registers: two vectors of factors from
 * a panel, one float of each pixel, which may lie anywhere.
 * Source: Goto & van de Geijn 2008 for the tile; Georganas et al. 2018 for convolution by it. */
#ifndef CONV2D_PIXELS_CL
#define CONV2D_PIXELS_CL
#include "vector.cl"
#include "shuffle.cl"
#include "conv2d_finish.cl"

/* With one vector of channels only, 8 sums are enough to keep the multipliers busy. */
#if VW >= 16
#define TALL 8
#else
#define TALL 6
#endif
#define TALL_ALONE 8
#define WIDE (2 * VW)

/* Where a tile gets its factors: runs of `length` steps. */
typedef struct {
    int rows, runs;
    long length, a_row, a_run, a_step, b_row, b_run;
} conv_walk;

/* at[i]: where row i of the tile begins in the left side; b: the panel. */
#define CONV_MULTIPLY(name, tall, vectors)                                                         \
    INLINE void name(VEC c[tall][vectors], __global const float *const at[tall],                  \
                     __global const float *b, const conv_walk *w, const long a_step)              \
    {                                                                                              \
        _Pragma("unroll") for (int i = 0; i < tall; i++)                                           \
            _Pragma("unroll") for (int v = 0; v < vectors; v++)                                    \
                c[i][v] = 0.0f;                                                                    \
        for (int y = 0; y < w->rows; y++)                                                          \
            for (int x = 0; x < w->runs; x++) {                                                    \
                __global const float *panel = b + y * w->b_row + x * w->b_run;                     \
                const long first = y * w->a_row + x * w->a_run;                                    \
                for (long p = 0; p < w->length; p++, panel += WIDE) {                              \
                    VEC factor[vectors];                                                           \
                    _Pragma("unroll") for (int v = 0; v < vectors; v++)                            \
                        factor[v] = VLOAD(panel + v * VW);                                         \
                    _Pragma("unroll") for (int i = 0; i < tall; i++) {                             \
                        const VEC a = at[i][first + p * a_step];                                   \
                        _Pragma("unroll") for (int v = 0; v < vectors; v++)                        \
                            c[i][v] = a * factor[v] + c[i][v];                                     \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
    }
CONV_MULTIPLY(conv_multiply, TALL, 2)
CONV_MULTIPLY(conv_multiply_alone, TALL_ALONE, 1)

/* Rows row .. row+rows and columns column .. column+columns of an image of so many channels with
 * channels last, `pitch` floats a pixel; zeros where the image is not. */
void conv_window(__global float *restrict to, long pitch, __global const float *restrict from,
                 int channels, int height, int width, int row, int rows, int column, int columns)
{
    const long plane = (long)height * width;
    const int begin = clamp(-column, 0, columns), end = clamp(width - column, begin, columns);
    for (int y = 0; y < rows; y++, to += columns * pitch) {
        const bool inside = row + y >= 0 && row + y < height;
        const int left = inside ? begin : columns, right = inside ? end : columns;
        __global const float *line = from + (long)(row + y) * width + column;
        for (long i = 0; i < left * pitch; i++)
            to[i] = 0.0f;
        for (long i = right * pitch; i < columns * pitch; i++)
            to[i] = 0.0f;
        if (channels < 8 || right - left < 8) {
            for (int c = 0; c < channels; c++)
                for (int x = left; x < right; x++)
                    to[x * pitch + c] = line[c * plane + x];
            continue;
        }
        /* Blocks of eight by eight; the last may lie over the one before. */
        for (int i = 0; i < channels; i += 8)
            for (int j = left; j < right; j += 8) {
                const int c = min(i, channels - 8), x = min(j, right - 8);
                float8 block[8];
#pragma unroll
                for (int k = 0; k < 8; k++)
                    block[k] = vload8(0, line + (c + k) * plane + x);
                transpose8(block);
#pragma unroll
                for (int k = 0; k < 8; k++)
                    vstore8(block[k], 0, to + (x + k) * pitch + c);
            }
    }
}

float8 conv_finish8(float8 v, int flags, float bias, __global const float *mask)
{
    if (flags & BIAS)
        v += bias;
    if (flags & RELU)
        v = select(v, (float8)0.0f, v < 0.0f);
    if (flags & MASK)
        v = select((float8)0.0f, v, vload8(0, mask) > 0.0f);
    return v;
}

/* Sums of n pixels one behind the other, WIDE floats each, to as many pixels of `channels`
 * planes. */
void conv_put(__global float *restrict to, __global const float *restrict mask, long plane,
              __global const float *restrict sums, long n, int channels, int flags,
              __global const float *restrict bias)
{
    for (int c = 0; c < channels; c += 8)
        for (long p = 0; p + 8 <= n || (n >= 8 && p < n); p += 8) {
            const long x = min(p, n - 8);
            float8 block[8];
#pragma unroll
            for (int k = 0; k < 8; k++)
                block[k] = vload8(0, sums + (x + k) * WIDE + c);
            transpose8(block);
#pragma unroll
            for (int k = 0; k < 8; k++)
                if (c + k < channels) {
                    const long at = (c + k) * plane + x;
                    vstore8(conv_finish8(block[k], flags, flags & BIAS ? bias[c + k] : 0.0f,
                                         mask + at), 0, to + at);
                }
        }
    for (int c = 0; n < 8 && c < channels; c++)
        for (long p = 0; p < n; p++)
            to[c * plane + p] = conv_finish(sums[p * WIDE + c], flags,
                                            flags & BIAS ? bias[c] : 0.0f, mask + c * plane + p);
}

/* All tiles of a panel: n pixels, `across` in a line, `down` and `right` floats apart. */
#define CONV_TILES(name, multiply, tall, vectors)                                                  \
    void name(__global float *restrict sums, __global const float *restrict from, long down,      \
              long right, long n, int across, __global const float *restrict panel,               \
              const conv_walk *w)                                                                  \
    {                                                                                              \
        int x = 0, y = 0;                                                                          \
        for (long p = 0; p < n; p += tall, sums += tall * WIDE) {                                  \
            __global const float *at[tall];                                                        \
            VEC tile[tall][vectors];                                                               \
            _Pragma("unroll") for (int i = 0; i < tall; i++)                                       \
            {                                                                                      \
                at[i] = from + y * down + x * right;                                               \
                if (p + i + 1 < n && ++x == across) {                                              \
                    x = 0;                                                                         \
                    y++;                                                                           \
                }                                                                                  \
            }                                                                                      \
            multiply(tile, at, panel, w, 1);                                                       \
            _Pragma("unroll") for (int i = 0; i < tall; i++)                                       \
                _Pragma("unroll") for (int v = 0; v < vectors; v++)                                \
                    VSTORE(tile[i][v], sums + i * WIDE + v * VW);                                  \
        }                                                                                          \
    }
CONV_TILES(conv_tiles, conv_multiply, TALL, 2)
CONV_TILES(conv_tiles_alone, conv_multiply_alone, TALL_ALONE, 1)
#endif
