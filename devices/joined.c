/* joined.c: many launches as one, on devices that are CPUs; kernels_cl/joined.cl says why and
 * how.
 *
 * A range of launches is cut into pieces: runs of launches whose kernels have UNITS become one
 * launch each (joined_kernel.c), others stay alone.  Its arguments are a table of words in device
 * memory:
 *
 *     where each launch's words begin;  then for each launch: case, units, arguments
 *     (a view: number of the base pointer, offset, elements between ring slots; else the bits)
 *
 * A range that is one piece can run for several steps at once, each with the next slot of the ring.
 * Where the kernel cannot be built, or memory is short, launches are run one by one. */
#include "config.h"

#include "devices/joined.h"
#include "devices/variant.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Launches [first, last) as one, or, with kernel NULL, launch `first` alone. */
typedef struct piece {
    int first, last;
    cl_kernel kernel;
    mot_buffer *words;
    size_t n_groups;
    bool ran;
    mot_slots slots; /* of the last run */
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

bool mot_device_joins(const mot_device *device)
{
    return device->joins;
}

/* Launches from `first` on that can be one: how many, and their options. */
static int run_length(const mot_commands *commands, int first, int last,
                      char options[MOT_JOINED_OPTIONS])
{
    cl_mem base[MOT_JOINED_BASES];
    int n = 0, n_bases = 0;
    options[0] = '\0';
    for (; first + n < last && n < MOT_JOINED_LAUNCHES; n++) {
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
            if (wanted == MOT_JOINED_BASES)
                return n;
            base[wanted++] = r->arg[i].mem;
        }
        if (!mot_joined_merge_options(options, r->options))
            return n;
        n_bases = wanted;
    }
    return n;
}

/* ---- a piece ---- */

typedef struct words {
    int64_t *word;
    size_t n, capacity;
    cl_mem base[MOT_JOINED_BASES];
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
    MOT_TRY(mot_joined_case_name(r, &name));
    int number = mot_joined_find_case(joined, name);
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

/* First slot, slots, steps: see set_slots. */
enum { SLOT_ARGS = 3 };

static mot_status set_arguments(mot_device *device, piece *p, const words *w)
{
    const cl_long n = p->last - p->first;
    cl_mem words_mem = mot_buffer_mem(p->words), counters = mot_buffer_mem(device->counters);
    cl_uint at = 0;
    for (int i = 0; i < MOT_JOINED_BASES; i++)
        MOT_CL_TRY(device, clSetKernelArg(p->kernel, at++, sizeof(cl_mem),
                                          i < w->n_bases ? &w->base[i] : NULL));
    MOT_CL_TRY(device, clSetKernelArg(p->kernel, at++, sizeof words_mem, &words_mem));
    MOT_CL_TRY(device, clSetKernelArg(p->kernel, at++, sizeof n, &n));
    at += SLOT_ARGS;
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
        MOT_TRY_GOTO(
            mot_buffer_new(device,
                           sizeof(int32_t) * MOT_JOINED_APART *
                               (1 + (size_t)(1 + mot_joined_regions(device)) * MOT_JOINED_LAUNCHES),
                           &device->counters));
    MOT_TRY_GOTO(mot_buffer_new(device, w.n * sizeof *w.word, &p->words));
    MOT_TRY_GOTO(mot_buffer_write(p->words, 0, w.n * sizeof *w.word, w.word));
    p->kernel = clCreateKernel(joined->program, "joined", &code);
    if (code != CL_SUCCESS) {
        p->kernel = NULL;
        status = mot_cl_fail(device, code, "clCreateKernel");
        goto fail;
    }
    const int threads = mot_device_traits(device).threads;
    p->n_groups = (size_t)mot_min(threads > 1 ? MOT_JOINED_GROUPS * threads : 1, w.most_units);
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
        char options[MOT_JOINED_OPTIONS];
        const int n = run_length(commands, at, pieces->last, options);
        MOT_TRY(mot_grow(&pieces->piece, &pieces->capacity, pieces->n_pieces + 1,
                         sizeof *pieces->piece));
        piece *p = &pieces->piece[pieces->n_pieces++];
        *p = (piece){.first = at, .last = at + (n > 0 ? n : 1)};
        at = p->last;
        if (n > 0) {
            mot_joined *joined;
            MOT_TRY(mot_joined_get(commands, p->first, p->last, options, &joined));
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

/* ---- runs ---- */

typedef struct run {
    mot_commands *commands;
    piece *piece;
    mot_slots slots;
} run;

static cl_int set_slots(piece *p, const mot_slots *slots)
{
    const cl_long value[SLOT_ARGS] = {slots->first, slots->of, slots->n};
    cl_int code = CL_SUCCESS;
    if (memcmp(&p->slots, slots, sizeof *slots) == 0)
        return CL_SUCCESS;
    for (cl_uint i = 0; i < SLOT_ARGS && code == CL_SUCCESS; i++)
        code = clSetKernelArg(p->kernel, MOT_JOINED_BASES + 2 + i, sizeof value[i], &value[i]);
    if (code == CL_SUCCESS)
        p->slots = *slots;
    return code;
}

static mot_status enqueue_piece(void *user)
{
    const run *x = user;
    piece *p = x->piece;
    const char *name = x->commands->records[p->first].name;
    const size_t local = 1;
    cl_int code = set_slots(p, &x->slots);
    if (code != CL_SUCCESS)
        return mot_commands_failed(x->commands, name, "clSetKernelArg", code);
    code = clEnqueueNDRangeKernel(x->commands->device->compute, p->kernel, 1, NULL, &p->n_groups,
                                  &local, 0, NULL, NULL);
    return code == CL_SUCCESS
               ? MOT_OK
               : mot_commands_failed(x->commands, name, "clEnqueueNDRangeKernel", code);
}

static mot_status run_piece(mot_commands *commands, piece *p, mot_slots slots)
{
    run x = {commands, p, slots};
    if (!p->kernel)
        return mot_commands_run_one(commands, p->first, slots.first);
    if (p->ran)
        return enqueue_piece(&x);
    MOT_TRY(mot_commands_run_first(commands->device, enqueue_piece, &x));
    p->ran = true;
    return MOT_OK;
}

/* For how many steps the pieces can run as one launch. */
static int most_steps(const mot_pieces *pieces)
{
    const piece *p = pieces->piece;
    return pieces->n_pieces == 1 && p->ran ? MOT_JOINED_LAUNCHES / (p->last - p->first) : 1;
}

mot_status mot_joined_run(mot_commands *commands, int first, int last, mot_slots slots,
                          bool *joined)
{
    mot_pieces *pieces;
    MOT_TRY(get_pieces(commands, first, last, &pieces));
    *joined = pieces != NULL;
    if (!pieces)
        return MOT_OK;
    if (slots.n > 1 && slots.n <= most_steps(pieces))
        return run_piece(commands, pieces->piece, slots);
    for (int s = 0; s < slots.n; s++)
        for (size_t i = 0; i < pieces->n_pieces; i++)
            MOT_TRY(run_piece(commands, &pieces->piece[i],
                              (mot_slots){(slots.first + s) % slots.of, 1, slots.of}));
    return MOT_OK;
}

int mot_joined_count(const mot_commands *commands, int first, int last)
{
    const mot_pieces *pieces = find_pieces(commands, first, last);
    return pieces ? (int)pieces->n_pieces : last - first;
}

int mot_joined_steps(const mot_commands *commands, int first, int last)
{
    const mot_pieces *pieces = find_pieces(commands, first, last);
    return pieces ? most_steps(pieces) : 1;
}
