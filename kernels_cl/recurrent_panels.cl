/* recurrent_panels: lstm and gru (recurrent.cl has the formulas) on CPUs, in groups of one work-item.
 *
 * A group has `chunk` samples and takes them through all positions, since samples do not meet.  At
 * each position it multiplies the states of its samples with w, a tile of ROWS samples by two
 * vectors of columns in registers, then goes through the gates.
 *
 * recurrent_pack   w as panels of two vectors of columns, `deep` rows one behind the other, zeros
 *                  beyond the last column; the first row of a panel is the bias, or 0.  A panel stays in
 *                  the first-level cache while the samples go by.
 *
 * States and gates are read where they are put out; `scratch` has the product of each sample, `span`
 * floats, a multiple of two vectors.  Every sum is one work-item's, in the order of the rows, so that
 * a sample's numbers do not depend on its neighbours. */
#include "sigmoid.cl"
#ifndef RECURRENT_PANELS_CL
#define RECURRENT_PANELS_CL
#define PANEL (2 * VW)
#define RECURRENT_ROWS (VW >= 16 ? 8 : 6)

/* panels of columns [0, columns) of a matrix with element (d, c) at w[d * down + c * across]. */
GROUPS_OF_ONE
__kernel void recurrent_pack(__global float *panels, long panels_at, __global const float *w,
                             long w_at, __global const float *b, long b_at, long columns, long deep,
                             long down, long across, int biased UNITS)
{
    const long first = (long)get_group_id(0) * PANEL, n = min((long)PANEL, columns - first);
    __global float *to = panels + panels_at + first * (deep + 1);
    w += w_at + first * across;
    for (long c = 0; c < PANEL; c++)
        to[c] = biased && c < n ? b[b_at + first + c] : 0.0f;
    for (long d = 0; d < deep; d++) {
        to += PANEL;
        for (long c = 0; c < PANEL; c++)
            to[c] = c < n ? w[d * down + c * across] : 0.0f;
    }
}

/* A panel's columns of `to` for n <= RECURRENT_ROWS samples: its first row, and with `deep` above 0
 * the product of their rows with the others.  Rows beyond the last are the last again. */
INLINE void recurrent_tile(__global float *to, long span, __global const float *rows, long stride,
                           int n, __global const float *panel, long deep)
{
    __global const float *row[RECURRENT_ROWS];
    VEC sum[RECURRENT_ROWS][2];
#pragma unroll
    for (int i = 0; i < RECURRENT_ROWS; i++) {
        row[i] = rows + min(i, n - 1) * stride;
        sum[i][0] = VLOAD(panel);
        sum[i][1] = VLOAD(panel + VW);
    }
    for (long d = 0; d < deep; d++) {
        panel += PANEL;
        const VEC low = VLOAD(panel), high = VLOAD(panel + VW);
#pragma unroll
        for (int i = 0; i < RECURRENT_ROWS; i++) {
            sum[i][0] += row[i][d] * low;
            sum[i][1] += row[i][d] * high;
        }
    }
#pragma unroll
    for (int i = 0; i < RECURRENT_ROWS; i++)
        if (i < n) {
            VSTORE(sum[i][0], to + i * span);
            VSTORE(sum[i][1], to + i * span + VW);
        }
}

/* to[s][c] = bias[c] + sum_d rows[s][d] w(d,c) for n samples and all columns. */
void recurrent_multiply(__global float *to, long span, __global const float *rows, long stride,
                        long n, __global const float *panels, long panel_rows, long deep)
{
    for (long c = 0; c < span; c += PANEL, panels += panel_rows * PANEL)
        for (long s = 0; s < n; s += RECURRENT_ROWS)
            recurrent_tile(to + s * span + c, span, rows + s * stride, stride,
                           (int)min((long)RECURRENT_ROWS, n - s), panels, deep);
}

/* A vector, or with `n` 1 a single element, in all lanes. */
INLINE VEC recurrent_load(__global const float *from, int n)
{
    return n == 1 ? (VEC)from[0] : VLOAD(from);
}

INLINE void recurrent_store(VEC v, __global float *to, int n)
{
    if (n == 1)
        to[0] = v.s0;
    else
        VSTORE(v, to);
}

/* STEP(j, n) for the units of a sample, in vectors and then one by one. */
#define RECURRENT_EACH(STEP)                                                                       \
    do {                                                                                           \
        long j = 0;                                                                                \
        for (; j + VW <= width; j += VW)                                                           \
            STEP(j, VW);                                                                           \
        for (; j < width; j++)                                                                     \
            STEP(j, 1);                                                                            \
    } while (0)

/* The samples of this group, [first, first + n). */
#define RECURRENT_GROUP                                                                            \
    const long first = (long)get_group_id(0) * chunk, n = min(chunk, samples - first);             \
    scratch += scratch_at + first * room;                                                          \
    panels += panels_at

/* ---- forward ---- */

