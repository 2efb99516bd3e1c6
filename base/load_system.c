/* SPDX-License-Identifier: Apache-2.0 */
#include "base/load_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/load_text.h"
#include "base/log.h"
#include "base/memory.h"

#include "base/banned.h"

/* The longest file that is read each time (memory.stat, meminfo: 2 KiB), and mountinfo, which is as
 * long as the machine has mounts. */
#define FILE_BYTES_MAX ((size_t)16 << 10)
#define MOUNTS_BYTES_MAX ((size_t)1 << 20)
/* Groups above each other that are looked at: systemd and containers make five or six. */
#define GROUP_DEPTH_MAX 16
/* Limits of version 1 that mean none: a page less than the largest number. */
#define V1_UNLIMITED_MIN (UINT64_C(1) << 60)
/* Kernels before 6.2 make counting descriptors a walk over all of them: once a second is enough. */
#define DESCRIPTOR_WALK_NS CLOCK_NS_PER_S

enum group_kind { GROUP_NONE, GROUP_V1, GROUP_V2 };

/* A counter of time in which something stood still. */
struct stall {
    uint64_t totals_us[LOAD_WINDOW_READINGS];
    int64_t times_ns[LOAD_WINDOW_READINGS];
    size_t count; /* of readings, ever */
};

struct load_system {
    struct load_system_options options;
    char *root;
    enum group_kind memory_kind;
    enum group_kind cpu_kind;
    struct load_text_mount memory_mount;
    struct load_text_mount cpu_mount;
    struct stall memory_stall;
    struct stall cpu_stall;
    struct stall disk_stall;
    struct stall throttled;
    uint64_t core_count;
    uint64_t page_bytes;
    uint64_t descriptor_count;
    int64_t counted_ns; /* 0: never */
    bool has_looked;    /* what is missing was named */
    bool lacks_pressure;
    char *text; /* MOUNTS_BYTES_MAX */
};

/* ---- files ---- */

/* Empty: it cannot be read, or is longer. */
static struct bytes
read_path(struct load_system *system, const char *path, size_t size_max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    ssize_t n = -1;

    if (fd == -1) {
        return BYTES_NONE;
    }
    while (size < size_max && (n = read(fd, system->text + size, size_max - size)) > 0) {
        size += (size_t)n;
    }
    close(fd);
    return n == 0 ? bytes_of(system->text, size) : BYTES_NONE;
}

static struct bytes
read_file(struct load_system *system, const char *path)
{
    char *whole = xasprintf("%s%s", system->root, path);
    struct bytes text = read_path(system, whole, FILE_BYTES_MAX);

    free(whole);
    return text;
}

/* A file of a group, which is a path below the mount. */
static struct bytes
read_group_file(struct load_system *system, const struct load_text_mount *mount, const char *group,
                const char *name)
{
    char *whole = xasprintf("%s%s%s/%s", system->root, mount->directory, group, name);
    struct bytes text = read_path(system, whole, FILE_BYTES_MAX);

    free(whole);
    return text;
}

/* ---- shares of time ---- */

/* Percent of the last readings that the counter grew by; false: this is the first one. */
static bool
stall_share(struct stall *stall, uint64_t total_us, int64_t now_ns, uint64_t *ret_percent)
{
    size_t oldest = stall->count < LOAD_WINDOW_READINGS ? 0 : stall->count % LOAD_WINDOW_READINGS;
    bool has_one = stall->count > 0;
    uint64_t before_us = stall->totals_us[oldest];
    int64_t elapsed_ns = now_ns - stall->times_ns[oldest];

    stall->totals_us[stall->count % LOAD_WINDOW_READINGS] = total_us;
    stall->times_ns[stall->count % LOAD_WINDOW_READINGS] = now_ns;
    stall->count++;
    if (!has_one || elapsed_ns <= 0 || total_us < before_us) {
        return false;
    }
    *ret_percent = (total_us - before_us) * 100000 / (uint64_t)elapsed_ns;
    return true;
}

static void
note_pressure(struct load_system *system, struct bytes text, const char *kind, struct stall *stall,
              enum load_signal signal, struct load_readings *readings, int64_t now_ns)
{
    uint64_t total_us;
    uint64_t percent;

