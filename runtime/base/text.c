#include "config.h"

#include "runtime/base/text.h"

#include "runtime/base/memory.h"

#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Numbers in files have a point, whatever the program's locale makes of it. */
static locale_t the_c_locale;

static void make_c_locale(void)
{
    the_c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t c_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return the_c_locale;
}

mot_status mot_text_add_bytes(mot_text *text, const void *bytes, size_t length)
{
    MOT_TRY(mot_grow(&text->data, &text->capacity, text->length + length + 1, 1));
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
    return MOT_OK;
}

static mot_status add_formatted(mot_text *text, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "text '%s' cannot be formatted", format);
    MOT_TRY(mot_grow(&text->data, &text->capacity, text->length + (size_t)length + 1, 1));
    vsnprintf(text->data + text->length, (size_t)length + 1, format, args);
    text->length += (size_t)length;
    return MOT_OK;
}

mot_status mot_text_add(mot_text *text, const char *format, ...)
{
    va_list args;
    locale_t theirs = c_locale() ? uselocale(c_locale()) : (locale_t)0;
    va_start(args, format);
    mot_status status = add_formatted(text, format, args);
    va_end(args);
    if (theirs)
        uselocale(theirs);
    return status;
}

void mot_text_free(mot_text *text)
{
    free(text->data);
    *text = (mot_text){0};
}

mot_status mot_parse_int(const char *what, const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0')
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: '%s' is not a whole number", what, text);
    if (errno == ERANGE)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: '%s' is out of range", what, text);
    *out = value;
    return MOT_OK;
}

mot_status mot_parse_float(const char *what, const char *text, double *out)
{
    char *end;
    double value = c_locale() ? strtod_l(text, &end, c_locale()) : strtod(text, &end);
    if (end == text || *end != '\0')
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: '%s' is not a number", what, text);
    *out = value;
    return MOT_OK;
}

/* Levenshtein distance, one row at a time; names longer than the row are cut, which only makes the
 * hint worse. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t row[LONGEST + 1], n = strnlen(b, LONGEST), m = strnlen(a, LONGEST);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; i <= m; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (strncasecmp(a + i - 1, b + j - 1, 1) != 0);
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[n];
}

const char *mot_nearest_name(const char *name, const char *const *names, size_t n)
{
    const char *nearest = NULL;
    size_t least = strlen(name) / 2 + 1;
    for (size_t i = 0; i < n; i++) {
        size_t distance = edit_distance(name, names[i]);
        if (distance < least) {
            least = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
