/* probe.h: remembered measurements; for the files of devices/ only. */
#ifndef MOT_DEVICES_PROBE_H
#define MOT_DEVICES_PROBE_H

#include "devices/devices.h"

/** Fill in what is remembered of the device; false where nothing is. */
bool mot_probe_recall(mot_device_info *info);
/** Remember what was measured; failures are logged and forgotten. */
void mot_probe_remember(const mot_device_info *info);
/** What one device is: the key under which its measurements are remembered, 16 digits. */
void mot_probe_key(const mot_device_info *info, char out[17]);

/** Measure an open device, filling *info; `phase` is told what is going on, for whoever watches.
 *  Never fails: what does not work is in info->works and info->trouble. */
void mot_probe_measure(mot_device_info *info, void (*phase)(const char *what, void *user),
                       void *user);

#endif
