/* yaml_print.c: a tree as YAML in flow style. */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/model/yaml.h"

#include <string.h>

/* A word that no YAML reader takes for anything else. */
static bool is_plain(const char *text)
{
    bool any_letter = false;
    for (const char *c = text; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                      (*c >= '0' && *c <= '9') || *c == '_';
        if (!letter && !strchr("-+./", *c))
            return false;
        any_letter |= letter;
    }
    return any_letter;
}

/* A character that YAML allows as an escape only; its bytes, or 0. */
static int escaped(const char *text, unsigned *code)
{
    const unsigned char *c = (const unsigned char *)text;
    *code = c[0];
    if (c[0] < 0x20 || c[0] == 0x7f)
        return 1;
    *code = c[1];
    if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
        return 2;
    *code = c[0] == 0xef && c[1] != 0 ? 0xf000u | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu) : 0;
    return *code == 0xfeff || *code >= 0xfffe ? 3 : 0;
}

static mot_status print_scalar(const mot_yaml *yaml, mot_text *text)
{
    if (mot_yaml_is_null(yaml))
        return mot_text_add(text, "null");
    if (!yaml->quoted && is_plain(yaml->text))
        return mot_text_add(text, "%s", yaml->text);
    MOT_TRY(mot_text_add(text, "\""));
    for (const char *c = yaml->text; *c;) {
        unsigned code;
        const int n = escaped(c, &code);
        if (n > 0)
            MOT_TRY(mot_text_add(text, "\\u%04x", code));
        else if (*c == '"' || *c == '\\')
            MOT_TRY(mot_text_add(text, "\\%c", *c));
        else
            MOT_TRY(mot_text_add_bytes(text, c, 1));
        c += n > 0 ? n : 1;
    }
    return mot_text_add(text, "\"");
}

static mot_status print_key(const char *key, mot_text *text)
{
    mot_yaml scalar = {.kind = MOT_YAML_SCALAR, .text = (char *)key};
    MOT_TRY(print_scalar(&scalar, text));
    return mot_text_add(text, ": ");
}

mot_status mot_yaml_print(const mot_yaml *yaml, mot_text *text)
{
    if (yaml->kind == MOT_YAML_SCALAR)
        return print_scalar(yaml, text);
    bool list = yaml->kind == MOT_YAML_LIST;
    MOT_TRY(mot_text_add(text, list ? "[" : "{"));
    for (int i = 0; i < yaml->n; i++) {
        if (i > 0)
            MOT_TRY(mot_text_add(text, ", "));
        if (!list)
            MOT_TRY(print_key(yaml->key[i], text));
        MOT_TRY(mot_yaml_print(yaml->item[i], text));
    }
    return mot_text_add(text, list ? "]" : "}");
}
