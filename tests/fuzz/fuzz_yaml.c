/* Fuzzing the configuration: any bytes are refused with a message or give a configuration that
 * prints and reads back.  With clang: clang -fsanitize=fuzzer,address,undefined fuzz_yaml.c ... &&
 * ./a.out tests/fuzz/yaml
 */
#include "config.h"

#include "runtime/model/yaml.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void try_model(const mot_config *config)
{
    mot_sample_spec spec = {
        .input = {4, {MOT_BATCH, 1, 4, 4}}, .input_dtype = MOT_U8, .n_classes = 10};
    mot_graph *graph;
    mot_memory_plan plan;
    if (mot_model_build(config, &spec, &graph) != MOT_OK)
        return;
    if (mot_graph_plan_memory(graph, 3, false, &plan) == MOT_OK)
        mot_memory_plan_free(&plan);
    mot_graph_free(graph);
}

static void try_config(const char *text)
{
    mot_config *config, *again;
    char *first, *second;
    if (mot_config_parse(text, "fuzz", &config) != MOT_OK) {
        check(mot_error_message()[0] != '\0');
        return;
    }
    try_model(config);
    check(mot_config_print(config, &first) == MOT_OK);
    check(mot_config_parse(first, "again", &again) == MOT_OK);
    check(mot_config_print(again, &second) == MOT_OK);
    check(strcmp(first, second) == 0);
    free(first);
    free(second);
    mot_config_free(config);
    mot_config_free(again);
}

static void try_set(const char *text)
{
    mot_config *config;
    char *printed;
    check(mot_config_parse("data: {batch: 3}", "fuzz", &config) == MOT_OK);
    mot_config_set(config, text);
    check(mot_config_print(config, &printed) == MOT_OK);
    free(printed);
    mot_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    mot_yaml *yaml;
    if (mot_yaml_parse((const char *)data, size_bytes, "fuzz", false, &yaml) == MOT_OK)
        mot_yaml_free(yaml);
    char *text = malloc(size_bytes + 1);
    check(text != NULL);
    if (size_bytes > 0)
        memcpy(text, data, size_bytes);
    text[size_bytes] = '\0';
    try_config(text);
    try_set(text);
    free(text);
    return 0;
}
