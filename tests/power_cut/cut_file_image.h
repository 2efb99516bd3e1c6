/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes and the size of one file after the cut; the rules stand in cut_image.c.
 */
#ifndef TESTS_CUT_FILE_IMAGE_H
#define TESTS_CUT_FILE_IMAGE_H

#include <stdint.h>

#include "tests/power_cut/cut_nodes.h"
#include "tests/power_cut/cut_random.h"

enum cut_file_flavour {
    CUT_FILE_KEEP,
    CUT_FILE_DROP,
    CUT_FILE_PREFIX, /* changes before one moment */
    CUT_FILE_PAGES,  /* each page by itself */
    CUT_FILE_TORN,   /* each sector by itself */
    CUT_FILE_DRAWN,  /* any of the above, for each file */
};

struct cut_image_totals {
    int flavour;
    uint64_t entries;
    uint64_t entries_dropped;
    uint64_t files;
    uint64_t changes;
    uint64_t sectors;
    uint64_t sectors_old;
};

/* moment matters only for CUT_FILE_PREFIX; 0: drawn from the file's own changes. */
void cut_file_image_make(struct cut_node *node, struct cut_random *draws,
                         enum cut_file_flavour flavour, uint64_t moment,
                         struct cut_image_totals *totals);

#endif
