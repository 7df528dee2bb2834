/* pool2d: the largest or the mean of what a window sees in each channel, and their gradients;
 * runtime/graph/op/pool2d.c has the formulas.  n_planes = B C images of one channel.
 * plain   one work-item an element of the output, which looks for what belongs to it.
 * planes  for CPUs: groups of one work-item, each with a range of whole planes, in which a gradient
 *         can go to where it belongs; windows of 2x2 that do not overlap have a way of their own.
 * blocks  the gradient of the largest on GPUs: windows of 2x2 that do not overlap, a work-item for
 *         each block of 2x2 pixels, or what of it is within the image.
 * pairs   the same where they cover the image: two pairs of pixels are read and written.
 * NaN is larger than any number, as in PyTorch; the first of equals gets the gradient. */
#include "vector.cl"

#define WINDOW                                                                                     \
    int height, int width, int out_height, int out_width, int kernel_y, int kernel_x,             \
        int stride_y, int stride_x, int pad_y, int pad_x, int flags

#define POOL_RELU 1 /* max_pool2d_grad: the gradient of a relu before it, too */
#define POOL_COUNT 2

/* Is b, which comes later, to replace a as the largest? */
#define LARGER(b, a) ((b) > (a) || ((b) != (b) && (a) == (a)))

/* What a window sees along one axis: [first, last). */
typedef struct {
    int first, last;
} pool_span;

pool_span pool_sees(int place, int stride, int pad, int extent, int size)
{
    const int at = place * stride - pad;
    pool_span span = {max(at, 0), min(at + extent, size)};
    return span;
}

/* By which the sum of a window is divided. */
float pool_count(pool_span y, pool_span x, int kernel_y, int kernel_x, int flags)
{
    return flags & POOL_COUNT ? (float)kernel_y * (float)kernel_x
                                 : (float)(y.last - y.first) * (float)(x.last - x.first);
}

/* Where the largest is that a window sees. */
int pool_argmax(__global const float *plane, int width, pool_span y, pool_span x)
{
    int best = y.first * width + x.first;
    float most = plane[best];
    for (int i = y.first; i < y.last; i++)
        for (int j = x.first; j < x.last; j++)
            if (LARGER(plane[i * width + j], most)) {
                best = i * width + j;
                most = plane[best];
            }
    return best;
}

/* The places whose windows may see pixel `at`: [first, last). */
pool_span pool_seen(int at, int stride, int pad, int extent, int places)
{
    const int low = at + pad - extent; /* the last that ends before it begins at most there */
    pool_span span = {low < 0 ? 0 : low / stride + 1, min((at + pad) / stride + 1, places)};
    return span;
}

/* ---- plain ---- */

__kernel void max_pool2d_plain(__global float *y, long y_at, __global const float *x, long x_at,
                               WINDOW, long n_planes)
{
    const long i = get_global_id(0), places = (long)out_height * out_width;
    if (i >= n_planes * places)
        return;
    __global const float *plane = x + x_at + i / places * height * width;
    const int oy = i % places / out_width, ox = i % out_width;
    y[y_at + i] = plane[pool_argmax(plane, width, pool_sees(oy, stride_y, pad_y, kernel_y, height),
                                    pool_sees(ox, stride_x, pad_x, kernel_x, width))];
}

__kernel void avg_pool2d_plain(__global float *y, long y_at, __global const float *x, long x_at,
                               WINDOW, long n_planes)
{
    const long i = get_global_id(0), places = (long)out_height * out_width;
    if (i >= n_planes * places)
        return;
    __global const float *plane = x + x_at + i / places * height * width;
    const pool_span rows =
        pool_sees(i % places / out_width, stride_y, pad_y, kernel_y, height);
    const pool_span columns = pool_sees(i % out_width, stride_x, pad_x, kernel_x, width);
    float sum = 0.0f;
    for (int iy = rows.first; iy < rows.last; iy++)
        for (int ix = columns.first; ix < columns.last; ix++)
            sum += plane[iy * width + ix];
    y[y_at + i] = sum / pool_count(rows, columns, kernel_y, kernel_x, flags);
}

