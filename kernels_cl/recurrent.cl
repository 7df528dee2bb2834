/* lstm and gru, one position t of all samples (recurrent.c of the graph has the formulas), and the
 * gradients, for which the positions go backward:
 *
 *     dh[t] = dy[t] + w^T dstate[t+1] + what h[t+1] took past its gates (gru: z dh[t+1])
 *     lstm: dc[t] = dh o (1 - tanh(c)^2) + f[t+1] dc[t+1];  dstate = dx, the gradients of p
 *     gru:  dstate is dx but for n, where it is r dx
 *
 * gates is (B,T,4H): i f g o, or r z n and w_n h + b_n; x, dx and dstate are (B,T,GH), w (GH,H).
 * before[t] = y[t-1].  `carry` (B,H) is f dc or z dh of the position that was done last.
 * plain   one work-item a unit of a sample, a launch a position; runs anywhere; what the others are
 *         tested against.
 * The fast ones for CPUs are in recurrent_panels.cl. */

float recurrent_sigmoid(float x)
{
    return 1.0f / (1.0f + exp(-x));
}

/* Element `row` of w h + b; the first position has no h, and b only where `biased`. */
float recurrent_product(__global const float *w, __global const float *b, __global const float *h,
                        long row, long width, int biased, int begins)
{
    float sum = biased ? b[row] : 0.0f;
    for (long k = 0; !begins && k < width; k++)
        sum += w[row * width + k] * h[k];
    return sum;
}

/* Unit j of work-item `id`, and where position t of its sample is in (B,T,1). */
#define RECURRENT_UNIT(id)                                                                         \
    const long j = (id) % width, sample = (id) / width, at = sample * length + t

__kernel void lstm_plain(__global float *y, long y_at, __global float *gates, long gates_at,
                         __global float *cells, long cells_at, __global const float *x, long x_at,
                         __global const float *w, long w_at, __global const float *b, long b_at,
                         long samples, long length, long width, int biased, long t)
{
    const long id = get_global_id(0);
    if (id >= samples * width)
        return;
    RECURRENT_UNIT(id);
    __global const float *h = y + y_at + (at - 1) * width;
    __global float *gate = gates + gates_at + at * 4 * width + j;
    float p[4];
    for (int k = 0; k < 4; k++)
        p[k] = x[x_at + (at * 4 + k) * width + j] +
               recurrent_product(w + w_at, b + b_at, h, k * width + j, width, biased, t == 0);
    const float i = recurrent_sigmoid(p[0]), f = recurrent_sigmoid(p[1]), g = tanh(p[2]);
    const float o = recurrent_sigmoid(p[3]);
    const float c = (t > 0 ? f * cells[cells_at + (at - 1) * width + j] : 0.0f) + i * g;
    gate[0] = i;
    gate[width] = f;
    gate[2 * width] = g;
    gate[3 * width] = o;
    cells[cells_at + at * width + j] = c;
    y[y_at + at * width + j] = o * tanh(c);
}

__kernel void gru_plain(__global float *y, long y_at, __global float *gates, long gates_at,
                        __global const float *x, long x_at, __global const float *w, long w_at,
                        __global const float *b, long b_at, long samples, long length, long width,
                        int biased, long t)
{
    const long id = get_global_id(0);
    if (id >= samples * width)
        return;
    RECURRENT_UNIT(id);
    __global const float *h = y + y_at + (at - 1) * width;
    __global const float *own = x + x_at + at * 3 * width + j;
    __global float *gate = gates + gates_at + at * 4 * width + j;
    float p[3];
    for (int k = 0; k < 3; k++)
        p[k] = recurrent_product(w + w_at, b + b_at, h, k * width + j, width, biased, t == 0);
    const float r = recurrent_sigmoid(own[0] + p[0]), z = recurrent_sigmoid(own[width] + p[1]);
    const float n = tanh(own[2 * width] + r * p[2]);
    gate[0] = r;
    gate[width] = z;
    gate[2 * width] = n;
    gate[3 * width] = p[2];
    y[y_at + at * width + j] = (1.0f - z) * n + (t > 0 ? z * h[j] : 0.0f);
}

/* (w^T dstate)[j] of the next position; 0 behind the last. */
float recurrent_back(__global const float *w, __global const float *dstate, long rows, long width,
                     long j, int last)
{
    float sum = 0.0f;
    for (long r = 0; !last && r < rows; r++)
        sum += w[r * width + j] * dstate[r];
    return sum;
}

__kernel void lstm_grad_plain(__global float *dx, long dx_at, __global float *before,
                              long before_at, __global float *carry, long carry_at,
                              __global const float *dy, long dy_at, __global const float *y,
                              long y_at, __global const float *gates, long gates_at,
                              __global const float *cells, long cells_at, __global const float *w,
                              long w_at, long samples, long length, long width, long t)
{
    const long id = get_global_id(0);
    if (id >= samples * width)
        return;
    RECURRENT_UNIT(id);
    const int last = t + 1 == length;
    __global float *to = dx + dx_at + at * 4 * width;
    __global const float *gate = gates + gates_at + at * 4 * width + j;
    __global const float *cell = cells + cells_at + at * width + j;
    const float i = gate[0], f = gate[width], g = gate[2 * width], o = gate[3 * width];
    const float u = tanh(cell[0]);
    const float dh = dy[dy_at + at * width + j] +
                     recurrent_back(w + w_at, to + 4 * width, 4 * width, width, j, last);
    const float dc = dh * o * (1.0f - u * u) + (last ? 0.0f : carry[carry_at + id]);
    to[j] = dc * g * i * (1.0f - i);
    to[width + j] = t > 0 ? dc * cell[-width] * f * (1.0f - f) : 0.0f;
    to[2 * width + j] = dc * i * (1.0f - g * g);
    to[3 * width + j] = dh * u * o * (1.0f - o);
    carry[carry_at + id] = dc * f;
    before[before_at + at * width + j] = t > 0 ? y[y_at + (at - 1) * width + j] : 0.0f;
}

__kernel void gru_grad_plain(__global float *dx, long dx_at, __global float *dstate,
                             long dstate_at, __global float *before, long before_at,
                             __global float *carry, long carry_at, __global const float *dy,
                             long dy_at, __global const float *y, long y_at,
                             __global const float *gates, long gates_at, __global const float *w,
                             long w_at, long samples, long length, long width, long t)
{
    const long id = get_global_id(0);
    if (id >= samples * width)
        return;
    RECURRENT_UNIT(id);
    const int last = t + 1 == length;
    __global float *to = dx + dx_at + at * 3 * width + j;
    __global float *state = dstate + dstate_at + at * 3 * width;
    __global const float *gate = gates + gates_at + at * 4 * width + j;
    const float r = gate[0], z = gate[width], n = gate[2 * width];
    const float h = t > 0 ? y[y_at + (at - 1) * width + j] : 0.0f;
    const float dh = dy[dy_at + at * width + j] + (last ? 0.0f : carry[carry_at + id]) +
                     recurrent_back(w + w_at, state + 3 * width, 3 * width, width, j, last);
    const float dn = dh * (1.0f - z) * (1.0f - n * n);
    to[0] = state[j] = dn * gate[3 * width] * r * (1.0f - r);
    to[width] = state[width + j] = dh * (h - n) * z * (1.0f - z);
    to[2 * width] = dn;
    state[2 * width + j] = dn * r;
    carry[carry_at + id] = dh * z;
    before[before_at + at * width + j] = h;
}
