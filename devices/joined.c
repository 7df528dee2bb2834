/* joined.c: many launches as one, on devices that are CPUs; kernels_cl/joined.cl says why and
 * how.
 *
 * A range of launches is cut into pieces: runs of launches whose kernels have UNITS become one
 * launch each, others stay alone.  The kernel of a run is put together from the sources that it
 * needs and a switch with a case for each kernel, so an operator is joined as soon as its kernel
 * has UNITS.  Its arguments are a table of words in device memory:
 *
 *     where each launch's words begin;  then for each launch: case, units, arguments
 *     (a view: number of the base pointer, offset, elements between ring slots; else the bits)
 *
 * Kernels are kept by the device, and one that has more cases than are needed serves as well:
 * what trains also evaluates.  Where it cannot be built, or memory is short, launches are run one
 * by one.  What always holds: a kernel with UNITS is recorded with every macro that it reads, for
 * the options of several kernels are put together. */
#include "config.h"

#include "devices/commands.h"
#include "devices/variant.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
    MAX_BASES = 16,
    MAX_LAUNCHES = 256, /* of a piece */
    MAX_CASES = 64,
    MAX_OPTIONS = 256,
    GROUPS_PER_THREAD = 4, /* pocl gives its first thread half of all and one more at once */
    COUNTER_APART = 16,    /* ints: a cache line */
};

/* One kernel with its cases, in the order of their names. */
struct mot_joined {
    mot_joined *next;
    cl_program program;
    char options[MAX_OPTIONS];
    int n_cases;
    char *name[MAX_CASES]; /* "source kernel kinds" */
};

/* Launches [first, last) as one, or, with kernel NULL, launch `first` alone. */
typedef struct piece {
    int first, last;
    cl_kernel kernel;
    mot_buffer *words;
    size_t n_groups;
    bool ran;
    int slot;
} piece;

struct mot_pieces {
    mot_pieces *next;
    int first, last;
    piece *piece;
    size_t n_pieces, capacity;
};

bool mot_device_might_join(const mot_device *device)
{
    return device->info.compiler && !device->archive && !device->profile &&
           mot_device_traits(device).cpu && mot_silicon_is_host_cpu(&device->info);
}

bool mot_device_can_join(const mot_device *device)
{
    const char *wanted = getenv("MOTLEY_JOIN");
    if (!device->info.compiler || device->archive || device->profile ||
        device->info.kind == MOT_KIND_GPU)
        return false;
    if (wanted && (strcmp(wanted, "0") == 0 || strcmp(wanted, "1") == 0))
        return wanted[0] == '1';
    if (device->info.works) /* it was probed */
        return device->info.joins;
    return mot_device_might_join(device);
}

/* ---- options ---- */

/* Is `token` (so many characters) among these options; does another give the same macro a value? */
static bool has_option(const char *options, const char *token, size_t length, bool *conflict)
{
    const size_t macro = strcspn(token, "= ");
    for (const char *at = options; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
        if (strncmp(at, token, length) == 0 && (at[length] == ' ' || !at[length]))
            return true;
        *conflict |= strncmp(at, token, macro) == 0 && strcspn(at, "= ") == macro;
    }
    return false;
}

/* Add the options of another kernel; false where the two cannot be built together. */
static bool merge_options(char to[MAX_OPTIONS], const char *more)
{
    char merged[MAX_OPTIONS];
    size_t used = strlen(to);
    memcpy(merged, to, used + 1);
    for (const char *at = more; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
        const size_t length = strcspn(at, " ");
        bool conflict = false;
        if (has_option(merged, at, length, &conflict))
            continue;
        if (conflict || used + length + 2 > sizeof merged)
            return false;
        used += (size_t)snprintf(merged + used, sizeof merged - used, "%s%.*s", used ? " " : "",
                                 (int)length, at);
    }
    memcpy(to, merged, used + 1);
    return true;
}

/* ---- cases ---- */

static mot_status case_name(const mot_record *r, char **out)
{
    char kinds[MOT_MAX_ARGS + 1], name[256];
    for (int i = 0; i < r->n_args; i++)
        kinds[i] = "vlifs"[r->arg[i].kind];
    kinds[r->n_args] = '\0';
    snprintf(name, sizeof name, "%s %s %s", r->source, r->kernel_name, kinds);
    return mot_strdup(name, out);
}