__kernel void max_pool2d_grad_plain(__global float *dx, long dx_at, __global const float *dy,
                                    long dy_at, __global const float *x, long x_at, WINDOW,
                                    long n_planes)
{
    const long i = get_global_id(0), pixels = (long)height * width;
    if (i >= n_planes * pixels)
        return;
    const int at = i % pixels;
    __global const float *plane = x + x_at + i / pixels * pixels;
    __global const float *d = dy + dy_at + i / pixels * out_height * out_width;
    const pool_span rows = pool_seen(at / width, stride_y, pad_y, kernel_y, out_height);
    const pool_span columns = pool_seen(at % width, stride_x, pad_x, kernel_x, out_width);
    float sum = 0.0f;
    for (int oy = rows.first; oy < rows.last; oy++)
        for (int ox = columns.first; ox < columns.last; ox++)
            if (pool_argmax(plane, width, pool_sees(oy, stride_y, pad_y, kernel_y, height),
                            pool_sees(ox, stride_x, pad_x, kernel_x, width)) == at)
                sum += d[oy * out_width + ox];
    dx[dx_at + i] = (flags & POOL_RELU) && !(plane[at] > 0.0f) ? 0.0f : sum;
}

__kernel void avg_pool2d_grad_plain(__global float *dx, long dx_at, __global const float *dy,
                                    long dy_at, WINDOW, long n_planes)
{
    const long i = get_global_id(0), pixels = (long)height * width;
    if (i >= n_planes * pixels)
        return;
    const int at = i % pixels;
    __global const float *d = dy + dy_at + i / pixels * out_height * out_width;
    const pool_span rows = pool_seen(at / width, stride_y, pad_y, kernel_y, out_height);
    const pool_span columns = pool_seen(at % width, stride_x, pad_x, kernel_x, out_width);
    float sum = 0.0f;
    for (int oy = rows.first; oy < rows.last; oy++)
        for (int ox = columns.first; ox < columns.last; ox++)
            sum += d[oy * out_width + ox] /
                   pool_count(pool_sees(oy, stride_y, pad_y, kernel_y, height),
                              pool_sees(ox, stride_x, pad_x, kernel_x, width), kernel_y, kernel_x,
                              flags);
    dx[dx_at + i] = sum;
}

/* ---- blocks ---- */

/* The gradient of four pixels, two above and two below, from that of their largest. */
float4 pool_block(float4 v, float d, int flags)
{
    const int second = LARGER(v.y, v.x), fourth = LARGER(v.w, v.z);
    const float upper = second ? v.y : v.x, lower = fourth ? v.w : v.z;
    const int below = LARGER(lower, upper);
    const float part = (flags & POOL_RELU) && !((below ? lower : upper) > 0.0f) ? 0.0f : d;
    const float over = below ? 0.0f : part, under = below ? part : 0.0f;
    return (float4)(second ? 0.0f : over, second ? over : 0.0f, fourth ? 0.0f : under,
                    fourth ? under : 0.0f);
}

/* A window's block, or at the right and lower edges one of pixels that no window sees. */
__kernel void max_pool2d_grad_blocks(__global float *restrict dx, long dx_at,
                                     __global const float *restrict dy, long dy_at,
                                     __global const float *restrict x, long x_at, WINDOW,
                                     long n_planes)
{
    const int columns = (width + 1) / 2, rows = (height + 1) / 2;
    const int i = (int)get_global_id(0), line = i / columns, column = i - line * columns;
    const int plane = line / rows, row = line - plane * rows;
    if (plane >= n_planes)
        return;
    const long at = ((long)plane * height + 2 * row) * width + 2 * column;
    float4 v = 0.0f;
    x += x_at + at;
    dx += dx_at + at;
    if (row < out_height && column < out_width)
        v = pool_block((float4)(x[0], x[1], x[width], x[width + 1]),
                       dy[dy_at + ((long)plane * out_height + row) * out_width + column], flags);
    const int two = 2 * column + 1 < width;
    dx[0] = v.x;
    if (two)
        dx[1] = v.y;
    if (2 * row + 1 == height)
        return;
    dx[width] = v.z;
    if (two)
        dx[width + 1] = v.w;
}

