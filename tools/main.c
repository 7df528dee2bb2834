/* main.c: finds the subcommand and runs it. */
#include "config.h"

#include "devices/devices.h"
#include "runtime/base/text.h"
#include "tools/command.h"
#include "tools/tune.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const mot_command *const mot_commands_all[] = {
    &mot_command_devices,        &mot_command_train,
    &mot_command_eval,           &mot_command_predict,
    &mot_command_generate,       &mot_command_model,
    &mot_command_tune,           &mot_command_bench_gemm,
    &mot_command_bench_conv,     &mot_command_bench_attention,
    &mot_command_bench_ops,      &mot_command_bench_step,
    &mot_command_data_show,      &mot_command_data_pack,
    &mot_command_kernels_export, &mot_command_kernels_build,
    &mot_command_kernels_pack,   &mot_command_version,
    &mot_command_help,           NULL,
};

static int unknown_command(const char *first, const char *second)
{
    enum { MOST = 24 };
    char words[MOST][32];
    const char *names[MOST];
    size_t n = 0;
    for (int i = 0; mot_commands_all[i]; i++) {
        const char *name = mot_commands_all[i]->name, *space = strchr(name, ' ');
        if (space && strncmp(first, name, strlen(first)) == 0 && first[space - name] == '\0') {
            snprintf(words[n], sizeof words[n], "%s", space + 1); /* kernels: which of them? */
            names[n] = words[n];
            n++;
        }
    }
    if (n > 0) {
        const char *nearest = second ? mot_nearest_name(second, names, n) : NULL;
        char all[128] = "";
        for (size_t i = 0; i < n; i++)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s",
                     i == 0       ? ""
                     : i == n - 1 ? " and "
                                  : ", ",
                     names[i]);
        return mot_command_misused(NULL, "%s %s%s; there are %s%s%s%s", first,
                                   second ? "has no command " : "needs a command",
                                   second ? second : "", all, nearest ? "; did you mean '" : "",
                                   nearest ? nearest : "", nearest ? "'?" : "");
    }
    for (int i = 0; mot_commands_all[i]; i++)
        names[n++] = mot_commands_all[i]->name;
    const char *nearest = mot_nearest_name(first, names, n);
    return mot_command_misused(NULL, "there is no command '%s'%s%s%s", first,
                               nearest ? "; did you mean '" : "", nearest ? nearest : "",
                               nearest ? "'?" : "");
}

/* Were one of the three standard files closed, the next file to be opened would take its number and
 * get what is printed.  What is printed to this stand-in fails. */
static void hold_standard_files(void)
{
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (file >= 0 && file <= STDERR_FILENO)
        file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (file >= 0)
        close(file);
}

int main(int argc, char **argv)
{
    hold_standard_files();
    signal(SIGXFSZ, SIG_IGN); /* a file over the limit is a failed write with a message, no death */
    if (argc < 2)
        return mot_command_run(&mot_command_help, 1, argv);
    const char *first = argv[1], *second = argc > 2 ? argv[2] : NULL;
    if (strcmp(first, "tune-child") == 0) /* `motley tune` starts it */
        return mot_tune_child_main(argc, argv);
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0)
        first = "help";
    else if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0)
        first = "version";
    const mot_command *command = mot_command_find(first, second);
    if (!command && second && (strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0))
        return mot_command_run(&mot_command_help, 2, (char *[]){argv[0], argv[1], NULL});
    if (!command)
        return unknown_command(first, second);
    int n_words = strchr(command->name, ' ') ? 2 : 1;
    int exit_status = mot_command_run(command, argc - n_words, argv + n_words);
    if ((fflush(stdout) != 0 || ferror(stdout)) && exit_status == MOT_EXIT_OK) {
        fprintf(stderr, "motley: standard output cannot be written\n");
        exit_status = MOT_EXIT_FAILED;
    }
    if (mot_device_left_behind())
        _exit(exit_status);
    return exit_status;
}
