/* observe.c: from measured times to fits, and when fits are worth new shares.
 *
 * While training, each period measures one number of samples on each device, so the line through
 * several of them keeps its form and is scaled: a and b by the same factor, a moving average of
 * measured over predicted.  Three things keep noise from moving samples:
 *   - one measurement weighs little;
 *   - one that is far off (a hiccup, a page cache being written) is set aside, and believed only
 * when ODD_ENOUGH in a row are off to the same side: then their mean is taken at once, so that a
 * device that lost half its speed is known after three periods and not after thirty;
 *   - new shares must promise more than the dead band, several times in a row (at once when a
 * device has just been seen to change, which several measurements have told already). With +-10 %
 * of noise on 16 like devices the average strays by up to 4 %, under the dead band's 5.
 *
 * A device without samples cannot be measured.  It keeps its fit; if that had become worse while
 * training it returns slowly to the first one, and the device is tried again some day; each
 * disappointment doubles the time until the next trial.
 */
#include "config.h"

#include "runtime/plan/plan.h"

#include "runtime/base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { ODD_ENOUGH = 3, PROMISES_ENOUGH = 3, LONGEST_WAIT = 16 /* doublings */ };

static const double WEIGHT = 0.08;    /* of one measurement */
static const double ODD = 1.25;       /* measured/predicted, or its inverse, that is far off */
static const double DEAD_BAND = 1.05; /* gain that is worth new shares */
static const double FORGIVE = 0.02; /* of the drift (its logarithm), each period without samples */

void mot_fit_line(const double *samples, const double *time_s, int n_points, double *a_s,
                  double *b_s)
{
    double n = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
    for (int i = 0; i < n_points; i++) {
        double x = samples[i], y = time_s[i];
        if (!(x > 0) || !(y >= 0) || !isfinite(x) || !isfinite(y))
            continue;
        n += 1;
        sum_x += x;
        sum_y += y;
        sum_xx += x * x;
        sum_xy += x * y;
    }
    *a_s = *b_s = 0;
    if (n == 0)
        return;
    /* All points at one size (the determinant is 0 but for rounding): through the origin. */
    double determinant = n * sum_xx - sum_x * sum_x;
    double b = determinant > 1e-12 * n * sum_xx ? (n * sum_xy - sum_x * sum_y) / determinant : -1;
    double a = (sum_y - b * sum_x) / n;
    if (determinant <= 1e-12 * n * sum_xx || a < 0) {
        *b_s = sum_xy / sum_xx;
    } else if (b < 0) {
        *a_s = sum_y / n;
    } else {
        *a_s = a;
        *b_s = b;
    }
}

static void scale(mot_machine_device *device, double factor)
{
    device->a_s *= factor;
    device->b_s *= factor;
    device->drift = (device->drift > 0 ? device->drift : 1) * factor;
}

static void forgive(mot_machine_device *device)
{
    int doublings = device->n_slow > 1 ? device->n_slow - 1 : 0;
    device->n_odd = 0;
    if (device->drift > 1)
        scale(device, pow(device->drift, -ldexp(FORGIVE, -doublings)));
}

/* Returns true when the device is now known to be another than was believed. */
static bool observe(mot_machine_device *device, int64_t n, double time_s)
{
    double predicted_s = device->a_s + device->b_s * (double)n;
    if (!(time_s > 0) || !isfinite(time_s))
        return false;
    if (!(predicted_s > 0)) { /* no fit yet */
        device->b_s = time_s / (double)n;
        return false;
    }
    double ratio = time_s / predicted_s;
    int side = ratio > ODD ? 1 : ratio < 1 / ODD ? -1 : 0;
    if (side == 0) {
        device->n_odd = 0;
        scale(device, 1 + WEIGHT * (ratio - 1));
        return false;
    }
    if (device->n_odd * side <= 0) {
        device->n_odd = 0;
        device->odd_sum = 0;
    }
    device->n_odd += side;
    device->odd_sum += ratio;
    if (abs(device->n_odd) < ODD_ENOUGH)
        return false;
    scale(device, device->odd_sum / ODD_ENOUGH);
    device->n_odd = 0;
    if (side < 0)
        device->n_slow = 0;
    else if (device->n_slow <= LONGEST_WAIT)
        device->n_slow++;
    return true;
}

/* Predicted time of the best shares; HUGE_VAL when there are none. */
static double best_step_s(const mot_machine *machine, int64_t batch)
{
    int64_t *best;
    if (mot_alloc((size_t)machine->n_devices, sizeof *best, &best) != MOT_OK)
        return HUGE_VAL;
    double step_s = HUGE_VAL;
    if (mot_balance_shares(machine, batch, best) == MOT_OK)
        step_s = mot_balance_step_s(machine, best);
    free(best);
    return step_s;
}

bool mot_balance_observe(mot_machine *machine, int64_t batch, const int64_t *share,
                         const double *time_s)
{
    for (int i = 0; i < machine->n_devices; i++) {
        if (share[i] == 0)
            forgive(&machine->device[i]);
        else if (observe(&machine->device[i], share[i], time_s[i]))
            machine->n_promises = PROMISES_ENOUGH - 1;
    }
    bool gain = best_step_s(machine, batch) * DEAD_BAND < mot_balance_step_s(machine, share);
    machine->n_promises = gain ? machine->n_promises + 1 : 0;
    if (machine->n_promises < PROMISES_ENOUGH)
        return false;
    machine->n_promises = 0;
    return true;
}
