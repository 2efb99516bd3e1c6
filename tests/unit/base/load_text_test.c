/* SPDX-License-Identifier: Apache-2.0 */
/* Text of the kernel: what is documented is read, all else is refused. */
#include "base/load_text.h"

#include "tests/unit/test.h"

#include "base/banned.h"

static const char PRESSURE[] = "some avg10=78.74 avg60=24.78 avg300=10.92 total=23134406699\n"
                               "full avg10=0.00 avg60=0.00 avg300=0.00 total=42\n";

/* SPEC: Documentation/accounting/psi.rst. */
TEST(pressure_gives_the_total_of_its_kind)
{
    uint64_t some = 0;
    uint64_t full = 0;

    EXPECT_STATUS(ST_OK, load_text_pressure(bytes_of_string(PRESSURE), "some", &some));
    EXPECT_STATUS(ST_OK, load_text_pressure(bytes_of_string(PRESSURE), "full", &full));

    EXPECT_INT(23134406699, some);
    EXPECT_INT(42, full);
}

TEST(pressure_without_a_total_is_refused)
{
    uint64_t total = 7;

    EXPECT_STATUS(ST_NOT_FOUND, load_text_pressure(BYTES_NONE, "some", &total));
    EXPECT_STATUS(ST_NOT_FOUND,
                  load_text_pressure(BYTES_LITERAL("full total=1\n"), "some", &total));
    EXPECT_STATUS(ST_INVALID,
                  load_text_pressure(BYTES_LITERAL("some avg10=0.00\n"), "some", &total));
    EXPECT_STATUS(ST_INVALID, load_text_pressure(BYTES_LITERAL("some total=-1\n"), "some", &total));
    EXPECT_INT(7, total);
}

/* SPEC: proc_meminfo(5); cgroup-v2.rst / memory.stat: with and without colon and unit. */
TEST(numbers_are_found_by_their_whole_name)
{
    struct bytes meminfo = BYTES_LITERAL("MemTotal:       24683108 kB\nMemFree: 1 kB\n"
                                         "MemAvailable:   2 kB\nHugePages_Total:       3\n");
    struct bytes stat = BYTES_LITERAL("inactive_file 4096\nfile 8192\ntotal_file 1\n");
    uint64_t value = 0;

    EXPECT_STATUS(ST_OK, load_text_number(meminfo, "MemAvailable", &value));
    EXPECT_INT(2048, value);
    EXPECT_STATUS(ST_OK, load_text_number(meminfo, "HugePages_Total", &value));
    EXPECT_INT(3, value);
    EXPECT_STATUS(ST_OK, load_text_number(stat, "file", &value));
    EXPECT_INT(8192, value);
}

TEST(numbers_with_a_foreign_unit_or_sign_are_refused)
{
    uint64_t value = 7;

    EXPECT_STATUS(ST_NOT_FOUND, load_text_number(BYTES_LITERAL("a 1\n"), "b", &value));
    EXPECT_STATUS(ST_INVALID, load_text_number(BYTES_LITERAL("a 1 MB\n"), "a", &value));
    EXPECT_STATUS(ST_INVALID, load_text_number(BYTES_LITERAL("a -1\n"), "a", &value));
    EXPECT_STATUS(ST_INVALID, load_text_number(BYTES_LITERAL("a\n"), "a", &value));
    EXPECT_STATUS(ST_INVALID,
                  load_text_number(BYTES_LITERAL("a 18446744073709551615 kB\n"), "a", &value));
    EXPECT_INT(7, value);
}

/* SPEC: cgroup-v2.rst / memory.max. */
TEST(a_limit_is_a_number_or_max)
{
    uint64_t limit = 0;

    EXPECT_STATUS(ST_OK, load_text_limit(BYTES_LITERAL("max\n"), &limit));
    EXPECT(limit == LOAD_TEXT_UNLIMITED);
    EXPECT_STATUS(ST_OK, load_text_limit(BYTES_LITERAL("134217728\n"), &limit));
    EXPECT_INT(134217728, limit);
    EXPECT_STATUS(ST_INVALID, load_text_limit(BYTES_LITERAL("maximum\n"), &limit));
    EXPECT_STATUS(ST_INVALID, load_text_limit(BYTES_NONE, &limit));
}

