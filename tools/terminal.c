/* terminal.c: is it a terminal, how wide, which characters, which colours.
 *
 * Characters follow the locale; where its name asks for UTF-8 but the system does not have that
 * locale installed (a bare container, ssh) the name is believed.
 */
#include "config.h"

#include "tools/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool names_utf8(const char *name)
{
    return name && (strcasestr(name, "utf-8") || strcasestr(name, "utf8"));
}

static bool locale_is_utf8(void)
{
    if (setlocale(LC_CTYPE, "") && names_utf8(nl_langinfo(CODESET)))
        return true;
    static const char *const order[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(order[i]);
        if (value && *value)
            return names_utf8(value);
    }
    return false;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static int columns_of(FILE *out, bool is_terminal)
{
    struct winsize size;
    int columns = 80;
    if (is_terminal && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
    else if (is_set("COLUMNS") && atoi(getenv("COLUMNS")) > 0)
        columns = atoi(getenv("COLUMNS"));
    return columns < 40 ? 40 : columns > 400 ? 400 : columns;
}

mot_terminal mot_terminal_of(FILE *out)
{
    const char *term = getenv("TERM");
    bool is_terminal = isatty(fileno(out)) && term && strcmp(term, "dumb") != 0;
    return (mot_terminal){
        .out = out,
        .is_terminal = is_terminal,
        .utf8 = locale_is_utf8(),
        .colour = is_terminal && !is_set("NO_COLOR"),
        .width = columns_of(out, is_terminal),
    };
}

const char *mot_terminal_style(const mot_terminal *terminal, mot_style style)
{
    static const char *const escape[] = {"\033[0m",  "\033[1m",  "\033[2m",  "\033[31m", "\033[32m",
                                         "\033[33m", "\033[34m", "\033[35m", "\033[36m"};
    return terminal->colour ? escape[style] : "";
}

mot_style mot_terminal_device_style(int i)
{
    static const mot_style order[] = {MOT_STYLE_CYAN, MOT_STYLE_YELLOW, MOT_STYLE_MAGENTA,
                                      MOT_STYLE_GREEN, MOT_STYLE_BLUE};
    return order[(unsigned)i % (sizeof order / sizeof *order)];
}

const char *mot_terminal_pick(const mot_terminal *terminal, const char *utf8, const char *ascii)
{
    return terminal->utf8 ? utf8 : ascii;
}

void mot_terminal_bar_text(const mot_terminal *terminal, double fraction, int cells, char *text,
                           int *filled)
{
    double clipped = fraction > 0 ? (fraction < 1 ? fraction : 1) : 0; /* NaN becomes 0 */
    int full = (int)(clipped * cells + 0.5);
    if (full == 0 && clipped > 0)
        full = 1;
    if (full == cells && clipped < 0.995)
        full = cells - 1;
    *text = '\0';
    *filled = 0;
    for (int i = 0; i < cells; i++) {
        if (i == full)
            *filled = (int)strlen(text);
        text = strcat(text, i < full ? mot_terminal_pick(terminal, "█", "#")
                                     : mot_terminal_pick(terminal, "░", "."));
    }
    if (full >= cells)
        *filled = (int)strlen(text);
}

void mot_terminal_bar(const mot_terminal *terminal, double fraction, int cells, mot_style style)
{
    char text[3 * 128 + 1];
    int filled;
    if (cells > 128)
        cells = 128;
    mot_terminal_bar_text(terminal, fraction, cells, text, &filled);
    fprintf(terminal->out, "%s%.*s%s%s%s%s", mot_terminal_style(terminal, style), filled, text,
            mot_terminal_style(terminal, MOT_STYLE_PLAIN),
            mot_terminal_style(terminal, MOT_STYLE_DIM), text + filled,
            mot_terminal_style(terminal, MOT_STYLE_PLAIN));
}

/* One line of text, broken between words. */
static void print_line(const mot_terminal *terminal, int indent, const char *line, int length)
{
    int column = indent;
    fprintf(terminal->out, "%*s", indent, "");
    int lead = (int)strspn(line, " "); /* the text's own indentation stays */
    lead = lead < length ? lead : length;
    for (int at = 0; at < length;) {
        int gap = (int)strspn(line + at, " ");
        int word = (int)strcspn(line + at + gap, " \n");
        if (at + gap + word > length)
            word = length - at - gap;
        if (word <= 0)
            break;
        if (column + gap + word > terminal->width && column > indent + lead) {
            fprintf(terminal->out, "\n%*s", indent + lead + 2, "");
            column = indent + lead + 2;
            gap = 0;
            at += (int)strspn(line + at, " ");
        }
        fprintf(terminal->out, "%*s%.*s", gap, "", word, line + at + gap);
        column += gap + word;
        at += gap + word;
    }
    fputc('\n', terminal->out);
}

void mot_terminal_paragraph(const mot_terminal *terminal, int indent, const char *text)
{
    while (*text) {
        int length = (int)strcspn(text, "\n");
        print_line(terminal, indent, text, length);
        text += length;
        text += *text == '\n';
    }
}
