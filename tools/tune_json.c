/* tune_json.c: the results of `motley tune` as JSON. */
#include "config.h"

#include "tools/tune.h"

#include <jansson.h>

static json_t *seconds(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

static json_t *list_of(mot_tuning *t, const char *name)
{
    if (!t->json)
        t->json = json_pack("{s:[], s:[]}", "problems", "struck_off");
    return json_object_get(t->json, name);
}

mot_status mot_tune_json_add(mot_tuning *t)
{
    char problem[MOT_PROBLEM_TEXT], choice[MOT_CHOICE_TEXT];
    int failed = 0;
    for (size_t i = 0; i < t->n_problems; i++) {
        const mot_tuned_entry *e = mot_tuned_exact(&t->tuned, &t->problem[i]);
        if (!e || e->quick)
            continue;
        failed |= json_array_append_new(
            list_of(t, "problems"),
            json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "device", t->info->id, "problem",
                      mot_problem_print(&e->problem, problem), "choice",
                      mot_choice_print(e->problem.op, &e->choice, choice), "rule_s",
                      seconds(e->rule_s), "tuned_s", seconds(e->time_s), "gain",
                      e->time_s > 0 ? json_real(e->rule_s / e->time_s) : json_null()));
    }
    for (size_t i = 0; i < t->tuned.n_bad; i++) {
        const mot_tuned_bad *b = &t->tuned.bad[i];
        failed |= json_array_append_new(
            list_of(t, "struck_off"),
            json_pack("{s:s, s:o, s:s, s:s}", "device", t->info->id, "problem",
                      json_string(mot_tuned_bad_print(b, problem)),
                      "choice", mot_choice_print(b->problem.op, &b->choice, choice), "why",
                      b->why));
    }
    return failed ? MOT_FAIL(MOT_ERR_MEMORY, "no host memory for the results") : MOT_OK;
}

mot_status mot_tune_json_print(mot_tuning *t)
{
    list_of(t, "problems");
    if (!t->json || json_dumpf(t->json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) ||
        putchar('\n') == EOF || fflush(stdout))
        return MOT_FAIL(MOT_ERR_FILE, "the result cannot be written to standard output");
    return MOT_OK;
}

void mot_tune_json_free(mot_tuning *t)
{
    json_decref(t->json);
    t->json = NULL;
}
