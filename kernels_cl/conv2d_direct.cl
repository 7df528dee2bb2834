/* conv2d_direct: convolution and its gradients for GPUs where groups have few channels, so that
 * there is little to share between them: straight from global memory.
 *
 * conv2d_direct         y or dx: a work-item has DOWN pixels of a plane and phase below each other.
 * conv2d_direct_weight  a group has TAPS taps of one channel and out, over some samples: its
 *                       work-items take places in turn, their sums are added up as a tree.  db is
 *                       the sums of dy.  Parts are laid out as those of conv2d_gemm_weight;
 *                       conv2d_weight_sum.cl adds them up.
 * Deterministic. */
#include "conv2d_taps.cl"
#define DOWN 4
#define TAPS 9
#define ITEMS 256

/* w as in conv2d_gemm_pack; i counts (sample, out, phase, rows / DOWN, column). */
__kernel void conv2d_direct(__global float *restrict y, long y_at, __global const float *restrict x,
                            long x_at, __global const float *restrict w, long w_at,
                            __global const float *restrict b, long b_at,
                            __global const float *restrict h, long h_at, long w_group, long w_out,
                            long w_channel, long w_first, long w_tap, int groups, int channels,
                            int in_y, int in_x, int outs, int out_y, int out_x, int kernel_y,
                            int kernel_x, int source_y, int source_x, int phases_y, int phases_x,
                            int first_y, int first_x, int step_y, int step_x, int every_y,
                            int every_x, int flags, int n)
{
    const int i = (int)get_global_id(0);
    const int across = (out_x + phases_x - 1) / phases_x;
    const int down = ((out_y + phases_y - 1) / phases_y + DOWN - 1) / DOWN;
    const int px = i % across, py = i / across % down * DOWN, z = i / across / down;
    const int phase_x = z % phases_x, phase_y = z / phases_x % phases_y;
    const int image = z / phases_x / phases_y, o = image % outs, group = image / outs % groups;
    if (i >= n || px * phases_x + phase_x >= out_x)
        return;
    const int t_y = first_tap(phase_y, first_y, step_y, phases_y, every_y);
    const int t_x = first_tap(phase_x, first_x, step_x, phases_x, every_x);
    const int taps_y = taps_from(t_y, kernel_y, every_y);
    const int taps_x = taps_from(t_x, kernel_x, every_x);
    const int hop_y = every_y * step_y / phases_y, hop_x = every_x * step_x / phases_x;
    const int iy = py * source_y + (phase_y + first_y + t_y * step_y) / phases_y;
    const int ix = px * source_x + (phase_x + first_x + t_x * step_x) / phases_x;
    float sum[DOWN];
#pragma unroll
    for (int r = 0; r < DOWN; r++)
        sum[r] = 0.0f;
    x += x_at + (long)(image / outs) * channels * in_y * in_x;
    w += w_at + group * w_group + o * w_out + w_first + (t_y * kernel_x + t_x) * w_tap;
    for (int c = 0; c < channels; c++)
        for (int k = 0; k < taps_y; k++)
            for (int l = 0; l < taps_x; l++) {
                const float weight =
                    w[c * w_channel + (k * every_y * kernel_x + l * every_x) * w_tap];
                const int at_y = iy + k * hop_y, at_x = ix + l * hop_x;
#pragma unroll
                for (int r = 0; r < DOWN; r++)
                    if ((uint)(at_y + r * source_y) < (uint)in_y && (uint)at_x < (uint)in_x)
                        sum[r] += weight * x[(c * in_y + at_y + r * source_y) * in_x + at_x];
            }
    const long plane = (long)image * out_y * out_x;
    const float bias = flags & BIAS ? b[b_at + group * outs + o] : 0.0f;
#pragma unroll
    for (int r = 0; r < DOWN; r++) {
        const int row = (py + r) * phases_y + phase_y;
        const long to = plane + (long)row * out_x + px * phases_x + phase_x;
        if (row < out_y)
            y[y_at + to] = conv_finish(sum[r], flags, bias, h + h_at + to);
    }
}

__attribute__((reqd_work_group_size(ITEMS, 1, 1)))
__kernel void conv2d_direct_weight(__global float *restrict parts, long parts_at,
                                   __global const float *restrict dy, long dy_at,
                                   __global const float *restrict x, long x_at, long part_floats,
                                   int chunk, int samples, int groups, int channels, int in_y,
                                   int in_x, int outs, int out_y, int out_x, int kernel_y,
                                   int kernel_x, int stride_y, int stride_x, int pad_y, int pad_x,
                                   int step_y, int step_x, int flags)
{
    __local float sums[TAPS + 1][ITEMS]; /* the last one is of dy */
    const int me = (int)get_local_id(0), z = (int)get_group_id(0);
    const int taps = kernel_y * kernel_x, pieces = (taps + TAPS - 1) / TAPS;
    const int t0 = z % pieces * TAPS, c = z / pieces % channels;
    const int o = z / pieces / channels % (groups * outs);
    const int part = z / pieces / channels / (groups * outs);
    const int places = out_y * out_x, plane = in_y * in_x;
    const int first = part * chunk, left = samples * places - first;
    const int last = first + (left < chunk ? left : chunk);
    int down[TAPS], across[TAPS];
    float sum[TAPS + 1];
#pragma unroll
    for (int t = 0; t < TAPS; t++) {
        down[t] = t0 + t < taps ? (t0 + t) / kernel_x * step_y - pad_y : NOWHERE;
        across[t] = (t0 + t) % kernel_x * step_x - pad_x;
        sum[t] = 0.0f;
    }
    sum[TAPS] = 0.0f;
    dy += dy_at + (long)o * places;
    x += x_at + ((long)(o / outs) * channels + c) * plane;
    int place = first + me;
    WALK(place, ITEMS);
    for (; place < last; place += ITEMS) {
        __global const float *from = x + (long)sample * (groups * channels * plane);
        const float d = dy[(long)sample * (groups * outs * places) + oy * out_x + ox];
        const int iy = oy * stride_y, ix = ox * stride_x;
        sum[TAPS] += d;
#pragma unroll
        for (int t = 0; t < TAPS; t++) {
            const int y_t = iy + down[t], x_t = ix + across[t];
            if ((uint)y_t < (uint)in_y && (uint)x_t < (uint)in_x)
                sum[t] += d * from[y_t * in_x + x_t];
        }
        WALK_ON
    }
#pragma unroll
    for (int t = 0; t <= TAPS; t++)
        sums[t][me] = sum[t];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int reach = ITEMS / 2; reach > 0; reach /= 2) {
        for (int t = 0; t <= TAPS && me < reach; t++)
            sums[t][me] += sums[t][me + reach];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    parts += parts_at + part * part_floats;
    if (me < TAPS && t0 + me < taps)
        parts[((long)o * channels + c) * taps + t0 + me] = sums[me][0];
    if (me == TAPS && (flags & SUMS) && t0 == 0 && c == 0)
        parts[(long)groups * outs * channels * taps + o] = sums[TAPS][0];
}
