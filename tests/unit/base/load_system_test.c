/* SPDX-License-Identifier: Apache-2.0 */
/* Readings of the system, from files that stand under a root of the test's own. */
#include "base/load_system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define MIB ((uint64_t)1 << 20)
#define TICK_NS (CLOCK_NS_PER_S / LOAD_READINGS_PER_S)

static void
write_file(const char *path, const char *text)
{
    char *whole = xasprintf("%s%s", test_directory(), path);
    FILE *file;

    for (char *at = whole + strlen(test_directory()) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        EXPECT(mkdir(whole, 0700) == 0 || errno == EEXIST);
        *at = '/';
    }
    file = fopen(whole, "we");
    EXPECT(file != NULL);
    EXPECT(fputs(text, file) >= 0);
    EXPECT_INT(0, fclose(file));
    free(whole);
}

static struct load_system *
create(void)
{
    return load_system_create(&(struct load_system_options){
        .root = test_directory(), .memory_reserve_bytes = 16 * MIB, .descriptor_reserve = 128});
}

static struct load_readings
read_once(struct load_system *system, int64_t now_ns)
{
    struct load_readings readings = {.is_known = {false}};

    load_system_read(&readings, now_ns, system);
    return readings;
}

static uint64_t
memory_left(void)
{
    struct load_system *system = create();
    struct load_readings readings = read_once(system, CLOCK_NS_PER_S);

    load_system_destroy(&system);
    EXPECT(readings.is_known[LOAD_MEMORY_LEFT]);
    return readings.values[LOAD_MEMORY_LEFT];
}

#define MOUNT_V2 "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
#define MOUNT_V1                                                                                   \
    "31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"                            \
    "32 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

/* SPEC: proc_meminfo(5). */
TEST(without_cgroups_the_machine_says_what_is_left)
{
    write_file("/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 32768 kB\n");

    EXPECT_INT(200, memory_left());
}

static void
write_group(const char *directory, const char *limit, const char *used, const char *stat)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/memory.max", directory);
    write_file(path, limit);
    snprintf(path, sizeof(path), "%s/memory.current", directory);
    write_file(path, used);
    snprintf(path, sizeof(path), "%s/memory.stat", directory);
    write_file(path, stat);
}

/* SPEC: cgroup-v2.rst: the limits of all groups above count too, and pages of files that are clean
 * can be had back. */
TEST(the_tightest_group_of_version_2_counts)
{
    write_file("/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n");
    write_file("/proc/self/mountinfo", MOUNT_V2);
    write_file("/proc/self/cgroup", "0::/a/b\n");
    write_group("/sys/fs/cgroup/a/b", "max\n", "1\n", "inactive_file 0\n");
    write_group("/sys/fs/cgroup/a", "134217728\n", "134217728\n",
                "anon 1\ninactive_file 16777216\nactive_file 33554432\nfile_dirty 16777216\n"
                "file_writeback 1048576\n");

    /* 128 MiB all used, 48 MiB of them files, 17 MiB of those not written yet. */
    EXPECT_INT(31 * 100 / 16, memory_left());
}

TEST(a_group_that_uses_more_than_its_limit_has_nothing_left)
{
    write_file("/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n");
    write_file("/proc/self/mountinfo", MOUNT_V2);
    write_file("/proc/self/cgroup", "0::/a\n");
    write_group("/sys/fs/cgroup/a", "1000\n", "2000\n", "inactive_file 5\nfile_dirty 9\n");

    EXPECT_INT(0, memory_left());
}