static int find_case(const mot_joined *joined, const char *name)
{
    for (int i = 0; i < joined->n_cases; i++)
        if (strcmp(joined->name[i], name) == 0)
            return i;
    return -1;
}

/* Takes `name`. */
static mot_status add_case(mot_joined *joined, char *name)
{
    int at = joined->n_cases;
    if (find_case(joined, name) >= 0 || at == MAX_CASES) {
        free(name);
        return at == MAX_CASES ? MOT_FAIL(MOT_ERR_UNSUPPORTED, "too many kernels to join") : MOT_OK;
    }
    for (; at > 0 && strcmp(joined->name[at - 1], name) > 0; at--)
        joined->name[at] = joined->name[at - 1];
    joined->name[at] = name;
    joined->n_cases++;
    return MOT_OK;
}

/* ---- the text ---- */

static mot_status add_sources(mot_text *text, const mot_joined *joined)
{
    char before[64] = "";
    MOT_TRY(mot_text_add(text, "%s", mot_kernel_source("joined")));
    for (int i = 0; i < joined->n_cases;
         i++) { /* sorted, so that those of one source are neighbours */
        const int length = (int)strcspn(joined->name[i], " ");
        char source[64];
        snprintf(source, sizeof source, "%.*s", length, joined->name[i]);
        if (strcmp(source, before) != 0)
            MOT_TRY(mot_text_add(text, "%s\n", mot_kernel_source(source)));
        memcpy(before, source, sizeof before);
    }
    return MOT_OK;
}

static mot_status add_cases(mot_text *text, const mot_joined *joined)
{
    for (int i = 0; i < joined->n_cases; i++) {
        const char *name = strchr(joined->name[i], ' ') + 1, *kinds = strchr(name, ' ') + 1;
        int word = 2;
        MOT_TRY(mot_text_add(text, "        case %d:\n            %.*s(", i,
                             (int)(kinds - name - 1), name));
        for (const char *k = kinds; *k; k++) {
            switch (*k) {
            case 'v':
                MOT_TRY(mot_text_add(text, "(__global void *)base[w[%d]], w[%d] + slot * w[%d], ",
                                     word, word + 1, word + 2));
                word += 3;
                break;
            case 's':
                MOT_TRY(mot_text_add(text, "(__local void *)scratch, "));
                break;
            default:
                MOT_TRY(mot_text_add(text,
                                     *k == 'l'   ? "w[%d], "
                                     : *k == 'i' ? "(int)w[%d], "
                                                 : "as_float((int)w[%d]), ",
                                     word++));
            }
        }
        MOT_TRY(mot_text_add(text, "unit, units);\n            break;\n"));
    }
    return MOT_OK;
}

static mot_status add_kernel(mot_text *text, const mot_joined *joined)
{
    MOT_TRY(mot_text_add(
        text,
        "#undef __kernel\n#undef get_num_groups\n"
        "#define MAY_END (%d * ((int)get_num_groups(0) - *counters) > (int)get_num_groups(0))\n"
        "__kernel __attribute__((reqd_work_group_size(1, 1, 1)))\nvoid joined(",
        GROUPS_PER_THREAD));
    for (int i = 1; i <= MAX_BASES; i++)
        MOT_TRY(mot_text_add(text, "__global char *b%d, ", i));
    MOT_TRY(mot_text_add(text, "__global const long *words, long n, long slot,\n"
                               "    volatile __global int *counters, __local char *scratch)\n{\n"
                               "    __global char *base[] = {0"));
    for (int i = 1; i <= MAX_BASES; i++)
        MOT_TRY(mot_text_add(text, ", b%d", i));
    MOT_TRY(mot_text_add(
        text,
        "};\n"
        "    for (long i = 0; i < n; i++) {\n"
        "        __global const long *w = words + words[i];\n"
        "        volatile __global int *taken = counters + %d * (1 + 2 * i), *done = taken + %d;\n"
        "        const long units = w[1];\n"
        "        for (long unit; *taken < units && (unit = atomic_inc(taken)) < units;) {\n"
        "        switch ((int)w[0]) {\n",
        COUNTER_APART, COUNTER_APART));
    MOT_TRY(add_cases(text, joined));
    return mot_text_add(
        text,
        "        }\n"
        "        mem_fence(CLK_GLOBAL_MEM_FENCE);\n"
        "        atomic_inc(done);\n"
        "        }\n"
        "        for (int turns = 0; *done < units; turns += turns < MOST_TURNS) {\n"
        "            if (turns == MOST_TURNS && MAY_END)\n"
        "                break;\n"
        "            PAUSE;\n"
        "        }\n"
        "        if (*done < units)\n"
        "            break;\n"
        "        mem_fence(CLK_GLOBAL_MEM_FENCE);\n"
        "    }\n"
        "    if (atomic_inc(counters) + 1 < (int)get_num_groups(0))\n"
        "        return;\n"
        "    for (long i = 0; i < 1 + 2 * n; i++)\n"
        "        atomic_xchg(counters + %d * i, 0);\n"
        "}\n",
        COUNTER_APART);
}

