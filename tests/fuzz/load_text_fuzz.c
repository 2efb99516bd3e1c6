/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of /proc and /sys: any bytes are read or refused; a path that comes out of them is absolute,
 * terminated, and leads nowhere upwards; what is refused writes nothing.
 */
#include "base/check.h"
#include "base/load_text.h"

#include "base/banned.h"

#define UNTOUCHED UINT64_C(0x5EED5EED5EED5EED)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_number(enum status st, uint64_t value)
{
    CHECK(st == ST_OK || st == ST_INVALID || st == ST_NOT_FOUND);
    CHECK(st == ST_OK || value == UNTOUCHED);
}

static void
check_path(const char *path)
{
    struct bytes rest = bytes_of(path, strnlen(path, LOAD_TEXT_PATH_SIZE));

    CHECK(rest.size > 0 && rest.size < LOAD_TEXT_PATH_SIZE && path[0] == '/');
    while (rest.size > 0) {
        CHECK(!bytes_equal_string(bytes_cut(&rest, '/'), ".."));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const CONTROLLERS[] = {"", "memory", "cpu"};
    static const char *const NAMES[] = {"MemAvailable", "inactive_file", "throttled_usec"};
    struct bytes text = bytes_of(data, size);
    uint64_t value = UNTOUCHED;

    check_number(load_text_pressure(text, "some", &value), value);
    value = UNTOUCHED;
    check_number(load_text_pressure(text, "full", &value), value);
    value = UNTOUCHED;
    check_number(load_text_limit(text, &value), value);
    value = UNTOUCHED;
    check_number(load_text_running(text, &value), value);
    value = UNTOUCHED;
    check_number(load_text_statm(text, 5, &value), value);
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        value = UNTOUCHED;
        check_number(load_text_number(text, NAMES[i], &value), value);
    }
    for (size_t i = 0; i < ARRAY_COUNT(CONTROLLERS); i++) {
        char path[LOAD_TEXT_PATH_SIZE];
        struct load_text_mount mount;

        if (load_text_cgroup(text, CONTROLLERS[i], path) == ST_OK) {
            check_path(path);
        }
        if (load_text_mount(text, CONTROLLERS[i], &mount) == ST_OK) {
            check_path(mount.directory);
            check_path(mount.root);
        }
    }
    return 0;
}
