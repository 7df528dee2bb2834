/* try_cl.c: a small user of OpenCL on which tests/layers/layers.sh sees whether the layer does what
 * it says.  `try_cl NAME` takes the first device whose name contains NAME and prints, for each way
 * of waiting, "WAY device_s measured_s": how long the kernels ran by their own clock and how long
 * it took for who waited.  A function that fails ends it with "FUNCTION CODE". */
#undef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N = 4096, LAUNCHES = 20 };

static const char source[] =
    "__kernel void turn(__global float *x, int n)\n"
    "{ float a = x[get_global_id(0)]; for (int i = 0; i < n; i++) a = a * 0.5f + 1.0f;\n"
    "  x[get_global_id(0)] = a; }\n";

static void check(cl_int code, const char *function)
{
    if (code == CL_SUCCESS)
        return;
    printf("%s %d\n", function, code);
    exit(1);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static cl_device_id find_device(const char *wanted)
{
    cl_platform_id platforms[16];
    cl_device_id devices[16];
    cl_uint n_platforms, n_devices;
    char name[256];
    check(clGetPlatformIDs(16, platforms, &n_platforms), "clGetPlatformIDs");
    for (cl_uint p = 0; p < n_platforms; p++) {
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, 16, devices, &n_devices) != CL_SUCCESS)
            continue;
        for (cl_uint d = 0; d < n_devices; d++)
            if (clGetDeviceInfo(devices[d], CL_DEVICE_NAME, sizeof name, name, NULL) ==
                    CL_SUCCESS &&
                strstr(name, wanted))
                return devices[d];
    }
    printf("no device %s\n", wanted);
    exit(77);
}

typedef struct work {
    cl_command_queue queue;
    cl_kernel kernel;
    cl_mem buffer;
    cl_event event[LAUNCHES];
} work;

static void enqueue(work *w)
{
    size_t n = N;
    for (int i = 0; i < LAUNCHES; i++)
        check(clEnqueueNDRangeKernel(w->queue, w->kernel, 1, NULL, &n, NULL, 0, NULL, &w->event[i]),
              "clEnqueueNDRangeKernel");
}

/* What the kernels took by the device's own clock, which the layer does not touch. */
static double device_s(work *w)
{
    double sum_s = 0;
    for (int i = 0; i < LAUNCHES; i++) {
        cl_ulong start, end;
        check(clGetEventProfilingInfo(w->event[i], CL_PROFILING_COMMAND_START, 8, &start, NULL),
              "clGetEventProfilingInfo");
        check(clGetEventProfilingInfo(w->event[i], CL_PROFILING_COMMAND_END, 8, &end, NULL),
              "clGetEventProfilingInfo");
        sum_s += (double)(end - start) * 1e-9;
        check(clReleaseEvent(w->event[i]), "clReleaseEvent");
    }
    return sum_s;
}

static void report(const char *way, work *w, double begin_s)
{
    double measured_s = now_s() - begin_s;
    printf("%s %.9f %.9f\n", way, device_s(w), measured_s);
}

int main(int argc, char **argv)
{
    cl_device_id device = find_device(argc > 1 ? argv[1] : "");
    cl_int code;
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    check(code, "clCreateContext");
    work w;
    w.queue = clCreateCommandQueue(context, device, CL_QUEUE_PROFILING_ENABLE, &code);
    check(code, "clCreateCommandQueue");
    static float data[N];
    w.buffer = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, sizeof data, data, &code);
    check(code, "clCreateBuffer");
    const char *text = source;
    cl_program program = clCreateProgramWithSource(context, 1, &text, NULL, &code);
    check(code, "clCreateProgramWithSource");
    check(clBuildProgram(program, 1, &device, "", NULL, NULL), "clBuildProgram");
    w.kernel = clCreateKernel(program, "turn", &code);
    check(code, "clCreateKernel");
    cl_int turns = 500;
    check(clSetKernelArg(w.kernel, 0, sizeof w.buffer, &w.buffer), "clSetKernelArg");
    check(clSetKernelArg(w.kernel, 1, sizeof turns, &turns), "clSetKernelArg");

    enqueue(&w); /* compiles */
    check(clFinish(w.queue), "clFinish");
    device_s(&w);

    double begin_s = now_s();
    enqueue(&w);
    check(clFinish(w.queue), "clFinish");
    report("finish", &w, begin_s);

    begin_s = now_s();
    enqueue(&w);
    check(clEnqueueReadBuffer(w.queue, w.buffer, CL_TRUE, 0, sizeof data, data, 0, NULL, NULL),
          "clEnqueueReadBuffer");
    report("read", &w, begin_s);

    cl_event mark;
    begin_s = now_s();
    enqueue(&w);
    check(clEnqueueMarkerWithWaitList(w.queue, 0, NULL, &mark), "clEnqueueMarkerWithWaitList");
    check(clWaitForEvents(1, &mark), "clWaitForEvents");
    report("mark", &w, begin_s);

    begin_s = now_s();
    enqueue(&w);
    check(clFlush(w.queue), "clFlush");
    cl_int state = CL_QUEUED;
    while (state > CL_COMPLETE)
        check(clGetEventInfo(w.event[LAUNCHES - 1], CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state,
                             &state, NULL),
              "clGetEventInfo");
    report("poll", &w, begin_s);

    /* The fixed point of a/2 + 1, whatever the time it took. */
    for (int i = 0; i < N; i++)
        if (data[i] != 2) {
            printf("wrong %g\n", data[i]);
            return 1;
        }
    clReleaseEvent(mark);
    clReleaseKernel(w.kernel);
    clReleaseProgram(program);
    clReleaseMemObject(w.buffer);
    clReleaseCommandQueue(w.queue);
    clReleaseContext(context);
    return 0;
}
