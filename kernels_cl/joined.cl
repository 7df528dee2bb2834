/* joined: one launch that does the work of many, for CPUs: what stands in front.
 *
 * A launch costs a CPU driver the waking of its threads, at its end the waiting for the slowest,
 * and a pause before the next.  So devices/joined_kernel.c makes one kernel of all that a step records:
 * this text, the sources that have UNITS behind the parameters of some kernels, and then `joined`
 * itself, which has a case for each of these kernels.  There a kernel is a function, and a group
 * of its launch a `unit`:
 *
 *     for each step (the inputs of the next lie in the ring's next slot), for each launch in order
 *         take units from the counter of one's own region and do them, until none is left
 *         do the same with the other regions
 *         wait until those that others took are done
 *
 * What a unit computes does not depend on who does it.  Regions let a thread meet again what it
 * wrote in the launch before: they are equal parts of a launch's units, and where groups begin.
 * A group only ever waits for units that another has begun, so the work is done however few of the
 * groups run at the same time.  One that waits long ends, for its processor may be needed by the
 * one that it waits for, but not when few are left, about one for each thread.  The last to end
 * leaves the counters zero: ints, APART of each other, {ended, then for each launch of each step:
 * done, taken of each region}.  Groups of one work-item: barriers mean nothing.  A kernel is compiled
 * by itself (noinline), in half the time of all within one function. */
#define __kernel static __attribute__((noinline))
#define UNITS , const long unit_, const long units_
#define GROUPS_OF_ONE
#define get_group_id(dimension) unit_
#define get_num_groups(dimension) units_
#define get_global_id(dimension) unit_
#define get_local_id(dimension) 0
#define get_local_size(dimension) 1
#define barrier(fence)
/* For kernels without UNITS, which nobody calls. */
__constant long unit_ = 0, units_ = 1;
/* Some milliseconds: most units take less. */
#define MOST_TURNS 131072
#if defined(__x86_64__)
#define PAUSE __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE __asm__ volatile("yield")
#else
#define PAUSE
#endif
