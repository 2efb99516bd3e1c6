/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A progress bar on standard error, drawn only when that is a terminal and --json was not given:
 *
 *   photos.tar   62% [===================>            ]  1.2 GiB of 2.0 GiB  410 MiB/s  0:02
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *name; /* borrowed */
    uint64_t total;   /* bytes; 0: not known */
    uint64_t done;
    int64_t started_ns;
    int64_t drawn_ns;
    bool is_shown;
};

void progress_begin(struct progress *progress, const char *name, uint64_t total, bool is_wanted);
void progress_update(struct progress *progress, uint64_t done);
/* Removes the bar, so that the result stands where it was. */
void progress_end(struct progress *progress);

/* "17 B", "4.0 KiB", "1.2 GiB"; out: at least 16 bytes. */
void progress_format_size(uint64_t size, char *out, size_t out_size);

#endif
