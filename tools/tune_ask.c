/* tune_ask.c: starting the child, asking it, waiting no longer than the limit, ending it.
 *
 * On a machine that others keep busy a compiler takes many times as long as it would alone.  So the
 * limit is one of processor time for a child that computes; one that sleeps has no more than that by
 * the clock on the wall, and none more than some times that.
 */
#include "config.h"

#include "tools/tune.h"

#include "runtime/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { POLL_MS = 100, END_TRIES = 50, END_PAUSE_US = 100000 };

static const double OPEN_LIMIT_S = 30, SLEEPS = 0.02, MOST_LIMITS = 6;

/* `socket` becomes the child's standard input and output. */
static int spawn(pid_t *pid, int socket, char *const *argv, bool verbose)
{
    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0)
        return code;
    code = posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
    if (code == 0)
        code = posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO);
    if (code == 0 && !verbose)
        code = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (code == 0 && access("/proc/self/exe", X_OK) == 0)
        code = posix_spawn(pid, "/proc/self/exe", &actions, NULL, argv, environ);
    else if (code == 0)
        code = posix_spawnp(pid, "motley", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

mot_status mot_tune_child_start(mot_tune_child *child, const mot_device_info *info,
                                mot_precision precision, bool verbose,
                                const volatile sig_atomic_t *stop)
{
    int ends[2];
    char id[sizeof info->id], number[16], name[] = "motley", word[] = "tune-child";
    char *argv[] = {name, word, id, number, NULL};
    memcpy(id, info->id, sizeof id);
    snprintf(number, sizeof number, "%d", (int)precision);
    *child = (mot_tune_child){0};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return MOT_FAIL(MOT_ERR_FILE, "no connection to a child process: %s", strerror(errno));
    int code = spawn(&child->pid, ends[1], argv, verbose);
    close(ends[1]);
    child->socket = ends[0];
    if (code != 0) {
        child->pid = 0;
        close(ends[0]);
        return MOT_FAIL(MOT_ERR_FILE, "no child process: %s", strerror(code));
    }
    mot_answer answer = mot_tune_child_answer(child, OPEN_LIMIT_S, stop);
    if (answer == MOT_ANSWER_RIGHT)
        return MOT_OK;
    mot_tune_child_end(child);
    if (answer == MOT_ANSWER_STOPPED)
        return MOT_FAIL(MOT_ERR_INTERRUPTED, "stopped");
    return MOT_FAIL(MOT_ERR_DEVICE, "device %s: %s", info->id,
                    answer == MOT_ANSWER_HANGS     ? "its driver does not return when it is opened"
                    : answer == MOT_ANSWER_CRASHED ? "its driver crashes when it is opened"
                                                   : child->line);
}

void mot_tune_child_end(mot_tune_child *child)
{
    if (child->pid <= 0)
        return;
    close(child->socket);
    kill(child->pid, SIGKILL);
    /* One that is stuck inside the kernel of the system is left behind. */
    for (int i = 0; i < END_TRIES; i++) {
        const pid_t gone = waitpid(child->pid, NULL, WNOHANG);
        if (gone == child->pid || (gone < 0 && errno != EINTR))
            break;
        usleep(END_PAUSE_US);
    }
    child->pid = 0;
    child->n_unread = 0;
}

void mot_tune_child_ask(mot_tune_child *child, const char *format, ...)
{
    char line[MOT_TUNE_LINE];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof line - 1)
        n = (int)sizeof line - 2;
    line[n++] = '\n';
    /* A child that is gone shows when its answer is waited for. */
    for (int sent = 0; sent < n;) {
        ssize_t done = send(child->socket, line + sent, (size_t)(n - sent), MSG_NOSIGNAL);
        if (done < 0 && errno != EINTR)
            return;
        sent += done > 0 ? (int)done : 0;
    }
}

/* Take a whole line from what was read. */
static bool take_line(mot_tune_child *child)
{
    char *end = memchr(child->unread, '\n', child->n_unread);
    if (!end)
        return false;
    size_t n = (size_t)(end - child->unread), kept = n < MOT_TUNE_LINE ? n : MOT_TUNE_LINE - 1;
    memcpy(child->line, child->unread, kept);
    child->line[kept] = '\0';
    child->n_unread -= n + 1;
    memmove(child->unread, end + 1, child->n_unread);
    return true;
}

static mot_answer classify(mot_tune_child *child)
{
    static const struct {
        const char *word;
        mot_answer answer;
    } words[] = {
        {"wrong ", MOT_ANSWER_WRONG}, {"failed ", MOT_ANSWER_FAILED}, {"short ", MOT_ANSWER_SHORT}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i].word);
        if (strncmp(child->line, words[i].word, n) == 0) {
            memmove(child->line, child->line + n, strlen(child->line + n) + 1);
            return words[i].answer;
        }
    }
    return MOT_ANSWER_RIGHT;
}

/* Processor time of the child so far; -1: not known. */
static double processor_s(const mot_tune_child *child)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(child->pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return -1;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* After `passed_s`: is it to be given up? */
static bool hangs(const mot_tune_child *child, double passed_s, double before_s, double limit_s)
{
    if (passed_s < limit_s)
        return false;
    double now_s = processor_s(child), used_s = now_s - before_s;
    return before_s < 0 || now_s < 0 || used_s < SLEEPS * passed_s || used_s > limit_s ||
           passed_s > MOST_LIMITS * limit_s;
}

mot_answer mot_tune_child_answer(mot_tune_child *child, double limit_s,
                                 const volatile sig_atomic_t *stop)
{
    const double start_s = mot_clock_s(), before_s = processor_s(child);
    while (!take_line(child)) {
        struct pollfd file = {.fd = child->socket, .events = POLLIN};
        if (*stop)
            return MOT_ANSWER_STOPPED;
        /* Now and then: the signal may come just before the wait. */
        int n = poll(&file, 1, POLL_MS);
        if (n <= 0 && hangs(child, mot_clock_s() - start_s, before_s, limit_s))
            return MOT_ANSWER_HANGS;
        if (n <= 0)
            continue;
        if (child->n_unread == sizeof child->unread)
            return MOT_ANSWER_CRASHED; /* it talks nonsense */
        ssize_t got = recv(child->socket, child->unread + child->n_unread,
                           sizeof child->unread - child->n_unread, 0);
        if (got == 0 || (got < 0 && errno != EINTR))
            return MOT_ANSWER_CRASHED;
        child->n_unread += got > 0 ? (size_t)got : 0;
    }
    return classify(child);
}
