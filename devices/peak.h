/* peak.h: what a device can do at most, as rulers for what kernels reach of it. */
#ifndef MOT_DEVICES_PEAK_H
#define MOT_DEVICES_PEAK_H

#include "devices/device.h"

typedef struct mot_peak {
    double flops_per_s; /* independent float32 multiply-adds in registers, all units busy */
    double bytes_per_s; /* plain copy kernel, bytes read plus bytes written */
} mot_peak;

/** A copy that stays recorded, to be run by turns with what is compared with it: what else goes on in a
 *  machine, its memory's speed above all, changes from second to second. */
typedef struct mot_ruler mot_ruler;

/** Measure both (about half a second; nothing else may be queued).  The copy has `copy_bytes` in
 *  each direction; 0: 64 MiB, or what the device takes.  *keep (may be NULL) gets the copy, freed by the
 *  caller; NULL after an error. */
mot_status mot_device_peak(mot_device *device, size_t copy_bytes, mot_peak *out, mot_ruler **keep);
/** Some runs, a few milliseconds: bytes read plus bytes written in a second; nothing else may be queued. */
mot_status mot_ruler_run(mot_ruler *ruler, double *bytes_per_s);
void mot_ruler_free(mot_ruler *ruler);

#endif
