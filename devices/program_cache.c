/* program_cache.c: built programs on disk, so that a second start compiles nothing.
 *
 * One file a program, `programs/<key>` in the cache folder; the key is the hash of everything that
 * the binary depends on: source text, options, platform, device, driver.  A file is
 *   magic "MOTPRG01", key (16 bytes), size of the binary (u64), XXH3 of the binary (u64), binary
 * little-endian as written here; it never leaves the machine.  What does not check out, or what the
 * driver refuses, counts as absent and is written anew.  Files are renamed into place, so several
 * ranks may build and write the same one.
 */
#include "config.h"

#include "devices/state.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

static const char magic[8] = "MOTPRG01";

typedef struct header {
    char magic[8];
    XXH128_canonical_t key;
    uint64_t size_bytes, hash;
} header;

static void hash_text(XXH3_state_t *state, const char *text)
{
    XXH3_128bits_update(state, text, strlen(text) + 1);
}

static mot_status make_key(const mot_device *device, const char *text, const char *options,
                           XXH128_canonical_t *key, char **path)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return MOT_FAIL(MOT_ERR_MEMORY, "no host memory for a hash");
    XXH3_128bits_reset(state);
    hash_text(state, text);
    hash_text(state, options);
    hash_text(state, device->info.platform);
    hash_text(state, device->platform_version);
    hash_text(state, device->info.name);
    hash_text(state, device->info.driver);
    XXH128_canonicalFromHash(key, XXH3_128bits_digest(state));
    XXH3_freeState(state);
    char name[64] = "programs/";
    for (size_t i = 0; i < sizeof key->digest; i++)
        snprintf(name + 9 + 2 * i, 3, "%02x", key->digest[i]);
    return mot_cache_path(name, path);
}

/* pocl keeps compiled kernels in a cache of its own, keyed by source and group size: 30 ms a
 * program when found.  Asking it for a binary makes it compile every kernel of the program for
 * group sizes that are not used, 0.3 to 3 s in the first run, to gain 25 ms in later ones. */
bool mot_program_driver_caches(const mot_device_info *info)
{
    return strstr(info->platform, "Portable Computing Language") != NULL;
}

static bool entry_is_good(const char *data, size_t bytes, const XXH128_canonical_t *key)
{
    header h;
    if (bytes < sizeof h)
        return false;
    memcpy(&h, data, sizeof h);
    return memcmp(h.magic, magic, sizeof magic) == 0 && memcmp(&h.key, key, sizeof *key) == 0 &&
           h.size_bytes == bytes - sizeof h && h.hash == XXH3_64bits(data + sizeof h, h.size_bytes);
}

void mot_program_cache_load(mot_device *device, const char *text, const char *options,
                            cl_program *out)
{
    XXH128_canonical_t key;
    char *path, *data;
    size_t bytes;
    if (device->no_cache || device->driver_caches ||
        make_key(device, text, options, &key, &path) != MOT_OK)
        return;
    if (access(path, R_OK) == 0 && mot_file_read(path, (size_t)1 << 30, &data, &bytes) == MOT_OK) {
        cl_int code = CL_INVALID_BINARY;
        if (entry_is_good(data, bytes, &key))
            code = mot_program_from_binary(device, (unsigned char *)data + sizeof(header),
                                           bytes - sizeof(header), options, out);
        if (code != CL_SUCCESS)
            mot_log(MOT_LOG_INFO, "program_cache entry %s damaged 1 code %s", path,
                    mot_cl_name(code));
        free(data);
    }
    free(path);
}

void mot_program_cache_save(mot_device *device, const char *text, const char *options,
                            cl_program program)
{
    XXH128_canonical_t key;
    char *path = NULL;
    unsigned char *binary = NULL;
    size_t bytes;
    mot_text file = {0};
    if (device->no_cache || device->driver_caches)
        return;
    mot_status status;
    MOT_TRY_GOTO(make_key(device, text, options, &key, &path));
    MOT_TRY_GOTO(mot_program_binary(device, program, &binary, &bytes));
    header h = {.key = key, .size_bytes = bytes, .hash = XXH3_64bits(binary, bytes)};
    memcpy(h.magic, magic, sizeof magic);
    MOT_TRY_GOTO(mot_text_add_bytes(&file, &h, sizeof h));
    MOT_TRY_GOTO(mot_text_add_bytes(&file, binary, bytes));
    MOT_TRY_GOTO(mot_file_write(path, file.data, file.length));
fail:
    if (status != MOT_OK)
        mot_log(MOT_LOG_INFO, "program_cache device %s saved 0 why \"%s\"", device->info.id,
                mot_error_message());
    mot_text_free(&file);
    free(binary);
    free(path);
}
