/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that make changes durable.  A sync covers what was complete when it began, and only
 * once it returns: a cut in the middle of it finds nothing more durable than before.  The disk's
 * own flush is left out, for this machine keeps its power.
 */
#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include "tests/power_cut/cut_calls.h"
#include "tests/power_cut/cut_census.h"
#include "tests/power_cut/cut_config.h"
#include "tests/power_cut/cut_gate.h"
#include "tests/power_cut/cut_image.h"
#include "tests/power_cut/cut_names.h"
#include "tests/power_cut/cut_nodes.h"
#include "tests/power_cut/cut_rules.h"

#include "base/banned.h"

static void
take_time(void)
{
    if (cut_config.sync_us > 0) {
        struct timespec pause_time = {.tv_sec = (time_t)(cut_config.sync_us / 1000000),
                                      .tv_nsec = (long)(cut_config.sync_us % 1000000) * 1000};
        nanosleep(&pause_time, NULL);
    }
}

static int
fault_for(const char *call, const char *path)
{
    int fault = cut_rules_sync_fault(call, path);
    return fault != 0 ? fault : cut_rules_fault(call, path);
}

static void
settle_node(struct cut_node *node, bool is_directory, uint64_t mark, uint64_t time)
{
    if (is_directory) {
        cut_names_synced(node, time);
    } else {
        cut_node_synced(node, mark);
        cut_names_synced_file(node, time);
    }
}

static void
lose_node(struct cut_node *node, bool is_directory, uint64_t mark, uint64_t time)
{
    if (is_directory) {
        cut_names_lost(node, time);
    } else {
        cut_node_lost(node, mark);
    }
}

static int
sync_one(int fd, const char *call, long number)
{
    char path[CUT_PATH_SIZE] = "";
    if (!cut_config.is_active) {
        return (int)syscall(number, fd);
    }
    struct cut_node *node = cut_nodes_find(fd);
    bool has_path = cut_config_path_of(fd, path);
    struct stat status;
    if ((node == NULL && !(has_path && cut_config_tracks(path))) || fstat(fd, &status) != 0) {
        return (int)syscall(number, fd);
    }
    bool is_directory = S_ISDIR(status.st_mode);
    const char *name = is_directory ? "dir" : call;

    cut_gate_enter();
    cut_census_note(name, path);
    int fault = fault_for(name, path);
    bool is_skipped = cut_rules_skips_sync(name, path);
    uint64_t mark = node == NULL ? 0 : cut_node_mark(node);
    uint64_t time = cut_gate_time();
    cut_gate_leave();
    take_time();
    cut_gate_enter_again();
    if (node != NULL && fault > 0) {
        lose_node(node, is_directory, mark, time);
    } else if (node != NULL && !is_skipped) {
        settle_node(node, is_directory, mark, time);
    }
    cut_gate_leave();
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    return 0;
}

CUT_EXPORT int
fsync(int fd)
{
    return sync_one(fd, "fsync", SYS_fsync);
}

CUT_EXPORT int
fdatasync(int fd)
{
    return sync_one(fd, "fdatasync", SYS_fdatasync);
}

static void
sync_all(const char *path)
{
    cut_gate_enter();
    bool is_skipped = cut_rules_skips_sync("syncfs", path);
    uint64_t time = cut_gate_time();
    cut_gate_leave();
    take_time();
    cut_gate_enter_again();
    if (!is_skipped) {
        cut_nodes_synced_all(time);
        cut_names_synced_all(time);
    }
    cut_gate_leave();
}

CUT_EXPORT int
syncfs(int fd)
{
    char path[CUT_PATH_SIZE];
    if (!cut_config.is_active || !cut_config_path_of(fd, path) || !cut_config_tracks(path)) {
        return (int)syscall(SYS_syncfs, fd);
    }
    sync_all(path);
    return 0;
}

CUT_EXPORT void
sync(void)
{
    if (cut_config.is_active) {
        sync_all("/");
    } else {
        syscall(SYS_sync);
    }
}

/* Starts or awaits write-back of pages, but neither the size nor the disk's cache: not durable. */
CUT_EXPORT int
sync_file_range(int fd, off_t offset, off_t length, unsigned flags)
{
    if (cut_config.is_active && cut_nodes_find(fd) != NULL) {
        cut_gate_enter();
        cut_gate_leave();
        return 0;
    }
    return (int)syscall(SYS_sync_file_range, fd, offset, length, flags);
}

__attribute__((constructor)) static void
power_on(void)
{
    cut_config_load();
    if (cut_config.is_active) {
        cut_gate_start();
    }
}

__attribute__((destructor)) static void
power_off(void)
{
    if (!cut_config.is_active) {
        return;
    }
    if (cut_config.is_cut_on_exit) {
        powercut_now();
    }
    cut_image_report_exit();
}
