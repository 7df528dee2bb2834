/* cl_layer.c: a layer of the OpenCL loader (ocl-icd 2.3, Khronos), between program and driver.
 * Name it in OPENCL_LAYERS.
 *
 *   MOT_LAYER_SLOW=NAME=FACTOR[,...]     kernels of devices whose CL_DEVICE_NAME contains NAME take
 *                                        FACTOR times as long (see cl_slow.c)
 *   MOT_LAYER_FAIL=FUNCTION:N:CODE[,...] the N-th call (from 1) fails with this OpenCL code;
 *                                        N+ instead of N: that one and all later ones
 *   MOT_LAYER_BUILD=WHAT=TEXT[,...]      a build whose options contain TEXT: WHAT is `hang` (it never
 *                                        returns), `crash` (the process is gone) or `wrong` (matrix
 *                                        products leave out the last term of every sum)
 *   MOT_LAYER_COUNT=FILE                 at exit a line "function calls" for each function is
 * appended to FILE; processes that share it each append theirs
 *
 * Functions that are not listed below pass by.
 */
#include "tests/layers/cl_layer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const cl_icd_dispatch *driver;
static cl_icd_dispatch dispatch;

/* S: returns a code.  H: returns an object and puts the code behind its last argument.  Both only
 * count and fail. */
#define SIMPLE(S, H)                                                                               \
    S(clGetPlatformIDs, (cl_uint a, cl_platform_id * b, cl_uint * c), (a, b, c))                   \
    S(clGetDeviceIDs,                                                                              \
      (cl_platform_id a, cl_device_type b, cl_uint c, cl_device_id * d, cl_uint * e),              \
      (a, b, c, d, e))                                                                             \
    S(clCreateSubDevices,                                                                          \
      (cl_device_id a, const cl_device_partition_property *b, cl_uint c, cl_device_id *d,          \
       cl_uint *e),                                                                                \
      (a, b, c, d, e))                                                                             \
    S(clCompileProgram,                                                                            \
      (cl_program a, cl_uint b, const cl_device_id *c, const char *d, cl_uint e,                   \
       const cl_program *f, const char **g, void(CL_CALLBACK * h)(cl_program, void *), void *i),   \
      (a, b, c, d, e, f, g, h, i))                                                                 \
    S(clFlush, (cl_command_queue a), (a))                                                          \
    S(clEnqueueCopyBuffer,                                                                         \
      (cl_command_queue a, cl_mem b, cl_mem c, size_t d, size_t e, size_t f, cl_uint g,            \
       const cl_event *h, cl_event *i),                                                            \
      (a, b, c, d, e, f, g, h, i))                                                                 \
    S(clEnqueueFillBuffer,                                                                         \
      (cl_command_queue a, cl_mem b, const void *c, size_t d, size_t e, size_t f, cl_uint g,       \
       const cl_event *h, cl_event *i),                                                            \
      (a, b, c, d, e, f, g, h, i))                                                                 \
    S(clEnqueueUnmapMemObject,                                                                     \
      (cl_command_queue a, cl_mem b, void *c, cl_uint d, const cl_event *e, cl_event *f),          \
      (a, b, c, d, e, f))                                                                          \
    S(clEnqueueBarrierWithWaitList,                                                                \
      (cl_command_queue a, cl_uint b, const cl_event *c, cl_event *d), (a, b, c, d))               \
    H(cl_context, clCreateContext,                                                                 \
      (const cl_context_properties *a, cl_uint b, const cl_device_id *c,                           \
       void(CL_CALLBACK * d)(const char *, const void *, size_t, void *), void *e, cl_int *code),  \
      (a, b, c, d, e, code))                                                                       \
    H(cl_mem, clCreateBuffer, (cl_context a, cl_mem_flags b, size_t c, void *d, cl_int *code),     \
      (a, b, c, d, code))                                                                          \
    H(cl_mem, clCreateSubBuffer,                                                                   \
      (cl_mem a, cl_mem_flags b, cl_buffer_create_type c, const void *d, cl_int *code),            \
      (a, b, c, d, code))                                                                          \
    H(cl_program, clCreateProgramWithSource,                                                       \
      (cl_context a, cl_uint b, const char **c, const size_t *d, cl_int *code),                    \
      (a, b, c, d, code))                                                                          \
    H(cl_program, clCreateProgramWithBinary,                                                       \
      (cl_context a, cl_uint b, const cl_device_id *c, const size_t *d, const unsigned char **e,   \
       cl_int *f, cl_int *code),                                                                   \
      (a, b, c, d, e, f, code))                                                                    \
    H(cl_program, clLinkProgram,                                                                   \
      (cl_context a, cl_uint b, const cl_device_id *c, const char *d, cl_uint e,                   \
       const cl_program *f, void(CL_CALLBACK * g)(cl_program, void *), void *h, cl_int *code),     \
      (a, b, c, d, e, f, g, h, code))                                                              \
    H(cl_kernel, clCreateKernel, (cl_program a, const char *b, cl_int *code), (a, b, code))

