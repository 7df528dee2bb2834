/* Problems: made of operands and made into them, compared; problem_text.c prints and reads them. */
#include "config.h"

#include "devices/problem.h"

#include <stddef.h>
#include <string.h>

static const double NEAR = 0.25;

/* ---- attributes ---- */

static const char *word_of_activation(int value)
{
    return mot_activation_name((mot_activation)value);
}

static const char *word_of_norm(int value)
{
    return mot_norm_name((mot_norm)value);
}

#define SIZES(name, field, n, usual)                                                               \
    {                                                                                              \
        name, offsetof(mot_attrs, field), MOT_ATTRIBUTE_SIZES, n, usual, NULL                      \
    }

const mot_problem_attribute mot_problem_attributes[] = {
    SIZES("kernel", window.kernel, 2, 0),
    SIZES("stride", window.stride, 2, 1),
    SIZES("padding", window.padding, 2, 0),
    SIZES("dilation", window.dilation, 2, 1),
    SIZES("groups", window.groups, 1, 1),
    SIZES("image", window.image, 2, 0),
    SIZES("group", group, 1, 0),
    SIZES("heads", heads, 1, 0),
    {"causal", offsetof(mot_attrs, causal), MOT_ATTRIBUTE_MARK, 1, 0, NULL},
    {"activation", offsetof(mot_attrs, activation), MOT_ATTRIBUTE_WORD, MOT_N_ACTIVATIONS, 0,
     word_of_activation},
    {"norm", offsetof(mot_attrs, norm), MOT_ATTRIBUTE_WORD, MOT_NORM_GROUP + 1, 0, word_of_norm},
    {.name = NULL},
};

int64_t mot_problem_get(const mot_attrs *attrs, const mot_problem_attribute *attribute, int i)
{
    const char *at = (const char *)attrs + attribute->at;
    if (attribute->kind == MOT_ATTRIBUTE_SIZES)
        return ((const int64_t *)(const void *)at)[i];
    if (attribute->kind == MOT_ATTRIBUTE_MARK)
        return *(const bool *)at;
    return (int64_t) * (const unsigned *)(const void *)at;
}

void mot_problem_set(mot_attrs *attrs, const mot_problem_attribute *attribute, int i, int64_t value)
{
    char *at = (char *)attrs + attribute->at;
    if (attribute->kind == MOT_ATTRIBUTE_SIZES)
        ((int64_t *)(void *)at)[i] = value;
    else if (attribute->kind == MOT_ATTRIBUTE_MARK)
        *(bool *)at = value != 0;
    else
        *(unsigned *)(void *)at = (unsigned)value;
}

static int numbers_of(const mot_problem_attribute *attribute)
{
    return attribute->kind == MOT_ATTRIBUTE_SIZES ? attribute->n : 1;
}

/* An operator without a window has all of its attributes as usual. */
static mot_attrs attributes_of(const mot_attrs *from)
{
    mot_attrs attrs = {0};
    const bool windowed = from->window.kernel[0] > 0;
    for (const mot_problem_attribute *a = mot_problem_attributes; a->name; a++)
        for (int i = 0; i < numbers_of(a); i++)
            mot_problem_set(&attrs, a, i,
                            a->usual != 0 && !windowed ? a->usual : mot_problem_get(from, a, i));
    return attrs;
}

static bool same_attributes(const mot_attrs *a, const mot_attrs *b)
{
    for (const mot_problem_attribute *x = mot_problem_attributes; x->name; x++)
        for (int i = 0; i < numbers_of(x); i++)
            if (mot_problem_get(a, x, i) != mot_problem_get(b, x, i))
                return false;
    return true;
}

/* ---- operands ---- */

mot_problem mot_problem_of_operands(const mot_operands *o, mot_precision precision)
{
    mot_problem p = {.op = o->op,
                     .precision = precision,
                     .n_in = o->n_in,
                     .n_out = o->n_out,
                     .attrs = attributes_of(&o->attrs)};
    for (int i = 0; i < o->n_in; i++)
        p.in[i] = (mot_operand_type){o->in[i].dtype, o->in[i].shape};
    for (int i = 0; i < o->n_out; i++)
        p.out[i] = (mot_operand_type){o->out[i].dtype, o->out[i].shape};
    while (p.n_in > 0 && p.in[p.n_in - 1].shape.n_dims == 0) /* said in one way only */
        p.n_in--;
    while (p.n_out > 0 && p.out[p.n_out - 1].shape.n_dims == 0)
        p.n_out--;
    return p;
}

