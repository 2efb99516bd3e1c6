/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the disk holds after the cut.  Runs once, in the forked child, when every thread of the
 * program is stopped and nothing else changes the tracked directories.
 */
#ifndef TESTS_CUT_IMAGE_H
#define TESTS_CUT_IMAGE_H

/* Undoes a seeded, legal choice of everything that no sync has made durable. */
void cut_image_make(void);

/* Appends the line of the report for a process that ends without a cut. */
void cut_image_report_exit(void);

#endif