/* Those that do more, further below. */
#define MORE(X)                                                                                    \
    X(clBuildProgram)                                                                              \
    X(clSetKernelArg)                                                                              \
    X(clCreateCommandQueue)                                                                        \
    X(clCreateCommandQueueWithProperties)                                                          \
    X(clReleaseCommandQueue)                                                                       \
    X(clReleaseEvent)                                                                              \
    X(clGetEventInfo)                                                                              \
    X(clEnqueueNDRangeKernel)                                                                      \
    X(clEnqueueReadBuffer)                                                                         \
    X(clEnqueueWriteBuffer)                                                                        \
    X(clEnqueueMapBuffer)                                                                          \
    X(clEnqueueMarkerWithWaitList)                                                                 \
    X(clWaitForEvents)                                                                             \
    X(clFinish)

enum {
#define ENUM_S(name, params, args) N_##name,
#define ENUM_H(type, name, params, args) N_##name,
#define ENUM_X(name) N_##name,
    SIMPLE(ENUM_S, ENUM_H) MORE(ENUM_X) N_FUNCTIONS
};

static const char *const names[] = {
#define NAME_S(name, params, args) #name,
#define NAME_H(type, name, params, args) #name,
#define NAME_X(name) #name,
    SIMPLE(NAME_S, NAME_H) MORE(NAME_X)};

