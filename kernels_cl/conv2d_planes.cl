/* conv2d_planes: convolution for CPUs where a group has too few channels to fill vectors with, as
 * in depthwise convolution: vectors go along the rows of an image.  Groups of one work-item.
 *
 * What is read is copied first, with zeros around and behind each row, so that every window is
 * whole and so is every vector.  Of a stride S the columns c, c + S, ... lie side by side, `sub`
 * floats for each c, `pitch` for all of a row: vectors then read neighbours whatever the stride.
 * The zeros are written once, for all planes that a group of the launch reads.  A table says, for
 * each weight, how far from its window's corner it reads.
 *
 * conv2d_planes         y, or dx from dy; a group of channels at a time.  A tile is PLANE_ROWS
 *                       rows of two vectors, so that a weight that was fetched serves eight sums.
 *                       Of a stride dx has phases, as in conv2d_tile.cl, put together at the end.
 * conv2d_planes_weight  dw and db; a channel of y at a time, over all samples: a vector of sums
 *                       for each weight, added up at the end.  Pixels meet PLANE_WEIGHTS
 *                       weights at a time, as many sums as registers hold; 3 x 3 are 9.
 * Parameters: VW.  Deterministic. */
#include "vector.cl"
#include "conv2d_taps.cl"
#define PLANE_ROWS 4
#define PLANE_WEIGHTS 9

void plane_zero(__global float *to, long n)
{
    for (long i = 0; i < n; i++)
        to[i] = 0.0f;
}

/* n floats; the last vector lies over the one before. */
INLINE void plane_line(__global float *restrict to, __global const float *restrict from, int n)
{
    if (n >= VW) {
        const VEC last = VLOAD(from + n - VW);
        for (int x = 0; x < n - VW; x += VW)
            VSTORE(VLOAD(from + x), to + x);
        VSTORE(last, to + n - VW);
    } else if (n >= 4) {
        const float4 a = vload4(0, from), b = vload4(0, from + n - 4);
        vstore4(a, 0, to);
        if (n > 8)
            vstore4(vload4(0, from + 4), 0, to + 4);
        if (n > 12)
            vstore4(vload4(0, from + 8), 0, to + 8);
        vstore4(b, 0, to + n - 4);
    } else
        for (int x = 0; x < n; x++)
            to[x] = from[x];
}

/* 2 n floats, taken apart: every other one to `to`, those between to `odd`. */
INLINE void plane_line_apart(__global float *restrict to, __global float *restrict odd,
                      __global const float *restrict from, int n)
{
    if (n >= VW)
        for (int x = 0; x < n; x += VW) {
            const int at = min(x, n - VW);
            const VEC a = VLOAD(from + 2 * at), b = VLOAD(from + 2 * at + VW);
            VSTORE((VEC)(a.even, b.even), to + at);
            VSTORE((VEC)(a.odd, b.odd), odd + at);
        }
    else
        for (int x = 0; x < n; x++) {
            to[x] = from[2 * x];
            odd[x] = from[2 * x + 1];
        }
}

/* What of an image lies in rows row .. row+rows, columns column .. column+columns, where these are
 * `source` x `sub` floats a row. */
void plane_copy(__global float *restrict to, int source, int sub,
                __global const float *restrict from, int height, int width, int row, int rows,
                int column, int columns)
{
    const int begin = clamp(-column, 0, columns), end = clamp(width - column, begin, columns);
    const int top = clamp(-row, 0, rows), bottom = clamp(height - row, top, rows);
    const int first = begin + begin % 2, pairs = max(end - first, 0) / 2;
    from += (long)(row + top) * width + column;
    to += (long)top * source * sub;
    for (int y = top; y < bottom; y++, from += width, to += source * sub) {
        if (source == 1) {
            plane_line(to + begin, from + begin, end - begin);
            continue;
        }
        if (source == 2)
            plane_line_apart(to + first / 2, to + sub + first / 2, from + first, pairs);
        /* Where there are no pairs, all of it. */
        for (int x = begin; x < (source == 2 ? min(first, end) : end); x++)
            to[x % source * sub + x / source] = from[x];
        for (int x = first + 2 * pairs; x < end && source == 2; x++)
            to[x % 2 * sub + x / 2] = from[x];
    }
}

/* A phase's entry for each weight that meets it, channel by channel: where it reads, and where it
 * lies in w; in front their number.  low: the first row and column of what was copied. */
