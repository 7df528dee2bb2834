/* numbers.h: what is done to lists of numbers in more than one place. */
#ifndef MOT_BASE_NUMBERS_H
#define MOT_BASE_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

/** For qsort and bsearch over doubles, none of them NaN: ascending. */
int mot_compare_doubles(const void *a, const void *b);

/** The middle one of `n` values, of an even number the upper; NaN of none.  Sorts them. */
double mot_median(double *values, size_t n);
/** The median of the means of neighbours, 16 each, a fifth of few, a 256th of many: of times between
 *  steps that a queue lets through in twos and threes, where no single one is a step's.  NaN of none. */
double mot_median_of_means(const double *values, size_t n);

/** sum += x, and sum = a + b; n floats that do not overlap. */
void mot_add(float *restrict sum, const float *restrict x, int64_t n);
void mot_add_two(float *restrict sum, const float *restrict a, const float *restrict b, int64_t n);

#endif
