/* keys.h: the table of known keys, and checking values against a row of it. */
#ifndef MOT_MODEL_KEYS_H
#define MOT_MODEL_KEYS_H

#include "runtime/model/yaml.h"

typedef enum {
    MOT_KEY_INT,
    MOT_KEY_FLOAT,
    MOT_KEY_BOOL,
    MOT_KEY_TEXT,      /* any text; behind `--set` it is taken as it stands, unless quoted */
    MOT_KEY_CHOICE,    /* one of the words in `range` */
    MOT_KEY_INTS,      /* one number or a list of them; no default */
    MOT_KEY_FLOATS,    /* the same; lists in it are joined */
    MOT_KEY_NORMALIZE, /* [mean, std] or [[means], [stds]] */
    MOT_KEY_TEXTS,     /* one text or a list of them; no default */
    MOT_KEY_SHARES,    /* one of the words in `range`, or a list of numbers from 0 */
    MOT_KEY_AUTO,      /* `auto`, or a number in `range` */
    MOT_KEY_PAIR,      /* one number or two, down and across; no default */
    MOT_KEY_PADDING,   /* the same, or `same` */
    MOT_KEY_GROUPS,    /* see optimizer.c */
    MOT_KEY_LAYERS,    /* these two are checked together, when all is read: see expand.h */
    MOT_KEY_DEFINITIONS,
} mot_key_type;

typedef struct mot_key {
    const char *path;
    mot_key_type type;
    const char *value;   /* default, as in YAML; NULL: unset */
    const char *range;   /* numbers: an interval, "[0,1)"; words: "sgd|adam"; NULL: any */
    const char *meaning; /* Markdown, one sentence or two */
} mot_key;

extern const mot_key mot_config_keys[];
extern const int mot_config_n_keys;
/** Other names of keys: {name, key}. */
extern const char *const mot_config_other_names[][2];
extern const int mot_config_n_other_names;

/** The row of a path, NULL when there is none. */
const mot_key *mot_key_find(const char *path);
/** Do known paths begin with `path` and a dot? */
bool mot_key_is_block(const char *path);

/** Fail for an unknown key: MOT_ERR_ARGUMENT, "<where>: unknown key <path>; did you mean ...?". */
mot_status mot_key_unknown(const char *where, const char *path);

/** Where messages say that a value stands: `name` and line, or "--set <path>" for line 0. */
typedef struct mot_origin {
    const char *name, *path;
    const char *within; /* "residual of line 21": who uses the text; NULL: it stands for itself */
} mot_origin;
/** "file.yaml:12", "file.yaml:12 (in residual of line 21)"; valid until the next call of this thread. */
const char *mot_origin_print(const mot_origin *origin, const mot_yaml *yaml);

/** Check a value (not a block) against its row.  `name` is how messages call it.
 *  Errors: MOT_ERR_ARGUMENT with what was expected. */
mot_status mot_key_check(const mot_key *key, const char *name, const mot_origin *origin,
                         const mot_yaml *yaml);
/** Check everything at and below `path` ("" for the root). */
mot_status mot_keys_check(const char *path, const char *file, const mot_yaml *yaml);

/** Check a list of groups of parameters as far as text alone allows (optimizer.c). */
mot_status mot_groups_check(const mot_origin *origin, const mot_yaml *list);

/** Value of a scalar that was checked. */
double mot_yaml_float(const mot_yaml *yaml);
/** true, yes, on; false, no, off. */
bool mot_text_is_bool(const char *text, bool *out);

#endif
