/* Problems as text, and back; what is read may be anything. */
#include "config.h"

#include "devices/problem.h"

#include "devices/matmul.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SIZE = 1 << 30 };

static const char *const dtype_names[] = {[MOT_F32] = "",
                                          [MOT_I32] = ":i32",
                                          [MOT_U8] = ":u8",
                                          [MOT_BF16] = ":bf16",
                                          [MOT_F16] = ":f16"};
enum { N_DTYPES = sizeof dtype_names / sizeof *dtype_names };

static const struct {
    const char *name;
    int flag;
} flag_names[] = {{"accumulate", MOT_MATMUL_ACCUMULATE},
                  {"bias", MOT_MATMUL_BIAS},
                  {"relu", MOT_MATMUL_RELU},
                  {"mask", MOT_MATMUL_MASK},
                  {"sums", MOT_MATMUL_SUMS}};
enum { N_FLAGS = sizeof flag_names / sizeof *flag_names };

/* ---- printing ---- */

static void add(char out[MOT_PROBLEM_TEXT], const char *format, ...) MOT_PRINTF(2, 3);

static void add(char out[MOT_PROBLEM_TEXT], const char *format, ...)
{
    const size_t used = strlen(out);
    va_list args;
    va_start(args, format);
    vsnprintf(out + used, MOT_PROBLEM_TEXT - used, format, args);
    va_end(args);
}

static void add_numbers(char out[MOT_PROBLEM_TEXT], const int64_t *number, int n)
{
    for (int i = 0; i < n; i++)
        add(out, "%s%" PRId64, i > 0 ? "x" : " ", number[i]);
}

static void print_product(const mot_problem *p, char out[MOT_PROBLEM_TEXT])
{
    add(out, "product %c%c ", p->flags & MOT_MATMUL_TRANS_A ? 'T' : 'N',
        p->flags & MOT_MATMUL_TRANS_B ? 'T' : 'N');
    if (p->batch > 1)
        add(out, "%" PRId64 "*", p->batch);
    add(out, "%" PRId64 "x%" PRId64 "x%" PRId64, p->m, p->n, p->k);
    for (int i = 0; i < N_FLAGS; i++)
        if (p->flags & flag_names[i].flag)
            add(out, " %s", flag_names[i].name);
}

static void print_types(const mot_operand_type *type, int n, char out[MOT_PROBLEM_TEXT])
{
    for (int i = 0; i < n; i++) {
        if (type[i].shape.n_dims > 0) {
            add_numbers(out, type[i].shape.dim, type[i].shape.n_dims);
            add(out, "%s", dtype_names[type[i].dtype]);
        } else {
            add(out, " -");
        }
    }
}

static void print_attribute(const mot_attrs *attrs, const mot_problem_attribute *a,
                            char out[MOT_PROBLEM_TEXT])
{
    int64_t value[2] = {mot_problem_get(attrs, a, 0)};
    const bool two = a->kind == MOT_ATTRIBUTE_SIZES && a->n > 1;
    value[1] = two ? mot_problem_get(attrs, a, 1) : a->usual;
    if (value[0] == a->usual && value[1] == a->usual)
        return;
    add(out, " %s", a->name);
    if (a->kind == MOT_ATTRIBUTE_SIZES)
        add_numbers(out, value, a->n);
    else if (a->kind == MOT_ATTRIBUTE_WORD)
        add(out, " %s", a->word((int)value[0]));
}

const char *mot_problem_print(const mot_problem *p, char out[MOT_PROBLEM_TEXT])
{
    out[0] = '\0';
    if (mot_problem_is_product(p)) {
        print_product(p, out);
    } else {
        add(out, "%s", mot_op_name(p->op));
        print_types(p->in, p->n_in, out);
        add(out, " ->");
        print_types(p->out, p->n_out, out);
        for (const mot_problem_attribute *a = mot_problem_attributes; a->name; a++)
            print_attribute(&p->attrs, a, out);
    }
    if (p->precision != MOT_PRECISION_FLOAT32)
        add(out, " %s", mot_precision_name(p->precision));
    return out;
}

/* ---- reading ---- */

/* A number from `least` on, and `behind` it; the place behind that, or NULL. */
static const char *size_in(const char *text, int64_t least, char behind, int64_t *out)
{
    char *end;
    if (!text || *text < '0' || *text > '9' || (*text == '0' && text[1] >= '0' && text[1] <= '9'))
        return NULL;
    *out = strtoll(text, &end, 10);
    return *out >= least && *out <= MOST_SIZE && *end == behind ? end + (behind != '\0') : NULL;
}

static bool read_precision(const char *word, mot_problem *out)
{
    return mot_precision_parse(word, &out->precision) && out->precision != MOT_PRECISION_FLOAT32;
}

static bool read_product_sizes(const char *word, mot_problem *out)
{
    out->batch = 1;
    if (strchr(word, '*'))
        word = size_in(word, 1, '*', &out->batch);
    word = size_in(word, 1, 'x', &out->m);
    word = size_in(word, 1, 'x', &out->n);
    return size_in(word, 1, '\0', &out->k) != NULL;
}

