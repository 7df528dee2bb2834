/* command.c: reads a command line by a table of options (getopt_long does the work), prints help and
 * errors.  Every error is one line, "motley: ...", that says what to do.
 */
#include "config.h"

#include "tools/command.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/comm/comm.h"
#include "tools/terminal.h"

#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 32 };

int mot_command_rank(void)
{
    static const char *const names[] = {"PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return atoi(value);
    }
    return 0;
}

/* Tell the other ranks, who are waiting in mot_trainer_open, whose first act this matches; afterwards
 * the message of the lowest failing rank is every rank's.  Returns whether there are others. */
static bool tell_others(void)
{
    mot_comm *comm;
    if (mot_comm_open(&comm) != MOT_OK)
        return false;
    bool are_others = mot_comm_size(comm) > 1;
    (void)mot_comm_agree(comm, MOT_ERR_ARGUMENT); /* comes back as our own error */
    mot_comm_close(comm);
    return are_others;
}

/* Names and fields of files come into messages as they are: no control characters of theirs may
 * reach the terminal. */
static void print_message(const char *message, const char *help)
{
    char text[8192];
    snprintf(text, sizeof text, "%s", message);
    for (char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c) && *c != '\n' && *c != '\t')
            *c = '?';
    fprintf(stderr, "motley: %s%s\n", text, help);
}

/* Returns whether other ranks were told.  Without a command (what was typed is none) the other ranks
 * may well have one. */
static bool print_error(const mot_command *command, const char *help, bool agreed)
{
    bool told = !agreed && (!command || command->collective) && tell_others();
    fflush(stdout);
    if (mot_command_rank() == 0)
        print_message(mot_error_message(), help);
    return told;
}

int mot_command_misused(const mot_command *command, const char *format, ...)
{
    char text[1024], help[64];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(help, sizeof help, " (see: motley help%s%s)", command ? " " : "",
             command ? command->name : "");
    mot_error_set(text);
    /* As the ranks that were told: mpiexec would make 3 of 1 and 2. */
    return print_error(command, help, false) ? MOT_EXIT_FAILED : MOT_EXIT_USAGE;
}

int mot_command_failed(const mot_command *command, bool agreed)
{
    print_error(command, "", agreed);
    return MOT_EXIT_FAILED;
}

const mot_command *mot_command_find(const char *first, const char *second)
{
    for (int i = 0; mot_commands_all[i]; i++) {
        const char *name = mot_commands_all[i]->name, *space = strchr(name, ' ');
        size_t length = space ? (size_t)(space - name) : strlen(name);
        if (strlen(first) != length || strncmp(first, name, length) != 0)
            continue;
        if (!space || (second && strcmp(second, space + 1) == 0))
            return mot_commands_all[i];
    }
    return NULL;
}

/* ---- help ---- */

/* Print `text` from the present column on, broken between words before `width`. */
static void print_wrapped(const char *text, int column, int indent, int width)
{
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column > indent && column + 1 + length > width) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void print_option(const mot_option *option, int width)
{
    enum { INDENT = 26 };
    char head[64];
    snprintf(head, sizeof head, "  %c%c%s --%s%s%s", option->letter ? '-' : ' ',
             option->letter ? option->letter : ' ', option->letter ? "," : " ", option->name,
             option->argument ? " " : "", option->argument ? option->argument : "");
    int column = printf("%s", head);
    if (column >= INDENT - 1) {
        putchar('\n');
        column = 0;
    }
    printf("%*s", INDENT - column, "");
    print_wrapped(option->help, INDENT, INDENT, width);
}

void mot_command_print_help(const mot_command *command)
{
    mot_terminal terminal = mot_terminal_of(stdout);
    int width = terminal.width < 100 ? terminal.width : 100;
    const char *bold = mot_terminal_style(&terminal, MOT_STYLE_BOLD);
    const char *plain = mot_terminal_style(&terminal, MOT_STYLE_PLAIN);
    printf("Usage: %smotley %s%s%s%s [OPTION]...\n", bold, command->name, plain,
           *command->operands ? " " : "", command->operands);
    print_wrapped(command->summary, 0, 0, width);
    if (command->details)
        printf("\n%s\n", command->details);
    printf("\nOptions:\n");
    for (const mot_option *option = command->options; option->name; option++)
        print_option(option, width);
}

/* ---- reading ---- */

static const mot_option *nearest_option(const mot_command *command, const char *name)
{
    const char *names[MAX_OPTIONS];
    size_t n = 0;
    for (; command->options[n].name; n++)
        names[n] = command->options[n].name;
    const char *nearest = mot_nearest_name(name, names, n);
    for (size_t i = 0; i < n; i++)
        if (nearest == names[i])
            return &command->options[i];
    return NULL;
}

