/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AIStore's jobs over chosen objects of a bucket: delete or copy those of a list, a template, a
 * prefix; copy or move a whole bucket.  Of a name that is not there nothing is said.  A copy takes
 * over the source's checksum, custom metadata and S3's attributes.  Names of kinds are AIStore's.
 */
#ifndef JOBS_SELECTION_JOB_H
#define JOBS_SELECTION_JOB_H

#include "jobs/walk_job.h"

extern const struct walk_kind selection_summary; /* objects and bytes are counted */
extern const struct walk_kind selection_delete;
extern const struct walk_kind selection_copy;
extern const struct walk_kind selection_copy_bucket;
extern const struct walk_kind selection_move_bucket; /* the source is destroyed at the end */

#endif