/* Rows of windows are 2 `width` apart, through all planes. */
__kernel void max_pool2d_grad_pairs(__global float *restrict dx, long dx_at,
                                    __global const float *restrict dy, long dy_at,
                                    __global const float *restrict x, long x_at, WINDOW,
                                    long n_planes)
{
    const int i = (int)get_global_id(0), row = i / out_width;
    if (i >= (int)n_planes * out_height * out_width)
        return;
    const long at = 2 * (long)row * width + 2 * (i - row * out_width);
    const float2 a = *(__global const float2 *)(x + x_at + at);
    const float2 b = *(__global const float2 *)(x + x_at + at + width);
    const float4 v = pool_block((float4)(a, b), dy[dy_at + i], flags);
    *(__global float2 *)(dx + dx_at + at) = v.xy;
    *(__global float2 *)(dx + dx_at + at + width) = v.zw;
}

/* ---- planes ---- */

/* Windows of 2x2 side by side, of which a row fills vectors. */
#define PAIRED                                                                                     \
    (kernel_y == 2 && kernel_x == 2 && stride_y == 2 && stride_x == 2 && pad_y == 0 &&             \
     pad_x == 0 && out_width >= 4)

#define EACH_PLANE(i)                                                                              \
    for (long i = part_begin(n_planes, get_group_id(0), get_num_groups(0)),                        \
              end_ = part_begin(n_planes, get_group_id(0) + 1, get_num_groups(0));                 \
         i < end_; i++)

/* A row of `places` windows of 2x2, several at a time; the last may lie over those before.  `row` is
 * the upper of two rows.  MAX_PAIRS_GRAD does the same for the gradient, written over both rows. */
#define MAX_PAIRS(name, vec, pair, load_pair, store, n)                                      \
    void name(__global float *restrict to, __global const float *restrict row, int width,          \
              int places)                                                                          \
    {                                                                                              \
        for (int i = 0; i < places; i += n) {                                                      \
            const int x = min(i, places - n);                                                      \
            const pair a = load_pair(0, row + 2 * x), b = load_pair(0, row + width + 2 * x);       \
            const vec upper = select(a.even, a.odd, LARGER(a.odd, a.even));                        \
            const vec lower = select(b.even, b.odd, LARGER(b.odd, b.even));                        \
            store(select(upper, lower, LARGER(lower, upper)), 0, to + x);                          \
        }                                                                                          \
    }
#define MAX_PAIRS_GRAD(name, vec, ivec, pair, load, load_pair, store_pair, n)                      \
    void name(__global float *restrict to, __global const float *restrict d,                       \
              __global const float *restrict row, int width, int places, int flags)                \
    {                                                                                              \
        for (int i = 0; i < places; i += n) {                                                      \
            const int x = min(i, places - n);                                                      \
            const pair a = load_pair(0, row + 2 * x), b = load_pair(0, row + width + 2 * x);       \
            const vec none = 0.0f;                                                                 \
            const ivec second = LARGER(a.odd, a.even), fourth = LARGER(b.odd, b.even);             \
            const vec upper = select(a.even, a.odd, second);                                       \
            const vec lower = select(b.even, b.odd, fourth);                                       \
            const ivec below = LARGER(lower, upper);                                               \
            vec part = load(0, d + x);                                                             \
            if (flags & POOL_RELU)                                                                 \
                part = select(none, part, select(upper, lower, below) > 0.0f);                     \
            const vec over = select(part, none, below), under = select(none, part, below);         \
            pair out;                                                                              \
            out.even = select(over, none, second);                                                 \
            out.odd = select(none, over, second);                                                  \
            store_pair(out, 0, to + 2 * x);                                                        \
            out.even = select(under, none, fourth);                                                \
            out.odd = select(none, under, fourth);                                                 \
            store_pair(out, 0, to + width + 2 * x);                                                \
        }                                                                                          \
    }
MAX_PAIRS(max_pairs8, float8, float16, vload16, vstore8, 8)
MAX_PAIRS(max_pairs4, float4, float8, vload8, vstore4, 4)
MAX_PAIRS_GRAD(max_pairs_grad8, float8, int8, float16, vload8, vload16, vstore16, 8)
MAX_PAIRS_GRAD(max_pairs_grad4, float4, int4, float8, vload4, vload8, vstore8, 4)

