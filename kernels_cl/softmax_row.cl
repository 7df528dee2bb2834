/* softmax_row.cl: included by softmax and softmax_xent: the passes over one row, by one work-item
 * with vectors of VW (row_*) or by a whole work-group (group_*; `scratch` holds a float for each
 * work-item, the local size is a power of two). */
#ifndef SOFTMAX_ROW_CL
#define SOFTMAX_ROW_CL
#include "exp.cl"
#include "tree.cl"
#include "vector.cl"

float row_max(__global const float *x, long n)
{
    const long whole = n / VW * VW;
    VEC most = -INFINITY;
    for (long i = 0; i < whole; i += VW)
        most = VLOAD(x + i) > most ? VLOAD(x + i) : most;
    float result = vec_max(most);
    for (long i = whole; i < n; i++)
        result = fmax(result, x[i]);
    return result;
}

float row_exp_sum(__global const float *x, float most, long n)
{
    const long twins = n / TWIN * TWIN, whole = n / VW * VW;
    TWIN_VEC sums = 0.0f;
    for (long i = 0; i < twins; i += TWIN)
        sums += exp_twin(TWIN_LOAD(x + i) - most);
    VEC sum = TWIN_FOLD(sums);
    for (long i = twins; TWIN > VW && i < whole; i += VW)
        sum += exp_vector(VLOAD(x + i) - most);
    float result = vec_sum(sum);
    for (long i = whole; i < n; i++)
        result += exp_single(x[i] - most);
    return result;
}

/* The same, keeping the exponentials in `to`, which may be x.  While this computes, the next row is
 * on its way. */
float row_exp_store(__global float *to, __global const float *x, float most, long n)
{
    const long twins = n / TWIN * TWIN, whole = n / VW * VW;
    TWIN_VEC sums = 0.0f;
    for (long i = 0; i < twins; i += TWIN) {
        PREFETCH(x + i + n);
        PREFETCH(to + i + n);
        const TWIN_VEC e = exp_twin(TWIN_LOAD(x + i) - most);
        sums += e;
        TWIN_STORE(e, to + i);
    }
    VEC sum = TWIN_FOLD(sums);
    for (long i = twins; TWIN > VW && i < whole; i += VW) {
        PREFETCH(x + i + n);
        const VEC e = exp_vector(VLOAD(x + i) - most);
        sum += e;
        VSTORE(e, to + i);
    }
    float result = vec_sum(sum);
    for (long i = whole; i < n; i++) {
        const float e = exp_single(x[i] - most);
        result += e;
        to[i] = e;
    }
    return result;
}

float row_sum(__global const float *x, long n)
{
    const long whole = n / VW * VW;
    VEC sum = 0.0f;
    for (long i = 0; i < whole; i += VW)
        sum += VLOAD(x + i);
    float result = vec_sum(sum);
    for (long i = whole; i < n; i++)
        result += x[i];
    return result;
}

void row_fill(__global float *to, float value, long n)
{
    for (long i = 0; i < n; i++)
        to[i] = value;
}

/* to = to * factor + shift */
void row_scale(__global float *to, float factor, float shift, long n)
{
    const long whole = n / VW * VW;
    for (long i = 0; i < whole; i += VW)
        VSTORE(VLOAD(to + i) * factor + shift, to + i);
    for (long i = whole; i < n; i++)
        to[i] = to[i] * factor + shift;
}

/* Is x[label] the first of the largest elements? */
float row_correct(__global const float *x, float most, long label)
{
    if (x[label] != most)
        return 0.0f;
    for (long i = 0; i < label; i++)
        if (x[i] == most)
            return 0.0f;
    return 1.0f;
}

float group_max(__global const float *x, long n, __local float *scratch)
{
    float most = -INFINITY;
    for (long i = get_local_id(0); i < n; i += (long)get_local_size(0))
        most = fmax(most, x[i]);
    return group_tree(most, 1, scratch);
}

float group_sum(__global const float *x, long n, __local float *scratch)
{
    float sum = 0.0f;
    for (long i = get_local_id(0); i < n; i += (long)get_local_size(0))
        sum += x[i];
    return group_tree(sum, 0, scratch);
}

float group_exp_sum(__global const float *x, float most, long n, __local float *scratch)
{
    float sum = 0.0f;
    for (long i = get_local_id(0); i < n; i += (long)get_local_size(0))
        sum += exp_single(x[i] - most);
    return group_tree(sum, 0, scratch);
}
#endif