static long calls[N_FUNCTIONS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The code with which call number n of a function shall fail, else CL_SUCCESS. */
static cl_int declared_failure(int function, long n)
{
    const char *text = getenv("MOT_LAYER_FAIL");
    size_t length = strlen(names[function]);
    while (text && *text) {
        if (strncmp(text, names[function], length) == 0 && text[length] == ':') {
            char *end;
            long which = strtol(text + length + 1, &end, 10);
            int on = *end == '+';
            if (end[on] == ':' && (n == which || (on && n > which)))
                return (cl_int)strtol(end + on + 1, NULL, 10);
        }
        text = strchr(text, ',');
        text = text ? text + 1 : NULL;
    }
    return CL_SUCCESS;
}

static cl_int enter(int function)
{
    pthread_mutex_lock(&lock);
    long n = ++calls[function];
    pthread_mutex_unlock(&lock);
    return declared_failure(function, n);
}

#define ENTER(name)                                                                                \
    do {                                                                                           \
        cl_int failure_ = enter(N_##name);                                                         \
        if (failure_ != CL_SUCCESS)                                                                \
            return failure_;                                                                       \
    } while (0)

#define ENTER_OBJECT(name, code)                                                                   \
    do {                                                                                           \
        cl_int failure_ = enter(N_##name);                                                         \
        if (failure_ != CL_SUCCESS) {                                                              \
            if (code)                                                                              \
                *(code) = failure_;                                                                \
            return NULL;                                                                           \
        }                                                                                          \
    } while (0)

#define DEFINE_S(name, params, args)                                                               \
    static cl_int CL_API_CALL layer_##name params                                                  \
    {                                                                                              \
        ENTER(name);                                                                               \
        return driver->name args;                                                                  \
    }
#define DEFINE_H(type, name, params, args)                                                         \
    static type CL_API_CALL layer_##name params                                                    \
    {                                                                                              \
        ENTER_OBJECT(name, code);                                                                  \
        return driver->name args;                                                                  \
    }
SIMPLE(DEFINE_S, DEFINE_H)

/* ---- builds ---- */

static cl_int CL_API_CALL layer_clBuildProgram(cl_program program, cl_uint n,
                                               const cl_device_id *devices, const char *options,
                                               void(CL_CALLBACK *done)(cl_program, void *),
                                               void *user)
{
    ENTER(clBuildProgram);
    build_begins(options);
    return driver->clBuildProgram(program, n, devices, options, done, user);
}

static cl_int CL_API_CALL layer_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size,
                                               const void *value)
{
    cl_long changed;
    ENTER(clSetKernelArg);
    value = argument_to_set(kernel, index, size, value, &changed);
    return driver->clSetKernelArg(kernel, index, size, value);
}

/* ---- queues ---- */

static cl_command_queue CL_API_CALL layer_clCreateCommandQueue(cl_context context,
                                                               cl_device_id device,
                                                               cl_command_queue_properties how,
                                                               cl_int *code)
{
    ENTER_OBJECT(clCreateCommandQueue, code);
    double factor = slow_factor(device);
    if (factor > 1)
        how |= CL_QUEUE_PROFILING_ENABLE;
    cl_command_queue queue = driver->clCreateCommandQueue(context, device, how, code);
    if (queue && factor > 1)
        slow_add_queue(queue, factor);
    return queue;
}

static cl_command_queue CL_API_CALL layer_clCreateCommandQueueWithProperties(
    cl_context context, cl_device_id device, const cl_queue_properties *properties, cl_int *code)
{
    enum { MOST = 32 };
    cl_queue_properties with[MOST + 3] = {0};
    ENTER_OBJECT(clCreateCommandQueueWithProperties, code);
    double factor = slow_factor(device);
    if (!(factor > 1))
        return driver->clCreateCommandQueueWithProperties(context, device, properties, code);
    int n = 0, found = 0;
    for (; properties && properties[n] && n < MOST; n += 2) {
        with[n] = properties[n];
        with[n + 1] = properties[n + 1];
        if (with[n] == CL_QUEUE_PROPERTIES) {
            with[n + 1] |= CL_QUEUE_PROFILING_ENABLE;
            found = 1;
        }
    }
    if (!found) {
        with[n] = CL_QUEUE_PROPERTIES;
        with[n + 1] = CL_QUEUE_PROFILING_ENABLE;
    }
    cl_command_queue queue =
        driver->clCreateCommandQueueWithProperties(context, device, with, code);
    if (queue)
        slow_add_queue(queue, factor);
    return queue;
}

static cl_int CL_API_CALL layer_clReleaseCommandQueue(cl_command_queue queue)
{
    ENTER(clReleaseCommandQueue);
    slow_drop_queue(queue);
    return driver->clReleaseCommandQueue(queue);
}

/* ---- commands ---- */

static cl_int CL_API_CALL layer_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                                       cl_uint n_dims, const size_t *offset,
                                                       const size_t *global, const size_t *local,
                                                       cl_uint n_wait, const cl_event *wait,
                                                       cl_event *event)
{
    ENTER(clEnqueueNDRangeKernel);
    if (!slow_knows(queue))
        return driver->clEnqueueNDRangeKernel(queue, kernel, n_dims, offset, global, local, n_wait,
                                              wait, event);
    cl_event own;
    double now_s = slow_now_s();
    cl_int code = driver->clEnqueueNDRangeKernel(queue, kernel, n_dims, offset, global, local,
                                                 n_wait, wait, &own);
    if (code != CL_SUCCESS)
        return code;
    slow_add_kernel(queue, own, now_s);
    if (event) {
        driver->clRetainEvent(own);
        *event = own;
        slow_watch(own, queue, 0, NULL);
    }
    return code;
}

/* Behind a command of another kind: wait when it blocks, remember its event. */
static void behind(cl_command_queue queue, bool blocks, cl_uint n_wait, const cl_event *wait,
                   cl_event *event)
{
    if (event)
        slow_watch(*event, queue, n_wait, wait);
    if (blocks)
        slow_wait_queue(queue);
    for (cl_uint i = 0; blocks && i < n_wait; i++)
        slow_wait_event(wait[i]);
}

static cl_int CL_API_CALL layer_clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer,
                                                    cl_bool blocks, size_t offset, size_t size,
                                                    void *host, cl_uint n_wait,
                                                    const cl_event *wait, cl_event *event)
{
    ENTER(clEnqueueReadBuffer);
    cl_int code =
        driver->clEnqueueReadBuffer(queue, buffer, blocks, offset, size, host, n_wait, wait, event);
    if (code == CL_SUCCESS)
        behind(queue, blocks, n_wait, wait, event);
    return code;
}

static cl_int CL_API_CALL layer_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer,
                                                     cl_bool blocks, size_t offset, size_t size,
                                                     const void *host, cl_uint n_wait,
                                                     const cl_event *wait, cl_event *event)
{
    ENTER(clEnqueueWriteBuffer);
    cl_int code = driver->clEnqueueWriteBuffer(queue, buffer, blocks, offset, size, host, n_wait,
                                               wait, event);
    if (code == CL_SUCCESS)
        behind(queue, blocks, n_wait, wait, event);
    return code;
}