GROUPS_OF_ONE
__kernel void max_pool2d_planes(__global float *restrict y, long y_at,
                                __global const float *restrict x, long x_at, WINDOW,
                                long n_planes UNITS)
{
    EACH_PLANE (p) {
        __global const float *plane = x + x_at + p * height * width;
        __global float *to = y + y_at + p * out_height * out_width;
        for (int oy = 0; oy < out_height; oy++, to += out_width) {
            const pool_span rows = pool_sees(oy, stride_y, pad_y, kernel_y, height);
            if (PAIRED && out_width >= 8)
                max_pairs8(to, plane + 2 * oy * width, width, out_width);
            else if (PAIRED)
                max_pairs4(to, plane + 2 * oy * width, width, out_width);
            for (int ox = 0; !PAIRED && ox < out_width; ox++)
                to[ox] = plane[pool_argmax(plane, width, rows,
                                           pool_sees(ox, stride_x, pad_x, kernel_x, width))];
        }
    }
}

GROUPS_OF_ONE
__kernel void avg_pool2d_planes(__global float *restrict y, long y_at,
                                __global const float *restrict x, long x_at, WINDOW,
                                long n_planes UNITS)
{
    EACH_PLANE (p) {
        __global const float *plane = x + x_at + p * height * width;
        __global float *to = y + y_at + p * out_height * out_width;
        for (int oy = 0; oy < out_height; oy++)
            for (int ox = 0; ox < out_width; ox++) {
                const pool_span rows = pool_sees(oy, stride_y, pad_y, kernel_y, height);
                const pool_span columns = pool_sees(ox, stride_x, pad_x, kernel_x, width);
                VEC sums = 0.0f;
                float sum = 0.0f;
                for (int iy = rows.first; iy < rows.last; iy++) {
                    int ix = columns.first;
                    for (; ix + VW <= columns.last; ix += VW)
                        sums += VLOAD(plane + iy * width + ix);
                    for (; ix < columns.last; ix++)
                        sum += plane[iy * width + ix];
                }
                sum += kernel_x >= VW ? vec_sum(sums) : 0.0f;
                to[oy * out_width + ox] =
                    sum / pool_count(rows, columns, kernel_y, kernel_x, flags);
            }
    }
}

GROUPS_OF_ONE
__kernel void max_pool2d_grad_planes(__global float *restrict dx, long dx_at,
                                     __global const float *restrict dy, long dy_at,
                                     __global const float *restrict x, long x_at, WINDOW,
                                     long n_planes UNITS)
{
    EACH_PLANE (p) {
        __global const float *plane = x + x_at + p * height * width;
        __global const float *d = dy + dy_at + p * out_height * out_width;
        __global float *to = dx + dx_at + p * height * width;
        if (!PAIRED || (width & 1) || (height & 1))
            for (int i = 0; i < height * width; i++)
                to[i] = 0.0f;
        for (int oy = 0; oy < out_height; oy++, d += out_width) {
            const pool_span rows = pool_sees(oy, stride_y, pad_y, kernel_y, height);
            const int at = 2 * oy * width;
            if (PAIRED && out_width >= 8)
                max_pairs_grad8(to + at, d, plane + at, width, out_width, flags);
            else if (PAIRED)
                max_pairs_grad4(to + at, d, plane + at, width, out_width, flags);
            for (int ox = 0; !PAIRED && ox < out_width; ox++) {
                const int best =
                    pool_argmax(plane, width, rows, pool_sees(ox, stride_x, pad_x, kernel_x, width));
                if (!(flags & POOL_RELU) || plane[best] > 0.0f)
                    to[best] += d[ox];
            }
        }
    }
}

GROUPS_OF_ONE
__kernel void avg_pool2d_grad_planes(__global float *restrict dx, long dx_at,
                                     __global const float *restrict dy, long dy_at, WINDOW,
                                     long n_planes UNITS)
{
    EACH_PLANE (p) {
        __global const float *d = dy + dy_at + p * out_height * out_width;
        __global float *to = dx + dx_at + p * height * width;
        for (int i = 0; i < height * width; i++)
            to[i] = 0.0f;
        for (int oy = 0; oy < out_height; oy++)
            for (int ox = 0; ox < out_width; ox++) {
                const pool_span rows = pool_sees(oy, stride_y, pad_y, kernel_y, height);
                const pool_span columns = pool_sees(ox, stride_x, pad_x, kernel_x, width);
                const float part = d[oy * out_width + ox] /
                                   pool_count(rows, columns, kernel_y, kernel_x, flags);
                for (int iy = rows.first; iy < rows.last; iy++)
                    for (int ix = columns.first; ix < columns.last; ix++)
                        to[iy * width + ix] += part;
            }
    }
}
