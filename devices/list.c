/* list.c: the public list of devices. */
#include "config.h"

#include "devices/state.h"
#include "runtime/base/memory.h"

#include <stdlib.h>

mot_status mot_devices_list(int probe, mot_device_info **out, int *n_devices)
{
    mot_found *found;
    mot_device_info *list;
    int n;
    (void)probe;
    MOT_TRY(mot_discover(&found, &n));
    mot_status status = mot_alloc((size_t)n, sizeof *list, &list);
    for (int i = 0; i < n && status == MOT_OK; i++)
        list[i] = found[i].info;
    free(found);
    if (status != MOT_OK)
        return status;
    *out = list;
    *n_devices = n;
    return MOT_OK;
}
