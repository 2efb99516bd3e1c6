/* SPDX-License-Identifier: Apache-2.0 */
/* Times as S3's documents show them.  Pure functions, any thread. */
#ifndef S3_S3_TIME_H
#define S3_S3_TIME_H

#include <stdint.h>

#include "base/bytes.h"

/* "2026-11-20T09:15:00.123Z" */
#define S3_TIME_SIZE 24

/* Writes S3_TIME_SIZE bytes, no NUL; years 0 to 9999, others are clamped. */
void s3_time_format(int64_t wall_ns, char *out);
/* The element with that time. */
void s3_time_element(struct buffer *out, const char *name, int64_t wall_ns);

#endif