static mot_status build(mot_device *device, mot_joined *joined)
{
    mot_text text = {0};
    char name[32];
    mot_status status;
    MOT_TRY_GOTO(add_sources(&text, joined));
    MOT_TRY_GOTO(add_kernel(&text, joined));
    snprintf(name, sizeof name, "joined %016llx",
             (unsigned long long)XXH64(text.data, text.length, 0));
    status = mot_program_get_text(device, name, text.data, joined->options, &joined->program);
fail:
    mot_text_free(&text);
    return status;
}

static void joined_free(mot_joined *joined)
{
    for (int i = 0; i < joined->n_cases; i++)
        free(joined->name[i]);
    free(joined);
}

void mot_joined_free(mot_device *device)
{
    while (device->joined) {
        mot_joined *gone = device->joined;
        device->joined = gone->next;
        joined_free(gone);
    }
    mot_buffer_free(device->counters);
    device->counters = NULL;
}

/* ---- which kernel for which launches ---- */

/* Launches from `first` on that can be one: how many, and their options. */
static int run_length(const mot_commands *commands, int first, int last, char options[MAX_OPTIONS])
{
    cl_mem base[MAX_BASES];
    int n = 0, n_bases = 0;
    options[0] = '\0';
    for (; first + n < last && n < MAX_LAUNCHES; n++) {
        const mot_record *r = &commands->records[first + n];
        if (!r->units)
            return n;
        int wanted = n_bases;
        for (int i = 0; i < r->n_args; i++) {
            int at = 0;
            while (at < wanted && base[at] != r->arg[i].mem)
                at++;
            if (!r->arg[i].mem || at < wanted)
                continue;
            if (wanted == MAX_BASES)
                return n;
            base[wanted++] = r->arg[i].mem;
        }
        if (!merge_options(options, r->options))
            return n;
        n_bases = wanted;
    }
    return n;
}

static mot_status add_cases_of(mot_joined *joined, const mot_commands *commands, int first,
                               int last)
{
    for (int i = first; i < last; i++) {
        char *name;
        MOT_TRY(case_name(&commands->records[i], &name));
        MOT_TRY(add_case(joined, name));
    }
    return MOT_OK;
}

/* A kernel that the device has and that does for `wanted`. */
static mot_joined *find_joined(const mot_device *device, const mot_joined *wanted)
{
    for (mot_joined *j = device->joined; j; j = j->next) {
        char options[MAX_OPTIONS];
        memcpy(options, j->options, sizeof options);
        bool all = merge_options(options, wanted->options) && strcmp(options, j->options) == 0;
        for (int i = 0; i < wanted->n_cases && all; i++)
            all = find_case(j, wanted->name[i]) >= 0;
        if (all)
            return j;
    }
    return NULL;
}

/* The kernel for launches [first, last).  A new one gets the cases of all launches of these
 * commands that can be built with them: other ranges will come. */
static mot_status get_joined(mot_commands *commands, int first, int last, const char *options,
                             mot_joined **out)
{
    mot_device *device = commands->device;
    mot_joined *joined;
    mot_status status;
    MOT_TRY(mot_alloc(1, sizeof *joined, &joined));
    memcpy(joined->options, options, MAX_OPTIONS);
    MOT_TRY_GOTO(add_cases_of(joined, commands, first, last));
    *out = find_joined(device, joined);
    if (*out) {
        joined_free(joined);
        return MOT_OK;
    }
    for (int i = 0; i < commands->n_records; i++)
        if (commands->records[i].units &&
            merge_options(joined->options, commands->records[i].options))
            MOT_TRY_GOTO(add_cases_of(joined, commands, i, i + 1));
    MOT_TRY_GOTO(build(device, joined));
    joined->next = device->joined;
    device->joined = joined;
    *out = joined;
    return MOT_OK;
fail:
    joined_free(joined);
    return status;
}

