#include "config.h"

#include "runtime/train/vocabulary.h"

#include "runtime/base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The code point at `at`, which moves behind it; -1 for what is not UTF-8 (RFC 3629). */
static int32_t next_code(const unsigned char **at, const unsigned char *end)
{
    static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *p = *at;
    int32_t code = *p++;
    int more = code < 0x80 ? 0 : code >= 0xF0 ? 3 : code >= 0xE0 ? 2 : code >= 0xC0 ? 1 : -1;
    if (more < 0 || code > 0xF7 || end - p < more)
        return -1;
    if (more > 0)
        code &= 0x3F >> more;
    for (int i = 0; i < more; i++, p++) {
        if ((*p & 0xC0) != 0x80)
            return -1;
        code = code << 6 | (*p & 0x3F);
    }
    if (code < least[more] || code >= MOT_CODE_POINTS || (code >= 0xD800 && code <= 0xDFFF))
        return -1;
    *at = p;
    return code;
}

static mot_status not_utf8(const char *name, const char *text, const unsigned char *at)
{
    return MOT_FAIL(MOT_ERR_FORMAT,
                    "%s is not UTF-8 at byte %zu (0x%02x); `data.tokens: bytes` takes any file",
                    name, (size_t)((const char *)at - text), (unsigned)*at);
}

mot_status mot_vocabulary_bytes(mot_vocabulary **out)
{
    mot_vocabulary *vocabulary;
    MOT_TRY(mot_alloc(1, sizeof *vocabulary, &vocabulary));
    vocabulary->n = 256;
    *out = vocabulary;
    return MOT_OK;
}

void mot_vocabulary_free(mot_vocabulary *vocabulary)
{
    if (!vocabulary)
        return;
    free(vocabulary->code);
    free(vocabulary);
}

/* Code points as bits. */
enum { SET_BYTES = MOT_CODE_POINTS / 8 };

static bool is_in(const uint8_t *set, uint32_t code)
{
    return set[code / 8] >> (code % 8) & 1;
}

static void put_in(uint8_t *set, uint32_t code)
{
    set[code / 8] |= (uint8_t)(1u << (code % 8));
}

/* A vocabulary of the code points that are in a set. */
static mot_status collect(const uint8_t *seen, mot_vocabulary **out)
{
    mot_vocabulary *vocabulary;
    int64_t n = 0;
    for (uint32_t code = 0; code < MOT_CODE_POINTS; code++)
        n += is_in(seen, code);
    MOT_TRY(mot_alloc(1, sizeof *vocabulary, &vocabulary));
    mot_status status = mot_alloc((size_t)n, sizeof *vocabulary->code, &vocabulary->code);
    if (status != MOT_OK) {
        free(vocabulary);
        return status;
    }
    for (uint32_t code = 0; code < MOT_CODE_POINTS; code++)
        if (is_in(seen, code))
            vocabulary->code[vocabulary->n++] = code;
    *out = vocabulary;
    return MOT_OK;
}

mot_status mot_vocabulary_of(const char *name, const char *text, size_t size_bytes,
                             mot_vocabulary **out)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size_bytes;
    uint8_t *seen;
    if (size_bytes == 0)
        return MOT_FAIL(MOT_ERR_FORMAT, "%s is empty", name);
    MOT_TRY(mot_alloc(SET_BYTES, 1, &seen));
    mot_status status = MOT_OK;
    while (at < end && status == MOT_OK) {
        int32_t code = next_code(&at, end);
        if (code < 0)
            status = not_utf8(name, text, at);
        else
            put_in(seen, (uint32_t)code);
    }
    if (status == MOT_OK)
        status = collect(seen, out);
    free(seen);
    return status;
}

