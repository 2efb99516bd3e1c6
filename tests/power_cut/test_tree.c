/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/test_tree.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

/* Directories that are held open while a tree is walked. */
#define TREE_DESCRIPTORS_MAX 32

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)remove(path);
    return 0;
}

void
test_tree_remove(const char *path)
{
    (void)nftw(path, remove_one, TREE_DESCRIPTORS_MAX, FTW_DEPTH | FTW_PHYS);
}