    if (load_text_pressure(text, kind, &total_us) != ST_OK) {
        system->lacks_pressure = true;
    } else if (stall_share(stall, total_us, now_ns, &percent)) {
        load_note(readings, signal, percent);
    }
}

/* ---- groups ---- */

/* The process's own group below the mount: "" is the mount itself. */
static bool
find_group(struct load_system *system, enum group_kind kind, const char *controller,
           const struct load_text_mount *mount, char ret_group[LOAD_TEXT_PATH_SIZE])
{
    char path[LOAD_TEXT_PATH_SIZE];
    size_t root_size = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
    const char *group = path;

    if (kind == GROUP_NONE || load_text_cgroup(read_file(system, "/proc/self/cgroup"),
                                               kind == GROUP_V2 ? "" : controller, path) != ST_OK) {
        return false;
    }
    /* A container sees its own group as the root of the mount. */
    if (strncmp(path, mount->root, root_size) == 0 &&
        (path[root_size] == '/' || path[root_size] == '\0')) {
        group += root_size;
    } else {
        group = "";
    }
    snprintf(ret_group, LOAD_TEXT_PATH_SIZE, "%s", strcmp(group, "/") == 0 ? "" : group);
    return true;
}

/* The one above; false: there is none. */
static bool
go_up(char group[LOAD_TEXT_PATH_SIZE])
{
    char *slash = strrchr(group, '/');

    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    return true;
}

/* What a group may still take: its limit, less what is used and could not be had back at once.
 * Pages of files can, unless they are dirty or on their way. */
static bool
read_group_memory(struct load_system *system, const char *group, uint64_t *ret_left,
                  uint64_t *ret_limit)
{
    bool is_v2 = system->memory_kind == GROUP_V2;
    const struct load_text_mount *mount = &system->memory_mount;
    static const char *const V2[] = {"inactive_file", "active_file", "file_dirty",
                                     "file_writeback"};
    static const char *const V1[] = {"total_inactive_file", "total_active_file", "total_dirty",
                                     "total_writeback"};
    uint64_t parts[4] = {0};
    uint64_t limit;
    uint64_t used;
    uint64_t pages;
    struct bytes text;

    text = read_group_file(system, mount, group, is_v2 ? "memory.max" : "memory.limit_in_bytes");
    if (text.size == 0 || load_text_limit(text, &limit) != ST_OK || limit >= V1_UNLIMITED_MIN) {
        return false;
    }
    text =
        read_group_file(system, mount, group, is_v2 ? "memory.current" : "memory.usage_in_bytes");
    if (text.size == 0 || load_text_limit(text, &used) != ST_OK) {
        return false;
    }
    text = read_group_file(system, mount, group, "memory.stat");
    for (size_t i = 0; i < 4; i++) {
        if (load_text_number(text, is_v2 ? V2[i] : V1[i], &parts[i]) != ST_OK || parts[i] > limit) {
            parts[i] = 0;
        }
    }
    pages = parts[0] + parts[1];
    pages = pages > parts[2] + parts[3] ? pages - parts[2] - parts[3] : 0;
    used = used > pages ? used - pages : 0;
    *ret_left = limit > used ? limit - used : 0;
    *ret_limit = limit;
    return true;
}

/* ---- memory ---- */

static void
at_most(uint64_t left, uint64_t total, uint64_t *left_min, uint64_t *total_min)
{
    *left_min = left < *left_min ? left : *left_min;
    *total_min = total < *total_min ? total : *total_min;
}

/* ulimit -v and -d: what the process may map. */
static void
read_process_limits(struct load_system *system, uint64_t *left, uint64_t *total)
{
    static const struct {
        int resource;
        size_t field; /* of statm */
    } LIMITS[] = {{RLIMIT_AS, 0}, {RLIMIT_DATA, 5}};
    struct bytes text = read_file(system, "/proc/self/statm");

    for (size_t i = 0; i < ARRAY_COUNT(LIMITS); i++) {
        struct rlimit limit;
        uint64_t pages;
        uint64_t used;

        if (getrlimit((__rlimit_resource_t)LIMITS[i].resource, &limit) == 0 &&
            limit.rlim_cur != RLIM_INFINITY &&
            load_text_statm(text, LIMITS[i].field, &pages) == ST_OK) {
            used = pages * system->page_bytes;
            at_most(limit.rlim_cur > used ? limit.rlim_cur - used : 0, limit.rlim_cur, left, total);
        }
    }
}

