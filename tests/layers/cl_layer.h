/* cl_layer.h: the parts of the OpenCL test layer.  cl_layer.c stands between program and
 * driver, counts and makes calls fail; cl_slow.c knows by how much a device is to look slower,
 * cl_build.c which builds go wrong. */
#ifndef MOT_TESTS_CL_LAYER_H
#define MOT_TESTS_CL_LAYER_H

#undef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl_layer.h>

#include <stdbool.h>
#include <stdint.h>

/** The driver's functions. */
extern const cl_icd_dispatch *driver;

/** Shall this device be slowed?  Then its queues need profiling. */
double slow_factor(cl_device_id device);
void slow_add_queue(cl_command_queue queue, double factor);
void slow_drop_queue(cl_command_queue queue);
bool slow_knows(cl_command_queue queue);

/** A kernel was enqueued with this event, of which the caller gives a reference. */
void slow_add_kernel(cl_command_queue queue, cl_event event, double enqueued_s);
/** The program got this event from a queue; commands that it waits for may be of another one. */
void slow_watch(cl_event event, cl_command_queue queue, cl_uint n_wait, const cl_event *wait);
void slow_forget(cl_event event);

/** Sleep until the slower device would have done all that was enqueued / what `event` stands for.
 */
void slow_wait_queue(cl_command_queue queue);
void slow_wait_event(cl_event event);
/** Would the slower device have done it by now?  The event is complete. */
bool slow_is_done(cl_event event);

double slow_now_s(void);

/** A build with these options begins; does not return where it was ordered not to. */
void build_begins(const char *options);
/** What to set an argument to: `value`, or `changed` where wrong numbers were ordered. */
const void *argument_to_set(cl_kernel kernel, cl_uint index, size_t size, const void *value,
                            cl_long *changed);

#endif
