/* sigmoid.cl: included by other kernels: sigmoid and tanh of vectors, from the exponential of an
 * argument up to 0. */
#ifndef SIGMOID_CL
#define SIGMOID_CL
#include "exp.cl"

/* sigmoid(x) and its derivative. */
VEC act_sigmoid(VEC x, VEC *derivative)
{
    const VEC e = exp_vector(-fabs(x)), r = 1.0f / (1.0f + e);
    *derivative = e * r * r;
    return x < 0.0f ? e * r : r;
}

/* Near 0 by a polynomial, where 1 - e would lose digits.  Source: Cephes, tanhf. */
VEC act_tanh(VEC x)
{
    const VEC a = fabs(x), z = x * x, e = exp_vector(-2.0f * a);
    VEC p = -5.70498872745e-3f * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    return a < 0.625f ? p * z * x + x : copysign((1.0f - e) / (1.0f + e), x);
}
#endif
