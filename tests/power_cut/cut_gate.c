/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/cut_gate.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/power_cut/cut_calls.h"
#include "tests/power_cut/cut_config.h"
#include "tests/power_cut/cut_image.h"

#include "base/banned.h"

/* How often the child looks whether its parent has stopped, and for how long. */
#define STOP_POLL_NS 100000
#define STOP_POLLS_MAX 200000

static pthread_rwlock_t world = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static _Atomic uint64_t calls;
static _Atomic uint64_t now;
static _Atomic bool is_forked;

uint64_t
cut_gate_time(void)
{
    return atomic_fetch_add(&now, 1) + 1;
}

CUT_EXPORT uint64_t
powercut_calls(void)
{
    return atomic_load(&calls);
}

static void
forget_parent(void)
{
    atomic_store(&is_forked, true);
}

/* Whether a task of another process can run no further. */
static bool
is_task_stopped(const char *process, const char *task)
{
    char path[128];
    char text[512];
    snprintf(path, sizeof(path), "/proc/%.20s/task/%.20s/stat", process, task);
    int fd = cut_sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return true;
    }
    ssize_t length = syscall(SYS_read, fd, text, sizeof(text) - 1);
    syscall(SYS_close, fd);
    if (length <= 0) {
        return true;
    }
    text[length] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end != NULL && strchr("TtZX", name_end[2]) != NULL;
}

static bool
is_stopped(const char *process)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%.20s/task", process);
    DIR *tasks = opendir(path);
    bool is_every = tasks != NULL;
    const struct dirent *task;
    while (is_every && (task = readdir(tasks)) != NULL) {
        if (task->d_name[0] != '.') {
            is_every = is_task_stopped(process, task->d_name);
        }
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return is_every;
}

static _Noreturn void
make_image_of(pid_t parent)
{
    char process[24];
    snprintf(process, sizeof(process), "%d", (int)parent);
    kill(parent, SIGSTOP);
    unsigned polls = 0;
    while (!is_stopped(process)) {
        if (polls++ == STOP_POLLS_MAX) {
            kill(parent, SIGKILL);
            cut_die("the process to cut did not stop");
        }
        struct timespec pause_time = {.tv_nsec = STOP_POLL_NS};
        nanosleep(&pause_time, NULL);
    }
    cut_image_make();
    kill(parent, SIGKILL);
    _exit(0);
}

CUT_EXPORT void
powercut_now(void)
{
    if (!cut_config.is_active || atomic_load(&is_forked)) {
        cut_die("no power to cut: POWERCUT_DIR is not set, or this is a forked child");
    }
    pthread_rwlock_wrlock(&world);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        make_image_of(parent);
    }
    if (child < 0) {
        cut_die("the cut cannot fork");
    }
    for (;;) {
        pause();
    }
}

static void *
wait_for_trigger(void *arg)
{
    (void)arg;
    char byte;
    ssize_t length;
    do {
        length = syscall(SYS_read, cut_config.trigger_fd, &byte, 1);
    } while (length < 0);
    powercut_now();
}

void
cut_gate_start(void)
{
    pthread_atfork(NULL, NULL, forget_parent);
    if (cut_config.trigger_fd < 0) {
        return;
    }
    pthread_t thread;
    sigset_t all;
    sigset_t former;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    if (pthread_create(&thread, NULL, wait_for_trigger, NULL) != 0) {
        cut_die("cannot start the thread that waits for the trigger");
    }
    pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
}

void
cut_gate_enter_again(void)
{
    pthread_rwlock_rdlock(&world);
}

void
cut_gate_enter(void)
{
    if (atomic_load_explicit(&is_forked, memory_order_relaxed)) {
        cut_die("a forked child changes a tracked directory: it would not be seen at the cut");
    }
    uint64_t call = atomic_fetch_add(&calls, 1) + 1;
    if (call == cut_config.at) {
        powercut_now();
    }
    cut_gate_enter_again();
}

void
cut_gate_leave(void)
{
    pthread_rwlock_unlock(&world);
}
