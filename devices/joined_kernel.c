/* joined_kernel.c: the kernel of a joined launch: put together from the sources that it needs and a
 * switch with a case for each kernel, so that an operator is joined as soon as its kernel has UNITS
 * (kernels_cl/joined.cl is what stands in front).
 *
 * The device keeps these kernels, and one that has more cases than are needed serves as well: what
 * trains also evaluates.  What always holds: a kernel with UNITS is recorded with every macro that
 * it reads, for the options of several kernels are put together. */
#include "config.h"

#include "devices/joined.h"
#include "devices/variant.h"
#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

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

bool mot_joined_merge_options(char to[MOT_JOINED_OPTIONS], const char *more)
{
    char merged[MOT_JOINED_OPTIONS];
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

mot_status mot_joined_case_name(const mot_record *r, char **out)
{
    char kinds[MOT_MAX_ARGS + 1], name[256];
    for (int i = 0; i < r->n_args; i++)
        kinds[i] = "vlifs"[r->arg[i].kind];
    kinds[r->n_args] = '\0';
    snprintf(name, sizeof name, "%s %s %s", r->source, r->kernel_name, kinds);
    return mot_strdup(name, out);
}

int mot_joined_find_case(const mot_joined *joined, const char *name)
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
    if (mot_joined_find_case(joined, name) >= 0 || at == MOT_JOINED_CASES) {
        free(name);
        return at == MOT_JOINED_CASES ? MOT_FAIL(MOT_ERR_UNSUPPORTED, "too many kernels to join")
                                      : MOT_OK;
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
    for (int i = 0; i < joined->n_cases; i++) {
        /* Sorted, so that those of one source are neighbours. */
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

int mot_joined_regions(const mot_device *device)
{
    const int threads = mot_device_traits(device).threads;
    return threads < MOT_JOINED_REGIONS ? threads : MOT_JOINED_REGIONS;
}

/* Without the hint Intel's compiler makes a second kernel, of vectors of work-items, that no group of one
 * ever runs: a convolutional network took it 40 s instead of 4. */
static mot_status add_kernel(const mot_device *device, mot_text *text, const mot_joined *joined)
{
    MOT_TRY(mot_text_add(
        text,
        "#undef __kernel\n#undef get_num_groups\n#undef get_group_id\n"
        "#define APART %d\n"
        "#define REGIONS %d\n"
        "#define HOME ((long)get_group_id(0) * REGIONS / (long)get_num_groups(0))\n"
        "#define MAY_END (%d * ((int)get_num_groups(0) - *counters) > (int)get_num_groups(0))\n"
        "__kernel __attribute__((reqd_work_group_size(1, 1, 1), vec_type_hint(float8)))\nvoid "
        "joined(",
        MOT_JOINED_APART, mot_joined_regions(device), MOT_JOINED_GROUPS));
    for (int i = 1; i <= MOT_JOINED_BASES; i++)
        MOT_TRY(mot_text_add(text, "__global char *b%d, ", i));
    MOT_TRY(mot_text_add(text, "__global const long *words, long n, long slot, long slots,\n"
                               "    long steps, volatile __global int *counters,\n"
                               "    __local char *scratch)\n{\n"
                               "    __global char *base[] = {0"));
    for (int i = 1; i <= MOT_JOINED_BASES; i++)
        MOT_TRY(mot_text_add(text, ", b%d", i));
    MOT_TRY(mot_text_add(
        text, "};\n"
              "    for (long i = 0, launch = 0; i < n * steps; i++) {\n"
              "        __global const long *w = words + words[launch];\n"
              "        volatile __global int *done = counters + APART * (1 + (1 + REGIONS) * i);\n"
              "        const long units = w[1];\n"
              "        for (long left = REGIONS, region = HOME; left > 0;) {\n"
              "        const long begin = units * region / REGIONS;\n"
              "        const int size = units * (region + 1) / REGIONS - begin;\n"
              "        volatile __global int *taken = done + APART * (1 + region);\n"
              "        const int next = *taken < size ? atomic_inc(taken) : size;\n"
              "        if (next >= size) {\n"
              "            region = region + 1 < REGIONS ? region + 1 : 0;\n"
              "            left--;\n"
              "            continue;\n"
              "        }\n"
              "        const long unit = begin + next;\n"
              "        switch ((int)w[0]) {\n"));
    MOT_TRY(add_cases(text, joined));
    return mot_text_add(
        text, "        }\n"
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
              "        if (++launch == n) {\n"
              "            launch = 0;\n"
              "            slot = slot + 1 < slots ? slot + 1 : 0;\n"
              "        }\n"
              "    }\n"
              "    if (atomic_inc(counters) + 1 < (int)get_num_groups(0))\n"
              "        return;\n"
              "    for (long i = 0; i < 1 + (1 + REGIONS) * n * steps; i++)\n"
              "        atomic_xchg(counters + APART * i, 0);\n"
              "}\n");
}

static mot_status build(mot_device *device, mot_joined *joined)
{
    mot_text text = {0};
    char name[32];
    mot_status status;
    MOT_TRY_GOTO(add_sources(&text, joined));
    MOT_TRY_GOTO(add_kernel(device, &text, joined));
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

static mot_status add_cases_of(mot_joined *joined, const mot_commands *commands, int first,
                               int last)
{
    for (int i = first; i < last; i++) {
        char *name;
        MOT_TRY(mot_joined_case_name(&commands->records[i], &name));
        MOT_TRY(add_case(joined, name));
    }
    return MOT_OK;
}

/* A kernel that the device has and that does for `wanted`. */
static mot_joined *find_joined(const mot_device *device, const mot_joined *wanted)
{
    for (mot_joined *j = device->joined; j; j = j->next) {
        char options[MOT_JOINED_OPTIONS];
        memcpy(options, j->options, sizeof options);
        bool all =
            mot_joined_merge_options(options, wanted->options) && strcmp(options, j->options) == 0;
        for (int i = 0; i < wanted->n_cases && all; i++)
            all = mot_joined_find_case(j, wanted->name[i]) >= 0;
        if (all)
            return j;
    }
    return NULL;
}

mot_status mot_joined_get(mot_commands *commands, int first, int last, const char *options,
                          mot_joined **out)
{
    mot_device *device = commands->device;
    mot_joined *joined;
    mot_status status;
    MOT_TRY(mot_alloc(1, sizeof *joined, &joined));
    memcpy(joined->options, options, MOT_JOINED_OPTIONS);
    MOT_TRY_GOTO(add_cases_of(joined, commands, first, last));
    *out = find_joined(device, joined);
    if (*out) {
        joined_free(joined);
        return MOT_OK;
    }
    for (int i = 0; i < commands->n_records; i++)
        if (commands->records[i].units &&
            mot_joined_merge_options(joined->options, commands->records[i].options))
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
