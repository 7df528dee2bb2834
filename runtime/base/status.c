#include "config.h"

#include "runtime/base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 16384 };

static _Thread_local char message[MESSAGE_BYTES];

mot_status mot_fail(mot_status status, const char *format, ...)
{
    /* The arguments may point into the old message, so the new one is built beside it. */
    char text[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(message, text, strlen(text) + 1);
    return status;
}

void mot_error_set(const char *text)
{
    if (text != message)
        snprintf(message, sizeof message, "%s", text);
}

const char *mot_error_message(void)
{
    return message;
}

const char *mot_status_name(mot_status status)
{
    switch (status) {
    case MOT_OK:
        return "ok";
    case MOT_ERR_ARGUMENT:
        return "wrong argument";
    case MOT_ERR_SHAPE:
        return "shapes do not match";
    case MOT_ERR_MEMORY:
        return "out of memory";
    case MOT_ERR_FILE:
        return "file error";
    case MOT_ERR_FORMAT:
        return "malformed input";
    case MOT_ERR_DEVICE:
        return "device error";
    case MOT_ERR_BUILD:
        return "kernel does not build";
    case MOT_ERR_NUMERIC:
        return "numbers went wrong";
    case MOT_ERR_COMM:
        return "communication error";
    case MOT_ERR_UNSUPPORTED:
        return "not supported here";
    case MOT_ERR_INTERRUPTED:
        return "interrupted";
    }
    return "unknown status";
}
