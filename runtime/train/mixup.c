/* mixup.c: Beta(a, a) is X / (X + Y) of two numbers from Gamma(a).  Their logarithms are drawn, since of
 * a small alpha both numbers may be too small for a double.
 * Source: Marsaglia & Tsang, "A simple method for generating gamma variables", ACM TOMS 2000. */
#include "config.h"

#include "runtime/train/mixup.h"

#include <math.h>

/* Uniform in (0, 1]. */
static double uniform(mot_random *random)
{
    return 1 - (double)mot_random_uniform(random);
}

/* Logarithm of a number from Gamma(alpha): below 1, that of Gamma(alpha + 1) times a power. */
static double log_gamma_number(double alpha, mot_random *random)
{
    const double power = alpha < 1 ? log(uniform(random)) / alpha : 0;
    const double d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = (double)mot_random_normal(random), root = 1 + c * x;
        const double log_u = log(uniform(random)), v = root * root * root;
        if (root > 0 && log_u < 0.5 * x * x + d - d * v + d * log(v))
            return log(d * v) + power;
    }
}

mot_mixture mot_mixup_draw(double alpha, int64_t n, mot_random *random)
{
    mot_mixture m = {.partner = (int64_t)mot_random_below(random, (uint64_t)n)};
    const double x = log_gamma_number(alpha, random), y = log_gamma_number(alpha, random);
    m.weight = (int32_t)lrint(MOT_MIXUP_WHOLE / (1 + exp(-fabs(x - y))));
    return m;
}

void mot_mixup_bytes(int32_t weight, const uint8_t *other, size_t n, uint8_t *x)
{
    const uint32_t own = (uint32_t)weight, rest = MOT_MIXUP_WHOLE - own;
    for (size_t i = 0; i < n; i++)
        x[i] = (uint8_t)((own * x[i] + rest * other[i] + MOT_MIXUP_WHOLE / 2) / MOT_MIXUP_WHOLE);
}

void mot_mixup_floats(int32_t weight, const float *other, size_t n, float *x)
{
    const double own = (double)weight / MOT_MIXUP_WHOLE, rest = 1 - own;
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(own * (double)x[i] + rest * (double)other[i]);
}
