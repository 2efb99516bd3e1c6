/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/cut_config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/power_cut/cut_calls.h"
#include "tests/power_cut/cut_census.h"
#include "tests/power_cut/cut_rules.h"

#include "base/banned.h"

struct cut_config cut_config = {.undo_fd = -1, .trigger_fd = -1, .flavour = -1};

void
cut_die(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text) - 1, format, args);
    va_end(args);
    if (length < 0) {
        length = 0;
    }
    if (length > (int)sizeof(text) - 2) {
        length = (int)sizeof(text) - 2;
    }
    text[length++] = '\n';
    (void)!syscall(SYS_write, 2, "powercut: ", 10);
    (void)!syscall(SYS_write, 2, text, (size_t)length);
    abort();
}

bool
cut_config_path_of(int fd, char *path)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, CUT_PATH_SIZE - 1);
    if (length <= 0 || path[0] != '/') {
        return false;
    }
    path[length] = '\0';
    return true;
}

bool
cut_config_tracks(const char *path)
{
    for (unsigned i = 0; i < cut_config.root_count; i++) {
        size_t length = strlen(cut_config.roots[i]);
        if (strncmp(path, cut_config.roots[i], length) == 0 &&
            (path[length] == '/' || path[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static uint64_t
number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    if (text == NULL || *text == '\0') {
        return otherwise;
    }
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0') {
        cut_die("%s=%s is not a number", name, text);
    }
    return value;
}

static void
load_roots(const char *list)
{
    while (*list != '\0') {
        const char *end = strchrnul(list, ':');
        char name[CUT_PATH_SIZE];
        char resolved[PATH_MAX];
        snprintf(name, sizeof(name), "%.*s", (int)(end - list), list);
        if (realpath(name, resolved) == NULL) {
            cut_die("POWERCUT_DIR: %s: %s", name, strerror(errno));
        }
        if (cut_config.root_count == CUT_ROOTS_MAX) {
            cut_die("POWERCUT_DIR names more than %d directories", CUT_ROOTS_MAX);
        }
        snprintf(cut_config.roots[cut_config.root_count++], CUT_PATH_SIZE, "%s", resolved);
        list = *end == ':' ? end + 1 : end;
    }
}

/* Undone unlinks are renames back, so the undo directory has to be on the file system of every
 * root and outside all of them. */
static void
load_undo(void)
{
    const char *name = getenv("POWERCUT_UNDO");
    char beside[CUT_PATH_SIZE + 32];
    if (name == NULL) {
        snprintf(beside, sizeof(beside), "%s.powercut-undo", cut_config.roots[0]);
        name = beside;
    }
    if (mkdirat(AT_FDCWD, name, 0700) != 0 && errno != EEXIST) {
        cut_die("POWERCUT_UNDO: %s: %s", name, strerror(errno));
    }
    char own[CUT_PATH_SIZE + 64];
    snprintf(own, sizeof(own), "%s/%d-%llu", name, (int)getpid(),
             (unsigned long long)cut_config.seed);
    if (syscall(SYS_mkdirat, AT_FDCWD, own, 0700) != 0 && errno != EEXIST) {
        cut_die("POWERCUT_UNDO: %s: %s", own, strerror(errno));
    }
    cut_config.undo_fd =
        cut_high_fd((int)syscall(SYS_openat, AT_FDCWD, own, O_PATH | O_DIRECTORY | O_CLOEXEC, 0));
    struct stat undo;
    char path[CUT_PATH_SIZE];
    if (fstat(cut_config.undo_fd, &undo) != 0 || !cut_config_path_of(cut_config.undo_fd, path)) {
        cut_die("POWERCUT_UNDO: %s: %s", own, strerror(errno));
    }
    if (cut_config_tracks(path)) {
        cut_die("POWERCUT_UNDO: %s lies inside a tracked directory", path);
    }
    for (unsigned i = 0; i < cut_config.root_count; i++) {
        struct stat root;
        if (stat(cut_config.roots[i], &root) != 0 || root.st_dev != undo.st_dev) {
            cut_die("POWERCUT_UNDO: %s is not on the file system of %s", path, cut_config.roots[i]);
        }
    }
}

void
cut_config_load(void)
{
    const char *roots = getenv("POWERCUT_DIR");
    if (roots == NULL || *roots == '\0') {
        return;
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    load_roots(roots);
    cut_config.seed = number_from("POWERCUT_SEED", 1);
    cut_config.at = number_from("POWERCUT_AT", 0);
    cut_config.sync_us = number_from("POWERCUT_SYNC_US", 0);
    cut_config.trigger_fd = (int)number_from("POWERCUT_TRIGGER_FD", (uint64_t)-1);
    cut_config.flavour = (int)number_from("POWERCUT_FLAVOUR", (uint64_t)-1);
    cut_config.is_cut_on_exit = number_from("POWERCUT_ON_EXIT", 0) != 0;
    const char *model = getenv("POWERCUT_MODEL");
    if (model != NULL && strcmp(model, "ext4") == 0) {
        cut_config.model = CUT_MODEL_EXT4;
    } else if (model != NULL && strcmp(model, "strict") != 0) {
        cut_die("POWERCUT_MODEL=%s is neither strict nor ext4", model);
    }
    const char *report = getenv("POWERCUT_REPORT");
    if (report != NULL) {
        snprintf(cut_config.report_path, sizeof(cut_config.report_path), "%s", report);
    }
    cut_rules_load();
    cut_census_load();
    load_undo();
    cut_config.is_active = true;
}
