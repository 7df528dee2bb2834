/* cl_slow.c: the clock of a slower device.
 *
 * Kernels run as fast as they can.  Beside them runs a virtual clock: a kernel ends on it at
 *     end = max(end of the kernel before, time of its enqueueing) + factor * measured duration
 * and whoever waits for the device sleeps until that time.  So nothing becomes synchronous that was
 * not, results are untouched, and a step takes as long as on a device that is slower by the factor,
 * however many kernels it has.  Not slowed: transfers, and event callbacks.
 *
 * A queue is used by one thread at a time, as OpenCL's users do; the lock guards the tables only.
 */
#include "tests/layers/cl_layer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <time.h>

typedef struct kernel {
    cl_event event;
    double enqueued_s;
} kernel;

typedef struct slow_queue {
    cl_command_queue queue;
    double factor, end_s;
    kernel *pending; /* [n_added - n_ended], the first at `first` */
    size_t capacity, first;
    uint64_t n_added, n_ended; /* kernels; the virtual clock stands behind n_ended of them */
} slow_queue;

typedef struct watched {
    cl_event event;
    slow_queue *queue;
    uint64_t after; /* kernels that were enqueued before it */
} watched;

enum { MOST_QUEUES = 256 };
static slow_queue *queues[MOST_QUEUES];
static watched *events;
static size_t n_events, event_capacity;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

double slow_now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void sleep_until(double end_s)
{
#ifdef __linux__
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
#endif
    double left_s;
    while ((left_s = end_s - slow_now_s()) > 0) {
        struct timespec span = {.tv_sec = (time_t)left_s};
        span.tv_nsec = (long)((left_s - (double)span.tv_sec) * 1e9);
        nanosleep(&span, NULL);
    }
}

/* MOT_LAYER_SLOW="name=3.0,other=2": the first name that the device's name contains. */
double slow_factor(cl_device_id device)
{
    char name[256] = "", rule[256];
    const char *text = getenv("MOT_LAYER_SLOW");
    if (!text ||
        driver->clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof name, name, NULL) != CL_SUCCESS)
        return 1;
    while (*text) {
        size_t length = strcspn(text, ",");
        snprintf(rule, sizeof rule, "%.*s", (int)length, text);
        char *equals = strrchr(rule, '=');
        if (equals) {
            *equals = '\0';
            if (strstr(name, rule))
                return atof(equals + 1) > 1 ? atof(equals + 1) : 1;
        }
        text += length + (text[length] == ',');
    }
    return 1;
}

static slow_queue *find_queue(cl_command_queue queue)
{
    slow_queue *found = NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_QUEUES && !found; i++)
        if (queues[i] && queues[i]->queue == queue)
            found = queues[i];
    pthread_mutex_unlock(&lock);
    return found;
}

bool slow_knows(cl_command_queue queue)
{
    return find_queue(queue) != NULL;
}

void slow_add_queue(cl_command_queue queue, double factor)
{
    slow_queue *slow = calloc(1, sizeof *slow);
    if (!slow)
        abort();
    slow->queue = queue;
    slow->factor = factor;
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < MOST_QUEUES && queues[i])
        i++;
    if (i < MOST_QUEUES)
        queues[i] = slow;
    else
        free(slow);
    pthread_mutex_unlock(&lock);
}

void slow_drop_queue(cl_command_queue queue)
{
    slow_queue *slow = find_queue(queue);
    if (!slow)
        return;
    slow_wait_queue(queue);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_QUEUES; i++)
        if (queues[i] == slow)
            queues[i] = NULL;
    for (size_t i = 0; i < n_events; i++)
        if (events[i].queue == slow)
            events[i--] = events[--n_events];
    pthread_mutex_unlock(&lock);
    free(slow->pending);
    free(slow);
}

static void grow(void *items, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return;
    *capacity = count * 2;
    void *more = realloc(*(void **)items, *capacity * size);
    if (!more)
        abort();
    *(void **)items = more;
}

void slow_add_kernel(cl_command_queue queue, cl_event event, double enqueued_s)
{
    slow_queue *slow = find_queue(queue);
    size_t n = (size_t)(slow->n_added - slow->n_ended);
    if (n == 0)
        slow->first = 0;
    grow(&slow->pending, &slow->capacity, slow->first + n + 1, sizeof *slow->pending);
    slow->pending[slow->first + n] = (kernel){event, enqueued_s};
    slow->n_added++;
}

/* Let the virtual clock run over the first `n` kernels of the queue. */
static void advance(slow_queue *slow, uint64_t n)
{
    for (; slow->n_ended < n; slow->n_ended++) {
        kernel *k = &slow->pending[slow->first++];
        cl_ulong start = 0, end = 0;
        driver->clWaitForEvents(1, &k->event);
        driver->clGetEventProfilingInfo(k->event, CL_PROFILING_COMMAND_START, 8, &start, NULL);
        driver->clGetEventProfilingInfo(k->event, CL_PROFILING_COMMAND_END, 8, &end, NULL);
        driver->clReleaseEvent(k->event);
        if (k->enqueued_s > slow->end_s)
            slow->end_s = k->enqueued_s;
        if (end > start)
            slow->end_s += slow->factor * (double)(end - start) * 1e-9;
    }
}

static bool find_event(cl_event event, watched *out)
{
    bool found = false;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < n_events && !found; i++) {
        found = events[i].event == event;
        if (found)
            *out = events[i];
    }
    pthread_mutex_unlock(&lock);
    return found;
}

void slow_watch(cl_event event, cl_command_queue queue, cl_uint n_wait, const cl_event *wait)
{
    slow_queue *slow = find_queue(queue);
    watched entry = {0};
    bool other = false;
    for (cl_uint i = 0; i < n_wait && !other; i++)
        other = find_event(wait[i], &entry) && entry.queue != slow;
    if (!other) {
        if (!slow)
            return;
        entry = (watched){.queue = slow, .after = slow->n_added};
    }
    entry.event = event;
    pthread_mutex_lock(&lock);
    grow(&events, &event_capacity, n_events + 1, sizeof *events);
    events[n_events++] = entry;
    pthread_mutex_unlock(&lock);
}

void slow_forget(cl_event event)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < n_events; i++)
        if (events[i].event == event)
            events[i--] = events[--n_events];
    pthread_mutex_unlock(&lock);
}

void slow_wait_queue(cl_command_queue queue)
{
    slow_queue *slow = find_queue(queue);
    if (!slow)
        return;
    advance(slow, slow->n_added);
    sleep_until(slow->end_s);
}

void slow_wait_event(cl_event event)
{
    watched entry;
    if (!find_event(event, &entry))
        return;
    advance(entry.queue, entry.after);
    sleep_until(entry.queue->end_s);
}

bool slow_is_done(cl_event event)
{
    watched entry;
    if (!find_event(event, &entry))
        return true;
    advance(entry.queue, entry.after);
    return slow_now_s() >= entry.queue->end_s;
}