static void
read_memory(struct load_system *system, struct load_readings *readings, int64_t now_ns)
{
    char group[LOAD_TEXT_PATH_SIZE];
    struct bytes text = read_file(system, "/proc/meminfo");
    uint64_t left = UINT64_MAX;
    uint64_t total = UINT64_MAX;
    uint64_t value;
    uint64_t limit;

    if (load_text_number(text, "MemAvailable", &value) == ST_OK &&
        load_text_number(text, "MemTotal", &limit) == ST_OK) {
        at_most(value, limit, &left, &total);
    }
    text = BYTES_NONE;
    if (find_group(system, system->memory_kind, "memory", &system->memory_mount, group)) {
        if (system->memory_kind == GROUP_V2) {
            text = read_group_file(system, &system->memory_mount, group, "memory.pressure");
        }
        note_pressure(system, text.size != 0 ? text : read_file(system, "/proc/pressure/memory"),
                      "some", &system->memory_stall, LOAD_MEMORY_STALL, readings, now_ns);
        for (int depth = 0; depth < GROUP_DEPTH_MAX; depth++) {
            if (read_group_memory(system, group, &value, &limit)) {
                at_most(value, limit, &left, &total);
            }
            if (!go_up(group)) {
                break;
            }
        }
    } else {
        note_pressure(system, read_file(system, "/proc/pressure/memory"), "some",
                      &system->memory_stall, LOAD_MEMORY_STALL, readings, now_ns);
    }
    read_process_limits(system, &left, &total);
    if (left != UINT64_MAX) {
        load_note_left(readings, LOAD_MEMORY_LEFT, left, system->options.memory_reserve_bytes);
        readings->memory_left_bytes = left;
        readings->memory_total_bytes = total;
    }
}

/* ---- CPU and disk ---- */

static void
read_cpu(struct load_system *system, struct load_readings *readings, int64_t now_ns)
{
    char group[LOAD_TEXT_PATH_SIZE];
    bool has_group = find_group(system, system->cpu_kind, "cpu", &system->cpu_mount, group);
    struct bytes text = BYTES_NONE;
    uint64_t value;
    uint64_t percent;

    if (has_group) {
        text = read_group_file(system, &system->cpu_mount, group, "cpu.stat");
        if (load_text_number(text, "throttled_usec", &value) == ST_OK ||
            (load_text_number(text, "throttled_time", &value) == ST_OK && (value /= 1000, true))) {
            if (stall_share(&system->throttled, value, now_ns, &percent)) {
                load_note(readings, LOAD_CPU_THROTTLED, percent);
            }
        }
        text = system->cpu_kind == GROUP_V2
                   ? read_group_file(system, &system->cpu_mount, group, "cpu.pressure")
                   : BYTES_NONE;
    }
    note_pressure(system, text.size != 0 ? text : read_file(system, "/proc/pressure/cpu"), "some",
                  &system->cpu_stall, LOAD_CPU_STALL, readings, now_ns);
    if (load_text_running(read_file(system, "/proc/loadavg"), &value) == ST_OK && value > 0) {
        /* This thread runs, or it could not count. */
        load_note(readings, LOAD_CPU_QUEUE, (value - 1) * 100 / system->core_count);
    }
    note_pressure(system, read_file(system, "/proc/pressure/io"), "full", &system->disk_stall,
                  LOAD_DISK_STALL, readings, now_ns);
}

/* ---- descriptors ---- */

