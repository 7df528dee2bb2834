/* yaml.h: YAML text to a tree of scalars, lists and maps, and back. */
#ifndef MOT_MODEL_YAML_H
#define MOT_MODEL_YAML_H

#include "runtime/base/text.h"
#include "runtime/model/config.h"

enum { MOT_YAML_LIMIT_BYTES = 1 << 20 };

/** Parse one document.  `name` stands for the text in messages.  `fragment`: the value of an
 *  assignment; its lines are 0.  The caller owns *out: mot_yaml_free.
 *  Errors: MOT_ERR_FORMAT with the line, for what is not YAML and for what is not taken here: more
 *  than one document, anchors, tags, a key twice, or more than 1 MiB, 32 levels, 20,000 values. */
mot_status mot_yaml_parse(const char *text, size_t size_bytes, const char *name, bool fragment,
                          mot_yaml **out);
/** A scalar of its own. */
mot_status mot_yaml_scalar(const char *text, bool quoted, int line, mot_yaml **out);
mot_status mot_yaml_copy(const mot_yaml *yaml, mot_yaml **out);
void mot_yaml_free(mot_yaml *yaml);

/** The item of a map, or NULL (also when `map` is not a map). */
mot_yaml *mot_yaml_find(const mot_yaml *map, const char *key);
/** Set an item of a map, replacing the one that was there.  Takes `item`, also on failure. */
mot_status mot_yaml_put(mot_yaml *map, const char *key, mot_yaml *item);
/** Put an item behind the others of a list (key NULL) or of a map that does not have the key.  Takes
 *  `item`, also on failure. */
mot_status mot_yaml_append(mot_yaml *parent, const char *key, mot_yaml *item);
/** Nothing was written: an unquoted scalar that is empty, `~` or `null`. */
bool mot_yaml_is_null(const mot_yaml *yaml);

/** Append the tree in flow style, on one line, so that it reads back. */
mot_status mot_yaml_print(const mot_yaml *yaml, mot_text *text);

#endif