/* ---- a piece ---- */

typedef struct words {
    int64_t *word;
    size_t n, capacity;
    cl_mem base[MAX_BASES];
    int n_bases;
    size_t local_bytes;
    int64_t most_units;
} words;

static mot_status add_word(words *w, int64_t value)
{
    MOT_TRY(mot_grow(&w->word, &w->capacity, w->n + 1, sizeof *w->word));
    w->word[w->n++] = value;
    return MOT_OK;
}

static int base_of(words *w, cl_mem mem)
{
    int at = 0;
    if (!mem)
        return 0;
    while (at < w->n_bases && w->base[at] != mem)
        at++;
    if (at == w->n_bases)
        w->base[w->n_bases++] = mem;
    return at + 1;
}

static mot_status add_launch(words *w, const mot_joined *joined, const mot_record *r)
{
    char *name;
    const int64_t units = (int64_t)r->global[0];
    MOT_TRY(case_name(r, &name));
    int number = find_case(joined, name);
    free(name);
    w->most_units = mot_max(w->most_units, units);
    MOT_TRY(add_word(w, number));
    MOT_TRY(add_word(w, units));
    for (int i = 0; i < r->n_args; i++) {
        const mot_arg *a = &r->arg[i];
        if (a->kind == MOT_ARG_LOCAL) {
            w->local_bytes = (size_t)mot_max((int64_t)w->local_bytes, a->value);
            continue;
        }
        if (a->kind == MOT_ARG_VIEW)
            MOT_TRY(add_word(w, base_of(w, a->mem)));
        MOT_TRY(add_word(w, a->value));
        if (a->kind == MOT_ARG_VIEW)
            MOT_TRY(add_word(w, a->stride));
    }
    return MOT_OK;
}

static mot_status set_arguments(mot_device *device, piece *p, const words *w)
{
    const cl_long n = p->last - p->first, slot = 0;
    cl_mem words_mem = mot_buffer_mem(p->words), counters = mot_buffer_mem(device->counters);
    cl_uint at = 0;
    for (int i = 0; i < MAX_BASES; i++)
        MOT_CL_TRY(device, clSetKernelArg(p->kernel, at++, sizeof(cl_mem),
                                          i < w->n_bases ? &w->base[i] : NULL));
    MOT_CL_TRY(device, clSetKernelArg(p->kernel, at++, sizeof words_mem, &words_mem));
    MOT_CL_TRY(device, clSetKernelArg(p->kernel, at++, sizeof n, &n));
    MOT_CL_TRY(device, clSetKernelArg(p->kernel, at++, sizeof slot, &slot));
    MOT_CL_TRY(device, clSetKernelArg(p->kernel, at++, sizeof counters, &counters));
    MOT_CL_TRY(device, clSetKernelArg(p->kernel, at, mot_max((int64_t)w->local_bytes, 64), NULL));
    return MOT_OK;
}

static mot_status make_piece(mot_commands *commands, const mot_joined *joined, piece *p)
{
    mot_device *device = commands->device;
    words w = {0};
    mot_status status = MOT_OK;
    cl_int code;
    for (int i = p->first; i < p->last && status == MOT_OK; i++)
        status = add_word(&w, 0);
    for (int i = p->first; i < p->last && status == MOT_OK; i++) {
        w.word[i - p->first] = (int64_t)w.n;
        status = add_launch(&w, joined, &commands->records[i]);
    }
    MOT_TRY_GOTO(status);
    if (!device->counters)
        MOT_TRY_GOTO(mot_buffer_new(
            device, sizeof(int32_t) * COUNTER_APART * (1 + 2 * MAX_LAUNCHES), &device->counters));
    MOT_TRY_GOTO(mot_buffer_new(device, w.n * sizeof *w.word, &p->words));
    MOT_TRY_GOTO(mot_buffer_write(p->words, 0, w.n * sizeof *w.word, w.word));
    p->kernel = clCreateKernel(joined->program, "joined", &code);
    if (code != CL_SUCCESS) {
        p->kernel = NULL;
        status = mot_cl_fail(device, code, "clCreateKernel");
        goto fail;
    }
    const int threads = mot_device_traits(device).threads;
    p->n_groups = (size_t)mot_min(threads > 1 ? GROUPS_PER_THREAD * threads : 1, w.most_units);
    status = set_arguments(device, p, &w);
fail:
    free(w.word);
    return status;
}

/* ---- ranges ---- */

