/* activation, activation_grad. */
#include "config.h"

#include "tests/ops/ops.h"
#include "tests/unit/reference_ops.h"

/* The kinds by turns, so that a few draws see each; values from tiny ones to where they saturate. */
static mot_view draw(op_case *c, mot_random *random, bool small)
{
    static const float slopes[] = {0.0f, 0.01f, 0.2f, 1.0f};
    int64_t dim[3] = {op_between(random, 1, small ? 4 : 40), op_between(random, 1, small ? 5 : 30),
                      op_between(random, 1, small ? 9 : 50)};
    c->o.attrs.activation = (mot_activation)op_between(random, MOT_ACT_GELU, MOT_N_ACTIVATIONS - 1);
    c->o.attrs.slope = slopes[op_between(random, 0, 3)];
    c->on_top = op_between(random, 0, 2) == 0 ? 0 : -1;
    return op_view(MOT_F32, (int)op_between(random, 1, 3), dim);
}

static void spread(mot_random *random, float *x, int64_t n)
{
    static const float scales[] = {1e-3f, 1.0f, 6.0f, 100.0f, 1e15f};
    for (int64_t i = 0; i < n; i++)
        x[i] *=
            scales[op_between(random, 0, 9) ? op_between(random, 1, 2) : op_between(random, 0, 4)];
}

void make_activation(op_case *c, mot_random *random, bool small)
{
    mot_view view = draw(c, random, small);
    float *x = op_input(c, random, 0, view);
    double *y = op_output(c, 0, view, 4e-7);
    spread(random, x, op_elements(&view));
    for (int64_t i = 0; i < op_elements(&view); i++)
        y[i] = ref_activation(&c->o.attrs, (double)x[i]);
}

void make_activation_grad(op_case *c, mot_random *random, bool small)
{
    mot_view view = draw(c, random, small);
    const float *dy = op_input(c, random, 0, view);
    float *kept = op_input(c, random, 1, view);
    double *dx = op_output(c, 0, view, 1e-6);
    if (!mot_activation_keeps_output(c->o.attrs.activation))
        spread(random, kept, op_elements(&view));
    for (int64_t i = 0; i < op_elements(&view); i++)
        dx[i] = (double)dy[i] * ref_derivative(&c->o.attrs, (double)kept[i]);
}
