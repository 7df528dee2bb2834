/* conv2d_planes: convolution for CPUs where a group has too few channels to fill vectors with, as
 * in depthwise convolution: vectors go along the rows of an image.  Groups of one work-item.
 *
 * What is read is copied first, with zeros around and behind each row, so that every window is
 * whole and so is every vector; `pitch` floats a row.
 *
 * conv2d_planes         y, or dx from dy of a stride of 1; a group of channels at a time.
 * conv2d_planes_weight  dw and db; a channel of y at a time, over all samples: a vector of sums
 *                       for each weight, added up at the end.
 * Parameters: VW.  Deterministic. */
#include "vector.cl"
#include "matmul_flags.cl"

/* Rows row .. row+rows, columns column .. column+columns, zeros where the image is not. */
void plane_copy(__global float *restrict to, long pitch, __global const float *restrict from,
                int height, int width, int row, int rows, int column, int columns)
{
    const int begin = clamp(-column, 0, columns), end = clamp(width - column, begin, columns);
    for (int y = 0; y < rows; y++, to += pitch) {
        const bool inside = row + y >= 0 && row + y < height;
        const int left = inside ? begin : columns, right = inside ? end : columns;
        __global const float *line = from + (long)(row + y) * width + column;
        for (int x = 0; x < left; x++)
            to[x] = 0.0f;
        for (int x = left; x < right; x++)
            to[x] = line[x];
        for (long x = right; x < pitch; x++)
            to[x] = 0.0f;
    }
}

/* Floats `apart`; what is read ends before from + VW * apart. */
INLINE VEC plane_load(__global const float *from, const int apart)
{
    if (apart == 1)
        return VLOAD(from);
    if (apart == 2) {
        const VEC a = VLOAD(from), b = VLOAD(from + VW);
        return (VEC)(a.even, b.even);
    }
    float lane[VW];
    for (int i = 0; i < VW; i++)
        lane[i] = from[i * apart];
    return VLOAD(lane);
}

/* Of one channel: a vector of neighbouring windows, whose taps are `down` and `right` floats from
 * one another. */
INLINE VEC plane_windows(VEC sum, __global const float *from, __global const float *weight,
                          long w_tap, int kernel_y, int kernel_x, long down, long right,
                          const int apart)
{
    for (int k = 0; k < kernel_y; k++)
        for (int l = 0; l < kernel_x; l++, weight += w_tap)
            sum = (VEC)*weight * plane_load(from + k * down + l * right, apart) + sum;
    return sum;
}

/* Of one weight: all pixels of d, `rows` of `columns`, times what they read. */
INLINE VEC plane_product(VEC sum, __global const float *d, long pitch,
                         __global const float *from, long down, int rows, int columns,
                         const int apart)
{
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x += VW)
            sum = VLOAD(d + y * pitch + x) * plane_load(from + y * down + (long)x * apart, apart) +
                  sum;
    return sum;
}

/* The first n floats of v. */
void plane_put(__global float *to, __global const float *mask, VEC v, int n, int flags, float bias)
{
    float lane[VW];
    if (flags & BIAS)
        v += bias;
    if (flags & RELU)
        v = select(v, (VEC)0.0f, v < 0.0f);
    if (n >= VW) {
        VSTORE(flags & MASK ? select((VEC)0.0f, v, VLOAD(mask) > 0.0f) : v, to);
        return;
    }
    VSTORE(v, lane);
    for (int i = 0; i < n; i++)
        to[i] = (flags & MASK) && !(mask[i] > 0.0f) ? 0.0f : lane[i];
}

/* channels, outs: of a group.  Weight (o, c, tap) is at w_first + o w_out + c w_channel + tap
 * w_tap of a group. */
