/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/crash_mutants.h"

#include "base/banned.h"

const struct crash_mutant crash_mutants[] = {
    /* The commit. */
    {"log", NULL, "*/meta/*.log:file", CRASH_MUTANT_LOAD},
    {"pack_sync", "pack_sync", NULL, CRASH_MUTANT_LOAD},
    {"pack_directory_sync", "pack_directory_sync", NULL, CRASH_MUTANT_LOAD},
    {"pack_header_sync", "pack_header_sync", NULL, CRASH_MUTANT_COVERED}, /* by pack_sync */
    {"pack_renew_sync", "pack_renew_sync", NULL, CRASH_MUTANT_COVERED},   /* by pack_sync */
    {"pack_renew_directory_sync", "pack_renew_directory_sync", NULL, CRASH_MUTANT_LOAD},
    {"chunk_sync", "chunk_sync", NULL, CRASH_MUTANT_LOAD},
    {"chunk_directory_sync", "chunk_directory_sync", NULL, CRASH_MUTANT_LOAD},
    {"shared_chunk_sync", "shared_chunk_sync", NULL, CRASH_MUTANT_COPY},
    {"shared_chunk_directory_sync", "shared_chunk_directory_sync", NULL, CRASH_MUTANT_COPY},
    /* Relaxed buckets. */
    {"lazy log", NULL, "*/meta/*.log:file", CRASH_MUTANT_LAZY},
    {"pack_lazy_sync", "pack_lazy_sync", NULL, CRASH_MUTANT_LAZY},
    {"chunk_lazy_sync", "chunk_lazy_sync", NULL, CRASH_MUTANT_LAZY},
    {"chunk_lazy_directory", "chunk_lazy_directory", NULL, CRASH_MUTANT_LAZY},
    /* Mountpaths that come and go. */
    /* by chunk_sync, or within what a relaxed bucket may lose */
    {"chunk_link_sync", "chunk_link_sync", NULL, CRASH_MUTANT_COVERED},
    {"chunk_link_directory_sync", "chunk_link_directory_sync", NULL, CRASH_MUTANT_MOVES},
    /* What is made once. */
    {"control log", NULL, "*/control/*.log:file", CRASH_MUTANT_FIRST},
    {"control directory", NULL, "*/store/data:dir", CRASH_MUTANT_FIRST},
    {"node log", NULL, "*/node/*.log:file", CRASH_MUTANT_FIRST},
    {"parent_directory_sync", "parent_directory_sync", NULL, CRASH_MUTANT_FIRST},
    {"identity_sync", "identity_sync", NULL, CRASH_MUTANT_FIRST},
    {"identity_directory_sync", "identity_directory_sync", NULL, CRASH_MUTANT_FIRST},
    {"chunk_shards_sync", "chunk_shards_sync", NULL, CRASH_MUTANT_FIRST},
    {"chunk_parent_sync", "chunk_parent_sync", NULL, CRASH_MUTANT_FIRST},
    {"mountpath_sync", "mountpath_sync", NULL, CRASH_MUTANT_FIRST},
};

const struct crash_mutant crash_controls[] = {
    {"first start", NULL, NULL, CRASH_MUTANT_FIRST},
    {"copies between buckets", NULL, NULL, CRASH_MUTANT_COPY},
    {"late syncs", NULL, NULL, CRASH_MUTANT_LAZY},
    {"mountpaths that come and go", NULL, NULL, CRASH_MUTANT_MOVES},
};

const size_t crash_control_count = sizeof(crash_controls) / sizeof(crash_controls[0]);

const size_t crash_mutant_count = sizeof(crash_mutants) / sizeof(crash_mutants[0]);
