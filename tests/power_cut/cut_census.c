/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/cut_census.h"

#include <ctype.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/power_cut/cut_calls.h"
#include "tests/power_cut/cut_config.h"

#include "base/banned.h"

/* Kinds of syncs of one program: some tens. */
#define CENSUS_MAX 256
#define CENSUS_PATH_SIZE 256

static struct {
    char call[12];
    char path[CENSUS_PATH_SIZE];
    uint64_t count;
} rows[CENSUS_MAX];
static unsigned row_count;
static pthread_mutex_t census_lock = PTHREAD_MUTEX_INITIALIZER;
static const char *census_path;

void
cut_census_load(void)
{
    census_path = getenv("POWERCUT_CENSUS");
}

/* Ids (hexadecimal, with dashes) and numbers become #. */
static size_t
id_length(const char *text)
{
    size_t length = 0;
    while (isxdigit((unsigned char)text[length]) || text[length] == '-') {
        length++;
    }
    return text[length] == '/' || text[length] == '\0' ? length : 0;
}

static void
normalise(const char *path, char out[CENSUS_PATH_SIZE])
{
    size_t size = 0;
    bool is_begin = true;
    while (*path != '\0' && size < CENSUS_PATH_SIZE - 1) {
        size_t skipped = is_begin ? id_length(path) : 0;
        skipped = skipped >= 2 ? skipped : 0;
        while (skipped == 0 && isdigit((unsigned char)*path) && isdigit((unsigned char)path[1])) {
            path++;
        }
        is_begin = *path == '/';
        out[size++] = skipped > 0 || isdigit((unsigned char)*path) ? '#' : *path;
        path += skipped > 0 ? skipped : 1;
    }
    out[size] = '\0';
}

void
cut_census_note(const char *call, const char *path)
{
    char name[CENSUS_PATH_SIZE];
    if (census_path == NULL) {
        return;
    }
    size_t root = strlen(cut_config.roots[0]);
    bool is_below = strncmp(path, cut_config.roots[0], root) == 0;
    normalise(is_below ? path + root : path, name);
    pthread_mutex_lock(&census_lock);
    unsigned i = 0;
    while (i < row_count && (strcmp(rows[i].call, call) != 0 || strcmp(rows[i].path, name) != 0)) {
        i++;
    }
    if (i == row_count && row_count < CENSUS_MAX) {
        snprintf(rows[i].call, sizeof(rows[i].call), "%s", call);
        snprintf(rows[i].path, sizeof(rows[i].path), "%s", name);
        row_count++;
    }
    if (i < CENSUS_MAX) {
        rows[i].count++;
    }
    pthread_mutex_unlock(&census_lock);
}

void
cut_census_write(void)
{
    char line[CENSUS_PATH_SIZE + 64];
    if (census_path == NULL) {
        return;
    }
    int fd = cut_sys_openat(AT_FDCWD, census_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    for (unsigned i = 0; i < row_count && fd >= 0; i++) {
        int length = snprintf(line, sizeof(line), "%s %s %llu\n", rows[i].call, rows[i].path,
                              (unsigned long long)rows[i].count);
        (void)!syscall(SYS_write, fd, line, (size_t)length);
    }
    if (fd >= 0) {
        syscall(SYS_close, fd);
    }
}
