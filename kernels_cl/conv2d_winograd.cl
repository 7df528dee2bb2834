/* conv2d_winograd: convolution 3x3 of a stride of 1 for CPUs with 4 multiplications where 9 are
 * needed otherwise: F(2x2,3x3).  Groups of one work-item.
 *
 * Two by two pixels of y see four by four of x.  These are turned into 16 other numbers by
 * additions, and so were the weights; then for each of the 16 the channels are summed up by a
 * matrix product of its own, and its results are turned into the pixels:
 *
 *     y = A' [(G w G') * (B' x B)] A
 *
 *     B' = 1  0 -1  0    G = 1    0    0     A' = 1  1  1  0
 *          0  1  1  0        1/2  1/2  1/2        0  1 -1 -1
 *          0 -1  1  0        1/2 -1/2  1/2
 *          0  1  0 -1        0    0    1
 *
 * A group takes some rows of fours of an image at a time, so few that all of it stays in a
 * second-level cache.
 *
 * conv2d_winograd_pack  the weights, turned, as panels: (group, WIDE channels of y, 16, channel of
 *                       x, WIDE).
 * conv2d_winograd       y, or dx from dy with the kernel turned round.
 * Parameters: VW.  Deterministic.
 * Source: Lavin & Gray 2015. */
#include "conv2d_pixels.cl"
#define POINTS 16

GROUPS_OF_ONE
__kernel void conv2d_winograd_pack(__global float *restrict panels, long panels_at,
                                   __global const float *restrict w, long w_at, int groups,
                                   int outs, int channels, long w_group, long w_out,
                                   long w_channel, long w_first, long w_tap UNITS)
{
    const long n_panels = (outs + WIDE - 1) / WIDE, n = groups * n_panels * channels;
    const long last = part_begin(n, get_group_id(0) + 1, get_num_groups(0));
    for (long i = part_begin(n, get_group_id(0), get_num_groups(0)); i < last; i++) {
        const long c = i % channels, j = i / channels % n_panels * WIDE;
        __global const float *from = w + w_at + i / channels / n_panels * w_group + j * w_out +
                                     c * w_channel + w_first;
        __global float *to = panels + panels_at + (i / channels * POINTS * channels + c) * WIDE;
        for (int v = 0; v < WIDE; v += VW) {
            float lane[9][VW];
            VEC a[4][3];
            for (int x = 0; x < VW; x++)
                for (int k = 0; k < 9; k++)
                    lane[k][x] = j + v + x < outs ? from[(v + x) * w_out + k * w_tap] : 0.0f;
#pragma unroll
            for (int k = 0; k < 3; k++) {
                const VEC top = VLOAD(lane[k]), middle = VLOAD(lane[3 + k]);
                const VEC bottom = VLOAD(lane[6 + k]), both = 0.5f * (top + bottom);
                a[0][k] = top;
                a[1][k] = both + 0.5f * middle;
                a[2][k] = both - 0.5f * middle;
                a[3][k] = bottom;
            }
#pragma unroll
            for (int k = 0; k < 4; k++) {
                __global float *point = to + k * 4 * (long)channels * WIDE + v;
                const VEC both = 0.5f * (a[k][0] + a[k][2]);
                VSTORE(a[k][0], point);
                VSTORE(both + 0.5f * a[k][1], point + (long)channels * WIDE);
                VSTORE(both - 0.5f * a[k][1], point + 2 * (long)channels * WIDE);
                VSTORE(a[k][2], point + 3 * (long)channels * WIDE);
            }
        }
    }
}

/* Four by four pixels at `from`, `line` floats from a row to the next, of all channels, to points
 * `apart`. */
void winograd_turn(__global float *restrict to, long apart, __global const float *restrict from,
                   long line, long pitch)
{
    for (long c = 0; c < pitch; c += VW) {
        VEC a[4][4];
#pragma unroll
        for (int k = 0; k < 4; k++) {
            __global const float *row = from + k * line + c;
            const VEC p = VLOAD(row), q = VLOAD(row + pitch);
            const VEC r = VLOAD(row + 2 * pitch), s = VLOAD(row + 3 * pitch);
            a[k][0] = p - r;
            a[k][1] = q + r;
            a[k][2] = r - q;
            a[k][3] = q - s;
        }
#pragma unroll
        for (int k = 0; k < 4; k++) {
            __global float *point = to + k * apart + c;
            VSTORE(a[0][k] - a[2][k], point);
            VSTORE(a[1][k] + a[2][k], point + 4 * apart);
            VSTORE(a[2][k] - a[1][k], point + 8 * apart);
            VSTORE(a[1][k] - a[3][k], point + 12 * apart);
        }
    }
}

