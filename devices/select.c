/* select.c: which devices to use: "auto", "gpu,!rusticl:*", "pocl:0/2".
 *
 * Patterns are applied in order to a growing set of (device, parts).  A selection that begins with
 * an exclusion begins with auto.  auto takes one driver of each chip, the faster one, among those
 * that no pattern of the selection excludes, so that "!pocl:*" does not lose the processor when
 * pocl happens to be the fastest on it.  Splitting a device replaces the whole one.
 * What a group pattern finds and what does not work is left out with a note; a device that is named
 * by its id is taken at its word, and fails with its own message when it is opened.
 * All but mot_devices_select itself is pure: it works on a list of plain data.
 */
#include "config.h"

#include "devices/probe.h"
#include "devices/state.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_PATTERNS = 64, MOST_PARTS = 4096 };

typedef struct pattern {
    bool exclude;
    char text[64];     /* without "!" and "/N" */
    int n_parts, part; /* "/N": part -1, all of them; no slash: 0 and -1 */
} pattern;

typedef struct entry {
    int device, n_parts, part; /* n_parts 0: the whole device */
} entry;

typedef struct choice {
    const mot_device_info *list;
    int n_list, n_patterns;
    bool probed;
    pattern patterns[MAX_PATTERNS];
    entry *entries;
    size_t capacity;
    int n_entries;
    mot_text *note;
} choice;

bool mot_glob(const char *p, const char *text)
{
    for (; *p; p++, text++) {
        if (*p == '*') {
            while (p[1] == '*')
                p++;
            do {
                if (mot_glob(p + 1, text))
                    return true;
            } while (*text++);
            return false;
        }
        if (tolower((unsigned char)*p) != tolower((unsigned char)*text))
            return false;
    }
    return *text == '\0';
}

/* ---- reading ---- */

static mot_status bad_pattern(const char *text, const char *why)
{
    return MOT_FAIL(
        MOT_ERR_ARGUMENT,
        "device selection \"%s\": %s; patterns are auto, all, cpu, gpu, fpga, accelerator, "
        "custom, or ids such as pocl:0, pocl:*, pocl:0/2, each with ! in front to exclude",
        text, why);
}

static mot_status parse_pattern(const char *start, size_t length, pattern *p)
{
    char whole[64];
    memset(p, 0, sizeof *p);
    p->part = -1;
    while (length > 0 && isspace((unsigned char)*start))
        start++, length--;
    while (length > 0 && isspace((unsigned char)start[length - 1]))
        length--;
    snprintf(whole, sizeof whole, "%.*s", (int)(length < 63 ? length : 63), start);
    if (length >= sizeof whole)
        return bad_pattern(whole, "the pattern is too long");
    const char *text = whole;
    if (*text == '!')
        p->exclude = true, text++;
    while (isspace((unsigned char)*text))
        text++;
    const char *slash = strchr(text, '/');
    snprintf(p->text, sizeof p->text, "%.*s", slash ? (int)(slash - text) : 63, text);
    if (!p->text[0])
        return bad_pattern(whole, "a pattern is empty");
    if (!slash)
        return MOT_OK;
    int end = 0;
    if (sscanf(slash, "/%d%n", &p->n_parts, &end) != 1 || p->n_parts < 1 || p->n_parts > MOST_PARTS)
        return bad_pattern(whole, "a split is written ID/N or ID/N.k");
    if (slash[end] == '\0')
        return MOT_OK;
    int more = 0;
    if (sscanf(slash + end, ".%d%n", &p->part, &more) != 1 || slash[end + more] || p->part < 0 ||
        p->part >= p->n_parts)
        return bad_pattern(whole, "a part is written ID/N.k with k from 0 to N-1");
    return MOT_OK;
}

static mot_status parse_selection(const char *selection, pattern *patterns, int *n_patterns)
{
    int n = 0;
    bool blank = !selection || selection[strspn(selection, " \t\n")] == '\0';
    const char *at = blank ? "auto" : selection;
    if (!blank && selection[strspn(selection, " \t\n")] == '!')
        MOT_TRY(parse_pattern("auto", 4, &patterns[n++]));
    for (;;) {
        size_t length = strcspn(at, ",");
        if (n == MAX_PATTERNS)
            return bad_pattern(selection, "too many patterns");
        MOT_TRY(parse_pattern(at, length, &patterns[n++]));
        if (at[length] == '\0')
            break;
        at += length + 1;
    }
    *n_patterns = n;
    return MOT_OK;
}

/* ---- matching ---- */