static void *CL_API_CALL layer_clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer,
                                                  cl_bool blocks, cl_map_flags flags, size_t offset,
                                                  size_t size, cl_uint n_wait, const cl_event *wait,
                                                  cl_event *event, cl_int *code)
{
    ENTER_OBJECT(clEnqueueMapBuffer, code);
    void *host = driver->clEnqueueMapBuffer(queue, buffer, blocks, flags, offset, size, n_wait,
                                            wait, event, code);
    if (host)
        behind(queue, blocks, n_wait, wait, event);
    return host;
}

static cl_int CL_API_CALL layer_clEnqueueMarkerWithWaitList(cl_command_queue queue, cl_uint n_wait,
                                                            const cl_event *wait, cl_event *event)
{
    ENTER(clEnqueueMarkerWithWaitList);
    cl_int code = driver->clEnqueueMarkerWithWaitList(queue, n_wait, wait, event);
    if (code == CL_SUCCESS)
        behind(queue, false, n_wait, wait, event);
    return code;
}

/* ---- waiting ---- */

static cl_int CL_API_CALL layer_clWaitForEvents(cl_uint n, const cl_event *events)
{
    ENTER(clWaitForEvents);
    cl_int code = driver->clWaitForEvents(n, events);
    for (cl_uint i = 0; i < n && code == CL_SUCCESS; i++)
        slow_wait_event(events[i]);
    return code;
}

static cl_int CL_API_CALL layer_clFinish(cl_command_queue queue)
{
    ENTER(clFinish);
    cl_int code = driver->clFinish(queue);
    if (code == CL_SUCCESS)
        slow_wait_queue(queue);
    return code;
}

static cl_int CL_API_CALL layer_clGetEventInfo(cl_event event, cl_event_info what, size_t size,
                                               void *value, size_t *size_ret)
{
    ENTER(clGetEventInfo);
    cl_int code = driver->clGetEventInfo(event, what, size, value, size_ret);
    if (code == CL_SUCCESS && what == CL_EVENT_COMMAND_EXECUTION_STATUS && value &&
        *(cl_int *)value == CL_COMPLETE && !slow_is_done(event))
        *(cl_int *)value = CL_RUNNING;
    return code;
}

static cl_int CL_API_CALL layer_clReleaseEvent(cl_event event)
{
    ENTER(clReleaseEvent);
    slow_forget(event);
    return driver->clReleaseEvent(event);
}

/* ---- what the loader calls ---- */

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t size, void *value,
                                               size_t *size_ret)
{
    static const char name[] = "motley test layer";
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    const void *source = what == CL_LAYER_NAME ? (const void *)name : (const void *)&version;
    size_t needed = what == CL_LAYER_NAME ? sizeof name : sizeof version;
    if (what != CL_LAYER_NAME && what != CL_LAYER_API_VERSION)
        return CL_INVALID_VALUE;
    if (value && size < needed)
        return CL_INVALID_VALUE;
    if (value)
        memcpy(value, source, needed);
    if (size_ret)
        *size_ret = needed;
    return CL_SUCCESS;
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint n, const cl_icd_dispatch *target,
                                            cl_uint *n_ret, const cl_icd_dispatch **layer)
{
    if (n < sizeof dispatch / sizeof(void *) || !target || !n_ret || !layer)
        return CL_INVALID_VALUE;
    driver = target;
    dispatch = *target;
#define SET_S(name, params, args) dispatch.name = layer_##name;
#define SET_H(type, name, params, args) dispatch.name = layer_##name;
#define SET_X(name) dispatch.name = layer_##name;
    SIMPLE(SET_S, SET_H)
    MORE(SET_X)
    *layer = &dispatch;
    *n_ret = sizeof dispatch / sizeof(void *);
    return CL_SUCCESS;
}

__attribute__((destructor)) static void write_counts(void)
{
    const char *path = getenv("MOT_LAYER_COUNT");
    FILE *out = path ? fopen(path, "a") : NULL;
    if (!out)
        return;
    static char text[8192]; /* written at once: processes do not mix their lines */
    size_t length = 0;
    for (int i = 0; i < N_FUNCTIONS; i++)
        length +=
            (size_t)snprintf(text + length, sizeof text - length, "%s %ld\n", names[i], calls[i]);
    setvbuf(out, NULL, _IONBF, 0);
    fwrite(text, 1, length, out);
    fclose(out);
}
