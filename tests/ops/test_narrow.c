/* narrow, widen: bit by bit, with what lies between two numbers of 16 bits, what is too large and
 * what is too small. */
#include "config.h"

#include "tests/ops/ops.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Of a type of 16 bits: bits of the fraction, least and greatest exponent. */
typedef struct format {
    int fraction, least, greatest;
} format;

static format format_of(mot_dtype dtype)
{
    return dtype == MOT_BF16 ? (format){7, -126, 127} : (format){10, -14, 15};
}

/* The nearest number that the type has; of two the even one, which rint gives. */
static double nearest(double x, mot_dtype dtype)
{
    const format f = format_of(dtype);
    if (x == 0 || !isfinite(x))
        return x;
    const int exponent = ilogb(x) < f.least ? f.least : ilogb(x);
    const double unit = ldexp(1, exponent - f.fraction), y = rint(x / unit) * unit;
    return fabs(y) < ldexp(1, f.greatest + 1) ? y : copysign(INFINITY, x);
}

static uint16_t bits_of(double x, mot_dtype dtype)
{
    const format f = format_of(dtype);
    const uint16_t sign = signbit(x) ? 0x8000 : 0;
    const int bias = 1 - f.least;
    if (isinf(x))
        return (uint16_t)(sign | (f.greatest + bias + 1) << f.fraction);
    const int exponent = x == 0 || ilogb(x) < f.least ? f.least : ilogb(x);
    const int whole =
        (int)ldexp(fabs(x), f.fraction - exponent); /* the leading 1 raises the exponent */
    return (uint16_t)(sign | (((exponent + bias - 1) << f.fraction) + whole));
}

void op_narrow(op_case *c, int i, mot_dtype dtype, float **rounded)
{
    const int64_t n = op_elements(&c->o.in[i]);
    float *x = c->rounded[i] = c->in[i];
    uint16_t *bits = calloc((size_t)n + 1, sizeof *bits);
    ck_assert_ptr_nonnull(bits);
    for (int64_t k = 0; k < n; k++) {
        x[k] = (float)nearest((double)x[k], dtype);
        bits[k] = bits_of((double)x[k], dtype);
    }
    c->o.in[i].dtype = dtype;
    c->in[i] = bits;
    *rounded = x;
}

/* Numbers of every size, some of them just between two; no subnormal floats, which devices may lose. */
static float number(mot_random *random)
{
    const int exponent = (int)op_between(random, -120, 126);
    const float x = (1.0f + mot_random_uniform(random)) * (op_between(random, 0, 1) ? 1 : -1);
    const float between = 1.0f + (float)op_between(random, 0, 4095) / 4096;
    switch (op_between(random, 0, 7)) {
    case 0:
        return 0.0f;
    case 1:
        return ldexpf(x, exponent);
    case 2:
        return ldexpf(between, (int)op_between(random, -18, 16));
    case 3:
        return -between;
    default:
        return ldexpf(x, (int)op_between(random, -26, 17));
    }
}

static mot_view draw(op_case *c, mot_random *random, bool small)
{
    int64_t dim[2] = {op_between(random, 1, small ? 4 : 90),
                      op_between(random, 1, small ? 9 : 300)};
    c->o.attrs.storage = op_between(random, 0, 1) ? MOT_BF16 : MOT_F16;
    c->on_top = -1;
    return op_view(MOT_F32, (int)op_between(random, 1, 2), dim);
}

void make_narrow(op_case *c, mot_random *random, bool small)
{
    mot_view view = draw(c, random, small);
    float *x = op_input(c, random, 0, view);
    double *y = op_output(c, 0, view, 0.0);
    c->o.out[0].dtype = c->o.attrs.storage;
    for (int64_t i = 0; i < op_elements(&view); i++) {
        x[i] = number(random);
        y[i] = (double)bits_of(nearest((double)x[i], c->o.attrs.storage), c->o.attrs.storage);
    }
}

/* The input holds the bits in pairs. */
void make_widen(op_case *c, mot_random *random, bool small)
{
    mot_view view = draw(c, random, small);
    const mot_dtype dtype = c->o.attrs.storage;
    uint16_t *bits = (uint16_t *)op_input(c, random, 0, view);
    double *y = op_output(c, 0, view, 0.0);
    c->o.in[0].dtype = dtype;
    for (int64_t i = 0; i < op_elements(&view); i++) {
        y[i] = nearest((double)number(random), dtype);
        y[i] = isinf(y[i]) || (y[i] != 0 && fabs(y[i]) < 1e-37) ? 1.0 : y[i];
        bits[i] = bits_of(y[i], dtype);
    }
}
