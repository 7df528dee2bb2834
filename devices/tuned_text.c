/* The table of remembered choices as text, and back; what is read may be anything. */
#include "config.h"

#include "devices/tuned.h"

#include "devices/probe.h"
#include "devices/variant.h"
#include "runtime/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PARAMETER = 1 << 30, MOST_LINE = 600, MOST_ENTRIES = 16384, MOST_COMPLAINTS = 8 };

static const char first_line[] = "motley tuned 1\n";

/* ---- choices ---- */

const char *mot_choice_print(mot_op op, const mot_choice *choice, char out[MOT_CHOICE_TEXT])
{
    const mot_primitive *primitive = mot_primitive_of(op);
    if (choice->variant < 0 || choice->variant >= primitive->n_variants) {
        snprintf(out, MOT_CHOICE_TEXT, "rule");
        return out;
    }
    const mot_variant *v = &primitive->variants[choice->variant];
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
    for (int i = 0; v->parameters && v->parameters[i].name; i++)
        if (strcmp(name, v->parameters[i].name) == 0) {
            char *end;
            if (out->parameter[i] != 0 || *value < '1' || *value > '9')
                return false;
            const long long number = strtoll(value, &end, 10);
            out->parameter[i] = number <= MOST_PARAMETER ? (int)number : 0;
            return out->parameter[i] > 0 && *end == '\0';
        }
    return false;
}

bool mot_choice_parse(mot_op op, const char *text, mot_choice *out)
{
    const mot_primitive *primitive = mot_primitive_of(op);
    char copy[MOST_LINE], *rest = NULL;
    mot_choice c = {.variant = MOT_BY_RULE};
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return false;
    const char *word = strtok_r(copy, " ", &rest);
    for (int i = 0; word && i < primitive->n_variants; i++)
        if (strcmp(word, primitive->variants[i].name) == 0)
            c.variant = i;
    if (!word || (c.variant == MOT_BY_RULE && strcmp(word, "rule") != 0))
        return false;
    while ((word = strtok_r(NULL, " ", &rest))) {
        const char *value = strtok_r(NULL, " ", &rest);
        if (c.variant == MOT_BY_RULE || !value ||
            !read_parameter(&primitive->variants[c.variant], word, value, &c))
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

/* "every" of a product, "every conv2d" of that operator. */
static bool read_every(const char *what, mot_tuned_bad *bad)
{
    const char *name = behind(what, "every");
    bad->every = name && (*name == '\0' || *name == ' ');
    bad->problem.op = MOT_OP_linear;
    return bad->every && (*name == '\0' || mot_op_parse(name + 1, &bad->problem.op));
}

/* "PROBLEM : CHOICE", with `remark` cut off already. */
static mot_status read_line(mot_tuned *tuned, char *line, const char *remark, bool *understood)
{
    mot_tuned_entry entry = {0};
    mot_tuned_bad bad = {0};
    const char *quick = behind(line, "quick "), *struck = behind(line, "bad ");
    char *colon = strstr(line, " : ");
    *understood = false;
    if (!colon)
        return MOT_OK;
    *colon = '\0';
    const char *what = quick ? quick : struck ? struck : line;
    if (struck && read_every(what, &bad))
        entry.problem = bad.problem;
    else if (bad.every || !mot_problem_parse(what, &entry.problem))
        return MOT_OK;
    if (!mot_choice_parse(entry.problem.op, colon + 3, &entry.choice) ||
        tuned->n_entries + tuned->n_bad >= MOST_ENTRIES)
        return MOT_OK;
    *understood = true;
    if (!struck) {
        entry.quick = quick != NULL;
        read_times(remark, &entry);
        return mot_tuned_put(tuned, &entry, false);
    }
    bad.problem = entry.problem;
    bad.choice = bad.every ? mot_tuned_build_of(bad.problem.op, &entry.choice) : entry.choice;
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

const char *mot_tuned_bad_print(const mot_tuned_bad *bad, char out[MOT_PROBLEM_TEXT])
{
    if (!bad->every)
        return mot_problem_print(&bad->problem, out);
    const bool product = mot_problem_is_product(&bad->problem);
    snprintf(out, MOT_PROBLEM_TEXT, "every%s%s", product ? "" : " ",
             product ? "" : mot_op_name(bad->problem.op));
    return out;
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
                             mot_choice_print(e->problem.op, &e->choice, choice)));
        if (e->time_s > 0)
            MOT_TRY(mot_text_add(out, "  # %.1f us, by rule %.1f us", 1e6 * e->time_s,
                                 1e6 * e->rule_s));
        MOT_TRY(mot_text_add(out, "\n"));
    }
    for (size_t i = 0; i < tuned->n_bad; i++) {
        const mot_tuned_bad *b = &tuned->bad[i];
        MOT_TRY(mot_text_add(out, "bad %s : %s  # %s\n", mot_tuned_bad_print(b, problem),
                             mot_choice_print(b->problem.op, &b->choice, choice), b->why));
    }
    return MOT_OK;
}
