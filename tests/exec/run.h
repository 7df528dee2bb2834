/* run.h: a network on devices for the tests of this folder: opened, given shares, its parameters
 * drawn and read.  A failure ends the test. */
#ifndef MOT_TESTS_EXEC_RUN_H
#define MOT_TESTS_EXEC_RUN_H

#include "runtime/base/memory.h"
#include "runtime/base/random.h"
#include "runtime/exec/exec.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_DEVICES = 4 };

typedef struct run {
    mot_graph *graph;
    mot_comm *comm;
    mot_device *device[RUN_DEVICES];
    int n_devices;
    mot_exec *exec;
    mot_machine machine;
    mot_machine_device line[RUN_DEVICES];
    mot_plan *plan;
    int64_t share[RUN_DEVICES];
} run;

static inline void must(mot_status status)
{
    ck_assert_msg(status == MOT_OK, "%s", mot_error_message());
}

/* The tests name pocl:0 and pocl:1; MOT_TEST_DEVICES=nvidia:0,pocl:0 puts others into their places. */
static inline const char *devices_for(const char *selection)
{
    static char first[64];
    const char *others = getenv("MOT_TEST_DEVICES");
    if (!others || strchr(selection, '/'))
        return selection;
    snprintf(first, sizeof first, "%.*s", (int)strcspn(others, ","), others);
    return strchr(selection, ',') ? others : first;
}

/* Takes the graph.  One launch for each operator, so that kernels are built once for all tests, unless the
 * test has set MOTLEY_JOIN. */
static inline void open_run(run *r, const char *selection, mot_graph *graph, int64_t max_batch)
{
    mot_device_info *info;
    char *note;
    *r = (run){.graph = graph};
    setenv("MOTLEY_JOIN", "0", 0);
    must(mot_comm_open(&r->comm));
    must(mot_devices_select(devices_for(selection), 1, 0, &info, &r->n_devices, &note));
    ck_assert_int_le(r->n_devices, RUN_DEVICES);
    for (int i = 0; i < r->n_devices; i++) {
        must(mot_device_open(&info[i], NULL, &r->device[i]));
        r->line[i].max_batch = max_batch;
    }
    r->machine = (mot_machine){.device = r->line, .n_devices = r->n_devices};
    free(info);
    free(note);
    must(mot_exec_open(graph, r->device, r->n_devices, r->comm,
                       &(mot_exec_options){.max_batch = max_batch, .seed = 9}, &r->exec));
}

static inline void close_run(run *r)
{
    mot_exec_close(r->exec);
    mot_plan_free(r->plan);
    for (int i = 0; i < r->n_devices; i++)
        mot_device_close(r->device[i]);
    mot_comm_close(r->comm);
    mot_graph_free(r->graph);
}

/* Samples for each device; buckets of 64 bytes, so that there are several. */
static inline void set_shares(run *r, const int64_t *share)
{
    int64_t batch = 0;
    for (int i = 0; i < r->n_devices; i++)
        batch += r->share[i] = share[i];
    mot_plan *plan;
    must(mot_plan_build(r->graph, mot_exec_memory(r->exec), &r->machine, batch, r->share, 64,
                        &plan));
    must(mot_exec_set_plan(r->exec, plan, 0, (bool[RUN_DEVICES]){true, true, true, true}));
    mot_plan_free(r->plan);
    r->plan = plan;
}

/* Parameters in the order in which they were appended, out of the flat layout; how many. */
static inline int get_parameters(run *r, double *p)
{
    float *flat;
    int n = 0;
    must(mot_alloc((size_t)r->graph->n_flat, sizeof *flat, &flat));
    must(mot_exec_read_flat(r->exec, -1, flat));
    for (int i = 0; i < r->graph->n_parameters; i++) {
        const mot_tensor *t = &r->graph->tensor[r->graph->parameter[i]];
        for (int64_t k = 0; k < mot_shape_elements(&t->shape, 1); k++)
            p[n++] = (double)flat[t->flat + k];
    }
    free(flat);
    return n;
}

/* Parameters uniform between -most and most, the optimizer's states zero. */
static inline void draw_parameters(run *r, float most)
{
    float *flat;
    mot_random random;
    mot_random_init(&random, 5, MOT_STREAM_TEST, 2);
    must(mot_alloc((size_t)r->graph->n_flat, sizeof *flat, &flat));
    for (int i = 0; i < r->graph->n_states; i++)
        must(mot_exec_write_flat(r->exec, i, flat));
    for (int i = 0; i < r->graph->n_parameters; i++) {
        const mot_tensor *t = &r->graph->tensor[r->graph->parameter[i]];
        for (int64_t k = 0; k < mot_shape_elements(&t->shape, 1); k++)
            flat[t->flat + k] = most * (2 * mot_random_uniform(&random) - 1);
    }
    must(mot_exec_write_flat(r->exec, -1, flat));
    free(flat);
}

#endif
