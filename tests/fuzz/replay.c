/* replay.c: runs a fuzz target over the files and folders given: what `make check` does with the
 * committed corpus.  The same targets link with -fsanitize=fuzzer in place of this file:
 * tests/fuzz/run builds and runs them so.
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "runtime/base/text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static int n_run;

static mot_status run_file(const char *path)
{
    char *bytes;
    size_t size;
    MOT_TRY(mot_file_read(path, (size_t)1 << 26, &bytes, &size));
    /* A copy without the NUL behind it, so that a read past the end is seen by a sanitizer. */
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        abort();
    for (size_t i = 0; i < size; i++)
        exact[i] = (uint8_t)bytes[i];
    free(bytes);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    n_run++;
    return MOT_OK;
}

static mot_status run(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder)
        return run_file(path);
    mot_status status = MOT_OK;
    for (struct dirent *entry; status == MOT_OK && (entry = readdir(folder));) {
        mot_text file = {0};
        if (entry->d_name[0] == '.')
            continue;
        status = mot_text_add(&file, "%s/%s", path, entry->d_name);
        if (status == MOT_OK)
            status = run_file(file.data);
        mot_text_free(&file);
    }
    closedir(folder);
    return status;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (run(argv[i]) != MOT_OK) {
            fprintf(stderr, "%s\n", mot_error_message());
            return 1;
        }
    printf("%d inputs\n", n_run);
    return n_run == 0;
}