static bool is_fpga(const mot_device_info *info)
{
    return info->kind == MOT_KIND_ACCELERATOR &&
           (mot_glob("*fpga*", info->name) || mot_glob("*fpga*", info->platform) ||
            mot_glob("*xilinx*", info->platform) || mot_glob("*altera*", info->vendor));
}

static bool matches(const pattern *p, const mot_device_info *info)
{
    static const struct {
        const char *word;
        mot_device_kind kind;
    } kinds[] = {{"cpu", MOT_KIND_CPU},
                 {"gpu", MOT_KIND_GPU},
                 {"accelerator", MOT_KIND_ACCELERATOR},
                 {"custom", MOT_KIND_CUSTOM}};
    if (strcasecmp(p->text, "auto") == 0 || strcasecmp(p->text, "all") == 0)
        return true;
    if (strcasecmp(p->text, "fpga") == 0)
        return is_fpga(info);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcasecmp(p->text, kinds[i].word) == 0)
            return info->kind == kinds[i].kind;
    return mot_glob(p->text, info->id);
}

/* Does an exclusion take away the whole device, not only some part of it? */
static bool excludes(const pattern *p, const mot_device_info *info)
{
    return p->exclude && p->n_parts == 0 && matches(p, info);
}

mot_select_how mot_select_how_of(const mot_device_info *list, int n_list, int i,
                                 const char *selection)
{
    pattern patterns[MAX_PATTERNS];
    int n;
    mot_select_how how = MOT_SELECT_NOT;
    (void)n_list;
    if (parse_selection(selection, patterns, &n) != MOT_OK)
        return MOT_SELECT_NOT;
    for (int k = 0; k < n; k++) {
        if (excludes(&patterns[k], &list[i]))
            how = MOT_SELECT_NOT;
        else if (!patterns[k].exclude && strcasecmp(patterns[k].text, list[i].id) == 0)
            how = MOT_SELECT_NAMED;
        else if (!patterns[k].exclude && how == MOT_SELECT_NOT && matches(&patterns[k], &list[i]))
            how = MOT_SELECT_GROUP;
    }
    return how;
}

/* ---- choosing ---- */

static mot_status there_are(const mot_device_info *list, int n_list, mot_text *ids)
{
    for (int i = 0; i < n_list; i++)
        MOT_TRY(mot_text_add(ids, "%s%s (%s)", i ? ", " : "", list[i].id, list[i].name));
    return MOT_OK;
}

static mot_status fail_with_ids(const choice *c, mot_status status, const char *what,
                                const char *pattern_text)
{
    mot_text ids = {0};
    if (there_are(c->list, c->n_list, &ids) == MOT_OK)
        status = MOT_FAIL(status, "device selection \"%s\" %s; there are: %s", pattern_text, what,
                          ids.data ? ids.data : "none");
    mot_text_free(&ids);
    return status;
}

static mot_status add_note(choice *c, const char *text)
{
    if (c->note->length > 0 && strstr(c->note->data, text))
        return MOT_OK;
    return mot_text_add(c->note, "%s%s", c->note->length ? "\n" : "", text);
}

static int chip_of(const choice *c, int i)
{
    return c->list[i].twin_of < 0 ? i : c->list[i].twin_of;
}

/* May a group pattern take it? */
static mot_status usable(choice *c, int i, bool *yes)
{
    char line[512];
    const mot_device_info *info = &c->list[i];
    *yes = !c->probed || info->works;
    for (int k = 0; k < c->n_patterns && !info->trouble[0]; k++)
        if (excludes(&c->patterns[k], info)) /* so nobody looked whether it works */
            return MOT_OK;
    if (*yes)
        return MOT_OK;
    snprintf(line, sizeof line, "%s is left out: %s", info->id,
             info->trouble[0] ? info->trouble : "it does not work");
    return add_note(c, line);
}

/* auto: candidates are what no pattern excludes; of each chip the fastest stays. */
static mot_status mark_auto(choice *c, bool *wanted)
{
    for (int i = 0; i < c->n_list; i++) {
        wanted[i] = c->list[i].kind != MOT_KIND_CUSTOM;
        for (int k = 0; k < c->n_patterns && wanted[i]; k++)
            if (excludes(&c->patterns[k], &c->list[i]))
                wanted[i] = false;
        if (wanted[i])
            MOT_TRY(usable(c, i, &wanted[i]));
    }
    for (int i = 0; i < c->n_list; i++) {
        int best = -1;
        if (!wanted[i])
            continue;
        for (int j = 0; j < c->n_list; j++)
            if (wanted[j] && chip_of(c, j) == chip_of(c, i) &&
                (best < 0 ||
                 c->list[j].speed.matmul_flops_per_s > c->list[best].speed.matmul_flops_per_s))
                best = j;
        for (int j = 0; j < c->n_list; j++) {
            char line[512];
            if (!wanted[j] || j == best || chip_of(c, j) != chip_of(c, i))
                continue;
            wanted[j] = false;
            snprintf(line, sizeof line,
                     "%s is left out: %s drives the same silicon and is faster (%.3g against %.3g "
                     "GFLOP/s)",
                     c->list[j].id, c->list[best].id, c->list[best].speed.matmul_flops_per_s / 1e9,
                     c->list[j].speed.matmul_flops_per_s / 1e9);
            MOT_TRY(add_note(c, line));
        }
    }
    return MOT_OK;
}

