/* tune_ask.c: starting the child, asking it, waiting no longer than the limit, ending it. */
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
#include <unistd.h>

extern char **environ;

static const double OPEN_LIMIT_S = 30;

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
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
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
    } words[] = {{"wrong ", MOT_ANSWER_WRONG}, {"failed ", MOT_ANSWER_FAILED}};
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(words[i].word);
        if (strncmp(child->line, words[i].word, n) == 0) {
            memmove(child->line, child->line + n, strlen(child->line + n) + 1);
            return words[i].answer;
        }
    }
    return MOT_ANSWER_RIGHT;
}

mot_answer mot_tune_child_answer(mot_tune_child *child, double limit_s,
                                 const volatile sig_atomic_t *stop)
{
    const double end_s = mot_clock_s() + limit_s;
    while (!take_line(child)) {
        struct pollfd file = {.fd = child->socket, .events = POLLIN};
        double left_s = end_s - mot_clock_s();
        if (*stop)
            return MOT_ANSWER_STOPPED;
        if (left_s <= 0)
            return MOT_ANSWER_HANGS;
        /* At least now and then: the signal may come just before the wait. */
        int n = poll(&file, 1, left_s > 0.2 ? 200 : (int)(1000 * left_s) + 1);
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