void plane_table(__global int *table, int phase_y, int phase_x, int channels, long w_channel,
                 long w_tap, int kernel_y, int kernel_x, int source_x, int phases_y, int phases_x,
                 int first_y, int first_x, int step_y, int step_x, int every_y, int every_x,
                 int low_y, int low_x, int rows, int sub)
{
    const int t_y = first_tap(phase_y, first_y, step_y, phases_y, every_y);
    const int t_x = first_tap(phase_x, first_x, step_x, phases_x, every_x);
    int n = 0;
    for (int c = 0; c < channels; c++)
        for (int k = t_y; k < kernel_y && t_y < every_y; k += every_y)
            for (int l = t_x; l < kernel_x && t_x < every_x; l += every_x, n++) {
                const int y = (phase_y + first_y + k * step_y) / phases_y - low_y;
                const int x = (phase_x + first_x + l * step_x) / phases_x - low_x;
                table[1 + 2 * n] = ((c * rows + y) * source_x + x % source_x) * sub + x / source_x;
                table[2 + 2 * n] = c * w_channel + (k * kernel_x + l) * w_tap;
            }
    table[0] = n;
}

/* ---- y, or dx ---- */

typedef struct {
    __global float *to;
    __global const float *mask; /* NULL: none */
    long pitch, n;              /* floats to a row, and in all */
    float bias, least;          /* added, and what is then less becomes this */
} plane_target;

INLINE VEC plane_finish(const plane_target *t, VEC v, long at)
{
    v += t->bias;
    v = select(v, (VEC)t->least, v < t->least);
    return t->mask ? select((VEC)0.0f, v, VLOAD(t->mask + at) > 0.0f) : v;
}

float plane_finish_single(const plane_target *t, float v, long at)
{
    v += t->bias;
    v = v < t->least ? t->least : v;
    return t->mask && !(t->mask[at] > 0.0f) ? 0.0f : v;
}

/* A vector whose first `lanes` count.  It may spill into what is written later. */
INLINE void plane_put(const plane_target *t, VEC v, long at, int lanes)
{
    float lane[VW];
    if (at + VW <= t->n) {
        VSTORE(plane_finish(t, v, at), t->to + at);
        return;
    }
    int i = 0;
    VSTORE(v, lane);
    for (; i + 4 <= lanes && !t->mask; i += 4) {
        const float4 four = vload4(0, lane + i) + t->bias;
        vstore4(select(four, (float4)t->least, four < t->least), 0, t->to + at + i);
    }
    for (; i < lanes; i++)
        t->to[at + i] = plane_finish_single(t, lane[i], at + i);
}

/* PLANE_ROWS rows of so many vectors, `down` floats apart where they read. */
#define PLANE_TILE(name, vectors)                                                                  \
    INLINE void name(const plane_target *t, long at, int rows, int columns,                        \
                     __global const float *from, long down, __global const int *table,             \
                     __global const float *w)                                                      \
    {                                                                                              \
        const int n = table[0];                                                                    \
        VEC sum[PLANE_ROWS][vectors];                                                              \
        _Pragma("unroll") for (int r = 0; r < PLANE_ROWS; r++)                                     \
            _Pragma("unroll") for (int v = 0; v < vectors; v++)                                    \
                sum[r][v] = 0.0f;                                                                  \
        for (int i = 0; i < n; i++) {                                                              \
            const VEC weight = w[table[2 + 2 * i]];                                                \
            __global const float *seen = from + table[1 + 2 * i];                                  \
            _Pragma("unroll") for (int r = 0; r < PLANE_ROWS; r++)                                 \
                _Pragma("unroll") for (int v = 0; v < vectors; v++)                                \
                    sum[r][v] = weight * VLOAD(seen + r * down + v * VW) + sum[r][v];              \
        }                                                                                          \
        const bool whole =                                                                         \
            rows == PLANE_ROWS && at + (PLANE_ROWS - 1) * t->pitch + vectors * VW <= t->n;         \
        _Pragma("unroll") for (int r = 0; r < PLANE_ROWS; r++)                                     \
            _Pragma("unroll") for (int v = 0; v < vectors; v++)                                    \
            {                                                                                      \
                const long to = at + r * t->pitch + v * VW;                                        \
                if (whole)                                                                         \
                    VSTORE(plane_finish(t, sum[r][v], to), t->to + to);                            \
                else if (r < rows)                                                                 \
                    plane_put(t, sum[r][v], to, min(columns - v * VW, VW));                        \
            }                                                                                      \
    }
PLANE_TILE(plane_tile, 2)
PLANE_TILE(plane_tile_alone, 1)

/* All of a plane, from right to left within PLANE_ROWS rows: what a vector has beyond a row is then
 * overwritten.  The last rows are taken together with some before them. */