static void free_one(mot_pieces *pieces)
{
    for (size_t i = 0; i < pieces->n_pieces; i++) {
        if (pieces->piece[i].kernel)
            clReleaseKernel(pieces->piece[i].kernel);
        mot_buffer_free(pieces->piece[i].words);
    }
    free(pieces->piece);
    free(pieces);
}

void mot_pieces_free(mot_pieces *pieces)
{
    while (pieces) {
        mot_pieces *gone = pieces;
        pieces = gone->next;
        free_one(gone);
    }
}

static mot_status cut(mot_commands *commands, mot_pieces *pieces)
{
    for (int at = pieces->first; at < pieces->last;) {
        char options[MAX_OPTIONS];
        const int n = run_length(commands, at, pieces->last, options);
        MOT_TRY(mot_grow(&pieces->piece, &pieces->capacity, pieces->n_pieces + 1,
                         sizeof *pieces->piece));
        piece *p = &pieces->piece[pieces->n_pieces++];
        *p = (piece){.first = at, .last = at + (n > 0 ? n : 1)};
        at = p->last;
        if (n > 0) {
            mot_joined *joined;
            MOT_TRY(get_joined(commands, p->first, p->last, options, &joined));
            MOT_TRY(make_piece(commands, joined, p));
        }
    }
    return MOT_OK;
}

static mot_pieces *find_pieces(const mot_commands *commands, int first, int last)
{
    mot_pieces *p = commands->pieces;
    while (p && (p->first != first || p->last != last))
        p = p->next;
    return p;
}

/* The pieces of the range, made at the first call.  *out is NULL where they cannot be built; the
 * device then joins nothing any more. */
static mot_status get_pieces(mot_commands *commands, int first, int last, mot_pieces **out)
{
    mot_pieces *pieces;
    *out = find_pieces(commands, first, last);
    if (*out)
        return MOT_OK;
    MOT_TRY(mot_alloc(1, sizeof *pieces, &pieces));
    pieces->first = first;
    pieces->last = last;
    mot_status status = cut(commands, pieces);
    *out = NULL;
    if (status == MOT_OK) {
        pieces->next = commands->pieces;
        commands->pieces = pieces;
        *out = pieces;
        return MOT_OK;
    }
    free_one(pieces);
    mot_log(MOT_LOG_INFO, "device %s joins 0 why \"%s\"", commands->device->info.id,
            mot_error_message());
    commands->device->joins = false;
    return MOT_OK;
}

typedef struct run {
    mot_commands *commands;
    piece *piece;
    int slot;
} run;

static mot_status enqueue_piece(void *user)
{
    const run *x = user;
    piece *p = x->piece;
    mot_commands *commands = x->commands;
    const size_t local = 1;
    if (p->slot != x->slot) {
        const cl_long slot = x->slot;
        cl_int code = clSetKernelArg(p->kernel, MAX_BASES + 2, sizeof slot, &slot);
        if (code != CL_SUCCESS)
            return mot_commands_failed(commands, commands->records[p->first].name, "clSetKernelArg",
                                       code);
        p->slot = x->slot;
    }
    cl_int code = clEnqueueNDRangeKernel(commands->device->compute, p->kernel, 1, NULL,
                                         &p->n_groups, &local, 0, NULL, NULL);
    return code == CL_SUCCESS ? MOT_OK
                              : mot_commands_failed(commands, commands->records[p->first].name,
                                                    "clEnqueueNDRangeKernel", code);
}

mot_status mot_joined_run(mot_commands *commands, int first, int last, int slot)
{
    mot_pieces *pieces;
    MOT_TRY(get_pieces(commands, first, last, &pieces));
    if (!pieces)
        return mot_commands_run(commands, first, last, slot);
    for (size_t i = 0; i < pieces->n_pieces; i++) {
        piece *p = &pieces->piece[i];
        run x = {commands, p, slot};
        if (!p->kernel) {
            MOT_TRY(mot_commands_run_one(commands, p->first, slot));
        } else if (p->ran) {
            MOT_TRY(enqueue_piece(&x));
        } else {
            MOT_TRY(mot_commands_run_first(commands->device, enqueue_piece, &x));
            p->ran = true;
        }
    }
    return MOT_OK;
}

int mot_joined_count(const mot_commands *commands, int first, int last)
{
    const mot_pieces *pieces = find_pieces(commands, first, last);
    return pieces ? (int)pieces->n_pieces : last - first;
}