INLINE void lstm_unit(__global float *y, __global float *gates, __global float *cells,
                      __global const float *x, __global const float *p, long width, int begins,
                      int n)
{
    VEC slope;
    const VEC i = act_sigmoid(recurrent_load(x, n) + recurrent_load(p, n), &slope);
    const VEC f = act_sigmoid(recurrent_load(x + width, n) + recurrent_load(p + width, n), &slope);
    const VEC g = act_tanh(recurrent_load(x + 2 * width, n) + recurrent_load(p + 2 * width, n));
    const VEC o =
        act_sigmoid(recurrent_load(x + 3 * width, n) + recurrent_load(p + 3 * width, n), &slope);
    VEC c = i * g;
    if (!begins)
        c += f * recurrent_load(cells - width, n);
    recurrent_store(i, gates, n);
    recurrent_store(f, gates + width, n);
    recurrent_store(g, gates + 2 * width, n);
    recurrent_store(o, gates + 3 * width, n);
    recurrent_store(c, cells, n);
    recurrent_store(o * act_tanh(c), y, n);
}

GROUPS_OF_ONE
__kernel void lstm_panels(__global float *y, long y_at, __global float *gates, long gates_at,
                          __global float *cells, long cells_at, __global float *scratch,
                          long scratch_at, __global const float *x, long x_at,
                          __global const float *panels, long panels_at, long samples, long length,
                          long width, long span, long room, long chunk, long begin UNITS)
{
    RECURRENT_GROUP;
    y += y_at + first * length * width;
    gates += gates_at + first * length * 4 * width;
    cells += cells_at + first * length * width;
    x += x_at + first * length * 4 * width;
    for (long t = begin; t < length; t++) {
        recurrent_multiply(scratch, span, y + (t - 1) * width, length * width, n, panels, width + 1,
                           t > 0 ? width : 0);
        for (long s = 0; s < n; s++) {
            const long at = (s * length + t) * width;
#define LSTM_STEP(j, m)                                                                            \
    lstm_unit(y + at + (j), gates + 4 * at + (j), cells + at + (j), x + 4 * at + (j),              \
              scratch + s * span + (j), width, t == 0, m)
            RECURRENT_EACH(LSTM_STEP);
        }
    }
}

INLINE void gru_unit(__global float *y, __global float *gates, __global const float *x,
                     __global const float *p, long width, int begins, int n)
{
    VEC slope;
    const VEC r = act_sigmoid(recurrent_load(x, n) + recurrent_load(p, n), &slope);
    const VEC z = act_sigmoid(recurrent_load(x + width, n) + recurrent_load(p + width, n), &slope);
    const VEC state = recurrent_load(p + 2 * width, n);
    const VEC m = act_tanh(recurrent_load(x + 2 * width, n) + r * state);
    VEC h = (1.0f - z) * m;
    if (!begins)
        h += z * recurrent_load(y - width, n);
    recurrent_store(r, gates, n);
    recurrent_store(z, gates + width, n);
    recurrent_store(m, gates + 2 * width, n);
    recurrent_store(state, gates + 3 * width, n);
    recurrent_store(h, y, n);
}

GROUPS_OF_ONE
__kernel void gru_panels(__global float *y, long y_at, __global float *gates, long gates_at,
                         __global float *scratch, long scratch_at, __global const float *x,
                         long x_at, __global const float *panels, long panels_at, long samples,
                         long length, long width, long span, long room, long chunk, long begin UNITS)
{
    RECURRENT_GROUP;
    y += y_at + first * length * width;
    gates += gates_at + first * length * 4 * width;
    x += x_at + first * length * 3 * width;
    for (long t = begin; t < length; t++) {
        recurrent_multiply(scratch, span, y + (t - 1) * width, length * width, n, panels, width + 1,
                           t > 0 ? width : 0);
        for (long s = 0; s < n; s++) {
            const long at = (s * length + t) * width;
#define GRU_STEP(j, m)                                                                             \
    gru_unit(y + at + (j), gates + 4 * at + (j), x + 3 * at + (j), scratch + s * span + (j),       \
             width, t == 0, m)
            RECURRENT_EACH(GRU_STEP);
        }
    }
}

/* ---- backward: scratch of a sample is {w^T dstate, carry} ---- */

/* before = y a position earlier. */
void recurrent_before(__global float *before, __global const float *y, long width, int begins)
{
    for (long j = 0; j < width; j++)
        before[j] = begins ? 0.0f : y[j - width];
}

INLINE void lstm_grad_unit(__global float *dx, __global float *p, __global float *carry,
                           __global const float *dy, __global const float *gates,
                           __global const float *cells, long width, int begins, int ends, int n)
{
    const VEC i = recurrent_load(gates, n), f = recurrent_load(gates + width, n);
    const VEC g = recurrent_load(gates + 2 * width, n), o = recurrent_load(gates + 3 * width, n);
    const VEC u = act_tanh(recurrent_load(cells, n));
    const VEC dh = recurrent_load(dy, n) + recurrent_load(p, n);
    VEC dc = dh * o * (1.0f - u * u);
    if (!ends)
        dc += recurrent_load(carry, n);
    const VEC earlier = begins ? (VEC)0.0f : recurrent_load(cells - width, n);
    recurrent_store(dc * g * i * (1.0f - i), dx, n);
    recurrent_store(dc * earlier * f * (1.0f - f), dx + width, n);
    recurrent_store(dc * i * (1.0f - g * g), dx + 2 * width, n);
    recurrent_store(dh * u * o * (1.0f - o), dx + 3 * width, n);
    recurrent_store(dc * f, carry, n);
}

