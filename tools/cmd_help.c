/* cmd_help.c: help and version. */
#include "config.h"

#include "runtime/base/text.h"
#include "tools/command.h"
#include "tools/terminal.h"

#include <stdio.h>
#include <string.h>

static const mot_option plain_options[] = {MOT_OPTION_HELP, MOT_OPTION_END};

static void print_overview(void)
{
    mot_terminal terminal = mot_terminal_of(stdout);
    const char *bold = mot_terminal_style(&terminal, MOT_STYLE_BOLD);
    const char *plain = mot_terminal_style(&terminal, MOT_STYLE_PLAIN);
    printf("motley trains one neural network on all the OpenCL devices of one or many\n"
           "machines, each with the share of the work that it was measured to carry.\n\n"
           "Usage: %smotley COMMAND%s [OPTION]...\n\n",
           bold, plain);
    for (int i = 0; mot_commands_all[i]; i++)
        printf("  %s%-15s%s %s\n", bold, mot_commands_all[i]->name, plain,
               mot_commands_all[i]->summary);
    printf("\nTo begin with:\n"
           "  motley devices                                what this machine has\n"
           "  motley train examples/drawn_digits_mlp.yaml   needs no data files\n"
           "  motley help train                             all options of a command\n"
           "  mpiexec -n 2 motley train CONFIG              the same over several processes\n");
}

/* For the shell's completion: the commands, or the options of one command, a word a line. */
static int print_words(const char *first, const char *second)
{
    const mot_command *command = first ? mot_command_find(first, second) : NULL;
    for (const mot_option *option = command ? command->options : NULL; option && option->name;
         option++)
        printf("--%s\n", option->name);
    if (first)
        return MOT_EXIT_OK;
    for (int i = 0; mot_commands_all[i]; i++)
        printf("%s\n", mot_commands_all[i]->name);
    return MOT_EXIT_OK;
}

static int run_help(const mot_command *self, const mot_arguments *arguments)
{
    (void)self;
    const char *first = arguments->n_operands > 0 ? arguments->operand[0] : NULL;
    const char *second = arguments->n_operands > 1 ? arguments->operand[1] : NULL;
    if (arguments->ids)
        return print_words(first, second);
    if (!first) {
        print_overview();
        return MOT_EXIT_OK;
    }
    const mot_command *command = mot_command_find(first, second);
    if (command) {
        mot_command_print_help(command);
        return MOT_EXIT_OK;
    }
    bool found = false;
    for (int i = 0; mot_commands_all[i]; i++) {
        const char *name = mot_commands_all[i]->name;
        if (strncmp(name, first, strlen(first)) != 0 || name[strlen(first)] != ' ')
            continue;
        if (found)
            putchar('\n');
        mot_command_print_help(mot_commands_all[i]);
        found = true;
    }
    return found ? MOT_EXIT_OK : mot_command_misused(NULL, "there is no command '%s'", first);
}

static int run_version(const mot_command *self, const mot_arguments *arguments)
{
    (void)self;
    (void)arguments;
    printf("motley %s\n", mot_version());
    return MOT_EXIT_OK;
}

static const mot_option help_options[] = {
    {"words", 0, MOT_OPTION_FLAG, NULL, "print bare words, for the shell's completion",
     MOT_PLACE(ids), 0},
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_help = {
    "help", "[COMMAND]",  0,        2,     "explain motley or one of its commands",
    NULL,   help_options, run_help, false,
};

const mot_command mot_command_version = {
    "version", "", 0, 0, "print the version", NULL, plain_options, run_version, false,
};