/* SPEC: cgroup-v1/memory.rst: a limit of a page less than 2^63 is none. */
TEST(version_1_is_read_where_it_has_the_controller)
{
    write_file("/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n");
    write_file("/proc/self/mountinfo", MOUNT_V1);
    write_file("/proc/self/cgroup", "4:memory:/x/y\n0::/\n");
    write_file("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "67108864\n");
    write_file("/sys/fs/cgroup/memory/x/memory.usage_in_bytes", "50331648\n");
    write_file("/sys/fs/cgroup/memory/x/memory.stat",
               "inactive_file 1\ntotal_inactive_file 8388608\ntotal_active_file 8388608\n");
    write_file("/sys/fs/cgroup/memory/x/y/memory.limit_in_bytes", "9223372036854771712\n");
    write_file("/sys/fs/cgroup/memory/x/y/memory.usage_in_bytes", "50331648\n");

    EXPECT_INT(200, memory_left());
}

/* In a container the mount shows its group as the root. */
TEST(a_group_below_the_root_of_its_mount_is_found_there)
{
    write_file("/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n");
    write_file("/proc/self/mountinfo",
               "30 23 0:26 /docker/7f /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    write_file("/proc/self/cgroup", "0::/docker/7f/kid\n");
    write_group("/sys/fs/cgroup/kid", "16777216\n", "0\n", "");

    EXPECT_INT(100, memory_left());
}

/* Text that is not what it should be takes nothing away and adds nothing. */
TEST(files_that_make_no_sense_are_as_if_they_were_not_there)
{
    struct load_system *system;
    struct load_readings readings;

    write_file("/proc/meminfo", "MemTotal: many\nMemAvailable: -5 kB\n");
    write_file("/proc/self/mountinfo", "\n\n- cgroup2");
    write_file("/proc/self/cgroup", "0::../../etc\n");
    write_file("/proc/pressure/memory", "some total=\n");
    write_file("/proc/loadavg", "?");

    system = create();
    readings = read_once(system, CLOCK_NS_PER_S);
    readings = read_once(system, 2 * CLOCK_NS_PER_S);
    EXPECT(!readings.is_known[LOAD_MEMORY_LEFT]);
    EXPECT(!readings.is_known[LOAD_MEMORY_STALL]);
    EXPECT(!readings.is_known[LOAD_CPU_QUEUE]);
    load_system_destroy(&system);
}

static void
write_pressure(const char *path, uint64_t total_us)
{
    char text[128];

    snprintf(text, sizeof(text),
             "some avg10=0.00 avg60=0.00 avg300=0.00 total=%llu\n"
             "full avg10=0.00 avg60=0.00 avg300=0.00 total=%llu\n",
             (unsigned long long)total_us, (unsigned long long)total_us);
    write_file(path, text);
}

/* Half of the time, then nothing: gone when the window of two seconds is over. */
TEST(pressure_is_the_share_of_the_last_two_seconds)
{
    struct load_system *system;
    struct load_readings readings;
    int64_t now_ns = CLOCK_NS_PER_S;
    uint64_t total_us = 1000000;

    write_pressure("/proc/pressure/cpu", total_us);
    system = create();
    readings = read_once(system, now_ns);
    EXPECT(!readings.is_known[LOAD_CPU_STALL]);
    for (int i = 0; i < 2 * LOAD_WINDOW_READINGS; i++) {
        now_ns += TICK_NS;
        total_us += (uint64_t)TICK_NS / 1000 / 2;
        write_pressure("/proc/pressure/cpu", total_us);
        readings = read_once(system, now_ns);
        EXPECT_INT(50, readings.values[LOAD_CPU_STALL]);
    }
    for (int i = 0; i < LOAD_WINDOW_READINGS; i++) {
        now_ns += TICK_NS;
        readings = read_once(system, now_ns);
    }
    EXPECT(readings.is_known[LOAD_CPU_STALL]);
    EXPECT_INT(0, readings.values[LOAD_CPU_STALL]);
    load_system_destroy(&system);
}

TEST(throttling_of_the_group_is_a_share_too)
{
    struct load_system *system;
    struct load_readings readings;

    write_file("/proc/self/mountinfo", MOUNT_V2);
    write_file("/proc/self/cgroup", "0::/a\n");
    write_file("/sys/fs/cgroup/a/cpu.stat", "usage_usec 5\nthrottled_usec 100000\n");
    system = create();
    (void)read_once(system, CLOCK_NS_PER_S);
    write_file("/sys/fs/cgroup/a/cpu.stat", "usage_usec 5\nthrottled_usec 300000\n");
    readings = read_once(system, 2 * CLOCK_NS_PER_S);

    EXPECT_INT(20, readings.values[LOAD_CPU_THROTTLED]);
    load_system_destroy(&system);
}

/* The limit is asked each time: prlimit(1) may change it. */
TEST(descriptors_are_counted_against_the_present_limit)
{
    struct load_system *system = load_system_create(
        &(struct load_system_options){.root = "", .descriptor_reserve = UINT64_MAX});
    struct load_readings before;
    struct load_readings after;
    struct rlimit saved;
    struct rlimit low;
    int fds[100];

    EXPECT_INT(0, getrlimit(RLIMIT_NOFILE, &saved));
    low = saved;
    low.rlim_cur = 200;
    EXPECT_INT(0, setrlimit(RLIMIT_NOFILE, &low));
    before = read_once(system, 10 * CLOCK_NS_PER_S);
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        EXPECT(fds[i] != -1);
    }
    after = read_once(system, 20 * CLOCK_NS_PER_S);
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        close(fds[i]);
    }
    EXPECT_INT(0, setrlimit(RLIMIT_NOFILE, &saved));

    /* The reserve is an eighth of the limit, 25: a hundred descriptors are 400 percent of it. */
    EXPECT_INT(400, before.values[LOAD_DESCRIPTORS_LEFT] - after.values[LOAD_DESCRIPTORS_LEFT]);
    load_system_destroy(&system);
}

/* What this machine has is read, whatever it is. */
TEST(the_real_system_says_how_much_memory_is_left)
{
    struct load_system *system = load_system_create(
        &(struct load_system_options){.root = "", .memory_reserve_bytes = 1 * MIB});
    struct load_readings readings = read_once(system, CLOCK_NS_PER_S);

    EXPECT(readings.is_known[LOAD_MEMORY_LEFT]);
    EXPECT(readings.memory_left_bytes > 0);
    EXPECT(readings.memory_left_bytes <= readings.memory_total_bytes);
    load_system_destroy(&system);
}
