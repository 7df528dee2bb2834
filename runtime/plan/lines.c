#include "config.h"

#include "runtime/plan/lines.h"

#include "runtime/base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mot_status mot_lines_open(const char *text, const char *what, mot_lines *lines)
{
    *lines = (mot_lines){.what = what};
    MOT_TRY(mot_strdup(text, &lines->copy));
    lines->next = lines->copy;
    return MOT_OK;
}

void mot_lines_close(mot_lines *lines)
{
    free(lines->copy);
    *lines = (mot_lines){0};
}

mot_status mot_lines_fail(const mot_lines *lines, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return MOT_FAIL(MOT_ERR_FORMAT, "%s, line %d: %s", lines->what, lines->number, text);
}

static mot_status check_used(const mot_lines *lines)
{
    for (int i = 1; i < lines->n_words; i++)
        if (!lines->used[i])
            return mot_lines_fail(lines, "'%.64s' is not known here", lines->word[i]);
    return MOT_OK;
}

static mot_status split(mot_lines *lines, char *line)
{
    lines->n_words = 0;
    char *rest;
    for (char *word = strtok_r(line, " \t\r", &rest); word; word = strtok_r(NULL, " \t\r", &rest)) {
        if (lines->n_words == MOT_LINE_WORDS)
            return mot_lines_fail(lines, "more than %d words", MOT_LINE_WORDS);
        lines->used[lines->n_words] = false;
        lines->word[lines->n_words++] = word;
    }
    return MOT_OK;
}

mot_status mot_lines_next(mot_lines *lines, bool *more)
{
    MOT_TRY(check_used(lines));
    lines->n_words = 0;
    while (lines->n_words == 0) {
        *more = *lines->next != '\0';
        if (!*more)
            return MOT_OK;
        char *line = lines->next, *end = strchr(line, '\n');
        lines->next = end ? end + 1 : line + strlen(line);
        if (end)
            *end = '\0';
        lines->number++;
        if (line[strspn(line, " \t\r")] != '#')
            MOT_TRY(split(lines, line));
    }
    return MOT_OK;
}

bool mot_lines_is(const mot_lines *lines, const char *word)
{
    return lines->n_words > 0 && strcmp(lines->word[0], word) == 0;
}

mot_status mot_lines_text(mot_lines *lines, const char *key, const char **out)
{
    /* Keys and values alternate, the first word is a key too: "device pocl:0 rank 0". */
    int i = 0;
    while (i + 1 < lines->n_words && strcmp(lines->word[i], key) != 0)
        i += 2;
    if (i + 1 >= lines->n_words)
        return mot_lines_fail(lines, "'%s' and its value are missing", key);
    lines->used[i] = lines->used[i + 1] = true;
    *out = lines->word[i + 1];
    return MOT_OK;
}

mot_status mot_lines_int(mot_lines *lines, const char *key, int64_t least, int64_t most,
                         int64_t *out)
{
    const char *text;
    int64_t value;
    MOT_TRY(mot_lines_text(lines, key, &text));
    if (mot_parse_int(key, text, &value) != MOT_OK || value < least || value > most)
        return mot_lines_fail(lines,
                              "%s '%.64s' is not a whole number from %" PRId64 " to %" PRId64, key,
                              text, least, most);
    *out = value;
    return MOT_OK;
}

mot_status mot_lines_float(mot_lines *lines, const char *key, bool infinite, double *out)
{
    const char *text;
    double value;
    MOT_TRY(mot_lines_text(lines, key, &text));
    if (mot_parse_float(key, text, &value) != MOT_OK || !(value >= 0) ||
        (isinf(value) && !infinite))
        return mot_lines_fail(lines, "%s '%.64s' is not a number of 0 or more", key, text);
    *out = value;
    return MOT_OK;
}

mot_status mot_lines_add_float(mot_text *text, const char *key, double value)
{
    MOT_TRY(mot_text_add(text, " %s ", key));
    size_t start = text->length;
    for (int digits = 1; digits <= 17; digits++) {
        double back;
        text->length = start;
        MOT_TRY(mot_text_add(text, "%.*g", digits, value));
        if (mot_parse_float(key, text->data + start, &back) == MOT_OK && back == value)
            break;
    }
    return MOT_OK;
}
