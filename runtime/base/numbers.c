#include "config.h"

#include "runtime/base/numbers.h"

#include <math.h>
#include <stdlib.h>

int mot_compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double mot_median(double *values, size_t n)
{
    if (n == 0)
        return NAN;
    qsort(values, n, sizeof *values, mot_compare_doubles);
    return values[n / 2];
}

double mot_median_of_means(const double *values, size_t n)
{
    enum { MOST = 256, LENGTH = 16, LEAST = 5 };
    double mean[MOST];
    size_t length = n / LEAST < LENGTH ? n / LEAST : LENGTH;
    if (length * MOST < n) /* also where it is 0 */
        length = (n + MOST - 1) / MOST;
    if (n == 0)
        return NAN;
    for (size_t i = 0; i < n / length; i++) {
        double sum = 0;
        for (size_t k = 0; k < length; k++)
            sum += values[i * length + k];
        mean[i] = sum / (double)length;
    }
    return mot_median(mean, n / length);
}

/* Sums in blocks of a known length, which compilers turn into vectors at any level of optimisation. */
enum { BLOCK = 16 };

void mot_add(float *restrict sum, const float *restrict x, int64_t n)
{
    int64_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        for (int k = 0; k < BLOCK; k++)
            sum[i + k] += x[i + k];
    for (; i < n; i++)
        sum[i] += x[i];
}

void mot_add_two(float *restrict sum, const float *restrict a, const float *restrict b, int64_t n)
{
    int64_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        for (int k = 0; k < BLOCK; k++)
            sum[i + k] = a[i + k] + b[i + k];
    for (; i < n; i++)
        sum[i] = a[i] + b[i];
}
