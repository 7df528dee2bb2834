/* vocabulary.h: text as numbers of tokens and back.
 *
 * A token is a byte, its number its value, or a character (a code point of UTF-8), its number the
 * place in a list, ascending by code point unless the configuration gives the list.
 */
#ifndef MOT_TRAIN_VOCABULARY_H
#define MOT_TRAIN_VOCABULARY_H

#include "runtime/base/shape.h"
#include "runtime/base/text.h"

typedef struct mot_vocabulary {
    int64_t n;      /* tokens */
    uint32_t *code; /* [n] code points; NULL: tokens are the 256 bytes */
} mot_vocabulary;

enum { MOT_CODE_POINTS = 0x110000 };

/** The 256 bytes. */
mot_status mot_vocabulary_bytes(mot_vocabulary **out);
/** The characters that occur in a text called `name`.  Errors: MOT_ERR_FORMAT when it is empty or not
 *  UTF-8. */
mot_status mot_vocabulary_of(const char *name, const char *text, size_t size_bytes,
                             mot_vocabulary **out);
/** A given list.  Errors: MOT_ERR_ARGUMENT for what is no code point, or is there twice. */
mot_status mot_vocabulary_list(const double *code, int64_t n, mot_vocabulary **out);
void mot_vocabulary_free(mot_vocabulary *vocabulary);

/** How tokens are stored: MOT_U8 where 256 numbers are enough, else MOT_I32. */
static inline mot_dtype mot_vocabulary_dtype(const mot_vocabulary *vocabulary)
{
    return vocabulary->n <= 256 ? MOT_U8 : MOT_I32;
}

/** Tokens of a text: *out, freed by the caller, has *n of them.
 *  Errors: MOT_ERR_FORMAT for what is not UTF-8, MOT_ERR_ARGUMENT for a character that is not in the
 *  vocabulary; with its place. */
mot_status mot_vocabulary_encode(const mot_vocabulary *vocabulary, const char *name,
                                 const char *text, size_t size_bytes, int32_t **out, int64_t *n);
/** Append the text of one token, 0 <= token < n. */
mot_status mot_vocabulary_decode(const mot_vocabulary *vocabulary, int32_t token, mot_text *out);

#endif