/* Points `apart` of a vector of channels to up to two by two pixels, `line` floats from a row to
 * the next. */
INLINE void winograd_pixels(__global float *restrict to, long line, int down, int right,
                            __global const float *restrict from, long apart)
{
    VEC a[2][4];
#pragma unroll
    for (int k = 0; k < 4; k++) {
        const VEC p = VLOAD(from + k * apart), q = VLOAD(from + (4 + k) * apart);
        const VEC r = VLOAD(from + (8 + k) * apart), s = VLOAD(from + (12 + k) * apart);
        a[0][k] = p + q + r;
        a[1][k] = q - r - s;
    }
#pragma unroll
    for (int k = 0; k < 2; k++)
        if (k < down) {
            VSTORE(a[k][0] + a[k][1] + a[k][2], to + k * line);
            if (right > 1)
                VSTORE(a[k][1] - a[k][2] - a[k][3], to + k * line + WIDE);
        }
}

/* The scratch holds what the window sees, the points of x, those of a panel of y, and its pixels;
 * `pitch` floats a pixel of x. */
GROUPS_OF_ONE
__kernel void conv2d_winograd(__global float *restrict y, long y_at,
                              __global const float *restrict x, long x_at,
                              __global const float *restrict panels, long panels_at,
                              __global const float *restrict bias, long bias_at,
                              __global const float *restrict mask, long mask_at,
                              __global float *restrict scratch, long scratch_at,
                              long scratch_floats, long window_floats, long x_apart, long y_apart,
                              long samples, int groups, int channels, int height, int width,
                              int outs, int out_height, int out_width, int first_y, int first_x,
                              int pitch, int rows, int blocks, int flags UNITS)
{
    const long items = samples * groups * blocks, plane = (long)out_height * out_width;
    const long last = part_begin(items, get_group_id(0) + 1, get_num_groups(0));
    const long n_panels = (outs + WIDE - 1) / WIDE, point_floats = (long)channels * WIDE;
    const int across = (out_width + 1) / 2, columns = 2 * across + 2;
    const conv_walk w = {1, 1, channels, 0, 0, 1, 0, 0};
    scratch += scratch_at + get_group_id(0) * scratch_floats;
    __global float *seen = scratch + window_floats;
    __global float *points = seen + POINTS * x_apart;
    __global float *pixels = points + POINTS * y_apart;
    for (long item = part_begin(items, get_group_id(0), get_num_groups(0)); item < last; item++) {
        const int t = item % blocks * rows * 2, n_rows = min(rows * 2, out_height - t);
        const int n = (n_rows + 1) / 2 * across;
        const long image = item / blocks, group = image % groups;
        conv_window(scratch, pitch, x + x_at + image * channels * height * width, channels, height,
                    width, t + first_y, (n_rows + 1) / 2 * 2 + 2, first_x, columns);
        for (int p = 0; p < n; p++)
            winograd_turn(seen + (long)p * pitch, x_apart,
                          scratch + ((long)(p / across) * 2 * columns + p % across * 2) * pitch,
                          (long)columns * pitch, pitch);
        for (long j = 0; j < outs; j += WIDE) {
            const int wide = min((int)(outs - j), WIDE);
            const long at = (image * outs + j) * plane + (long)t * out_width;
            __global const float *panel =
                panels + panels_at + (group * n_panels + j / WIDE) * POINTS * point_floats;
            for (int k = 0; k < POINTS; k++)
                if (wide > VW)
                    conv_tiles(points + k * y_apart, seen + k * x_apart, 0, pitch, n, n,
                               panel + k * point_floats, &w);
                else
                    conv_tiles_alone(points + k * y_apart, seen + k * x_apart, 0, pitch, n, n,
                                     panel + k * point_floats, &w);
            for (int p = 0; p < n; p++) {
                const int row = p / across * 2, column = p % across * 2;
                for (int v = 0; v < wide; v += VW)
                    winograd_pixels(pixels + ((long)row * out_width + column) * WIDE + v,
                                    (long)out_width * WIDE, n_rows - row, out_width - column,
                                    points + (long)p * WIDE + v, y_apart);
            }
            conv_put(y + y_at + at, mask + mask_at + at, plane, pixels, (long)n_rows * out_width,
                     wide, flags, bias + bias_at + group * outs + j);
        }
    }
}
