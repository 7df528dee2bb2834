/* json_get: one value out of a JSON file, for the shell tests.
 *
 *   json_get FILE KEY...      e.g. json_get result.json devices 0 share
 *
 * Looks at the last line of FILE that begins with a brace (so a command's whole output will do, and
 * the last line of a metrics.jsonl) and prints the value that the keys and indices lead to: a string
 * bare, a number with all its digits, an array of plain values with blanks between, the length of an
 * array with the key "length", anything else as JSON.  Exit 1 when it is not there.
 */
#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last line that begins with a brace, parsed; NULL when there is none. */
static json_t *read_last_object(const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!file)
        return NULL;
    char *line = NULL;
    size_t capacity = 0;
    json_t *found = NULL;
    while (getline(&line, &capacity, file) > 0) {
        if (line[0] != '{' && line[0] != '[')
            continue;
        json_t *object = json_loads(line, 0, NULL);
        if (object) {
            json_decref(found);
            found = object;
        }
    }
    free(line);
    if (file != stdin)
        fclose(file);
    return found;
}

static void print_value(const json_t *value)
{
    size_t i;
    json_t *item;
    if (json_is_string(value)) {
        printf("%s", json_string_value(value));
    } else if (json_is_real(value)) {
        printf("%.17g", json_real_value(value));
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, item) {
            printf("%s", i ? " " : "");
            print_value(item);
        }
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        printf("%s", text ? text : "");
        free(text);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: json_get FILE KEY...\n");
        return 2;
    }
    json_t *root = read_last_object(argv[1]), *length = NULL;
    const json_t *value = root;
    for (int i = 2; value && i < argc; i++) {
        if (json_is_array(value) && strcmp(argv[i], "length") == 0)
            value = length = json_integer((json_int_t)json_array_size(value));
        else if (json_is_array(value))
            value = json_array_get(value, strtoul(argv[i], NULL, 10));
        else
            value = json_object_get(value, argv[i]);
    }
    if (value) {
        print_value(value);
        printf("\n");
    } else {
        fprintf(stderr, "json_get: %s has no such value\n", argv[1]);
    }
    int missing = value == NULL;
    json_decref(length);
    json_decref(root);
    return missing;
}
