/* SPDX-License-Identifier: Apache-2.0 */
#include "base/load_text.h"

#include "base/banned.h"

static struct bytes
take_line(struct bytes *rest)
{
    return bytes_cut(rest, '\n');
}

/* The next word, without the blanks around it. */
static struct bytes
take_word(struct bytes *rest)
{
    *rest = bytes_trim(*rest);
    return bytes_cut(rest, ' ');
}

static enum status
parse_number(struct bytes text, uint64_t *ret_value)
{
    return bytes_parse_u64(text, UINT64_MAX, ret_value);
}

enum status
load_text_pressure(struct bytes text, const char *kind, uint64_t *ret_us)
{
    while (text.size > 0) {
        struct bytes line = take_line(&text);

        if (!bytes_equal_string(take_word(&line), kind)) {
            continue;
        }
        while (line.size > 0) {
            struct bytes word = take_word(&line);

            if (bytes_has_prefix(word, BYTES_LITERAL("total="))) {
                return parse_number(bytes_slice(word, 6, word.size), ret_us);
            }
        }
        return ST_INVALID;
    }
    return ST_NOT_FOUND;
}

enum status
load_text_number(struct bytes text, const char *name, uint64_t *ret_value)
{
    while (text.size > 0) {
        struct bytes line = take_line(&text);
        struct bytes word = take_word(&line);
        bool has_colon = bytes_has_suffix(word, BYTES_LITERAL(":"));
        uint64_t value;

        if (!bytes_equal_string(bytes_slice(word, 0, word.size - has_colon), name)) {
            continue;
        }
        if (parse_number(take_word(&line), &value) != ST_OK) {
            return ST_INVALID;
        }
        line = bytes_trim(line);
        if (line.size == 0) {
            *ret_value = value;
            return ST_OK;
        }
        if (!bytes_equal_string(line, "kB") || value > UINT64_MAX / 1024) {
            return ST_INVALID;
        }
        *ret_value = value * 1024;
        return ST_OK;
    }
    return ST_NOT_FOUND;
}

enum status
load_text_limit(struct bytes text, uint64_t *ret_bytes)
{
    struct bytes line = take_line(&text);

    if (bytes_equal_string(line, "max")) {
        *ret_bytes = LOAD_TEXT_UNLIMITED;
        return ST_OK;
    }
    return parse_number(line, ret_bytes);
}

enum status
load_text_running(struct bytes text, uint64_t *ret_count)
{
    struct bytes line = take_line(&text);
    struct bytes tasks;
    uint64_t all;
    uint64_t running;

    for (int i = 0; i < 3; i++) {
        (void)take_word(&line);
    }
    tasks = take_word(&line);
    if (bytes_find_char(tasks, 0, '/') == SIZE_MAX ||
        parse_number(bytes_cut(&tasks, '/'), &running) != ST_OK ||
        parse_number(tasks, &all) != ST_OK || running > all) {
        return ST_INVALID;
    }
    *ret_count = running;
    return ST_OK;
}

enum status
load_text_statm(struct bytes text, size_t index, uint64_t *ret_pages)
{
    struct bytes line = take_line(&text);

    for (size_t i = 0; i < index; i++) {
        (void)take_word(&line);
    }
    return parse_number(take_word(&line), ret_pages);
}

/* Is word one of the names in a list with commas between them? */
static bool
list_has(struct bytes list, const char *word)
{
    while (list.size > 0) {
        if (bytes_equal_string(bytes_cut(&list, ','), word)) {
            return true;
        }
    }
    return false;
}

/* Absolute, short enough, nothing that leads upwards, no terminator inside. */
static enum status
take_path(struct bytes path, char ret_path[LOAD_TEXT_PATH_SIZE])
{
    struct bytes rest = path;

    if (path.size == 0 || path.data[0] != '/' || path.size >= LOAD_TEXT_PATH_SIZE ||
        bytes_find_char(path, 0, '\0') != SIZE_MAX) {
        return ST_INVALID;
    }
    while (rest.size > 0) {
        if (bytes_equal_string(bytes_cut(&rest, '/'), "..")) {
            return ST_INVALID;
        }
    }
    memcpy(ret_path, path.data, path.size);
    ret_path[path.size] = '\0';
    return ST_OK;
}

enum status
load_text_cgroup(struct bytes text, const char *controller, char ret_path[LOAD_TEXT_PATH_SIZE])
{
    bool is_v2 = controller[0] == '\0';

    while (text.size > 0) {
        struct bytes line = take_line(&text);
        struct bytes number = bytes_cut(&line, ':');
        struct bytes controllers;

        if (bytes_find_char(line, 0, ':') == SIZE_MAX) {
            continue;
        }
        controllers = bytes_cut(&line, ':');
        if (is_v2 ? bytes_equal_string(number, "0") && controllers.size == 0
                  : list_has(controllers, controller)) {
            return take_path(line, ret_path);
        }
    }
    return ST_NOT_FOUND;
}

/* "36 25 0:30 / /sys/fs/cgroup/memory rw,relatime shared:15 - cgroup cgroup rw,memory" */
enum status
load_text_mount(struct bytes text, const char *controller, struct load_text_mount *ret_mount)
{
    bool is_v2 = controller[0] == '\0';

    while (text.size > 0) {
        struct bytes line = take_line(&text);
        size_t dash = bytes_find(line, 0, BYTES_LITERAL(" - "));
        struct load_text_mount mount;
        struct bytes end;
        struct bytes root;
        struct bytes directory;

        if (dash == SIZE_MAX) {
            continue;
        }
        end = bytes_slice(line, dash + 3, line.size);
        if (!bytes_equal_string(take_word(&end), is_v2 ? "cgroup2" : "cgroup")) {
            continue;
        }
        (void)take_word(&end); /* the source */
        if (!is_v2 && !list_has(take_word(&end), controller)) {
            continue;
        }
        for (int i = 0; i < 3; i++) {
            (void)take_word(&line);
        }
        root = take_word(&line);
        directory = take_word(&line);
        if (take_path(root, mount.root) != ST_OK ||
            take_path(directory, mount.directory) != ST_OK) {
            return ST_INVALID;
        }
        *ret_mount = mount;
        return ST_OK;
    }
    return ST_NOT_FOUND;
}
