/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates of HTTP headers (RFC 9110 5.6.7): written in the fixed form, read in all three.  Pure
 * functions, any thread.
 */
#ifndef NET_HTTP_DATE_H
#define NET_HTTP_DATE_H

#include "base/bytes.h"
#include "base/status.h"

#define HTTP_DATE_SIZE 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* out: HTTP_DATE_SIZE bytes and a NUL.  Years 0 to 9999, others are clamped. */
void http_date_format(int64_t unix_s, char *out);
/* IMF-fixdate, RFC 850 and asctime; the name of the day is not compared with the date.  ST_INVALID
 * for anything else.  Two-digit years are the ones nearest to now_s that lie at most 50 years
 * ahead. */
MUST_USE enum status http_date_parse(struct bytes text, int64_t now_s, int64_t *ret_unix_s);

#endif
