/* twins.c: the same silicon behind two drivers.
 *
 * Two devices are twins when
 *   - both run on this host's processor: OpenCL's CPU type, but also what only calls itself
 *     something else, such as Intel's FPGA emulator or a software rasterizer behind rusticl;
 *   - or they come from two platforms and have the same PCI address or the same device UUID.
 * One platform may list several devices at one PCI address (slices of a GPU), which are no twins;
 * its CPU devices (pocl's pthread and basic) share the cores and are.
 * twin_of is the first of them in the list, so that all twins of one chip name the same one.
 */
#include "config.h"

#include "devices/state.h"

#include <string.h>
#include <strings.h>

/* Device or platform names, in part, of what runs on the host's processor whatever its type says.
 */
static const char *const host_names[] = {"fpga emul",          "emulator",    "llvmpipe",
                                         "softpipe",           "swiftshader", "oclgrind",
                                         "software rasterizer"};

static bool contains(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (; *text; text++)
        if (strncasecmp(text, part, n) == 0)
            return true;
    return false;
}

bool mot_silicon_is_host_cpu(const mot_device_info *info)
{
    if (info->kind == MOT_KIND_CPU)
        return true;
    for (size_t i = 0; i < sizeof host_names / sizeof *host_names; i++)
        if (contains(info->name, host_names[i]) || contains(info->platform, host_names[i]))
            return true;
    return false;
}

static bool same_silicon(const mot_found *a, const mot_found *b)
{
    const mot_silicon *p = &a->silicon, *q = &b->silicon;
    if (p->host_cpu || q->host_cpu)
        return p->host_cpu && q->host_cpu;
    if (a->platform == b->platform)
        return false;
    if (p->has_pci && q->has_pci)
        return memcmp(p->pci, q->pci, sizeof p->pci) == 0;
    return p->has_uuid && q->has_uuid && memcmp(p->uuid, q->uuid, sizeof p->uuid) == 0;
}

void mot_twins_mark(mot_found *found, int n_found)
{
    for (int i = 0; i < n_found; i++) {
        found[i].info.twin_of = -1;
        for (int j = 0; j < i && found[i].info.twin_of < 0; j++)
            if (same_silicon(&found[j], &found[i]))
                found[i].info.twin_of = found[j].info.twin_of < 0 ? j : found[j].info.twin_of;
    }
}