void plane_tiles(const plane_target *target, int rows, int columns, __global const float *from,
                 long down, __global const int *table, __global const float *w)
{
    const plane_target t = *target; /* in registers */
    for (int row = 0; row < rows; row += PLANE_ROWS) {
        const int y = max(min(row, rows - PLANE_ROWS), 0), n = min(rows, PLANE_ROWS);
        for (int x = (columns - 1) / (2 * VW) * 2 * VW; x >= 0; x -= 2 * VW)
            if (columns - x > VW)
                plane_tile(&t, y * t.pitch + x, n, columns - x, from + y * down + x, down, table,
                           w);
            else
                plane_tile_alone(&t, y * t.pitch + x, n, columns - x, from + y * down + x, down,
                                 table, w);
    }
}

/* A row of the sums of each phase, `apart` floats from one to the next, to n pixels. */
void plane_join(const plane_target *t, long at, __global const float *sums, long apart, int phases,
                int n)
{
    int x = 0;
    if (phases == 2)
        for (; x + 2 * VW <= n; x += 2 * VW) {
            const VEC a = VLOAD(sums + x / 2), b = VLOAD(sums + apart + x / 2);
            VEC left, right;
            left.even = a.lo;
            left.odd = b.lo;
            right.even = a.hi;
            right.odd = b.hi;
            plane_put(t, left, at + x, VW);
            plane_put(t, right, at + x + VW, VW);
        }
    for (; x < n; x++)
        t->to[at + x] = plane_finish_single(t, sums[x % phases * apart + x / phases], at + x);
}

/* channels, outs: of a group.  Weight (o, c, tap) is at w_first + o w_out + c w_channel + tap
 * w_tap of a group.  The scratch holds the copy, the sums of all phases, and a table for each;
 * copy_floats and phase_floats are those of the first, and of the second for one phase. */
GROUPS_OF_ONE
__kernel void conv2d_planes(__global float *restrict y, long y_at, __global const float *restrict x,
                            long x_at, __global const float *restrict w, long w_at,
                            __global const float *restrict bias, long bias_at,
                            __global const float *restrict mask, long mask_at,
                            __global float *restrict scratch, long scratch_at, long scratch_floats,
                            long copy_floats, long phase_floats, long samples, long w_group,
                            long w_out, long w_channel, long w_first, long w_tap, int groups,
                            int channels, int height, int width, int outs, int out_height,
                            int out_width, int kernel_y, int kernel_x, int source_y, int source_x,
                            int phases_y, int phases_x, int first_y, int first_x, int step_y,
                            int step_x, int every_y, int every_x, int low_y, int low_x, int rows,
                            int columns, int sub, int out_pitch, int flags UNITS)
{
    const long last = part_begin(samples * groups, get_group_id(0) + 1, get_num_groups(0));
    const long pitch = (long)source_x * sub, plane = (long)out_height * out_width;
    const int phases = phases_y * phases_x;
    const int table_ints = 1 + 2 * channels * kernel_y * kernel_x;
    scratch += scratch_at + get_group_id(0) * scratch_floats;
    __global float *sums = scratch + copy_floats;
    __global int *tables = (__global int *)(sums + (phases > 1 ? phases * phase_floats : 0));
    plane_zero(scratch, copy_floats);
    for (int phase = 0; phase < phases; phase++)
        plane_table(tables + phase * table_ints, phase / phases_x, phase % phases_x, channels,
                    w_channel, w_tap, kernel_y, kernel_x, source_x, phases_y, phases_x, first_y,
                    first_x, step_y, step_x, every_y, every_x, low_y, low_x, rows, sub);
    for (long image = part_begin(samples * groups, get_group_id(0), get_num_groups(0));
         image < last; image++) {
        const long group = image % groups;
        for (int c = 0; c < channels; c++)
            plane_copy(scratch + c * rows * pitch, source_x, sub,
                       x + x_at + (image * channels + c) * height * width, height, width, low_y,
                       rows, low_x, columns);
        for (int o = 0; o < outs; o++) {
            const long at = (image * outs + o) * plane;
            __global const float *weight = w + w_at + group * w_group + o * w_out + w_first;
            const plane_target whole = {y + y_at + at, flags & MASK ? mask + mask_at + at : 0,
                                        out_width, plane,
                                        flags & BIAS ? bias[bias_at + group * outs + o] : 0.0f,
                                        flags & RELU ? 0.0f : -INFINITY};
            if (phases == 1) {
                plane_tiles(&whole, out_height, out_width, scratch, source_y * pitch, tables,
                            weight);
                continue;
            }
            for (int phase = 0; phase < phases; phase++) {
                const int down = (out_height - phase / phases_x + phases_y - 1) / phases_y;
                const int across = (out_width - phase % phases_x + phases_x - 1) / phases_x;
                const plane_target t = {sums + phase * phase_floats, 0, out_pitch, phase_floats,
                                        0.0f, -INFINITY};
                if (down > 0 && across > 0)
                    plane_tiles(&t, down, across, scratch, source_y * pitch,
                                tables + phase * table_ints, weight);
            }
            for (int row = 0; row < out_height; row++)
                plane_join(&whole, (long)row * out_width,
                           sums + row % phases_y * phases_x * phase_floats +
                               row / phases_y * (long)out_pitch,
                           phase_floats, phases_x, out_width);
        }
    }
}

