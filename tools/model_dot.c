/* model_dot.c: a network in the language of Graphviz.
 *
 * A node is a layer with its shape.  Layers with the same beginning of their names, up to a dot,
 * follow each other and stand in one frame: repetitions and definitions become visible. */
#include "config.h"

#include "tools/format.h"
#include "tools/model.h"

#include <stdio.h>
#include <string.h>

/* How much of both names, in whole words with their dots, is the same. */
static size_t common_frames(const char *a, const char *b)
{
    size_t common = 0;
    for (size_t i = 0; a[i] && a[i] == b[i]; i++)
        if (a[i] == '.')
            common = i + 1;
    return common;
}

static void close_frames(const char *from)
{
    for (const char *dot = from; (dot = strchr(dot, '.')); dot++)
        printf("  }\n");
}

static void open_frames(const char *name, size_t common, int *n_frames)
{
    for (const char *word = name + common, *dot; (dot = strchr(word, '.')); word = dot + 1)
        printf("  subgraph cluster%d { label=\"%.*s\";\n", (*n_frames)++, (int)(dot - name), name);
}

static void print_node(const mot_model_layer *layer, int i)
{
    char shape[MOT_SHAPE_TEXT], count[MOT_FORMAT];
    printf("  n%d [label=\"%s: %s\\n%s", i, layer->name, layer->kind,
           mot_shape_print(&layer->shape, shape));
    if (layer->parameters > 0)
        printf("\\n%s parameters", mot_format_count(layer->parameters, count));
    printf("\"];\n");
}

void mot_model_print_dot(const mot_model *model)
{
    char shape[MOT_SHAPE_TEXT];
    const char *last = "";
    int n_frames = 0;
    printf("digraph model {\n  node [shape=box, fontname=\"sans-serif\"];\n"
           "  graph [fontname=\"sans-serif\", color=gray];\n");
    printf("  input [label=\"input\\n%s\", shape=ellipse];\n",
           mot_shape_print(&model->input, shape));
    for (int i = 0; i < model->n_layers; i++) {
        const char *name = model->layer[i].name;
        const size_t common = common_frames(last, name);
        close_frames(last + common);
        open_frames(name, common, &n_frames);
        print_node(&model->layer[i], i);
        last = name;
    }
    close_frames(last);
    for (int i = 0; i < model->n_layers; i++)
        for (int k = 0; k < model->layer[i].n_from; k++) {
            const int from = model->layer[i].from[k];
            if (from < 0)
                printf("  input -> n%d;\n", i);
            else
                printf("  n%d -> n%d;\n", from, i);
        }
    printf("}\n");
}
