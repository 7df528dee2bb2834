/* lines.h: text of lines "word key value key value ...", as machines and plans are written.
 *
 * Blank lines and those that begin with # are skipped.  Every value is asked for by its key; what
 * was not asked for is an error, so nothing is silently ignored.  Messages begin with what is read
 * and the line's number.
 */
#ifndef MOT_PLAN_LINES_H
#define MOT_PLAN_LINES_H

#include "runtime/base/status.h"
#include "runtime/base/text.h"

enum { MOT_LINE_WORDS = 32 };

typedef struct mot_lines {
    const char *what; /* "machine", for messages */
    char *copy, *next;
    int number; /* of the present line, from 1 */
    char *word[MOT_LINE_WORDS];
    bool used[MOT_LINE_WORDS];
    int n_words;
} mot_lines;

/** Begin to read `text`, which is copied.  `what` is borrowed. */
mot_status mot_lines_open(const char *text, const char *what, mot_lines *lines);
void mot_lines_close(mot_lines *lines);

/** The next line's words; *more is false at the end.  Checks that the line before was used up. */
mot_status mot_lines_next(mot_lines *lines, bool *more);

/** Is this the first word of the line? */
bool mot_lines_is(const mot_lines *lines, const char *word);

/** The value behind `key`.  Texts are borrowed until mot_lines_close.  Errors: MOT_ERR_FORMAT. */
mot_status mot_lines_text(mot_lines *lines, const char *key, const char **out);
mot_status mot_lines_int(mot_lines *lines, const char *key, int64_t least, int64_t most,
                         int64_t *out);
/** At least 0; infinity only where `infinite`. */
mot_status mot_lines_float(mot_lines *lines, const char *key, bool infinite, double *out);

/** A MOT_ERR_FORMAT that names the line. */
mot_status mot_lines_fail(const mot_lines *lines, const char *format, ...) MOT_PRINTF(2, 3);

/** Add " key value" with the fewest digits that read back as the same number. */
mot_status mot_lines_add_float(mot_text *text, const char *key, double value);

#endif