GROUPS_OF_ONE
__kernel void conv2d_planes(__global float *restrict y, long y_at, __global const float *restrict x,
                            long x_at, __global const float *restrict w, long w_at,
                            __global const float *restrict bias, long bias_at,
                            __global const float *restrict mask, long mask_at,
                            __global float *restrict scratch, long scratch_at, long scratch_floats,
                            long samples, long w_group, long w_out, long w_channel, long w_first,
                            long w_tap, int groups, int channels, int height, int width, int outs,
                            int out_height, int out_width, int kernel_y, int kernel_x, int source_y,
                            int source_x, int first_y, int first_x, int step_y, int step_x,
                            int rows, int columns, int pitch, int flags UNITS)
{
    const long last = part_begin(samples * groups, get_group_id(0) + 1, get_num_groups(0));
    scratch += scratch_at + get_group_id(0) * scratch_floats;
    for (long image = part_begin(samples * groups, get_group_id(0), get_num_groups(0)); image < last;
         image++) {
        const long group = image % groups;
        for (int c = 0; c < channels; c++)
            plane_copy(scratch + (long)c * rows * pitch, pitch,
                       x + x_at + (image * channels + c) * height * width, height, width, first_y,
                       rows, first_x, columns);
        for (long i = 0; i < (long)outs * out_height; i++) {
            const long o = i / out_height, row = i % out_height;
            const long at = (image * outs * out_height + i) * out_width;
            const float b = flags & BIAS ? bias[bias_at + group * outs + o] : 0.0f;
            for (int column = 0; column < out_width; column += VW) {
                __global const float *from =
                    scratch + row * source_y * pitch + (long)column * source_x;
                __global const float *weight =
                    w + w_at + group * w_group + o * w_out + w_first;
                const long down = (long)step_y * pitch;
                VEC sum = 0.0f;
                for (int c = 0; c < channels; c++, weight += w_channel, from += (long)rows * pitch)
                    sum = source_x == 1 ? plane_windows(sum, from, weight, w_tap, kernel_y,
                                                        kernel_x, down, step_x, 1)
                          : source_x == 2 ? plane_windows(sum, from, weight, w_tap, kernel_y,
                                                          kernel_x, down, step_x, 2)
                                          : plane_windows(sum, from, weight, w_tap, kernel_y,
                                                          kernel_x, down, step_x, source_x);
                plane_put(y + y_at + at + column, mask + mask_at + at + column, sum,
                          out_width - column, flags, b);
            }
        }
    }
}

/* outs: all; `wide` of them are a group. */
GROUPS_OF_ONE
__kernel void conv2d_planes_weight(__global float *restrict dw, long dw_at,
                                   __global float *restrict db, long db_at,
                                   __global const float *restrict dy, long dy_at,
                                   __global const float *restrict x, long x_at,
                                   __global float *restrict scratch, long scratch_at,
                                   long scratch_floats, long samples, int groups, int channels,
                                   int height, int width, int outs, int wide, int out_height,
                                   int out_width, int kernel_y, int kernel_x, int source_y,
                                   int source_x, int first_y, int first_x, int step_y, int step_x,
                                   int rows, int columns, int pitch, int out_pitch, int flags UNITS)
{
    const long last = part_begin(outs, get_group_id(0) + 1, get_num_groups(0));
    const int taps = kernel_y * kernel_x, depth = channels * taps;
    scratch += scratch_at + get_group_id(0) * scratch_floats;
    __global float *d = scratch + (long)channels * rows * pitch;
    __global float *sums = d + (long)out_height * out_pitch;
    for (long o = part_begin(outs, get_group_id(0), get_num_groups(0)); o < last; o++) {
        for (int i = 0; i < (depth + 1) * VW; i++)
            sums[i] = 0.0f;
        for (long sample = 0; sample < samples; sample++) {
            const long first = (sample * groups + o / wide) * channels;
            plane_copy(d, out_pitch, dy + dy_at + (sample * outs + o) * out_height * out_width,
                       out_height, out_width, 0, out_height, 0, out_width);
            for (int c = 0; c < channels; c++)
                plane_copy(scratch + (long)c * rows * pitch, pitch,
                           x + x_at + (first + c) * height * width, height, width, first_y, rows,
                           first_x, columns);
            for (int i = 0; i < depth; i++) {
                const int k = i % taps / kernel_x, l = i % kernel_x;
                __global const float *from =
                    scratch + ((long)(i / taps) * rows + k * step_y) * pitch + l * step_x;
                const long down = (long)source_y * pitch;
                const VEC sum = VLOAD(sums + i * VW);
                VSTORE(source_x == 1 ? plane_product(sum, d, out_pitch, from, down, out_height,
                                                     out_width, 1)
                       : source_x == 2 ? plane_product(sum, d, out_pitch, from, down, out_height,
                                                       out_width, 2)
                                       : plane_product(sum, d, out_pitch, from, down, out_height,
                                                       out_width, source_x),
                       sums + i * VW);
            }
            VEC sum = VLOAD(sums + depth * VW);
            for (long i = 0; i < (long)out_height * out_pitch; i += VW)
                sum += VLOAD(d + i);
            VSTORE(sum, sums + depth * VW);
        }
        for (int i = 0; i < depth; i++)
            dw[dw_at + o * depth + i] = vec_sum(VLOAD(sums + i * VW));
        if (flags & SUMS)
            db[db_at + o] = vec_sum(VLOAD(sums + depth * VW));
    }
}
