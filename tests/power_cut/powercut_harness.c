/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/powercut_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/power_cut/test_tree.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static char tree[256];
static char undo[256];

static void
put_file(const char *name, char byte)
{
    char bytes[POWERCUT_BODY_SIZE];
    memset(bytes, byte, sizeof(bytes));
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
    close(fd);
}

void
powercut_harness_clean(void)
{
    test_tree_remove(undo);
}

void
powercut_harness_reset(void)
{
    snprintf(tree, sizeof(tree), "%s/tree", test_directory());
    snprintf(undo, sizeof(undo), "%s/undo", test_directory());
    CHECK(chdir("/") == 0);
    test_tree_remove(tree);
    CHECK(mkdir(tree, 0700) == 0 && chdir(tree) == 0 && mkdir("room", 0700) == 0);
    put_file("old", 'a');
}

static void
set_number(const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    setenv(name, text, 1);
}

static _Noreturn void
become_child(const struct powercut_harness_child *child)
{
    const char *build = getenv("LODE_BUILDDIR");
    char path[1024];
    char preload[1024];
    snprintf(path, sizeof(path), "%s/tests/power_cut/libpowercut.so", build == NULL ? "." : build);
    /* LD_PRELOAD is a list that spaces and colons divide; the way to the build may hold them */
    snprintf(preload, sizeof(preload), "%s/libpowercut.so", test_directory());
    CHECK(symlink(path, preload) == 0 || errno == EEXIST);
    setenv("LD_PRELOAD", preload, 1);
    setenv("POWERCUT_DIR", tree, 1);
    setenv("POWERCUT_UNDO", undo, 1);
    set_number("POWERCUT_SEED", child->seed);
    if (child->at != 0) {
        set_number("POWERCUT_AT", child->at);
    }
    if (child->variable != NULL) {
        putenv(xstrdup(child->variable));
    }
    if (child->ack_fd >= 0) {
        CHECK(dup2(child->ack_fd, 3) == 3);
    }
    snprintf(path, sizeof(path), "%s/tests/power_cut/%s", build == NULL ? "." : build,
             child->program == NULL ? "powercut_child" : child->program);
    execl(path, path, child->pattern, (char *)NULL);
    _exit(96);
}

void
powercut_harness_run(const struct powercut_harness_child *child)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        become_child(child);
    }
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        test_failed(__FILE__, __LINE__,
                    "%s, seed %llu: the child ended with status %#x instead of "
                    "losing its power",
                    child->pattern, (unsigned long long)child->seed, status);
    }
}

size_t
powercut_harness_run_telling(struct powercut_harness_child *child, void *acks, size_t size)
{
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    child->ack_fd = ends[1];
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        become_child(child);
    }
    close(ends[1]);
    size_t told = 0;
    ssize_t length;
    while ((length = read(ends[0], (char *)acks + told, size - told)) > 0) {
        told += (size_t)length;
    }
    close(ends[0]);
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        test_failed(__FILE__, __LINE__, "%s, seed %llu, call %llu: status %#x", child->pattern,
                    (unsigned long long)child->seed, (unsigned long long)child->at, status);
    }
    return told;
}
