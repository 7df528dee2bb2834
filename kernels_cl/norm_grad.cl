/* norm_grad: the gradients of norm.cl, whose sizes and flags these are.  With {mean, factor} of each
 * row from stats, n = (x - mean) * factor and g = dy * weight:
 *     dx = factor * (g - mean of g - n * mean of g n), without the mean of g where flag 4 is set
 *     dweight = sum of dy n, dbias = sum of dy, over all elements that share them; flags 1 and 2 say
 *     which are there
 * dx may lie on dy: what sums over rows runs before it.
 * plain   dx: one work-item a row; sums: one work-item a parameter; run anywhere; what the others
 *         are tested against.
 * vector  one work-item for `chunk` rows, vectors of VW along the row, all gradients in one pass:
 *         a group leaves its sums in `parts`, dweight and dbias behind each other, and norm_finish
 *         adds them; the only group of a launch gives the result itself.
 * group   dx: one work-group for `chunk` rows, trees in local memory; sums: a work-item for a
 *         parameter and `chunk` samples, then norm_finish_lanes.cl, or norm_finish where groups are
 *         small, or, where runs are long, one work-group a parameter.
 * lanes   on GPUs: norm_lanes.cl. */
#include "norm_flags.cl"
#include "tree.cl"
#include "vector.cl"

__kernel void norm_dx_plain(__global float *dx, long dx_at, __global const float *dy, long dy_at,
                            __global const float *x, long x_at, __global const float *stats,
                            long stats_at, __global const float *weight, long weight_at, long rows,
                            long columns, long groups, long run, int flags)
{
    const long r = get_global_id(0);
    if (r >= rows)
        return;
    const float mean = stats[stats_at + 2 * r], factor = stats[stats_at + 2 * r + 1];
    float sum = 0.0f, slope = 0.0f;
    dx += dx_at + r * columns;
    dy += dy_at + r * columns;
    x += x_at + r * columns;
    weight += weight_at + r % groups * (columns / run);
    for (long c = 0; c < columns; c++) {
        const float g = flags & NORM_WEIGHT ? dy[c] * weight[c / run] : dy[c];
        sum += g;
        slope += g * (x[c] - mean) * factor;
    }
    sum = flags & NORM_RMS ? 0.0f : sum / (float)columns;
    slope /= (float)columns;
    for (long c = 0; c < columns; c++) {
        const float g = flags & NORM_WEIGHT ? dy[c] * weight[c / run] : dy[c];
        dx[c] = factor * (g - sum - (x[c] - mean) * factor * slope);
    }
}

/* Work-item part * n + p: parameter p of n, of samples [part * chunk, ...).  A sample is n runs. */
__kernel void norm_sums(__global float *dweight, long dweight_at, __global float *dbias,
                        long dbias_at, __global float *parts, long parts_at,
                        __global const float *dy, long dy_at, __global const float *x, long x_at,
                        __global const float *stats, long stats_at, long rows, long columns,
                        long groups, long run, int flags, long n, long chunk, long n_parts)
{
    const long part = (long)get_global_id(0) / n, p = (long)get_global_id(0) % n;
    if (part >= n_parts)
        return;
    const long last = min((part + 1) * chunk, rows / groups);
    float w = 0.0f, b = 0.0f;
    stats += stats_at + 2 * (p / (columns / run));
    dy += dy_at + p * run;
    x += x_at + p * run;
    for (long sample = part * chunk; sample < last; sample++) {
        const float mean = stats[2 * sample * groups], factor = stats[2 * sample * groups + 1];
        for (long i = sample * n * run; i < sample * n * run + run; i++) {
            w += dy[i] * (x[i] - mean) * factor;
            b += dy[i];
        }
    }
    if (n_parts > 1) {
        parts[parts_at + 2 * part * n + p] = w;
        parts[parts_at + (2 * part + 1) * n + p] = b;
        return;
    }
    dweight[dweight_at + p] = w;
    if (flags & NORM_BIAS)
        dbias[dbias_at + p] = b;
}

