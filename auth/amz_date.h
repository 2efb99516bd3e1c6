/* SPDX-License-Identifier: Apache-2.0 */
/* The one form of time that SigV4 knows: ISO 8601 basic, UTC, "20261120T091500Z".  Pure. */
#ifndef AUTH_AMZ_DATE_H
#define AUTH_AMZ_DATE_H

#include "base/bytes.h"

#define AMZ_DATE_SIZE 16 /* without a NUL */

/* False: not of that form, or no such day. */
bool amz_date_parse(struct bytes text, int64_t *ret_time_s);
/* Years 1970 to 9999 (CHECKed); terminated. */
void amz_date_format(int64_t time_s, char out[AMZ_DATE_SIZE + 1]);

#endif