static bool read_flag(const char *word, mot_problem *out)
{
    for (int i = 0; i < N_FLAGS; i++)
        if (strcmp(word, flag_names[i].name) == 0) {
            out->flags |= flag_names[i].flag;
            return true;
        }
    return read_precision(word, out);
}

static bool parse_product(char *rest, mot_problem *p)
{
    const char *word = strtok_r(NULL, " ", &rest);
    if (!word || strlen(word) != 2 || strspn(word, "NT") != 2)
        return false;
    p->op = MOT_OP_linear;
    p->flags =
        (word[0] == 'T' ? MOT_MATMUL_TRANS_A : 0) | (word[1] == 'T' ? MOT_MATMUL_TRANS_B : 0);
    word = strtok_r(NULL, " ", &rest);
    if (!word || !read_product_sizes(word, p))
        return false;
    while ((word = strtok_r(NULL, " ", &rest)))
        if (!read_flag(word, p))
            return false;
    return p->batch == 1 || !(p->flags & MOT_MATMUL_SUMS); /* matmul.h */
}

/* Up to `most` numbers with `x` between them; how many, 0 where it is something else. */
static int read_numbers(const char *word, int64_t least, int most, int64_t *out)
{
    for (int i = 0; word && i < most; i++) {
        if (!strchr(word, 'x'))
            return size_in(word, least, '\0', &out[i]) ? i + 1 : 0;
        word = size_in(word, least, 'x', &out[i]);
    }
    return 0;
}

static bool read_type(char *word, mot_operand_type *out)
{
    char *colon = strchr(word, ':');
    *out = (mot_operand_type){.dtype = MOT_F32};
    if (strcmp(word, "-") == 0)
        return true;
    if (colon) {
        int dtype = 0;
        while (dtype < N_DTYPES && strcmp(colon, dtype_names[dtype]) != 0)
            dtype++;
        if (dtype == N_DTYPES)
            return false;
        out->dtype = (mot_dtype)dtype;
        *colon = '\0';
    }
    out->shape.n_dims = read_numbers(word, 1, MOT_MAX_DIMS, out->shape.dim);
    return out->shape.n_dims > 0;
}

static bool read_attribute(mot_attrs *attrs, const char *name, char **rest)
{
    const mot_problem_attribute *a = mot_problem_attributes;
    int64_t value[2] = {1};
    int n = 1;
    while (a->name && strcmp(a->name, name) != 0)
        a++;
    if (!a->name)
        return false;
    if (a->kind != MOT_ATTRIBUTE_MARK) {
        const char *word = strtok_r(NULL, " ", rest);
        if (!word)
            return false;
        n = a->kind == MOT_ATTRIBUTE_SIZES ? read_numbers(word, 0, a->n, value) : 0;
        for (int i = 0; a->kind == MOT_ATTRIBUTE_WORD && i < a->n; i++)
            if (strcmp(word, a->word(i)) == 0) {
                value[0] = i;
                n = 1;
            }
        if (n != (a->kind == MOT_ATTRIBUTE_SIZES ? a->n : 1))
            return false;
    }
    for (int i = 0; i < n; i++)
        mot_problem_set(attrs, a, i, value[i]);
    return true;
}

static bool parse_operator(const char *name, char *rest, mot_problem *p)
{
    char *word;
    bool behind = false;
    if (!mot_op_parse(name, &p->op) || mot_problem_is_product(p))
        return false;
    while ((word = strtok_r(NULL, " ", &rest)) && (strchr("0123456789-", *word))) {
        if (!behind && strcmp(word, "->") == 0) {
            behind = true;
            continue;
        }
        if (behind ? p->n_out == MOT_MAX_OUTPUTS : p->n_in == MOT_MAX_INPUTS)
            return false;
        if (!read_type(word, behind ? &p->out[p->n_out++] : &p->in[p->n_in++]))
            return false;
    }
    for (const mot_problem_attribute *a = mot_problem_attributes; a->name; a++)
        for (int i = 0; i < (a->kind == MOT_ATTRIBUTE_SIZES ? a->n : 1); i++)
            mot_problem_set(&p->attrs, a, i, a->usual);
    for (; word; word = strtok_r(NULL, " ", &rest))
        if (!read_precision(word, p) && !read_attribute(&p->attrs, word, &rest))
            return false;
    return p->n_out > 0;
}

bool mot_problem_parse(const char *text, mot_problem *out)
{
    char copy[MOT_PROBLEM_TEXT], *rest = NULL;
    mot_problem p = {0};
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return false;
    const char *word = strtok_r(copy, " ", &rest);
    if (!word ||
        !(strcmp(word, "product") == 0 ? parse_product(rest, &p) : parse_operator(word, rest, &p)))
        return false;
    *out = p;
    return true;
}
