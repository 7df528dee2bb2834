/* status.h: how functions fail.
 *
 * A function that can fail returns a mot_status.  Who knows the cause writes the one message, with
 * the numbers in it, through MOT_FAIL; callers pass the status up with MOT_TRY and add nothing.  The
 * message is kept for each thread; a worker hands its message to the thread that waits for it with
 * mot_error_take / mot_error_set.  The library never prints, exits or aborts.
 */
#ifndef MOT_BASE_STATUS_H
#define MOT_BASE_STATUS_H

#include "runtime/motley.h"

#if defined(__GNUC__)
#define MOT_PRINTF(text, args) __attribute__((__format__(__printf__, text, args)))
#else
#define MOT_PRINTF(text, args)
#endif

/** Record the message of this thread's latest failure and return `status`. */
mot_status mot_fail(mot_status status, const char *format, ...) MOT_PRINTF(2, 3);

/** Replace the message of this thread, e.g. with one that a worker thread has left.
 *  `message` is copied (cut at 16 KiB). */
void mot_error_set(const char *message);

#define MOT_FAIL(status, ...) mot_fail((status), __VA_ARGS__)

/** Pass an error up; for places where there is nothing to undo. */
#define MOT_TRY(call)                                                                              \
    do {                                                                                           \
        mot_status mot_try_status_ = (call);                                                       \
        if (mot_try_status_ != MOT_OK)                                                             \
            return mot_try_status_;                                                                \
    } while (0)

/** As MOT_TRY, but leaves through the label `fail` with the status in `status`. */
#define MOT_TRY_GOTO(call)                                                                         \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != MOT_OK)                                                                      \
            goto fail;                                                                             \
    } while (0)

#endif
