/* archive.h: the layout of an archive of offline-built kernels; for the files of devices/ only.
 *
 * All numbers are little-endian; see doc/kernels.md.
 *   0   "MOTKARC1"
 *   8   u64  size of the whole file
 *   16  u64  XXH64 of all that follows
 *   24  u32  number of binaries, u32 number of entries
 *   32  u64  size of each binary
 *       entries: u32 binary, u32 bytes of device, source, options; then these three texts
 *       the binaries, one after another
 */
#ifndef MOT_DEVICES_ARCHIVE_H
#define MOT_DEVICES_ARCHIVE_H

#include "runtime/base/status.h"

enum { MOT_ARCHIVE_HEAD = 24, MOT_ARCHIVE_MOST = 1 << 20 };
#define MOT_ARCHIVE_MAGIC "MOTKARC1"

static inline uint64_t mot_archive_get(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static inline void mot_archive_put(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

#endif
