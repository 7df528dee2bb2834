/* conv2d_plain: convolution of images and its gradients, one work-item an element of the output;
 * runs anywhere; what the others are tested against.  x (B,C,H,W), w (O,C/groups,KH,KW), b (O),
 * y (B,O,OH,OW); runtime/graph/op/conv2d.c has the formula.
 * conv2d_dinput  looks for the places of the window that see a pixel, in the order of w.
 * conv2d_dbias   db (O) = sums of dy.
 * Sums over samples are sums of each sample's sum, so that little is lost.  Deterministic. */
#include "matmul_flags.cl"

/* What all of them get: sizes, then the window. */
#define GEOMETRY                                                                                   \
    int channels, int height, int width, int outs, int out_height, int out_width, int kernel_y,   \
        int kernel_x, int stride_y, int stride_x, int pad_y, int pad_x, int step_y, int step_x,   \
        int groups

/* b and h: of this element; read if the flags say so. */
float conv_plain_finish(float sum, int flags, __global const float *b, __global const float *h)
{
    if (flags & BIAS)
        sum += *b;
    if ((flags & RELU) && sum < 0.0f)
        sum = 0.0f;
    return (flags & MASK) && !(*h > 0.0f) ? 0.0f : sum;
}

__kernel void conv2d_plain(__global float *y, long y_at, __global const float *x, long x_at,
                           __global const float *w, long w_at, __global const float *b, long b_at,
                           __global const float *h, long h_at, GEOMETRY, int flags, long n)
{
    const long i = get_global_id(0);
    if (i >= n)
        return;
    const int ox = i % out_width, oy = i / out_width % out_height;
    const long image = i / out_width / out_height, sample = image / outs, o = image % outs;
    const int deep = channels / groups;
    const long first = sample * channels + o / (outs / groups) * deep;
    float sum = 0.0f;
    w += w_at + o * deep * kernel_y * kernel_x;
    for (int c = 0; c < deep; c++) {
        __global const float *plane = x + x_at + (first + c) * height * width;
        for (int k = 0; k < kernel_y; k++)
            for (int l = 0; l < kernel_x; l++, w++) {
                const int iy = oy * stride_y - pad_y + k * step_y;
                const int ix = ox * stride_x - pad_x + l * step_x;
                if (iy >= 0 && iy < height && ix >= 0 && ix < width)
                    sum += *w * plane[(long)iy * width + ix];
            }
    }
    y[y_at + i] = conv_plain_finish(sum, flags, b + b_at + o, h + h_at + i);
}

__kernel void conv2d_dinput_plain(__global float *dx, long dx_at, __global const float *dy,
                                  long dy_at, __global const float *w, long w_at,
                                  __global const float *b, long b_at, __global const float *h,
                                  long h_at, GEOMETRY, int flags, long n)
{
    const long i = get_global_id(0);
    if (i >= n)
        return;
    const int ix = i % width, iy = i / width % height;
    const long image = i / width / height, sample = image / channels, c = image % channels;
    const int deep = channels / groups, wide = outs / groups;
    const long group = c / deep, first = sample * outs + group * wide;
    float sum = 0.0f;
    for (int o = 0; o < wide; o++) {
        __global const float *plane = dy + dy_at + (first + o) * out_height * out_width;
        __global const float *to =
            w + w_at + ((group * wide + o) * deep + c % deep) * kernel_y * kernel_x;
        for (int k = 0; k < kernel_y; k++)
            for (int l = 0; l < kernel_x; l++, to++) {
                const int ty = iy + pad_y - k * step_y, tx = ix + pad_x - l * step_x;
                if (ty >= 0 && ty % stride_y == 0 && ty / stride_y < out_height && tx >= 0 &&
                    tx % stride_x == 0 && tx / stride_x < out_width)
                    sum += *to * plane[(long)(ty / stride_y) * out_width + tx / stride_x];
            }
    }
    dx[dx_at + i] = conv_plain_finish(sum, flags, b + b_at + c, h + h_at + i);
}

__kernel void conv2d_dweight_plain(__global float *dw, long dw_at, __global const float *dy,
                                   long dy_at, __global const float *x, long x_at, GEOMETRY,
                                   long samples, long n)
{
    const long i = get_global_id(0);
    if (i >= n)
        return;
    const int deep = channels / groups;
    const int l = i % kernel_x, k = i / kernel_x % kernel_y;
    const long c = i / kernel_x / kernel_y % deep, o = i / kernel_x / kernel_y / deep;
    const long from = o / (outs / groups) * deep + c;
    float sum = 0.0f;
    for (long s = 0; s < samples; s++) {
        __global const float *d = dy + dy_at + (s * outs + o) * out_height * out_width;
        __global const float *plane = x + x_at + (s * channels + from) * height * width;
        float part = 0.0f;
        for (int oy = 0; oy < out_height; oy++) {
            const int iy = oy * stride_y - pad_y + k * step_y;
            for (int ox = 0; iy >= 0 && iy < height && ox < out_width; ox++) {
                const int ix = ox * stride_x - pad_x + l * step_x;
                if (ix >= 0 && ix < width)
                    part += d[(long)oy * out_width + ox] * plane[(long)iy * width + ix];
            }
        }
        sum += part;
    }
    dw[dw_at + i] = sum;
}

__kernel void conv2d_dbias_plain(__global float *db, long db_at, __global const float *dy,
                                 long dy_at, long outs, long places, long samples)
{
    const long o = get_global_id(0);
    float sum = 0.0f;
    if (o >= outs)
        return;
    for (long s = 0; s < samples; s++) {
        __global const float *d = dy + dy_at + (s * outs + o) * places;
        float part = 0.0f;
        for (long i = 0; i < places; i++)
            part += d[i];
        sum += part;
    }
    db[db_at + o] = sum;
}
