/* The table of remembered choices as text, and back; what is read may be anything. */
#include "config.h"

#include "devices/tuned.h"

#include "devices/matmul.h"
#include "devices/probe.h"
#include "runtime/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SIZE = 1 << 30, MOST_LINE = 400, MOST_ENTRIES = 65536, MOST_COMPLAINTS = 8 };

static const char first_line[] = "motley tuned 1\n";

static const struct {
    const char *name;
    int flag;
} flag_names[] = {{"accumulate", MOT_MATMUL_ACCUMULATE},
                  {"bias", MOT_MATMUL_BIAS},
                  {"relu", MOT_MATMUL_RELU},
                  {"mask", MOT_MATMUL_MASK},
                  {"sums", MOT_MATMUL_SUMS}};
enum { N_FLAGS = sizeof flag_names / sizeof *flag_names };

/* ---- problems ---- */

const char *mot_problem_print(const mot_problem *problem, char out[MOT_PROBLEM_TEXT])
{
    const mot_problem *p = problem;
    char batch[24] = "";
    if (p->batch > 1)
        snprintf(batch, sizeof batch, "%" PRId64 "*", p->batch);
    int n = snprintf(out, MOT_PROBLEM_TEXT, "product %c%c %s%" PRId64 "x%" PRId64 "x%" PRId64,
                     p->flags & MOT_MATMUL_TRANS_A ? 'T' : 'N',
                     p->flags & MOT_MATMUL_TRANS_B ? 'T' : 'N', batch, p->m, p->n, p->k);
    for (int i = 0; i < N_FLAGS; i++)
        if (p->flags & flag_names[i].flag)
            n += snprintf(out + n, (size_t)(MOT_PROBLEM_TEXT - n), " %s", flag_names[i].name);
    if (p->precision != MOT_PRECISION_FLOAT32)
        snprintf(out + n, (size_t)(MOT_PROBLEM_TEXT - n), " %s", mot_precision_name(p->precision));
    return out;
}

/* A number from 1 on, and `behind` it; the place behind that, or NULL. */
static const char *size_in(const char *text, char behind, int64_t *out)
{
    char *end;
    if (!text || *text < '1' || *text > '9')
        return NULL;
    *out = strtoll(text, &end, 10);
    return *out <= MOST_SIZE && *end == behind ? end + (behind != '\0') : NULL;
}

static bool read_sizes(const char *word, mot_problem *out)
{
    out->batch = 1;
    if (strchr(word, '*'))
        word = size_in(word, '*', &out->batch);
    word = size_in(word, 'x', &out->m);
    word = size_in(word, 'x', &out->n);
    return size_in(word, '\0', &out->k) != NULL;
}

static bool read_flag(const char *word, mot_problem *out)
{
    for (int i = 0; i < N_FLAGS; i++)
        if (strcmp(word, flag_names[i].name) == 0) {
            out->flags |= flag_names[i].flag;
            return true;
        }
    return mot_precision_parse(word, &out->precision) && out->precision != MOT_PRECISION_FLOAT32;
}

bool mot_problem_parse(const char *text, mot_problem *out)
{
    char copy[MOST_LINE], *rest = NULL;
    mot_problem p = {0};
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return false;
    const char *word = strtok_r(copy, " ", &rest);
    if (!word || strcmp(word, "product") != 0)
        return false;
    word = strtok_r(NULL, " ", &rest);
    if (!word || strlen(word) != 2 || strspn(word, "NT") != 2)
        return false;
    p.flags = (word[0] == 'T' ? MOT_MATMUL_TRANS_A : 0) | (word[1] == 'T' ? MOT_MATMUL_TRANS_B : 0);
    word = strtok_r(NULL, " ", &rest);
    if (!word || !read_sizes(word, &p))
        return false;
    while ((word = strtok_r(NULL, " ", &rest)))
        if (!read_flag(word, &p))
            return false;
    if (p.batch > 1 && p.flags & MOT_MATMUL_SUMS) /* matmul.h */
        return false;
    *out = p;
    return true;
}

/* ---- choices ---- */

const char *mot_choice_print(const mot_choice *choice, char out[MOT_CHOICE_TEXT])
{
    if (choice->variant < 0 || choice->variant >= MOT_MATMUL_N_VARIANTS) {
        snprintf(out, MOT_CHOICE_TEXT, "rule");
        return out;
    }
    const mot_variant *v = &mot_matmul_variants[choice->variant];
    int n = snprintf(out, MOT_CHOICE_TEXT, "%s", v->name);
    for (int i = 0; v->parameters && v->parameters[i].name; i++)
        if (choice->parameter[i] != 0)
            n += snprintf(out + n, (size_t)(MOT_CHOICE_TEXT - n), " %s %d", v->parameters[i].name,
                          choice->parameter[i]);
    return out;
}

static bool read_parameter(const mot_variant *v, const char *name, const char *value,
                           mot_choice *out)
{
    int64_t number;
    for (int i = 0; v->parameters && v->parameters[i].name; i++)
        if (strcmp(name, v->parameters[i].name) == 0) {
            if (out->parameter[i] != 0 || !size_in(value, '\0', &number))
                return false;
            out->parameter[i] = (int)number;
            return true;
        }
    return false;
}

