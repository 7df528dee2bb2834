/* tune.c: the short search for fast kernels before a training's first step. */
#include "config.h"

#include "runtime/exec/internal.h"

#include "devices/tune.h"
#include "runtime/base/memory.h"

#include <stdlib.h>

static mot_status tune_replica(mot_exec *exec, int device, double budget_s)
{
    mot_replica *r = &exec->replica[device];
    mot_operands *operands;
    int n = 0;
    bool changed = false;
    MOT_TRY(mot_alloc((size_t)exec->graph->n_nodes, sizeof *operands, &operands));
    for (int i = 0; i < exec->graph->n_nodes; i++)
        if (mot_node_runs(exec->graph, i, false))
            operands[n++] = mot_replica_operands(r, i, mot_exec_share(exec, device));
    mot_status status = mot_tune_quick(r->device, operands, n, budget_s, &changed);
    free(operands);
    if (changed)
        mot_replica_forget(r);
    return status;
}

mot_status mot_exec_tune(mot_exec *exec, double budget_s)
{
    MOT_TRY(mot_exec_finish(exec)); /* the devices are this thread's now */
    for (int i = 0; i < exec->n_devices; i++)
        if (mot_exec_share(exec, i) > 0)
            MOT_TRY(tune_replica(exec, i, budget_s));
    return MOT_OK;
}
