/* conv2d_tile: convolution for CPUs as a matrix product whose left side is never written down: a
 * row of it is what the window sees at one pixel.  Groups of one work-item.
 *
 * A group takes some rows of an image at a time.  It copies what the window sees there with
 * channels last and zeros around (conv_window); then what one row of the window sees is one run of
 * floats.  A tile is TALL pixels by two vectors of channels, summed in registers: two vectors of
 * weights from a panel, one float of each pixel.  Pixels may lie anywhere, so any stride and
 * dilation will do, and numbers of channels are mostly whole vectors.  The tiles of a panel go to a
 * small buffer and from there, turned, to y.
 *
 * conv2d_pack       the weights as panels: WIDE channels of y, for them (kernel y, kernel x,
 *                   channel of x), one group of channels behind the other.
 * conv2d_tile       y, or dx from dy.  Of a stride S, dx has S x S phases, pixels S apart, which
 *                   meet every S-th weight only: each phase is a convolution of its own without a
 *                   stride.  Pixel t of a phase reads at t * source + (phase + first + k * step)
 *                   / S with weight k, in the order of the panels, where that is whole.
 * conv2d_parts      dw and db: tiles of TALL weights by WIDE channels of y, summed over the pixels,
 *                   dy packed as panels.  Each group has samples of its own and a part for its
 *                   sums.
 * conv2d_parts_sum  the parts in order.
 * Parameters: VW.  Deterministic.
 * Source: Goto & van de Geijn 2008 for the tile; Georganas et al. 2018 for convolution by it. */
#include "conv2d_pixels.cl"

GROUPS_OF_ONE
__kernel void conv2d_pack(__global float *restrict panels, long panels_at,
                          __global const float *restrict w, long w_at, int groups, int outs,
                          int channels, int taps, long w_group, long w_out, long w_channel,
                          long w_first, long w_tap UNITS)
{
    const long n_panels = (outs + WIDE - 1) / WIDE, depth = (long)taps * channels;
    const long last = part_begin(groups * n_panels * depth, get_group_id(0) + 1, get_num_groups(0));
    for (long i = part_begin(groups * n_panels * depth, get_group_id(0), get_num_groups(0));
         i < last; i++) {
        const long k = i % depth, j = i / depth % n_panels * WIDE;
        __global const float *from = w + w_at + i / depth / n_panels * w_group + j * w_out +
                                     k % channels * w_channel + w_first + k / channels * w_tap;
        for (int x = 0; x < WIDE; x++)
            panels[panels_at + i * WIDE + x] = j + x < outs ? from[x * w_out] : 0.0f;
    }
}

/* ---- y, or dx ---- */

/* Of one axis and phase: the first weight that meets it, how many do, and where in the window, of
 * which `low` is the first row, the first one reads. */
typedef struct {
    int first, n, at;
} conv_taps;

conv_taps conv_meet(int phase, int phases, int first, int step, int kernel_size, int every, int low)
{
    for (int k = 0; k < every && k < kernel_size; k++) {
        const int at = phase + first + k * step;
        if (at % phases == 0) {
            conv_taps taps = {k, (kernel_size - 1 - k) / every + 1, at / phases - low};
            return taps;
        }
    }
    conv_taps none = {0, 0, 0};
    return none;
}