static int unknown_option(const mot_command *command, const char *word, int letter)
{
    if (strncmp(word, "--", 2) != 0)
        return mot_command_misused(command, "%s: there is no option -%c", command->name, letter);
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const mot_option *nearest = nearest_option(command, name);
    if (!nearest)
        return mot_command_misused(command, "%s: there is no option --%s", command->name, name);
    if (strncmp(nearest->name, name, strlen(name)) == 0 && strcmp(nearest->name, name) != 0)
        return mot_command_misused(command, "%s: --%s could be several options, --%s among them",
                                   command->name, name, nearest->name);
    if (strcmp(nearest->name, name) == 0)
        return mot_command_misused(command, "%s: --%s takes no value", command->name, name);
    return mot_command_misused(command, "%s: there is no option --%s; did you mean --%s?",
                               command->name, name, nearest->name);
}

/* Put one option's value in its place.  Returns 0, or the exit status of a failure. */
static int store(const mot_command *command, const mot_option *option, const char *value, int argc,
                 mot_arguments *arguments)
{
    char *place = (char *)arguments + option->place;
    switch (option->kind) {
    case MOT_OPTION_FLAG:
        *(bool *)place = true;
        break;
    case MOT_OPTION_COUNT:
        ++*(int *)place;
        break;
    case MOT_OPTION_TEXT:
        *(const char **)place = value;
        break;
    case MOT_OPTION_TEXTS: {
        mot_texts *texts = (mot_texts *)place;
        if (!texts->item && mot_alloc((size_t)argc, sizeof *texts->item, &texts->item) != MOT_OK)
            return mot_command_failed(command, false);
        texts->item[texts->n++] = value;
        break;
    }
    case MOT_OPTION_INT: {
        char name[64];
        snprintf(name, sizeof name, "--%s", option->name);
        if (mot_parse_int(name, value, (int64_t *)place) != MOT_OK)
            return mot_command_misused(command, "%s", mot_error_message());
        if (*(int64_t *)place < option->least)
            return mot_command_misused(command, "%s must be at least %" PRId64 ", not %s", name,
                                       option->least, value);
        break;
    }
    case MOT_OPTION_FLOAT: {
        char name[64];
        snprintf(name, sizeof name, "--%s", option->name);
        if (mot_parse_float(name, value, (double *)place) != MOT_OK)
            return mot_command_misused(command, "%s", mot_error_message());
        if (!(*(double *)place >= (double)option->least) || isinf(*(double *)place))
            return mot_command_misused(command,
                                       "%s must be a number of at least %" PRId64 ", not %s", name,
                                       option->least, value);
        break;
    }
    }
    return 0;
}

/* The option tables as getopt_long wants them; option i is returned as 256 + i, or its letter. */
static int prepare(const mot_command *command, struct option *longs, char *shorts)
{
    int n = 0;
    *shorts++ = ':';
    for (const mot_option *option = command->options; option->name; option++, n++) {
        longs[n] = (struct option){option->name, option->argument ? required_argument : no_argument,
                                   NULL, 256 + n};
        if (option->letter) {
            *shorts++ = option->letter;
            if (option->argument)
                *shorts++ = ':';
        }
    }
    longs[n] = (struct option){0};
    *shorts = '\0';
    return n;
}

static int read_options(const mot_command *command, int argc, char **argv, mot_arguments *arguments)
{
    struct option longs[MAX_OPTIONS + 1];
    char shorts[2 * MAX_OPTIONS + 2];
    int n = prepare(command, longs, shorts), code;
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        int row = code - 256;
        for (int i = 0; row < 0 && i < n; i++)
            if (code == command->options[i].letter)
                row = i;
        if (code == ':')
            return mot_command_misused(command, "%s: %s needs a value", command->name,
                                       argv[optind - 1]);
        if (code == '?' || row < 0)
            return unknown_option(command, argv[optind - 1], optopt);
        int exit_status = store(command, &command->options[row], optarg, argc, arguments);
        if (exit_status)
            return exit_status;
    }
    arguments->operand = argv + optind;
    arguments->n_operands = argc - optind;
    return 0;
}

int mot_command_run(const mot_command *command, int argc, char **argv)
{
    mot_arguments arguments = {.epochs = -1,
                               .steps = -1,
                               .seed = -1,
                               .n = -1,
                               .top_k = -1,
                               .time_ms = -1,
                               .temperature = -1};
    int exit_status = read_options(command, argc, argv, &arguments);
    if (exit_status)
        goto done;
    if (arguments.help)
        mot_command_print_help(command);
    else if (arguments.n_operands < command->n_least)
        exit_status = mot_command_misused(command, "%s needs %s", command->name, command->operands);
    else if (arguments.n_operands > command->n_most)
        exit_status = mot_command_misused(command, "%s: '%s' is one argument too many",
                                          command->name, arguments.operand[command->n_most]);
    else
        exit_status = command->run(command, &arguments);
done:
    free(arguments.set.item);
    return exit_status;
}