/* SPEC: proc_loadavg(5). */
TEST(running_tasks_stand_before_the_slash)
{
    uint64_t count = 7;

    EXPECT_STATUS(ST_OK, load_text_running(BYTES_LITERAL("0.20 0.18 0.12 3/80 11206\n"), &count));
    EXPECT_INT(3, count);
    EXPECT_STATUS(ST_INVALID, load_text_running(BYTES_LITERAL("0.20 0.18 0.12 80\n"), &count));
    EXPECT_STATUS(ST_INVALID, load_text_running(BYTES_LITERAL("0.20 0.18 0.12 9/8 1\n"), &count));
    EXPECT_STATUS(ST_INVALID, load_text_running(BYTES_NONE, &count));
    EXPECT_INT(3, count);
}

TEST(fields_of_statm_are_counted_from_zero)
{
    uint64_t pages = 7;

    EXPECT_STATUS(ST_OK, load_text_statm(BYTES_LITERAL("9 8 7 6 0 5 0\n"), 5, &pages));
    EXPECT_INT(5, pages);
    EXPECT_STATUS(ST_INVALID, load_text_statm(BYTES_LITERAL("9 8\n"), 5, &pages));
    EXPECT_INT(5, pages);
}

/* SPEC: cgroups(7) / /proc/pid/cgroup. */
TEST(the_group_of_a_controller_is_found_in_both_versions)
{
    struct bytes v1 = BYTES_LITERAL("5:cpu,cpuacct:/a\n4:memory:/b/c\n0::/d\n");
    struct bytes v2 = BYTES_LITERAL("0::/user.slice/x:y\n");
    char path[LOAD_TEXT_PATH_SIZE];

    EXPECT_STATUS(ST_OK, load_text_cgroup(v1, "memory", path));
    EXPECT_STRING("/b/c", path);
    EXPECT_STATUS(ST_OK, load_text_cgroup(v1, "cpuacct", path));
    EXPECT_STRING("/a", path);
    EXPECT_STATUS(ST_OK, load_text_cgroup(v1, "", path));
    EXPECT_STRING("/d", path);
    EXPECT_STATUS(ST_OK, load_text_cgroup(v2, "", path));
    EXPECT_STRING("/user.slice/x:y", path);
}

/* A path becomes part of a file's name: nothing upwards, nothing relative. */
TEST(a_group_that_leads_upwards_is_refused)
{
    char path[LOAD_TEXT_PATH_SIZE];

    EXPECT_STATUS(ST_NOT_FOUND, load_text_cgroup(BYTES_LITERAL("4:memory:/b\n"), "", path));
    EXPECT_STATUS(ST_NOT_FOUND, load_text_cgroup(BYTES_LITERAL("4:mem:/b\n"), "memory", path));
    EXPECT_STATUS(ST_INVALID, load_text_cgroup(BYTES_LITERAL("0::/../x\n"), "", path));
    EXPECT_STATUS(ST_INVALID, load_text_cgroup(BYTES_LITERAL("0::x\n"), "", path));
    EXPECT_STATUS(ST_INVALID, load_text_cgroup(BYTES_LITERAL("0::/a\0b\n"), "", path));
}

/* SPEC: proc_pid_mountinfo(5). */
TEST(the_mount_of_a_controller_is_found)
{
    struct bytes text = BYTES_LITERAL(
        "30 23 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw\n"
        "31 30 0:27 /kid /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
        "32 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    struct load_text_mount mount;

    EXPECT_STATUS(ST_OK, load_text_mount(text, "memory", &mount));
    EXPECT_STRING("/sys/fs/cgroup/memory", mount.directory);
    EXPECT_STRING("/kid", mount.root);
    EXPECT_STATUS(ST_OK, load_text_mount(text, "", &mount));
    EXPECT_STRING("/sys/fs/cgroup/unified", mount.directory);
    EXPECT_STATUS(ST_NOT_FOUND, load_text_mount(text, "cpu", &mount));
    EXPECT_STATUS(ST_INVALID,
                  load_text_mount(BYTES_LITERAL("1 2 3 /../x /y rw - cgroup2 c rw\n"), "", &mount));
    EXPECT_STATUS(ST_NOT_FOUND, load_text_mount(BYTES_LITERAL("- cgroup2\n - \n"), "", &mount));
}