__kernel void norm_finish(__global float *dweight, long dweight_at, __global float *dbias,
                          long dbias_at, __global const float *parts, long parts_at, int flags,
                          long n, long n_parts, long chunk UNITS)
{
    dweight += dweight_at;
    dbias += dbias_at;
    parts += parts_at;
    PART(n, chunk);
    EACH_VECTOR (i) {
        VEC w = 0.0f, b = 0.0f;
        for (long part = 0; part < n_parts; part++) {
            w += VLOAD(parts + 2 * part * n + i);
            b += VLOAD(parts + (2 * part + 1) * n + i);
        }
        VSTORE(w, dweight + i);
        if (flags & NORM_BIAS)
            VSTORE(b, dbias + i);
    }
    EACH_SINGLE (i) {
        float w = 0.0f, b = 0.0f;
        for (long part = 0; part < n_parts; part++) {
            w += parts[2 * part * n + i];
            b += parts[(2 * part + 1) * n + i];
        }
        dweight[i] = w;
        if (flags & NORM_BIAS)
            dbias[i] = b;
    }
}

/* ---- vector ---- */

/* A row with a weight for each element: {sum of g, of g n}; the parameters' sums grow. */
float2 norm_grad_each(__global const float *dy, __global const float *x,
                      __global const float *weight, __global float *dweight,
                      __global float *dbias, float mean, float factor, long n)
{
    const long whole = n / VW * VW;
    VEC sum = 0.0f, slope = 0.0f;
    for (long i = 0; i < whole; i += VW) {
        const VEC d = VLOAD(dy + i), t = d * ((VLOAD(x + i) - mean) * factor);
        const VEC w = VLOAD(weight + i);
        PREFETCH(x + i + n);
        PREFETCH(dy + i + n);
        sum += d * w;
        slope += t * w;
        VSTORE(VLOAD(dweight + i) + t, dweight + i);
        VSTORE(VLOAD(dbias + i) + d, dbias + i);
    }
    float2 both = (float2)(vec_sum(sum), vec_sum(slope));
    for (long i = whole; i < n; i++) {
        const float t = dy[i] * ((x[i] - mean) * factor);
        both += (float2)(dy[i], t) * weight[i];
        dweight[i] += t;
        dbias[i] += dy[i];
    }
    return both;
}

/* Elements with one weight: {sum of dy, of dy n}. */
float2 norm_grad_all(__global const float *dy, __global const float *x, float mean, float factor,
                     long n)
{
    const long whole = n / VW * VW;
    VEC sum = 0.0f, slope = 0.0f;
    for (long i = 0; i < whole; i += VW) {
        const VEC d = VLOAD(dy + i);
        sum += d;
        slope += d * ((VLOAD(x + i) - mean) * factor);
    }
    float2 both = (float2)(vec_sum(sum), vec_sum(slope));
    for (long i = whole; i < n; i++)
        both += dy[i] * (float2)(1.0f, (x[i] - mean) * factor);
    return both;
}

/* dx = factor (dy w - mean of g - n * mean of g n), with the weights of norm_grad_each, or, those
 * NULL, with `w` for all. */
void norm_dx_row(__global float *dx, __global const float *dy, __global const float *x,
                 __global const float *weight, float w, float mean, float factor, float2 means,
                 long n)
{
    const long whole = n / VW * VW;
    const float slope = factor * means.y;
    for (long i = 0; i < whole; i += VW) {
        const VEC g = VLOAD(dy + i) * (weight != 0 ? VLOAD(weight + i) : (VEC)w);
        VSTORE(factor * (g - means.x - (VLOAD(x + i) - mean) * slope), dx + i);
    }
    for (long i = whole; i < n; i++)
        dx[i] = factor * (dy[i] * (weight != 0 ? weight[i] : w) - means.x - (x[i] - mean) * slope);
}