GROUPS_OF_ONE
__kernel void lstm_grad_panels(__global float *dx, long dx_at, __global float *before,
                               long before_at, __global float *scratch, long scratch_at,
                               __global const float *dy, long dy_at, __global const float *y,
                               long y_at, __global const float *gates, long gates_at,
                               __global const float *cells, long cells_at,
                               __global const float *panels, long panels_at, long samples,
                               long length, long width, long span, long room, long chunk UNITS)
{
    RECURRENT_GROUP;
    __global float *carry = scratch + n * span;
    dx += dx_at + first * length * 4 * width;
    before += before_at + first * length * width;
    dy += dy_at + first * length * width;
    y += y_at + first * length * width;
    gates += gates_at + first * length * 4 * width;
    cells += cells_at + first * length * width;
    for (long t = length - 1; t >= 0; t--) {
        recurrent_multiply(scratch, span, dx + (t + 1) * 4 * width, length * 4 * width, n, panels,
                           4 * width + 1, t + 1 < length ? 4 * width : 0);
        for (long s = 0; s < n; s++) {
            const long at = (s * length + t) * width;
#define LSTM_GRAD_STEP(j, m)                                                                       \
    lstm_grad_unit(dx + 4 * at + (j), scratch + s * span + (j), carry + s * width + (j),           \
                   dy + at + (j), gates + 4 * at + (j), cells + at + (j), width, t == 0,           \
                   t + 1 == length, m)
            RECURRENT_EACH(LSTM_GRAD_STEP);
            recurrent_before(before + at, y + at, width, t == 0);
        }
    }
}

INLINE void gru_grad_unit(__global float *dx, __global float *dstate, __global float *p,
                          __global float *carry, __global const float *dy, __global const float *y,
                          __global const float *gates, long width, int begins, int ends, int n)
{
    const VEC r = recurrent_load(gates, n), z = recurrent_load(gates + width, n);
    const VEC m = recurrent_load(gates + 2 * width, n);
    const VEC h = begins ? (VEC)0.0f : recurrent_load(y - width, n);
    VEC dh = recurrent_load(dy, n) + recurrent_load(p, n);
    if (!ends)
        dh += recurrent_load(carry, n);
    const VEC dm = dh * (1.0f - z) * (1.0f - m * m), dz = dh * (h - m) * z * (1.0f - z);
    const VEC dr = dm * recurrent_load(gates + 3 * width, n) * r * (1.0f - r);
    recurrent_store(dr, dx, n);
    recurrent_store(dz, dx + width, n);
    recurrent_store(dm, dx + 2 * width, n);
    recurrent_store(dr, dstate, n);
    recurrent_store(dz, dstate + width, n);
    recurrent_store(dm * r, dstate + 2 * width, n);
    recurrent_store(dh * z, carry, n);
}

GROUPS_OF_ONE
__kernel void gru_grad_panels(__global float *dx, long dx_at, __global float *dstate,
                              long dstate_at, __global float *before, long before_at,
                              __global float *scratch, long scratch_at, __global const float *dy,
                              long dy_at, __global const float *y, long y_at,
                              __global const float *gates, long gates_at,
                              __global const float *panels, long panels_at, long samples,
                              long length, long width, long span, long room, long chunk UNITS)
{
    RECURRENT_GROUP;
    __global float *carry = scratch + n * span;
    dx += dx_at + first * length * 3 * width;
    dstate += dstate_at + first * length * 3 * width;
    before += before_at + first * length * width;
    dy += dy_at + first * length * width;
    y += y_at + first * length * width;
    gates += gates_at + first * length * 4 * width;
    for (long t = length - 1; t >= 0; t--) {
        recurrent_multiply(scratch, span, dstate + (t + 1) * 3 * width, length * 3 * width, n,
                           panels, 3 * width + 1, t + 1 < length ? 3 * width : 0);
        for (long s = 0; s < n; s++) {
            const long at = (s * length + t) * width;
#define GRU_GRAD_STEP(j, m)                                                                        \
    gru_grad_unit(dx + 3 * at + (j), dstate + 3 * at + (j), scratch + s * span + (j),              \
                  carry + s * width + (j), dy + at + (j), y + at + (j), gates + 4 * at + (j),      \
                  width, t == 0, t + 1 == length, m)
            RECURRENT_EACH(GRU_GRAD_STEP);
            recurrent_before(before + at, y + at, width, t == 0);
        }
    }
}
#endif