mot_operands mot_problem_pose(const mot_problem *p)
{
    mot_operands o = {
        .op = p->op, .name = "trial", .n_in = p->n_in, .n_out = p->n_out, .attrs = p->attrs};
    o.attrs.eps = 1e-5; /* rows of one element have no variance */
    for (int i = 0; i < p->n_in; i++)
        o.in[i] = (mot_view){.dtype = p->in[i].dtype, .shape = p->in[i].shape};
    for (int i = 0; i < p->n_out; i++)
        o.out[i] = (mot_view){.dtype = p->out[i].dtype, .shape = p->out[i].shape};
    return o;
}

/* ---- comparing ---- */

/* Dimensions that are not the same: the number of samples, which must change everywhere alike. */
typedef struct difference {
    int64_t known, wanted; /* 0: none so far */
    bool other;
} difference;

static void compare_types(const mot_operand_type *known, const mot_operand_type *wanted, int n,
                          difference *d)
{
    for (int i = 0; i < n && !d->other; i++) {
        const mot_shape *a = &known[i].shape, *b = &wanted[i].shape;
        d->other = known[i].dtype != wanted[i].dtype || a->n_dims != b->n_dims;
        for (int j = 0; j < a->n_dims && !d->other; j++) {
            if (a->dim[j] == b->dim[j])
                continue;
            d->other = j > 0 || (d->known > 0 && (d->known != a->dim[0] || d->wanted != b->dim[0]));
            d->known = a->dim[0];
            d->wanted = b->dim[0];
        }
    }
}

static difference differ(const mot_problem *a, const mot_problem *b)
{
    difference d = {.other = a->op != b->op || a->precision != b->precision ||
                             a->flags != b->flags || a->n_in != b->n_in || a->n_out != b->n_out ||
                             a->batch != b->batch || a->n != b->n ||
                             (a->m != b->m && a->k != b->k) ||
                             !same_attributes(&a->attrs, &b->attrs)};
    if (a->m != b->m)
        d.known = a->m, d.wanted = b->m;
    if (a->k != b->k)
        d.known = a->k, d.wanted = b->k;
    compare_types(a->in, b->in, d.other ? 0 : a->n_in, &d);
    compare_types(a->out, b->out, d.other ? 0 : a->n_out, &d);
    return d;
}

bool mot_problem_equal(const mot_problem *a, const mot_problem *b)
{
    const difference d = differ(a, b);
    return !d.other && d.known == d.wanted;
}

double mot_problem_distance(const mot_problem *known, const mot_problem *wanted)
{
    const difference d = differ(known, wanted);
    if (d.other)
        return -1;
    if (d.known == d.wanted)
        return 0;
    const double off = (double)d.wanted / (double)d.known - 1;
    return off <= NEAR && off >= -NEAR ? (off < 0 ? -off : off) : -1;
}

static double elements(const mot_operand_type *type)
{
    return type->shape.n_dims > 0 ? (double)mot_shape_elements(&type->shape, 1) : 0;
}

double mot_problem_work(const mot_problem *p)
{
    const int64_t *kernel = p->attrs.window.kernel;
    const double taps = (double)kernel[0] * (double)kernel[1];
    double work = 0;
    switch (p->op) {
    case MOT_OP_linear:
        return (double)p->batch * (double)p->m * (double)p->n * (double)p->k;
    case MOT_OP_conv2d:
        return elements(&p->out[0]) * taps * (double)p->in[1].shape.dim[1];
    case MOT_OP_conv2d_dinput:
        return elements(&p->in[0]) * taps * (double)p->in[1].shape.dim[1];
    case MOT_OP_conv2d_dweight:
        return elements(&p->in[0]) * taps * (double)p->out[0].shape.dim[1];
    case MOT_OP_attention:
        return elements(&p->out[0]) * (double)p->in[0].shape.dim[1] * 2;
    case MOT_OP_attention_grad:
        return elements(&p->in[0]) * (double)p->in[1].shape.dim[1] * 5;
    default:
        for (int i = 0; i < p->n_in; i++)
            work += elements(&p->in[i]);
        for (int i = 0; i < p->n_out; i++)
            work += elements(&p->out[i]);
        return work;
    }
}