__kernel void norm_grad_vector(__global float *dx, long dx_at, __global float *dweight,
                               long dweight_at, __global float *dbias, long dbias_at,
                               __global float *parts, long parts_at, __global const float *dy,
                               long dy_at, __global const float *x, long x_at,
                               __global const float *stats, long stats_at,
                               __global const float *weight, long weight_at, long rows,
                               long columns, long groups, long run, int flags, long n,
                               long chunk UNITS)
{
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, rows);
    const long own = columns / run; /* parameters of a row */
    /* The sums of this group begin at 0; those of a bias that is not there go nowhere. */
    __global float *sum_w = parts + parts_at + 2 * (long)get_group_id(0) * n, *sum_b = sum_w + n;
    if (get_num_groups(0) == 1) {
        sum_w = dweight + dweight_at;
        if (flags & NORM_BIAS)
            sum_b = dbias + dbias_at;
    }
    for (long i = 0; i < (flags & NORM_WEIGHT ? n : 0); i++)
        sum_w[i] = sum_b[i] = 0.0f;
    for (long r = first; r < last; r++) {
        __global float *to = dx + dx_at + r * columns;
        __global const float *d = dy + dy_at + r * columns, *from = x + x_at + r * columns;
        __global const float *w = weight + weight_at + r % groups * own;
        const float mean = stats[stats_at + 2 * r], factor = stats[stats_at + 2 * r + 1];
        float2 means = 0.0f;
        if (!(flags & NORM_WEIGHT))
            means = norm_grad_all(d, from, mean, factor, columns);
        else if (run == 1)
            means = norm_grad_each(d, from, w, sum_w + r % groups * own, sum_b + r % groups * own,
                                   mean, factor, columns);
        else
            for (long k = 0; k < own; k++) {
                const float2 both = norm_grad_all(d + k * run, from + k * run, mean, factor, run);
                sum_b[r % groups * own + k] += both.x;
                sum_w[r % groups * own + k] += both.y;
                means += both * w[k];
            }
        means /= (float)columns;
        if (flags & NORM_RMS)
            means.x = 0.0f;
        if (!(flags & NORM_WEIGHT))
            norm_dx_row(to, d, from, 0, 1.0f, mean, factor, means, columns);
        else if (run == 1)
            norm_dx_row(to, d, from, w, 1.0f, mean, factor, means, columns);
        else
            for (long k = 0; k < own; k++)
                norm_dx_row(to + k * run, d + k * run, from + k * run, 0, w[k], mean, factor,
                            means, run);
    }
}

/* ---- group ---- */

__kernel void norm_dx_group(__global float *dx, long dx_at, __global const float *dy, long dy_at,
                            __global const float *x, long x_at, __global const float *stats,
                            long stats_at, __global const float *weight, long weight_at, long rows,
                            long columns, long groups, long run, int flags, long chunk,
                            __local float *scratch)
{
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, rows);
    const long me = get_local_id(0), all = get_local_size(0);
    for (long r = first; r < last; r++) {
        __global float *to = dx + dx_at + r * columns;
        __global const float *d = dy + dy_at + r * columns, *from = x + x_at + r * columns;
        __global const float *w = weight + weight_at + r % groups * (columns / run);
        const float mean = stats[stats_at + 2 * r], factor = stats[stats_at + 2 * r + 1];
        float sum = 0.0f, slope = 0.0f;
        for (long c = me; c < columns; c += all) {
            const float g = flags & NORM_WEIGHT ? d[c] * w[run == 1 ? c : c / run] : d[c];
            sum += g;
            slope += g * (from[c] - mean) * factor;
        }
        slope = group_tree(slope, 0, scratch) / (float)columns;
        sum = group_tree(flags & NORM_RMS ? 0.0f : sum, 0, scratch) / (float)columns;
        for (long c = me; c < columns; c += all) {
            const float g = flags & NORM_WEIGHT ? d[c] * w[run == 1 ? c : c / run] : d[c];
            to[c] = factor * (g - sum - (from[c] - mean) * factor * slope);
        }
    }
}

/* Group p: parameter p of n, over all samples. */
__kernel void norm_sums_group(__global float *dweight, long dweight_at, __global float *dbias,
                              long dbias_at, __global const float *dy, long dy_at,
                              __global const float *x, long x_at, __global const float *stats,
                              long stats_at, long rows, long columns, long groups, long run,
                              int flags, long n, __local float *scratch)
{
    const long p = get_group_id(0), me = get_local_id(0), all = get_local_size(0);
    float w = 0.0f, b = 0.0f;
    stats += stats_at + 2 * (p / (columns / run));
    dy += dy_at + p * run;
    x += x_at + p * run;
    for (long sample = 0; sample < rows / groups; sample++) {
        const float mean = stats[2 * sample * groups], factor = stats[2 * sample * groups + 1];
        for (long i = me; i < run; i += all) {
            const long at = sample * n * run + i;
            w += dy[at] * (x[at] - mean) * factor;
            b += dy[at];
        }
    }
    w = group_tree(w, 0, scratch);
    b = group_tree(b, 0, scratch);
    if (me == 0) {
        dweight[dweight_at + p] = w;
        if (flags & NORM_BIAS)
            dbias[dbias_at + p] = b;
    }
}
