/* peak.h: what a device can do at most, as rulers for what kernels reach of it. */
#ifndef MOT_DEVICES_PEAK_H
#define MOT_DEVICES_PEAK_H

#include "devices/device.h"

typedef struct mot_peak {
    double flops_per_s; /* independent float32 multiply-adds in registers, all units busy */
    double bytes_per_s; /* plain copy kernel, bytes read plus bytes written */
} mot_peak;

/** Measure both (about half a second; nothing else may be queued).  The copy has `copy_bytes` in
 * each direction; 0: 64 MiB, or what the device takes. */
mot_status mot_device_peak(mot_device *device, size_t copy_bytes, mot_peak *out);

#endif
