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
