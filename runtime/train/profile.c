/* profile.c: what the devices could do, and where the time of a step goes. */
#include "config.h"

#include "runtime/train/trainer.h"

#include "devices/peak.h"
#include "runtime/base/log.h"

static mot_device_report *report_of(mot_trainer *t, int machine_device)
{
    return &t->device_report[t->report_of[machine_device]];
}

/* ---- peaks ---- */

/* Each local device for itself; with several ranks on a host they measure in turns. */
static void measure_local(mot_trainer *t)
{
    for (int i = 0; i < t->n_devices; i++) {
        mot_device_report *mine = report_of(t, t->first_device + i);
        mot_peak peak = {0};
        if (mine->share > 0 && mot_device_peak(t->device[i], (size_t)32 << 20, &peak) != MOT_OK)
            mot_log(MOT_LOG_INFO, "peak device %s failed \"%s\"", mine->info.id, mot_error_message());
        mine->peak_flops_per_s = peak.flops_per_s;
        mine->peak_bytes_per_s = peak.bytes_per_s;
    }
}

mot_status mot_trainer_measure_peaks(mot_trainer *t)
{
    MOT_TRY(mot_trainer_agree(t, mot_exec_finish(t->exec)));
    for (int r = 0; r < mot_comm_size(t->comm); r++) {
        if (mot_comm_rank(t->comm) == r)
            measure_local(t);
        MOT_TRY(mot_trainer_agree(t, MOT_OK));
    }
    for (int d = 0; d < t->machine.n_devices; d++) {
        mot_device_report *report = report_of(t, d);
        MOT_TRY(mot_comm_broadcast(t->comm, &report->peak_flops_per_s, sizeof(double), report->rank));
        MOT_TRY(mot_comm_broadcast(t->comm, &report->peak_bytes_per_s, sizeof(double), report->rank));
    }
    return MOT_OK;
}
