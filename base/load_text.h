/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says of itself in files of /proc and /sys/fs/cgroup, read by base/load_system.
 * The text is foreign: what does not have the documented form is refused, never guessed.  Pure, any
 * thread.
 */
#ifndef BASE_LOAD_TEXT_H
#define BASE_LOAD_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define LOAD_TEXT_UNLIMITED UINT64_MAX
/* Path of a cgroup, or of the directory that it is mounted on, with its terminator. */
#define LOAD_TEXT_PATH_SIZE ((size_t)1024)

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=123": the microseconds in which some (kind "some")
 * or all (kind "full") tasks stood still.  ST_INVALID, ST_NOT_FOUND: the kind is not there.
 * SPEC: Linux Documentation/accounting/psi.rst. */
MUST_USE enum status load_text_pressure(struct bytes text, const char *kind, uint64_t *ret_us);

/* The number behind a name: "name 12", "name: 12 kB" (then bytes).  ST_NOT_FOUND, ST_INVALID.
 * SPEC: proc_meminfo(5); cgroup-v2.rst / memory.stat, cpu.stat. */
MUST_USE enum status load_text_number(struct bytes text, const char *name, uint64_t *ret_value);

/* "max" (LOAD_TEXT_UNLIMITED) or a number of bytes.  SPEC: cgroup-v2.rst / memory.max. */
MUST_USE enum status load_text_limit(struct bytes text, uint64_t *ret_bytes);

/* "0.20 0.18 0.12 3/80 11206": the tasks that run or could.  SPEC: proc_loadavg(5). */
MUST_USE enum status load_text_running(struct bytes text, uint64_t *ret_count);

/* "1234 800 200 ...": fields of /proc/self/statm in pages; index 0: all, 5: data and stack. */
MUST_USE enum status load_text_statm(struct bytes text, size_t index, uint64_t *ret_pages);

/* The process's group in the hierarchy of a controller ("" is version 2): an absolute path, which
 * goes nowhere upwards.  ST_NOT_FOUND: it is in none.  SPEC: cgroups(7) / /proc/pid/cgroup. */
MUST_USE enum status load_text_cgroup(struct bytes text, const char *controller,
                                      char ret_path[LOAD_TEXT_PATH_SIZE]);

/* Where such a hierarchy is mounted, and which of its groups is the root there.  ST_NOT_FOUND: it
 * is not.  SPEC: proc_pid_mountinfo(5). */
struct load_text_mount {
    char directory[LOAD_TEXT_PATH_SIZE];
    char root[LOAD_TEXT_PATH_SIZE];
};
MUST_USE enum status load_text_mount(struct bytes text, const char *controller,
                                     struct load_text_mount *ret_mount);

#endif
