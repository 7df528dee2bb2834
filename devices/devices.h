/* devices.h: finding, naming, choosing and measuring the devices of this machine. */
#ifndef MOT_DEVICES_DEVICES_H
#define MOT_DEVICES_DEVICES_H

#include "devices/device.h"

/** Resolve a selection over the devices of this machine.
 *  `selection`: comma-separated patterns, applied in order; `auto` (of twins the faster driver),
 *  `all`, kinds `cpu` `gpu` `fpga` `accelerator` `custom`, ids with `*`, each with `!` in front to
 *  exclude; `ID/N` splits a device into N equal parts, giving N devices `ID/N.0` ....
 *  `n_parts`, `part`: keep what rank `part` of the `n_parts` ranks on this host gets: devices are
 *  dealt out; with more ranks than devices, CPU devices are split into parts, one each.
 *  *out is freed by the caller with free(); `note` (freed too; may be "") says what auto left out.
 *  A selection that begins with an exclusion begins with auto.  Devices that groups find and that
 *  do not work are left out with a note; named ones are taken at their word.  Devices found by
 *  groups are measured first where nothing is remembered (seconds, once a driver).
 *  Errors: MOT_ERR_ARGUMENT for a pattern that names nothing, with the ids there are;
 *  MOT_ERR_DEVICE when no device is left. */
mot_status mot_devices_select(const char *selection, int n_parts, int part, mot_device_info **out,
                              int *n_devices, char **note);

/** The same without calling a compiler: nothing is measured, only what is remembered is used, so that
 *  `auto` may take a slower twin.  For runs from an archive of offline-built kernels. */
mot_status mot_devices_select_offline(const char *selection, int n_parts, int part,
                                      mot_device_info **out, int *n_devices, char **note);

/** Measure a device (about a second) and check what works, filling info->speed, fp64, fp16, works,
 *  trouble; remembered on disk by device and driver.  `anew`: do not use what is remembered.
 *  A device whose driver hangs is given up after half a minute, on a busy machine after three, with a
 *  thread left behind in it.
 *  A device that does not work is no error: it has works false and says why in trouble. */
mot_status mot_device_probe(mot_device_info *info, bool anew);
/** Was a device given up, so that a thread may still be inside its driver?  The process then ends with
 *  _exit: what the driver does at a normal exit can crash under that thread. */
bool mot_device_left_behind(void);

/* ---- offline kernels ---- */

/** Read an archive that `motley kernels pack` made.  Owned by the caller. */
mot_status mot_kernel_archive_open(const char *path, mot_kernel_archive **out);
void mot_kernel_archive_close(mot_kernel_archive *archive);
/** The (source, options) pairs that were asked of this device since it was opened, as text lines
 *  "source<TAB>options"; freed by the caller.  For `motley kernels export`.  The test kernel that
 *  opening builds is not among them: with an archive it is not needed. */
mot_status mot_device_kernel_list(const mot_device *device, char **out);
/** Text of an embedded kernel source with its includes resolved; NULL if unknown.  Borrowed. */
const char *mot_kernel_source(const char *name);
/** Make an archive of the binaries in `folder` (layout in doc/kernels.md) at `path`.
 *  Errors: MOT_ERR_FORMAT with the line of `binaries.list` that is wrong. */
mot_status mot_kernel_archive_pack(const char *folder, const char *path);
/** For devices whose compiler is here: build what `folder`/kernels.list names, if it is there, and
 *  write these and all other programs of the device into `folder`, as pack reads them. */
mot_status mot_device_kernel_binaries(mot_device *device, const char *folder);

#endif
