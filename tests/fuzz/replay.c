/* Runs a fuzz target on every file of its corpus, tests/fuzz/<name> for the program fuzz_<name>,
 * and on what becomes of each when it is cut short or a byte of it is changed.  Arguments: files
 * instead. */
#include "config.h"

#include "runtime/base/random.h"
#include "runtime/base/text.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_CHANGES = 40 };

static int replay(const char *path)
{
    char *data;
    size_t size_bytes;
    mot_random random;
    if (mot_file_read(path, 1 << 24, &data, &size_bytes) != MOT_OK) {
        fprintf(stderr, "%s\n", mot_error_message());
        return EXIT_FAILURE;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)data, size_bytes);
    mot_random_init(&random, 1, MOT_STREAM_TEST, size_bytes);
    for (int i = 0; i < N_CHANGES && size_bytes > 0; i++) {
        size_t at = (size_t)mot_random_below(&random, size_bytes);
        char kept = data[at];
        LLVMFuzzerTestOneInput((const uint8_t *)data, at);
        data[at] = (char)mot_random_u32(&random);
        LLVMFuzzerTestOneInput((const uint8_t *)data, size_bytes);
        data[at] = kept;
    }
    free(data);
    return EXIT_SUCCESS;
}

static int replay_folder(const char *path)
{
    struct dirent **entry;
    int n = scandir(path, &entry, NULL, alphasort), status = EXIT_SUCCESS, n_files = 0;
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entry[i]->d_name);
        if (entry[i]->d_name[0] != '.') {
            status |= replay(file);
            n_files++;
        }
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
    if (n_files == 0) {
        fprintf(stderr, "no corpus in %s\n", path);
        return EXIT_FAILURE;
    }
    printf("%d files of %s\n", n_files, path);
    return status;
}

int main(int argc, char **argv)
{
    const char *source = getenv("srcdir"), *name = strstr(argv[0], "fuzz_");
    char folder[2048];
    int status = EXIT_SUCCESS;
    for (int i = 1; i < argc; i++)
        status |= replay(argv[i]);
    for (const char *next; name && (next = strstr(name + 1, "fuzz_"));)
        name = next; /* a build folder may be called so, too */
    if (argc > 1 || !name)
        return status;
    snprintf(folder, sizeof folder, "%s/tests/fuzz/%s", source ? source : ".", name + 5);
    return replay_folder(folder);
}