bool mot_choice_parse(const char *text, mot_choice *out)
{
    char copy[MOST_LINE], *rest = NULL;
    mot_choice c = {.variant = MOT_BY_RULE};
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return false;
    const char *word = strtok_r(copy, " ", &rest);
    for (int i = 0; word && i < MOT_MATMUL_N_VARIANTS; i++)
        if (strcmp(word, mot_matmul_variants[i].name) == 0)
            c.variant = i;
    if (!word || (c.variant == MOT_BY_RULE && strcmp(word, "rule") != 0))
        return false;
    while ((word = strtok_r(NULL, " ", &rest))) {
        const char *value = strtok_r(NULL, " ", &rest);
        if (c.variant == MOT_BY_RULE || !value ||
            !read_parameter(&mot_matmul_variants[c.variant], word, value, &c))
            return false;
    }
    *out = c;
    return true;
}

/* ---- files ---- */

/* " 210.4 us, by rule 235.1 us"; anything else is a remark. */
static void read_times(const char *remark, mot_tuned_entry *entry)
{
    char time[32], rule[32];
    double time_us, rule_us;
    if (sscanf(remark, " %31s us, by rule %31s us", time, rule) == 2 &&
        mot_parse_float("time", time, &time_us) == MOT_OK &&
        mot_parse_float("time", rule, &rule_us) == MOT_OK && time_us >= 0.1 && time_us < 1e12 &&
        rule_us >= 0.1 && rule_us < 1e12) {
        entry->time_s = 1e-6 * time_us;
        entry->rule_s = 1e-6 * rule_us;
    }
}

static const char *behind(const char *line, const char *word)
{
    size_t n = strlen(word);
    return strncmp(line, word, n) == 0 ? line + n : NULL;
}

/* "PROBLEM : CHOICE", with `remark` cut off already. */
static mot_status read_line(mot_tuned *tuned, char *line, const char *remark, bool *understood)
{
    mot_tuned_entry entry = {0};
    mot_tuned_bad bad = {0};
    const char *quick = behind(line, "quick "), *struck = behind(line, "bad ");
    char *colon = strstr(line, " : ");
    *understood = false;
    if (!colon || !mot_choice_parse(colon + 3, &entry.choice))
        return MOT_OK;
    *colon = '\0';
    const char *what = quick ? quick : struck ? struck : line;
    bad.every = struck && strcmp(what, "every") == 0;
    if (!bad.every && !mot_problem_parse(what, &entry.problem))
        return MOT_OK;
    if (tuned->n_entries + tuned->n_bad >= MOST_ENTRIES)
        return MOT_OK;
    *understood = true;
    if (!struck) {
        entry.quick = quick != NULL;
        read_times(remark, &entry);
        return mot_tuned_put(tuned, &entry, false);
    }
    bad.problem = entry.problem;
    bad.choice = bad.every ? mot_tuned_build_of(&entry.choice) : entry.choice;
    snprintf(bad.why, sizeof bad.why, "%s", remark + strspn(remark, " "));
    for (char *c = bad.why; *c; c++)
        *c = *c >= ' ' && *c <= '~' ? *c : '?';
    return bad.choice.variant < 0 ? MOT_OK : mot_tuned_strike(tuned, &bad);
}

mot_status mot_tuned_read(mot_tuned *tuned, const char *text, const char *key, const char *name)
{
    bool ours = false;
    int complaints = 0;
    if (strncmp(text, first_line, sizeof first_line - 1) != 0)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s does not begin with '%.*s'", name,
                        (int)sizeof first_line - 2, first_line);
    for (int number = 1; *text; number++) {
        char line[MOST_LINE];
        size_t length = strcspn(text, "\n");
        int shown = snprintf(line, sizeof line, "%.*s", (int)(length < 2048 ? length : 2048), text);
        text += length + (text[length] == '\n');
        const char *its_key = behind(line, "key ");
        if (its_key)
            ours = strcmp(its_key, key) == 0;
        if (number == 1 || its_key || !ours || *line == '#' || *line == '\0')
            continue;
        char *remark = strchr(line, '#');
        if (remark)
            *remark++ = '\0';
        bool understood = false;
        if (shown < (int)sizeof line)
            MOT_TRY(read_line(tuned, line, remark ? remark : "", &understood));
        if (!understood && complaints++ < MOST_COMPLAINTS)
            mot_log(MOT_LOG_INFO, "tuned file %s line %d skipped 1", name, number);
    }
    return MOT_OK;
}

mot_status mot_tuned_print(const mot_tuned *tuned, const mot_device_info *info, mot_text *out)
{
    char key[17], problem[MOT_PROBLEM_TEXT], choice[MOT_CHOICE_TEXT];
    mot_probe_key(info, key);
    MOT_TRY(mot_text_add(out, "key %s\n# %s, %s, %s, %s\n", key, info->id, info->name,
                         info->platform, info->driver));
    for (size_t i = 0; i < tuned->n_entries; i++) {
        const mot_tuned_entry *e = &tuned->entry[i];
        MOT_TRY(mot_text_add(out, "%s%s : %s", e->quick ? "quick " : "",
                             mot_problem_print(&e->problem, problem),
                             mot_choice_print(&e->choice, choice)));
        if (e->time_s > 0)
            MOT_TRY(mot_text_add(out, "  # %.1f us, by rule %.1f us", 1e6 * e->time_s,
                                 1e6 * e->rule_s));
        MOT_TRY(mot_text_add(out, "\n"));
    }
    for (size_t i = 0; i < tuned->n_bad; i++) {
        const mot_tuned_bad *b = &tuned->bad[i];
        MOT_TRY(mot_text_add(out, "bad %s : %s  # %s\n",
                             b->every ? "every" : mot_problem_print(&b->problem, problem),
                             mot_choice_print(&b->choice, choice), b->why));
    }
    return MOT_OK;
}
