#include "config.h"

#include "runtime/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static mot_log_sink *sink;
static void *sink_user;
static mot_log_level sink_level;

void mot_log_set(mot_log_sink *new_sink, mot_log_level level, void *user)
{
    pthread_mutex_lock(&lock);
    sink = new_sink;
    sink_level = level;
    sink_user = user;
    pthread_mutex_unlock(&lock);
}

void mot_log(mot_log_level level, const char *format, ...)
{
    char line[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    pthread_mutex_lock(&lock);
    if (sink && level <= sink_level)
        sink(level, line, sink_user);
    pthread_mutex_unlock(&lock);
}
