/* shares.c: shares, the plans made of them, and their adaptation while training.
 *
 * Shares are set for the full batch; a smaller one (the last of an epoch) takes them in proportion.
 * Plans are kept by batch size until the shares change.  The measured times of the steps move the
 * devices' lines; shares change at a step boundary when the gain is beyond the noise.  Every rank
 * computes the same from the same gathered numbers.
 */
#include "config.h"

#include "runtime/train/trainer.h"

#include "runtime/base/log.h"
#include "runtime/base/memory.h"
#include "runtime/base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ADAPT_FIRST = 32, ADAPT_LEAST = 16, ADAPT_MOST = 2000 };

static const double ADAPT_PERIOD_S = 1.0; /* about how often times are looked at */

/* ---- plans ---- */

void mot_trainer_drop_plans(mot_trainer *t)
{
    for (int i = 0; i < t->n_plans; i++)
        mot_plan_free(t->plan[i]);
    t->n_plans = 0;
    t->current = NULL;
}

/* Shares of a batch of n in proportion to those of the full batch. */
static mot_status shares_for(mot_trainer *t, int64_t n, int64_t *share)
{
    int n_devices = t->machine.n_devices;
    if (n == t->set.part) {
        memcpy(share, t->share, sizeof *share * (size_t)n_devices);
        return MOT_OK;
    }
    double *weight;
    MOT_TRY(mot_alloc((size_t)n_devices, sizeof *weight, &weight));
    for (int i = 0; i < n_devices; i++)
        weight[i] = (double)t->share[i];
    mot_status status = mot_balance_weights(weight, n_devices, n, share);
    free(weight);
    return status;
}

mot_status mot_trainer_plan(mot_trainer *t, int64_t n, const mot_plan **out)
{
    for (int i = 0; i < t->n_plans; i++)
        if (t->plan[i]->batch == n) {
            *out = t->plan[i];
            return MOT_OK;
        }
    MOT_TRY(shares_for(t, n, t->share_scratch));
    if (t->n_plans == MOT_MAX_PLANS) { /* the oldest but the full batch's makes room */
        mot_plan_free(t->plan[1]);
        memmove(&t->plan[1], &t->plan[2], sizeof t->plan[0] * (MOT_MAX_PLANS - 2));
        t->n_plans--;
    }
    MOT_TRY(mot_plan_build(t->graph, mot_exec_memory(t->exec), &t->machine, n, t->share_scratch,
                           (size_t)t->set.bucket_bytes, &t->plan[t->n_plans]));
    *out = t->plan[t->n_plans++];
    return MOT_OK;
}

mot_status mot_trainer_use_plan(mot_trainer *t, int64_t n)
{
    const mot_plan *plan;
    if (t->current && t->current->batch == n)
        return MOT_OK;
    MOT_TRY(mot_exec_finish(t->exec));
    MOT_TRY(mot_trainer_plan(t, n, &plan));
    MOT_TRY(mot_exec_set_plan(t->exec, plan, t->first_device, t->active));
    t->current = plan;
    return MOT_OK;
}

mot_status mot_trainer_set_shares(mot_trainer *t, const int64_t *share)
{
    MOT_TRY(mot_exec_finish(t->exec));
    mot_trainer_drop_plans(t);
    memmove(t->share, share, sizeof *share * (size_t)t->machine.n_devices);
    bool any = false;
    for (int i = 0; i < t->n_devices; i++) {
        t->active[i] = t->share[t->first_device + i] > 0;
        any = any || t->active[i];
    }
    if (!any)
        t->active[0] = true;
    return mot_trainer_use_plan(t, t->set.part);
}

/* ---- adapting ---- */

void mot_trainer_take_times(mot_trainer *t)
{
    for (int i = 0; i < t->n_devices; i++) {
        double busy_s, idle_s;
        int64_t n_steps;
        mot_exec_times(t->exec, i, &busy_s, &idle_s, &n_steps);
        t->busy_s[i] += busy_s;
        t->idle_s[i] += idle_s;
        t->recent_s[i] += busy_s;
        t->recent_steps[i] += n_steps;
    }
}

static bool may_adapt(const mot_trainer *t)
{
    return t->set.adapt && t->machine.n_devices > 1 && strcmp(t->set.shares, "auto") == 0;
}

mot_status mot_trainer_explain_shares(mot_trainer *t)
{
    mot_text text = {0};
    mot_status status = MOT_OK;
    for (int d = 0; status == MOT_OK && d < t->machine.n_devices; d++)
        status = mot_text_add(&text, "%s%s %" PRId64, d ? ", " : "", t->machine.device[d].id,
                              t->share[d]);
    if (status == MOT_OK) {
        mot_log(MOT_LOG_INFO, "shares step %" PRId64 " of %" PRId64 " samples: %s", t->now.step,
                t->set.part, text.data);
        mot_trainer_emit(t, MOT_EVENT_PLAN, text.data);
    }
    mot_text_free(&text);
    return status;
}

/* Move the lines by the mean times since the last look; new shares if they pay. */
static mot_status observe(mot_trainer *t)
{
    int n = t->machine.n_devices;
    double mine[MOT_MAX_LOCAL_DEVICES], *time_s;
    for (int i = 0; i < t->n_devices; i++) {
        mine[i] = t->recent_steps[i] > 0 ? t->recent_s[i] / (double)t->recent_steps[i] : 0;
        t->recent_s[i] = 0;
        t->recent_steps[i] = 0;
    }
    MOT_TRY(mot_alloc((size_t)n, sizeof *time_s, &time_s));
    mot_status status = mot_trainer_gather(t, mine, time_s);
    if (status == MOT_OK && mot_balance_observe(&t->machine, t->set.part, t->share, time_s)) {
        status = mot_balance_shares(&t->machine, t->set.part, t->share_scratch);
        if (status == MOT_OK)
            status = mot_trainer_agree(t, mot_trainer_set_shares(t, t->share_scratch));
        if (status == MOT_OK)
            status = mot_trainer_explain_shares(t);
    }
    free(time_s);
    return status;
}

mot_status mot_trainer_adapt(mot_trainer *t)
{
    if (!may_adapt(t))
        return MOT_OK;
    if (t->adapt_at == 0)
        t->adapt_at = t->now.step + ADAPT_FIRST;
    if (t->now.step < t->adapt_at)
        return MOT_OK;
    mot_trainer_take_times(t);
    MOT_TRY(observe(t));
    double step_s = mot_balance_step_s(&t->machine, t->share);
    double steps = step_s > 0 ? ADAPT_PERIOD_S / step_s : ADAPT_MOST;
    t->adapt_at = t->now.step + (int64_t)fmax(ADAPT_LEAST, fmin(ADAPT_MOST, steps));
    return MOT_OK;
}
