/* profile.h: how long each node of the graph took on one device, and what the exchange cost.
 *
 * Counted from the opening on; who wants a stretch of it takes the difference of two readings.
 * Forward passes for evaluation are left out.
 */
#ifndef MOT_EXEC_PROFILE_H
#define MOT_EXEC_PROFILE_H

#include "runtime/base/status.h"

struct mot_replica;

/** One node's totals over its runs. */
typedef struct mot_node_profile {
    double time_s; /* on the device */
    int64_t launches;
    double flops, bytes; /* by mot_node_cost, with the share of each run */
} mot_node_profile;

/** The exchange of gradients, as this rank's thread saw it. */
typedef struct mot_exchange {
    double cost_s;    /* summing over devices, and from the first bucket that went to other ranks to
                         the last that came back */
    double exposed_s; /* the part of it that came after backward had ended on all devices */
    int64_t n_steps;
} mot_exchange;

/** Read a device's totals into node[0..n_nodes); nothing may be running on the device.
 *  Errors: MOT_ERR_UNSUPPORTED for a device that was opened without profiling. */
mot_status mot_replica_profile(struct mot_replica *replica, mot_node_profile *node);

#endif