static mot_status add_entry(choice *c, entry e)
{
    for (int i = 0; i < c->n_entries; i++)
        if (c->entries[i].device == e.device && c->entries[i].n_parts == e.n_parts &&
            c->entries[i].part == e.part)
            return MOT_OK;
    MOT_TRY(mot_grow(&c->entries, &c->capacity, (size_t)c->n_entries + 1, sizeof *c->entries));
    c->entries[c->n_entries++] = e;
    return MOT_OK;
}

/* Take away entries of a device that are not split into `n_parts`; true where any is left. */
static bool keep_only_split(choice *c, int device, int n_parts)
{
    int n = 0;
    bool left = false;
    for (int i = 0; i < c->n_entries; i++) {
        if (c->entries[i].device == device && n_parts > 0 && c->entries[i].n_parts != n_parts)
            continue;
        left = left || c->entries[i].device == device;
        c->entries[n++] = c->entries[i];
    }
    c->n_entries = n;
    return left;
}

static mot_status take(choice *c, const pattern *p, const bool *is_auto)
{
    bool automatic = strcasecmp(p->text, "auto") == 0, any = false;
    for (int i = 0; i < c->n_list; i++) {
        bool take_it = automatic ? is_auto[i] : matches(p, &c->list[i]);
        any = any || take_it || automatic;
        if (take_it && !automatic && strcasecmp(p->text, c->list[i].id) != 0)
            MOT_TRY(usable(c, i, &take_it));
        if (!take_it || (keep_only_split(c, i, p->n_parts) && p->n_parts == 0))
            continue;
        if (p->n_parts == 0 || p->part >= 0)
            MOT_TRY(add_entry(c, (entry){i, p->n_parts, p->n_parts ? p->part : 0}));
        for (int part = 0; p->part < 0 && part < p->n_parts; part++)
            MOT_TRY(add_entry(c, (entry){i, p->n_parts, part}));
    }
    return any ? MOT_OK : fail_with_ids(c, MOT_ERR_ARGUMENT, "names no device", p->text);
}

static void drop(choice *c, const pattern *p)
{
    int n = 0;
    for (int i = 0; i < c->n_entries; i++) {
        const entry *e = &c->entries[i];
        bool gone = matches(p, &c->list[e->device]);
        if (p->n_parts > 0)
            gone = gone && e->n_parts == p->n_parts && (p->part < 0 || p->part == e->part);
        if (!gone)
            c->entries[n++] = *e;
    }
    c->n_entries = n;
}

static int compare_entries(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    return p->device != q->device ? p->device - q->device : p->part - q->part;
}

static mot_status choose(choice *c, const char *selection)
{
    bool *is_auto;
    mot_status status;
    MOT_TRY(parse_selection(selection, c->patterns, &c->n_patterns));
    MOT_TRY(mot_alloc((size_t)c->n_list, sizeof *is_auto, &is_auto));
    for (int k = 0; k < c->n_patterns; k++)
        if (strcasecmp(c->patterns[k].text, "auto") == 0 && !c->patterns[k].exclude) {
            MOT_TRY_GOTO(mark_auto(c, is_auto));
            break;
        }
    for (int k = 0; k < c->n_patterns; k++) {
        if (c->patterns[k].exclude)
            drop(c, &c->patterns[k]);
        else
            MOT_TRY_GOTO(take(c, &c->patterns[k], is_auto));
    }
    if (c->n_entries > 1)
        qsort(c->entries, (size_t)c->n_entries, sizeof *c->entries, compare_entries);
    status = MOT_OK;
    if (c->n_entries == 0 && c->note->length > 0)
        status = MOT_FAIL(MOT_ERR_DEVICE, "no device is left: %s", c->note->data);
    else if (c->n_entries == 0)
        status = fail_with_ids(c, MOT_ERR_DEVICE, "leaves no device", selection);
fail:
    free(is_auto);
    return status;
}

