/* terminal.h: what the place that text goes to can show, and text cut and padded to fit it. */
#ifndef MOT_TOOLS_TERMINAL_H
#define MOT_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

typedef struct mot_terminal {
    FILE *out;
    bool is_terminal;
    bool utf8;   /* block and braille characters come out right */
    bool colour; /* a terminal, and NO_COLOR is not set */
    int width;   /* columns; 80 where it is not a terminal */
} mot_terminal;

typedef enum {
    MOT_STYLE_PLAIN,
    MOT_STYLE_BOLD,
    MOT_STYLE_DIM,
    MOT_STYLE_RED,
    MOT_STYLE_GREEN,
    MOT_STYLE_YELLOW,
    MOT_STYLE_BLUE,
    MOT_STYLE_MAGENTA,
    MOT_STYLE_CYAN,
} mot_style;

/** Look at `out`, the environment and the locale. */
mot_terminal mot_terminal_of(FILE *out);

/** The escape sequence of a style, "" without colour. */
const char *mot_terminal_style(const mot_terminal *terminal, mot_style style);

/** The style that stands for device i, so that bars and names of one device look alike. */
mot_style mot_terminal_device_style(int i);

/** Print a bar of `cells` columns of which `fraction` (0..1) is full. */
void mot_terminal_bar(const mot_terminal *terminal, double fraction, int cells, mot_style style);
/** The same into `text`, which holds at least `cells` * 3 + 1 bytes, without colours; `filled` gets
 *  the length in bytes of the full part. */
void mot_terminal_bar_text(const mot_terminal *terminal, double fraction, int cells, char *text,
                           int *filled);

/** Print `text`, of which every line starts with `indent` blanks, broken between words at the
 *  terminal's width. */
void mot_terminal_paragraph(const mot_terminal *terminal, int indent, const char *text);

/** `utf8` where the terminal can show it, else `ascii`. */
const char *mot_terminal_pick(const mot_terminal *terminal, const char *utf8, const char *ascii);

#endif