int conv_floor(int a, int b)
{
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/* The same for pixels `apart`, in lines of n. */
void conv_put_apart(__global float *restrict to, __global const float *restrict mask, long plane,
                    __global const float *restrict sums, int lines, long line, int n, int apart,
                    int channels, int flags, __global const float *restrict bias)
{
    for (int c = 0; c < channels; c++)
        for (int y = 0; y < lines; y++)
            for (int x = 0; x < n; x++) {
                const long at = c * plane + y * line + x * apart;
                to[at] = conv_finish(sums[((long)y * n + x) * WIDE + c], flags,
                                     flags & BIAS ? bias[c] : 0.0f, mask + at);
            }
}

GROUPS_OF_ONE
__kernel void conv2d_tile(__global float *restrict y, long y_at, __global const float *restrict x,
                          long x_at, __global const float *restrict panels, long panels_at,
                          __global const float *restrict bias, long bias_at,
                          __global const float *restrict mask, long mask_at,
                          __global float *restrict scratch, long scratch_at, long scratch_floats,
                          long window_floats, long samples, int groups, int channels, int height,
                          int width, int outs, int out_height, int out_width, int kernel_y,
                          int kernel_x, int source_y, int source_x, int phases_y, int phases_x,
                          int first_y, int first_x, int step_y, int step_x, int every_y,
                          int every_x, int rows, int blocks, int flags UNITS)
{
    const long items = samples * groups * blocks, plane = (long)out_height * out_width;
    const long last = part_begin(items, get_group_id(0) + 1, get_num_groups(0));
    const long depth = (long)kernel_y * kernel_x * channels;
    const long n_panels = (outs + WIDE - 1) / WIDE;
    const int most_y = (out_height + phases_y - 1) / phases_y;
    const int most_x = (out_width + phases_x - 1) / phases_x;
    const int low_y = conv_floor(first_y, phases_y), low_x = conv_floor(first_x, phases_x);
    const int tall =
        conv_floor(phases_y - 1 + first_y + (kernel_y - 1) * step_y, phases_y) - low_y + 1;
    const int columns = (most_x - 1) * source_x + 1 - low_x +
                        conv_floor(phases_x - 1 + first_x + (kernel_x - 1) * step_x, phases_x);
    scratch += scratch_at + get_group_id(0) * scratch_floats;
    __global float *sums = scratch + window_floats;
    for (long item = part_begin(items, get_group_id(0), get_num_groups(0)); item < last; item++) {
        const int t = item % blocks * rows, n_rows = min(rows, most_y - t);
        const long image = item / blocks, group = image % groups;
        __global const float *all = panels + panels_at + group * n_panels * depth * WIDE;
        conv_window(scratch, channels, x + x_at + image * channels * height * width, channels,
                    height, width, t * source_y + low_y, (n_rows - 1) * source_y + tall, low_x,
                    columns);
        for (int phase = 0; phase < phases_y * phases_x; phase++) {
            const int py = phase / phases_x, px = phase % phases_x;
            const conv_taps ty = conv_meet(py, phases_y, first_y, step_y, kernel_y, every_y, low_y);
            const conv_taps tx = conv_meet(px, phases_x, first_x, step_x, kernel_x, every_x, low_x);
            const int down = min(n_rows, (out_height - py + phases_y - 1) / phases_y - t);
            const int across = (out_width - px + phases_x - 1) / phases_x;
            const long line = (long)columns * channels;
            conv_walk w = {ty.n, tx.n, channels, step_y * every_y / phases_y * line,
                           (long)(step_x * every_x / phases_x) * channels, 1,
                           every_y * kernel_x * (long)channels * WIDE,
                           every_x * (long)channels * WIDE};
            if (w.a_run == channels && every_x == 1) {
                w.runs = min(tx.n, 1);
                w.length = (long)tx.n * channels;
            }
            __global const float *from = scratch + ty.at * line + (long)tx.at * channels;
            for (long j = 0; j < outs && down > 0 && across > 0; j += WIDE) {
                const long at = (image * outs + j) * plane +
                                ((long)t * phases_y + py) * out_width + px;
                __global const float *panel =
                    all + (j * depth + ((long)ty.first * kernel_x + tx.first) * channels * WIDE);
                __global const float *b = bias + bias_at + group * outs + j;
                const int n = min((int)(outs - j), WIDE);
                if (n > VW)
                    conv_tiles(sums, from, source_y * line, (long)source_x * channels,
                               (long)down * across, across, panel, &w);
                else
                    conv_tiles_alone(sums, from, source_y * line, (long)source_x * channels,
                                     (long)down * across, across, panel, &w);
                if (phases_y * phases_x == 1)
                    conv_put(y + y_at + at, mask + mask_at + at, plane, sums, (long)down * across,
                             n, flags, b);
                else
                    conv_put_apart(y + y_at + at, mask + mask_at + at, plane, sums, down,
                                   (long)phases_y * out_width, across, phases_x, n, flags, b);
            }
        }
    }
}

/* ---- dw and db ---- */

/* Weights k .. of `depth`, each a row of WIDE sums in `part`. */
#define CONV_WEIGHTS(name, multiply, tall, vectors)                                                \
    void name(__global float *restrict part, int more, __global const float *restrict from,       \
              long pitch, int channels, int kernel_y, int kernel_x, long down, long right,         \
              __global const float *restrict panel, const conv_walk *w)                            \
    {                                                                                              \
        int c = 0, x = 0, y = 0;                                                                   \
        const int depth = channels * kernel_y * kernel_x;                                          \
        for (int k = 0; k < depth; k += tall, part += tall * WIDE) {                               \
            __global const float *at[tall];                                                        \
            VEC tile[tall][vectors];                                                               \
            _Pragma("unroll") for (int i = 0; i < tall; i++)                                       \
            {                                                                                      \
                at[i] = from + y * down + x * right + c;                                           \
                if (k + i + 1 < depth && ++c == channels) {                                        \
                    c = 0;                                                                         \
                    if (++x == kernel_x) {                                                         \
                        x = 0;                                                                     \
                        y++;                                                                       \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
            multiply(tile, at, panel, w, w->a_step);                                               \
            _Pragma("unroll") for (int i = 0; i < tall; i++)                                       \
                _Pragma("unroll") for (int v = 0; v < vectors; v++)                                \
                    if (k + i < depth) {                                                           \
                        __global float *to = part + i * WIDE + v * VW;                             \
                        VSTORE(more ? tile[i][v] + VLOAD(to) : tile[i][v], to);                    \
                    }                                                                              \
        }                                                                                          \
    }
CONV_WEIGHTS(conv_weights, conv_multiply, TALL, 2)
CONV_WEIGHTS(conv_weights_alone, conv_multiply_alone, TALL_ALONE, 1)

/* A row of sums of the panel's n pixels. */
void conv_sums(__global float *restrict to, int more, __global const float *restrict panel, long n)
{
    VEC a = 0.0f, b = 0.0f;
    for (long p = 0; p < n; p++) {
        a += VLOAD(panel + p * WIDE);
        b += VLOAD(panel + p * WIDE + VW);
    }
    VSTORE(more ? a + VLOAD(to) : a, to);
    VSTORE(more ? b + VLOAD(to + VW) : b, to + VW);
}

/* A part has for each group and panel `depth` rows for dw, one for db. */
GROUPS_OF_ONE
__kernel void conv2d_parts(__global float *restrict parts, long parts_at,
                           __global const float *restrict dy, long dy_at,
                           __global const float *restrict x, long x_at,
                           __global float *restrict scratch, long scratch_at, long part_floats,
                           long scratch_floats, long window_floats, long pitch, long samples,
                           int groups, int channels, int height, int width, int outs,
                           int out_height, int out_width, int kernel_y, int kernel_x, int stride_y,
                           int stride_x, int pad_y, int pad_x, int step_y, int step_x, int rows,
                           int blocks UNITS)
{
    const long items = samples * blocks;
    const long first = part_begin(items, get_group_id(0), get_num_groups(0));
    const long last = part_begin(items, get_group_id(0) + 1, get_num_groups(0));
    const long depth = (long)kernel_y * kernel_x * channels;
    const long n_panels = (outs + WIDE - 1) / WIDE;
    const int columns = (out_width - 1) * stride_x + (kernel_x - 1) * step_x + 1;
    const long line = columns * pitch;
    parts += parts_at + get_group_id(0) * part_floats;
    scratch += scratch_at + get_group_id(0) * scratch_floats;
    __global float *panel = scratch + window_floats;
    for (long item = first; item < last; item++) {
        const int t = item % blocks * rows, n_rows = min(rows, out_height - t);
        const conv_walk w = {n_rows, 1, out_width, stride_y * line, 0, stride_x * pitch,
                             (long)out_width * WIDE, 0};
        for (int group = 0; group < groups; group++) {
            const long image = item / blocks * groups + group;
            conv_window(scratch, pitch, x + x_at + image * channels * height * width, channels,
                        height, width, t * stride_y - pad_y,
                        (n_rows - 1) * stride_y + (kernel_y - 1) * step_y + 1, -pad_x, columns);
            for (long j = 0; j < n_panels; j++) {
                const int n = min((int)(outs - j * WIDE), WIDE), places = out_height * out_width;
                __global float *part = parts + (group * n_panels + j) * (depth + 1) * WIDE;
                conv_window(panel, WIDE, dy + dy_at + (image * outs + j * WIDE) * places, n, 1,
                            places, 0, 1, t * out_width, n_rows * out_width);
                if (n > VW)
                    conv_weights(part, item > first, scratch, pitch, channels, kernel_y, kernel_x,
                                 step_y * line, step_x * pitch, panel, &w);
                else
                    conv_weights_alone(part, item > first, scratch, pitch, channels, kernel_y,
                                       kernel_x, step_y * line, step_x * pitch, panel, &w);
                conv_sums(part + depth * WIDE, item > first, panel, (long)n_rows * out_width);
            }
        }
    }
}

GROUPS_OF_ONE
__kernel void conv2d_parts_sum(__global float *restrict dw, long dw_at, __global float *restrict db,
                               long db_at, __global const float *restrict parts, long parts_at,
                               long part_floats, int n_parts, int groups, int channels, int outs,
                               int taps, int flags UNITS)
{
    const long depth = (long)taps * channels, n_panels = (outs + WIDE - 1) / WIDE;
    const long n = groups * n_panels * (depth + 1);
    const long last = part_begin(n, get_group_id(0) + 1, get_num_groups(0));
    parts += parts_at;
    for (long i = part_begin(n, get_group_id(0), get_num_groups(0)); i < last; i++) {
        const long k = i % (depth + 1), j = i / (depth + 1) % n_panels * WIDE;
        const long o = i / (depth + 1) / n_panels * outs + j;
        VEC a = 0.0f, b = 0.0f;
        float sum[WIDE];
        for (int p = 0; p < n_parts; p++) {
            a += VLOAD(parts + p * part_floats + i * WIDE);
            b += VLOAD(parts + p * part_floats + i * WIDE + VW);
        }
        VSTORE(a, sum);
        VSTORE(b, sum + VW);
        for (int lane = 0; lane < WIDE && j + lane < outs; lane++)
            if (k < depth)
                dw[dw_at + ((o + lane) * channels + k % channels) * taps + k / channels] =
                    sum[lane];
            else if (flags & SUMS)
                db[db_at + o + lane] = sum[lane];
    }
}