/* ---- dealing out to ranks ---- */

/* Ranks on each entry, when there are more ranks than entries: processors are cut, the one with the
 * most cores a rank first; where there is nothing to cut, ranks share. */
static void spread_ranks(const choice *c, int n_ranks, int *ranks_on)
{
    for (int i = 0; i < c->n_entries; i++)
        ranks_on[i] = 1;
    for (int left = n_ranks - c->n_entries; left > 0; left--) {
        int best = 0;
        double most = -1;
        for (int i = 0; i < c->n_entries; i++) {
            const mot_device_info *info = &c->list[c->entries[i].device];
            bool cuts = mot_silicon_is_host_cpu(info) && c->entries[i].n_parts == 0;
            double room = (cuts ? 1 + (double)info->compute_units : 1e-3) / ranks_on[i];
            if (room > most)
                most = room, best = i;
        }
        ranks_on[best]++;
    }
}

static void put(const choice *c, entry e, mot_device_info *out)
{
    *out = c->list[e.device];
    if (e.n_parts > 0)
        mot_part_info(out, e.n_parts, e.part);
}

static mot_status deal(const choice *c, int n_ranks, int rank, mot_device_info **out, int *n_out)
{
    mot_device_info *mine;
    int n = 0;
    MOT_TRY(mot_alloc((size_t)c->n_entries, sizeof *mine, &mine));
    if (n_ranks <= c->n_entries) {
        for (int i = rank; i < c->n_entries; i += n_ranks)
            put(c, c->entries[i], &mine[n++]);
    } else {
        int *ranks_on;
        mot_status status = mot_alloc((size_t)c->n_entries, sizeof *ranks_on, &ranks_on);
        if (status != MOT_OK) {
            free(mine);
            return status;
        }
        spread_ranks(c, n_ranks, ranks_on);
        for (int i = 0, first = 0; i < c->n_entries; first += ranks_on[i++]) {
            entry e = c->entries[i];
            if (rank < first || rank >= first + ranks_on[i])
                continue;
            if (ranks_on[i] > 1 && e.n_parts == 0 && mot_silicon_is_host_cpu(&c->list[e.device]))
                e.n_parts = ranks_on[i], e.part = rank - first;
            put(c, e, &mine[n++]);
        }
        free(ranks_on);
    }
    *out = mine;
    *n_out = n;
    return MOT_OK;
}

mot_status mot_select_from(const mot_device_info *list, int n_list, const char *selection,
                           bool probed, int n_parts, int part, mot_device_info **out, int *n_out,
                           mot_text *note)
{
    if (n_parts < 1 || part < 0 || part >= n_parts)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "part %d of %d", part, n_parts);
    choice *c;
    MOT_TRY(mot_alloc(1, sizeof *c, &c));
    *c = (choice){.list = list, .n_list = n_list, .probed = probed, .note = note};
    mot_status status = choose(c, selection);
    if (status == MOT_OK)
        status = deal(c, n_parts, part, out, n_out);
    free(c->entries);
    free(c);
    return status;
}

/* ---- with the devices of this machine ---- */

static mot_status select_here(const char *selection, bool measure, int n_parts, int part,
                              mot_device_info **out, int *n_devices, char **note)
{
    mot_device_info *list;
    mot_text text = {0};
    int n;
    mot_status status;
    MOT_TRY(mot_devices_list(0, &list, &n));
    MOT_TRY_GOTO(mot_text_add(&text, "%s", ""));
    for (int i = 0; i < n; i++) {
        mot_select_how how = mot_select_how_of(list, n, i, selection);
        if (how == MOT_SELECT_GROUP && measure)
            MOT_TRY_GOTO(mot_device_probe(&list[i], false));
        else if (how != MOT_SELECT_NOT)
            mot_probe_recall(&list[i]);
    }
    MOT_TRY_GOTO(
        mot_select_from(list, n, selection, measure, n_parts, part, out, n_devices, &text));
    *note = text.data;
    text.data = NULL;
fail:
    mot_text_free(&text);
    free(list);
    return status;
}

mot_status mot_devices_select(const char *selection, int n_parts, int part, mot_device_info **out,
                              int *n_devices, char **note)
{
    return select_here(selection, true, n_parts, part, out, n_devices, note);
}

mot_status mot_devices_select_offline(const char *selection, int n_parts, int part,
                                      mot_device_info **out, int *n_devices, char **note)
{
    return select_here(selection, false, n_parts, part, out, n_devices, note);
}
