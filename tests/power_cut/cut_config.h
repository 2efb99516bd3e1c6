/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of the power-cut library, read once from POWERCUT_* variables when it is loaded.
 * They are written before the first tracked call and only read afterwards, by any thread.
 * README.md in this folder lists the variables.
 */
#ifndef TESTS_CUT_CONFIG_H
#define TESTS_CUT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

/* Directories that one process may track: more would mean a mistyped variable. */
#define CUT_ROOTS_MAX 16
/* Longest path that is compared with a root or a pattern. */
#define CUT_PATH_SIZE 4096

enum cut_model {
    /* The contract alone: only the directory's own fsync keeps an entry, a sector is what the disk
     * writes as a whole, a size may be there before its bytes. */
    CUT_MODEL_STRICT,
    /* What ext4 does: names survive as a prefix of journal order, a file's fsync keeps its own name
     * too, pages are written as a whole, a new page before the size that covers it. */
    CUT_MODEL_EXT4,
};

struct cut_config {
    bool is_active;
    enum cut_model model;
    char roots[CUT_ROOTS_MAX][CUT_PATH_SIZE];
    unsigned root_count;
    int undo_fd;      /* directory that keeps unlinked and replaced files */
    uint64_t at;      /* cut before the call with this number; 0: never */
    uint64_t seed;    /* of the image */
    int flavour;      /* of the image; -1: drawn */
    int trigger_fd;   /* a byte or end of file here cuts; -1: none */
    uint64_t sync_us; /* how long each sync takes */
    bool is_cut_on_exit;
    char report_path[CUT_PATH_SIZE]; /* one line is appended at cut or exit */
};

extern struct cut_config cut_config;

/* Reads the environment.  Ends the process with a sentence if a value makes no sense. */
void cut_config_load(void);

/* Whether an absolute, resolved path is one of the roots or below one. */
bool cut_config_tracks(const char *path);

/* The path that the kernel knows for an open descriptor; false if it has none.
 * path has CUT_PATH_SIZE bytes. */
bool cut_config_path_of(int fd, char *path);

/* Prints one sentence to stderr and aborts: the program did what this library cannot follow. */
_Noreturn void cut_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
