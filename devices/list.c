/* list.c: the public list of devices, with or without what they were measured to do. */
#include "config.h"

#include "devices/state.h"
#include "runtime/base/memory.h"

#include <stdlib.h>

mot_status mot_devices_list(int probe, mot_device_info **out, int *n_devices)
{
    mot_found *found;
    mot_device_info *list = NULL;
    int n;
    MOT_TRY(mot_discover(MOT_LOG_INFO, &found, &n));
    mot_status status = mot_alloc((size_t)n, sizeof *list, &list);
    for (int i = 0; i < n && status == MOT_OK; i++)
        list[i] = found[i].info;
    free(found);
    for (int i = 0; probe && i < n && status == MOT_OK; i++)
        status = mot_device_probe(&list[i], probe > 1);
    if (status != MOT_OK) {
        free(list);
        return status;
    }
    *out = list;
    *n_devices = n;
    return MOT_OK;
}
