/* replica.h: the network on one device: its memory and its recorded commands.
 *
 * Memory is one buffer for each arena of the memory plan, sized for the largest share.  Commands are
 * recorded once for each (share, mode) and kept: going back to a share costs nothing.  In training
 * mode a recorded program has the shape  forward+backward | update , with the positions at which
 * each bucket is complete.
 */
#ifndef MOT_EXEC_REPLICA_H
#define MOT_EXEC_REPLICA_H

#include "devices/primitive.h"
#include "runtime/graph/graph.h"
#include "runtime/plan/plan.h"

typedef struct mot_program {
    int64_t share;
    bool inference;
    mot_commands *commands;
    int *node_end;        /* [n_nodes] launches recorded once node i was */
    int update_begin;     /* first launch of the update */
    int accumulate_begin; /* first launch of accumulate; -1: gradients are not accumulated */
} mot_program;

/* Words behind the loss's sums in the gradient arena, added by the host and reduced with them. */
enum { MOT_SUMS_FAILED = 4, MOT_SUMS_STOP, MOT_SUMS_FLOATS = 16 };

typedef struct mot_replica {
    const mot_graph *graph;
    mot_device *device;
    int64_t capacity; /* samples */
    int n_slots;
    bool shares_memory;
    bool exchanges; /* gradients are reduced with other devices or ranks */
    mot_memory_plan train, inference;
    mot_buffer *arena[MOT_N_ARENAS];
    mot_buffer *reduced;    /* sums over all devices; arena[GRADIENT] or wrapped memory */
    mot_buffer **workspace; /* the newest is the largest; older ones belong to older programs */
    size_t n_workspaces, workspace_capacity;
    char *staging;           /* host side of the ring where memory is not shared */
    float *gradient_staging; /* host side of the gradients where memory is not shared */
    float *reduced_host;     /* where the caller leaves reduced gradients */
    mot_program **program;
    size_t n_programs, program_capacity;
} mot_replica;

/** Make room on `device` for up to `max_batch` samples, or for as many as fit.  `gradients_host`: where
 *  a device that shares the host's memory shall have its gradients, or NULL.  `reduced_host`: the memory
 *  in which reduced gradients will lie, or NULL when nothing is exchanged or reduction happens in the
 *  replica's own gradients.  Both page aligned, of mot_replica_gradient_bytes, and borrowed. */
mot_status mot_replica_open(mot_replica *replica, const mot_graph *graph, mot_device *device,
                            int64_t max_batch, int n_slots, bool exchanges, float *gradients_host,
                            float *reduced_host);
void mot_replica_close(mot_replica *replica);

/** The recorded program for a share (> 0) and mode; recorded at the first call.  The replica keeps
 *  it. */
mot_status mot_replica_program(mot_replica *replica, int64_t share, bool inference,
                               mot_program **out);

/** The operands of node n of the training program for a share, without a workspace. */
mot_operands mot_replica_operands(mot_replica *replica, int n, int64_t share);
/** Drop all recorded programs; nothing may be running. */
void mot_replica_forget(mot_replica *replica);

/** Launches of the program after which bucket b of the plan is complete. */
int mot_program_end_of_bucket(const mot_program *program, const mot_plan *plan, int b);

/** Host memory of one ring slot; raw, label and scalars lie in it as the memory plan says. */
char *mot_replica_slot(mot_replica *replica, int slot);
/** Hand the slot's contents to the device (nothing to do where memory is shared). */
mot_status mot_replica_send_slot(mot_replica *replica, int slot, int64_t share);
/** Where the sums of a step in `slot` begin in the gradient arena, in elements. */
int64_t mot_replica_sums_offset(const mot_replica *replica, int slot);
/** Floats of bucket b on the wire: the last one carries the sums and the host's words. */
int64_t mot_replica_bucket_floats(const mot_replica *replica, const mot_plan *plan, int b);
/** Host memory in which this replica's gradients can be read once a bucket is complete. */
float *mot_replica_gradients(mot_replica *replica);
/** Bytes of the gradient arena of any replica of this graph: what `reduced_host` must hold. */
mot_status mot_replica_gradient_bytes(const mot_graph *graph, int n_slots, size_t *size_bytes);

#endif
