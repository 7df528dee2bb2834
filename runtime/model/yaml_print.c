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

static mot_status print_scalar(const mot_yaml *yaml, mot_text *text)
{
    if (mot_yaml_is_null(yaml))
        return mot_text_add(text, "null");
    if (!yaml->quoted && is_plain(yaml->text))
        return mot_text_add(text, "%s", yaml->text);
    MOT_TRY(mot_text_add(text, "\""));
    for (const char *c = yaml->text; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte == '"' || byte == '\\')
            MOT_TRY(mot_text_add(text, "\\%c", byte));
        else if (byte < 0x20 || byte == 0x7f)
            MOT_TRY(mot_text_add(text, "\\x%02x", byte));
        else
            MOT_TRY(mot_text_add_bytes(text, c, 1));
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
