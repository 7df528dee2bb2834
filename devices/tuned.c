/* The table of remembered choices; tuned_text.c and tuned_file.c bring it to disk. */
#include "config.h"

#include "devices/tuned.h"

#include "devices/variant.h"
#include "runtime/base/memory.h"

#include <stdlib.h>
#include <string.h>

void mot_tuned_free(mot_tuned *tuned)
{
    free(tuned->entry);
    free(tuned->bad);
    *tuned = (mot_tuned){0};
}

static bool same_choice(const mot_choice *a, const mot_choice *b)
{
    return a->variant == b->variant && memcmp(a->parameter, b->parameter, sizeof a->parameter) == 0;
}

/* ---- entries ---- */

static mot_tuned_entry *find_exact(const mot_tuned *tuned, const mot_problem *problem)
{
    for (size_t i = 0; i < tuned->n_entries; i++)
        if (mot_problem_equal(&tuned->entry[i].problem, problem))
            return &tuned->entry[i];
    return NULL;
}

const mot_tuned_entry *mot_tuned_exact(const mot_tuned *tuned, const mot_problem *problem)
{
    return find_exact(tuned, problem);
}

const mot_tuned_entry *mot_tuned_find(const mot_tuned *tuned, const mot_problem *problem)
{
    const mot_tuned_entry *exact = find_exact(tuned, problem), *found = NULL;
    double least = 1;
    if (exact && !exact->quick)
        return exact;
    for (size_t i = 0; i < tuned->n_entries; i++) {
        const mot_tuned_entry *e = &tuned->entry[i];
        const double off = e->quick ? -1 : mot_problem_distance(&e->problem, problem);
        if (off >= 0 && off < least) {
            least = off;
            found = e;
        }
    }
    return found ? found : exact;
}

mot_status mot_tuned_put(mot_tuned *tuned, const mot_tuned_entry *entry, bool replace)
{
    mot_tuned_entry *old = find_exact(tuned, &entry->problem);
    if (old) {
        if (replace || (old->quick && !entry->quick))
            *old = *entry;
        return MOT_OK;
    }
    MOT_TRY(mot_grow(&tuned->entry, &tuned->entry_capacity, tuned->n_entries + 1,
                     sizeof *tuned->entry));
    tuned->entry[tuned->n_entries++] = *entry;
    return MOT_OK;
}

/* ---- what is struck off ---- */

mot_choice mot_tuned_build_of(mot_op op, const mot_choice *choice)
{
    mot_choice build = {.variant = choice->variant};
    const mot_parameter *p =
        choice->variant >= 0 ? mot_primitive_of(op)->variants[choice->variant].parameters : NULL;
    for (int i = 0; p && p[i].name; i++)
        if (p[i].builds)
            build.parameter[i] = choice->parameter[i];
    return build;
}

mot_status mot_tuned_strike(mot_tuned *tuned, const mot_tuned_bad *bad)
{
    for (size_t i = 0; i < tuned->n_bad; i++) {
        const mot_tuned_bad *old = &tuned->bad[i];
        if (old->every == bad->every && same_choice(&old->choice, &bad->choice) &&
            (bad->every ? old->problem.op == bad->problem.op
                        : mot_problem_equal(&old->problem, &bad->problem)))
            return MOT_OK;
    }
    MOT_TRY(mot_grow(&tuned->bad, &tuned->bad_capacity, tuned->n_bad + 1, sizeof *tuned->bad));
    tuned->bad[tuned->n_bad++] = *bad;
    return MOT_OK;
}

bool mot_tuned_is_struck(const mot_tuned *tuned, const mot_problem *problem,
                         const mot_choice *choice)
{
    const mot_choice build = mot_tuned_build_of(problem->op, choice);
    for (size_t i = 0; i < tuned->n_bad; i++) {
        const mot_tuned_bad *bad = &tuned->bad[i];
        if (bad->problem.op == problem->op &&
            (bad->every
                 ? same_choice(&bad->choice, &build)
                 : same_choice(&bad->choice, choice) && mot_problem_equal(&bad->problem, problem)))
            return true;
    }
    return false;
}

mot_status mot_tuned_merge(mot_tuned *into, const mot_tuned *from, bool replace)
{
    for (size_t i = 0; i < from->n_entries; i++)
        MOT_TRY(mot_tuned_put(into, &from->entry[i], replace));
    for (size_t i = 0; i < from->n_bad; i++)
        MOT_TRY(mot_tuned_strike(into, &from->bad[i]));
    return MOT_OK;
}