/* ---- dw and db ---- */

/* PLANE_WEIGHTS weights of a table, of which `last` is the last that counts: all pixels of d, `rows`
 * of `columns`, times what they read, to vectors of sums. */
void plane_products(__global float *restrict sums, __global const float *restrict d, long pitch,
                    __global const float *restrict from, long down, int rows, int columns,
                    __global const int *restrict table, int last)
{
    __global const float *at[PLANE_WEIGHTS];
    VEC sum[PLANE_WEIGHTS];
#pragma unroll
    for (int i = 0; i < PLANE_WEIGHTS; i++) {
        at[i] = from + table[1 + 2 * min(i, last)];
        sum[i] = VLOAD(sums + i * VW);
    }
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x += VW) {
            const VEC pixels = VLOAD(d + y * pitch + x);
            const long to = y * down + x;
#pragma unroll
            for (int i = 0; i < PLANE_WEIGHTS; i++)
                sum[i] = pixels * VLOAD(at[i] + to) + sum[i];
        }
#pragma unroll
    for (int i = 0; i < PLANE_WEIGHTS; i++)
        VSTORE(sum[i], sums + i * VW);
}

/* outs: all; `wide` of them are a group.  The scratch holds the copies of x and dy, the table, and
 * for each channel sums_floats: sums for whole PLANE_WEIGHTS weights, and for db. */
GROUPS_OF_ONE
__kernel void conv2d_planes_weight(__global float *restrict dw, long dw_at,
                                   __global float *restrict db, long db_at,
                                   __global const float *restrict dy, long dy_at,
                                   __global const float *restrict x, long x_at,
                                   __global float *restrict scratch, long scratch_at,
                                   long scratch_floats, long copy_floats, long sums_floats,
                                   long samples, int groups, int channels, int height, int width,
                                   int outs, int wide, int out_height, int out_width, int kernel_y,
                                   int kernel_x, int source_y, int source_x, int first_y,
                                   int first_x, int step_y, int step_x, int rows, int columns,
                                   int sub, int out_pitch, int flags UNITS)
{
    const long begin = part_begin(outs, get_group_id(0), get_num_groups(0));
    const long end = part_begin(outs, get_group_id(0) + 1, get_num_groups(0));
    const long pitch = (long)source_x * sub, places = (long)out_height * out_width;
    const long d_floats = (long)out_height * out_pitch;
    const int depth = channels * kernel_y * kernel_x;
    scratch += scratch_at + get_group_id(0) * scratch_floats;
    __global float *d = scratch + copy_floats;
    __global float *sums = d + d_floats;
    __global int *table = (__global int *)(sums + (end - begin) * sums_floats);
    plane_zero(scratch, copy_floats + d_floats + (end - begin) * sums_floats);
    plane_table(table, 0, 0, channels, 0, 0, kernel_y, kernel_x, source_x, 1, 1, first_y, first_x,
                step_y, step_x, 1, 1, first_y, first_x, rows, sub);
    for (long sample = 0; sample < samples; sample++)
        for (long o = begin; o < end; o++) {
            const long first = (sample * groups + o / wide) * channels;
            __global float *mine = sums + (o - begin) * sums_floats;
            plane_copy(d, 1, out_pitch, dy + dy_at + (sample * outs + o) * places, out_height,
                       out_width, 0, out_height, 0, out_width);
            for (int c = 0; c < channels; c++)
                plane_copy(scratch + c * rows * pitch, source_x, sub,
                           x + x_at + (first + c) * height * width, height, width, first_y, rows,
                           first_x, columns);
            for (int i = 0; i < depth; i += PLANE_WEIGHTS)
                plane_products(mine + i * VW, d, out_pitch, scratch, source_y * pitch, out_height,
                               out_width, table + 2 * i, depth - 1 - i);
            if (flags & SUMS) {
                VEC sum = VLOAD(mine + sums_floats - VW);
                for (long i = 0; i < d_floats; i += VW)
                    sum += VLOAD(d + i);
                VSTORE(sum, mine + sums_floats - VW);
            }
        }
    for (long o = begin; o < end; o++, sums += sums_floats) {
        for (int i = 0; i < depth; i++)
            dw[dw_at + o * depth + i] = vec_sum(VLOAD(sums + i * VW));
        if (flags & SUMS)
            db[db_at + o] = vec_sum(VLOAD(sums + sums_floats - VW));
    }
}
