/* probe.c: measuring a device once, safely, and remembering it.
 *
 * A compiler may hang on a kernel (rusticl on llvmpipe does).  So the measuring runs in a thread of
 * its own, and when one phase of it is stuck the device is declared not to work and the thread is
 * left behind with whatever it holds: there is no way to call a compiler back.  What the clock says
 * is not enough for that: on a busy machine a compiler that works takes many times as long.  A phase
 * is stuck after a limit (MOTLEY_PROBE_LIMIT, 30 s) in which the process had that much of a processor
 * or hardly any (it waits for what does not come), or after six times that; a process that is stopped
 * meanwhile is not.
 * Tried and dropped: a child process.  A fork does not survive with OpenCL in use, and a library knows
 * of no program that it could start instead.  Ranks of one host measure one after another (a lock
 * file), so that they do not slow each other and the later ones find what the first has measured.
 */
#include "config.h"

#include "devices/probe.h"
#include "devices/state.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double PHASE_LIMIT_S = 30, /* unless MOTLEY_PROBE_LIMIT says another */
    MOST = 6,                           /* times that, at last */
    LOCK_LIMIT_S = 360, QUIET = 0.02,   /* of a processor: hardly at all */
    TICK_MOST_S = 3; /* the watcher looks every second; later than this: it was stopped */

/* What a phase has had so far. */
typedef struct phase_times {
    double clock_s, cpu_s; /* cpu_s: of all threads */
    double quiet_s;        /* by the clock, up to now, nearly without processor */
} phase_times;

/* Shared by the watcher and the measuring thread; whoever leaves last frees it. */
typedef struct job {
    pthread_mutex_t lock;
    pthread_cond_t news;
    mot_device_info info;
    const char *phase;
    phase_times had;
    bool done, abandoned;
} job;

static void set_phase(const char *what, void *user)
{
    job *j = user;
    pthread_mutex_lock(&j->lock);
    j->phase = what;
    j->had = (phase_times){0};
    pthread_mutex_unlock(&j->lock);
}

static void free_job(job *j)
{
    pthread_cond_destroy(&j->news);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

static void *work(void *user)
{
    job *j = user;
    mot_device_info info = j->info;
    mot_probe_measure(&info, set_phase, j);
    pthread_mutex_lock(&j->lock);
    j->info = info;
    j->done = true;
    bool abandoned = j->abandoned;
    pthread_cond_signal(&j->news);
    pthread_mutex_unlock(&j->lock);
    if (abandoned)
        free_job(j);
    return NULL;
}

static double cpu_time_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double limit_s(void)
{
    const char *text = getenv("MOTLEY_PROBE_LIMIT");
    double seconds = text ? strtod(text, NULL) : PHASE_LIMIT_S;
    if (seconds >= 1)
        return seconds;
    mot_log(MOT_LOG_WARNING, "MOTLEY_PROBE_LIMIT is \"%s\", not 1 s or more; taken %.0f", text,
            PHASE_LIMIT_S);
    return PHASE_LIMIT_S;
}

static bool is_stuck(const phase_times *had, double limit)
{
    if (had->clock_s < limit)
        return false;
    return had->cpu_s >= limit || had->quiet_s >= limit || had->clock_s >= MOST * limit;
}

/* Wait for the job to end or to get stuck: NULL when it has ended, else the phase it is stuck in;
 * then the job belongs to its thread. */
static const char *watch(job *j, double *clock_s)
{
    const double limit = limit_s();
    double seen_s = mot_clock_s(), seen_cpu_s = cpu_time_s();
    pthread_mutex_lock(&j->lock);
    while (!j->done && !is_stuck(&j->had, limit)) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1;
        pthread_cond_timedwait(&j->news, &j->lock, &until);
        double now_s = mot_clock_s(), now_cpu_s = cpu_time_s();
        double passed_s = fmin(now_s - seen_s, TICK_MOST_S), used_s = now_cpu_s - seen_cpu_s;
        j->had.clock_s += passed_s;
        j->had.cpu_s += used_s;
        j->had.quiet_s = used_s > QUIET * passed_s ? 0 : j->had.quiet_s + passed_s;
        seen_s = now_s;
        seen_cpu_s = now_cpu_s;
    }
    const char *stuck = j->done ? NULL : j->phase;
    *clock_s = j->had.clock_s;
    j->abandoned = !j->done;
    pthread_mutex_unlock(&j->lock);
    return stuck;
}

static atomic_bool left_behind;

bool mot_device_left_behind(void)
{
    return atomic_load(&left_behind);
}

static mot_status measure_watched(mot_device_info *info, bool *hangs)
{
    job *j;
    pthread_t thread;
    MOT_TRY(mot_alloc(1, sizeof *j, &j));
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->news, NULL);
    j->info = *info;
    j->phase = "starting";
    int code = pthread_create(&thread, NULL, work, j);
    if (code != 0) {
        free_job(j);
        return MOT_FAIL(MOT_ERR_MEMORY, "no thread to probe %s: %s", info->id, strerror(code));
    }
    double clock_s;
    const char *stuck = watch(j, &clock_s);
    *hangs = stuck != NULL;
    if (!stuck) {
        pthread_join(thread, NULL);
        *info = j->info;
        free_job(j);
        return MOT_OK;
    }
    pthread_detach(thread);
    atomic_store(&left_behind, true);
    info->works = info->fp64 = info->fp16 = info->command_buffers = info->joins = false;
    memset(&info->speed, 0, sizeof info->speed);
    snprintf(info->trouble, sizeof info->trouble,
             "its driver did not return in %.0f s when %s; motley devices --probe tries it again",
             clock_s, stuck);
    mot_log(MOT_LOG_WARNING, "probe device %s hangs 1", info->id);
    return MOT_OK;
}

mot_status mot_device_probe(mot_device_info *info, bool anew)
{
    if (!anew && mot_probe_recall(info))
        return MOT_OK;
    if (info->trouble[0])
        return MOT_OK; /* found to be unavailable */
    if (!info->compiler) {
        snprintf(info->trouble, sizeof info->trouble,
                 "it has no OpenCL compiler: it needs kernels built elsewhere (--kernels ARCHIVE)");
        return MOT_OK;
    }
    /* Without a lock to be had measuring goes on. */
    int lock = mot_cache_lock("probe.lock", LOCK_LIMIT_S);
    mot_status status = MOT_OK;
    if (anew || !mot_probe_recall(info)) {
        double start_s = mot_clock_s();
        bool hangs = false;
        status = measure_watched(info, &hangs);
        if (status == MOT_OK) {
            if (info->works || hangs)
                mot_probe_remember(info);
            mot_log(MOT_LOG_INFO, "probe device %s works %d matmul_gflops %.1f time_s %.2f",
                    info->id, info->works, info->speed.matmul_flops_per_s / 1e9,
                    mot_clock_s() - start_s);
        }
    }
    if (lock >= 0)
        close(lock);
    return status;
}
