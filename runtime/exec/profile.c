/* profile.c: times of a replica's launches, summed by node of the graph. */
#include "config.h"

#include "runtime/exec/profile.h"

#include "runtime/exec/replica.h"

#include <string.h>

/* Launches [first, end) of a program belong to node n. */
static mot_status add_launches(const mot_replica *r, const mot_program *program, int n, int first,
                               int end, mot_node_profile *node)
{
    int64_t n_runs = 0;
    for (int i = first; i < end; i++) {
        double time_s;
        MOT_TRY(mot_commands_profile(program->commands, i, &time_s, &n_runs));
        node->time_s += time_s;
        node->launches += n_runs;
    }
    mot_cost cost = mot_node_cost(r->graph, n, program->share);
    node->flops += (double)n_runs * cost.flops;
    node->bytes += (double)n_runs * cost.bytes;
    return MOT_OK;
}

mot_status mot_replica_profile(mot_replica *r, mot_node_profile *node)
{
    memset(node, 0, (size_t)r->graph->n_nodes * sizeof *node);
    for (size_t p = 0; p < r->n_programs; p++) {
        const mot_program *program = r->program[p];
        for (int n = 0, first = 0; n < r->graph->n_nodes && !program->inference; n++) {
            MOT_TRY(add_launches(r, program, n, first, program->node_end[n], &node[n]));
            first = program->node_end[n];
        }
    }
    return MOT_OK;
}
