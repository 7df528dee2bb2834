/* cl_build.c: builds that go wrong; see cl_layer.c for the orders. */
#include "tests/layers/cl_layer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Is there an order WHAT=TEXT for a build with these options? */
static bool is_ordered(const char *what, const char *options)
{
    const char *order = getenv("MOT_LAYER_BUILD");
    size_t n = strlen(what);
    while (order && *order) {
        char text[128];
        size_t length = strcspn(order, ",");
        if (strncmp(order, what, n) == 0 && order[n] == '=' && length - n - 1 < sizeof text) {
            snprintf(text, sizeof text, "%.*s", (int)(length - n - 1), order + n + 1);
            if (strstr(options, text))
                return true;
        }
        order += length + (order[length] == ',');
    }
    return false;
}

void build_begins(const char *options)
{
    while (options && is_ordered("hang", options))
        pause();
    if (options && is_ordered("crash", options))
        raise(SIGKILL); /* nobody can catch it */
}

/* The options that the kernel's program was built with; "" if they cannot be had. */
static const char *options_of(cl_kernel kernel, char *text, size_t size)
{
    cl_program program;
    cl_device_id device;
    text[0] = '\0';
    if (driver->clGetKernelInfo(kernel, CL_KERNEL_PROGRAM, sizeof program, &program, NULL) ||
        driver->clGetProgramInfo(program, CL_PROGRAM_DEVICES, sizeof device, &device, NULL) ||
        driver->clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_OPTIONS, size, text, NULL))
        text[0] = '\0';
    return text;
}

const void *argument_to_set(cl_kernel kernel, cl_uint index, size_t size, const void *value,
                            cl_long *changed)
{
    enum { K = 14 }; /* of the matrix products: the length of the sums */
    char options[2048];
    if (!getenv("MOT_LAYER_BUILD") || index != K || size != sizeof *changed ||
        !is_ordered("wrong", options_of(kernel, options, sizeof options)))
        return value;
    memcpy(changed, value, sizeof *changed);
    --*changed;
    return changed;
}
