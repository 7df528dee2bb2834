/* schedule.c: the learning rate over time.
 *
 * With W steps of warm-up and T behind it, at k = t - W:
 *     step      lr gamma^floor(k / every)
 *     cosine    final + (lr - final) (1 + cos(pi k / T)) / 2
 *     linear    lr + (final - lr) k / T
 *     one-cycle rises to lr at t = W - 1 and falls to final at the last step, both as cosines.
 * PyTorch counts so that one-cycle alone reaches its end within the run: its peak is between two steps
 * if 0.3 of the length is no whole number. */
#include "config.h"

#include "runtime/train/schedule.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const double ONE_CYCLE_RISE = 0.3, ONE_CYCLE_START = 25, ONE_CYCLE_FINAL = 25e4;

static mot_schedule_kind kind_of(const char *name)
{
    static const char *const names[] = {"constant", "step", "cosine", "linear", "one-cycle"};
    int kind = 0;
    while (strcmp(names[kind], name) != 0)
        kind++; /* the key's words are these */
    return (mot_schedule_kind)kind;
}

mot_status mot_schedule_read(const mot_config *config, double lr, mot_schedule *out)
{
    const char *name, *by;
    double warmup;
    MOT_TRY(mot_config_get_text(config, "train.schedule.name", &name));
    MOT_TRY(mot_config_get_text(config, "train.schedule.by", &by));
    mot_schedule s = {.kind = kind_of(name), .by_epoch = strcmp(by, "epoch") == 0, .lr = lr};
    const bool cycle = s.kind == MOT_SCHEDULE_ONE_CYCLE;
    MOT_TRY(mot_config_get_auto(config, "train.schedule.warmup", cycle ? -1 : 0, &warmup));
    MOT_TRY(mot_config_get_auto(config, "train.schedule.start", cycle ? lr / ONE_CYCLE_START : -1,
                                &s.start));
    MOT_TRY(mot_config_get_auto(config, "train.schedule.final", cycle ? lr / ONE_CYCLE_FINAL : 0,
                                &s.final));
    MOT_TRY(mot_config_get_int(config, "train.schedule.every", &s.every));
    MOT_TRY(mot_config_get_float(config, "train.schedule.gamma", &s.gamma));
    MOT_TRY(mot_config_get_int(config, "train.schedule.length", &s.length));
    s.warmup = (int64_t)warmup;
    if (warmup != (double)s.warmup)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: train.schedule.warmup is %g; expected whole %ss",
                        mot_config_where(config, "train.schedule.warmup"), warmup, by);
    if (s.length > 0 && s.warmup >= s.length)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: train.schedule.warmup is %" PRId64
                        ", all of train.schedule.length (%" PRId64 ")",
                        mot_config_where(config, "train.schedule.warmup"), s.warmup, s.length);
    *out = s;
    return MOT_OK;
}

/* From a to b along a cosine, at `part` of the way. */
static double along_cosine(double a, double b, double part)
{
    return b + (a - b) * (1 + cos(M_PI * part)) / 2;
}

static double one_cycle(const mot_schedule *s, double t)
{
    double rise = (s->warmup < 0 ? ONE_CYCLE_RISE * (double)s->length : (double)s->warmup) - 1;
    double last = (double)s->length - 1;
    if (rise > 0 && t <= rise)
        return along_cosine(s->start, s->lr, t / rise);
    rise = rise > 0 ? rise : 0;
    return last > rise ? along_cosine(s->lr, s->final, (t - rise) / (last - rise)) : s->lr;
}

double mot_schedule_lr(const mot_schedule *s, int64_t step)
{
    int64_t t = step < s->length ? step : s->length;
    if (s->kind == MOT_SCHEDULE_ONE_CYCLE)
        return one_cycle(s, (double)(t < s->length ? t : s->length - 1));
    if (step < s->warmup) {
        double start = s->start < 0 ? s->lr / ((double)s->warmup + 1) : s->start;
        return start + (s->lr - start) * (double)step / (double)s->warmup;
    }
    int64_t k = t > s->warmup ? t - s->warmup : 0, n = s->length - s->warmup;
    double part = n > 0 ? (double)k / (double)n : 0;
    switch (s->kind) {
    case MOT_SCHEDULE_STEP:
        return s->lr * pow(s->gamma, (double)(k / s->every));
    case MOT_SCHEDULE_COSINE:
        return along_cosine(s->lr, s->final, part);
    case MOT_SCHEDULE_LINEAR:
        return s->lr + (s->final - s->lr) * part;
    default:
        return s->lr;
    }
}