static bool
count_descriptors(struct load_system *system, int64_t now_ns)
{
    char *path = xasprintf("%s/proc/self/fd", system->root);
    struct stat status;
    bool is_known = stat(path, &status) == 0;
    bool is_due = system->counted_ns == 0 || now_ns - system->counted_ns >= DESCRIPTOR_WALK_NS;

    /* SPEC: Linux 6.2: the size of this directory is the number of its entries. */
    if (is_known && status.st_size > 0 && system->root[0] == '\0') {
        system->descriptor_count = (uint64_t)status.st_size;
        system->counted_ns = now_ns;
    } else if (is_known && is_due) {
        DIR *directory = opendir(path);
        const struct dirent *entry;
        uint64_t count = 0;

        while (directory != NULL && (entry = readdir(directory)) != NULL) {
            count += entry->d_name[0] != '.';
        }
        if (directory != NULL) {
            closedir(directory);
            system->descriptor_count = count - (count > 0); /* the directory's own */
            system->counted_ns = now_ns;
        }
    }
    free(path);
    return system->counted_ns != 0;
}

static void
read_descriptors(struct load_system *system, struct load_readings *readings, int64_t now_ns)
{
    uint64_t reserve = system->options.descriptor_reserve;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        !count_descriptors(system, now_ns)) {
        return;
    }
    if (reserve > limit.rlim_cur / LOAD_DESCRIPTOR_RESERVE_PART) {
        reserve = limit.rlim_cur / LOAD_DESCRIPTOR_RESERVE_PART;
    }
    load_note_left(
        readings, LOAD_DESCRIPTORS_LEFT,
        limit.rlim_cur > system->descriptor_count ? limit.rlim_cur - system->descriptor_count : 0,
        reserve);
}

/* ---- the whole ---- */

/* Which hierarchy has the controller here?  Version 1 where it is mounted there, because then
 * version 2 does not have it. */
static enum group_kind
find_hierarchy(struct load_system *system, const char *controller,
               struct load_text_mount *ret_mount)
{
    char *path = xasprintf("%s/proc/self/mountinfo", system->root);
    struct bytes text = read_path(system, path, MOUNTS_BYTES_MAX);
    enum group_kind kind = load_text_mount(text, controller, ret_mount) == ST_OK ? GROUP_V1
                           : load_text_mount(text, "", ret_mount) == ST_OK       ? GROUP_V2
                                                                                 : GROUP_NONE;

    free(path);
    return kind;
}

struct load_system *
load_system_create(const struct load_system_options *options)
{
    struct load_system *system = xcalloc(1, sizeof(*system));
    long core_count = sysconf(_SC_NPROCESSORS_ONLN);

    system->options = *options;
    system->root = xstrdup(options->root);
    system->text = xmalloc(MOUNTS_BYTES_MAX);
    system->core_count = core_count > 0 ? (uint64_t)core_count : 1;
    system->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    system->memory_kind = find_hierarchy(system, "memory", &system->memory_mount);
    system->cpu_kind = find_hierarchy(system, "cpu", &system->cpu_mount);
    return system;
}

void
load_system_destroy(struct load_system **take_system)
{
    struct load_system *system = *take_system;

    if (system == NULL) {
        return;
    }
    free(system->root);
    free(system->text);
    free(system);
    *take_system = NULL;
}

/* Once, behind the first reading. */
static void
tell_what_is_missing(const struct load_system *system, const struct load_readings *readings)
{
    uint64_t total = readings->memory_total_bytes;

    if (system->lacks_pressure) {
        log_info(NULL, "load_without_pressure",
                 "This kernel does not tell how long tasks wait (/proc/pressure): that part of the "
                 "load counts as low");
    }
    if (!readings->is_known[LOAD_MEMORY_LEFT]) {
        log_info(NULL, "load_without_memory",
                 "Neither /proc/meminfo nor a cgroup tells how much memory is left: it counts as "
                 "low");
    }
    if (total != 0 && total < system->options.memory_budget_bytes) {
        log_warn(NULL, "memory_limit_small",
                 "This process may have %" PRIu64 " MiB of memory, and --memory tells it to use "
                 "%" PRIu64 " MiB: requests will be refused when the first is used up",
                 total >> 20, system->options.memory_budget_bytes >> 20);
    }
}

void
load_system_read(struct load_readings *readings, int64_t now_ns, void *arg)
{
    struct load_system *system = arg;

    read_memory(system, readings, now_ns);
    read_cpu(system, readings, now_ns);
    read_descriptors(system, readings, now_ns);
    if (!system->has_looked) {
        system->has_looked = true;
        tell_what_is_missing(system, readings);
    }
}