mot_status mot_vocabulary_list(const double *code, int64_t n, mot_vocabulary **out)
{
    mot_vocabulary *vocabulary;
    uint8_t *seen = NULL;
    MOT_TRY(mot_alloc(1, sizeof *vocabulary, &vocabulary));
    mot_status status;
    MOT_TRY_GOTO(mot_alloc((size_t)n, sizeof *vocabulary->code, &vocabulary->code));
    MOT_TRY_GOTO(mot_alloc(SET_BYTES, 1, &seen));
    for (int64_t i = 0; i < n; i++) {
        bool valid = code[i] >= 0 && code[i] < MOT_CODE_POINTS && code[i] == (uint32_t)code[i] &&
                     (code[i] < 0xD800 || code[i] > 0xDFFF);
        if (!valid || is_in(seen, (uint32_t)code[i])) {
            status = MOT_FAIL(MOT_ERR_ARGUMENT,
                              "data.vocabulary: %.0f is %s; each character is its code point, once",
                              code[i], valid ? "there twice" : "no code point");
            goto fail;
        }
        vocabulary->code[i] = (uint32_t)code[i];
        put_in(seen, vocabulary->code[i]);
    }
    vocabulary->n = n;
    *out = vocabulary;
    vocabulary = NULL;
fail:
    mot_vocabulary_free(vocabulary);
    free(seen);
    return status;
}

static mot_status not_in_vocabulary(const mot_vocabulary *vocabulary, const char *name,
                                    const char *text, const unsigned char *at, int32_t code)
{
    int64_t line = 1;
    for (const char *c = text; c < (const char *)at; c++)
        line += *c == '\n';
    return MOT_FAIL(MOT_ERR_ARGUMENT,
                    "%s:%" PRId64 ": the character U+%04X is not among the %" PRId64
                    " of the vocabulary",
                    name, line, (unsigned)code, vocabulary->n);
}

/* number[code] is a token's number + 1, up to the largest code point of the vocabulary. */
static mot_status encode_characters(const mot_vocabulary *vocabulary, const char *name,
                                    const char *text, size_t size_bytes, const int32_t *number,
                                    int32_t largest, int32_t *token, int64_t *n)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size_bytes;
    for (*n = 0; at < end; ++*n) {
        const unsigned char *before = at;
        int32_t code = next_code(&at, end);
        if (code < 0)
            return not_utf8(name, text, before);
        if (code > largest || number[code] == 0)
            return not_in_vocabulary(vocabulary, name, text, before, code);
        token[*n] = number[code] - 1;
    }
    return MOT_OK;
}

mot_status mot_vocabulary_encode(const mot_vocabulary *vocabulary, const char *name,
                                 const char *text, size_t size_bytes, int32_t **out, int64_t *n)
{
    int32_t *token, *number;
    MOT_TRY(mot_alloc(size_bytes, sizeof *token, &token));
    if (!vocabulary->code) {
        for (size_t i = 0; i < size_bytes; i++)
            token[i] = (unsigned char)text[i];
        *out = token;
        *n = (int64_t)size_bytes;
        return MOT_OK;
    }
    uint32_t largest = 0;
    for (int64_t i = 0; i < vocabulary->n; i++)
        largest = vocabulary->code[i] > largest ? vocabulary->code[i] : largest;
    mot_status status = mot_alloc((size_t)largest + 1, sizeof *number, &number);
    if (status == MOT_OK) {
        for (int64_t i = 0; i < vocabulary->n; i++)
            number[vocabulary->code[i]] = (int32_t)i + 1;
        status = encode_characters(vocabulary, name, text, size_bytes, number, (int32_t)largest,
                                   token, n);
        free(number);
    }
    if (status != MOT_OK) {
        free(token);
        return status;
    }
    *out = token;
    return MOT_OK;
}

mot_status mot_vocabulary_decode(const mot_vocabulary *vocabulary, int32_t token, mot_text *out)
{
    static const unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};
    if (!vocabulary->code)
        return mot_text_add_bytes(out, &(unsigned char){(unsigned char)token}, 1);
    uint32_t code = vocabulary->code[token];
    unsigned char bytes[4];
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    for (int i = more; i > 0; i--, code >>= 6)
        bytes[i] = (unsigned char)(0x80 | (code & 0x3F));
    bytes[0] = (unsigned char)(lead[more] | code);
    return mot_text_add_bytes(out, bytes, (size_t)more + 1);
}
