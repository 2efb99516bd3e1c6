/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/amz_date.h"

#include <stdio.h>
#include <time.h>

#include "base/check.h"

#include "base/banned.h"

/* Where the digits of each number stand. */
static const struct {
    unsigned char from;
    unsigned char to;
} NUMBERS[] = {{0, 4}, {4, 6}, {6, 8}, {9, 11}, {11, 13}, {13, 15}};

bool
amz_date_parse(struct bytes text, int64_t *ret_time_s)
{
    uint64_t numbers[6];
    struct tm tm = {0};
    struct tm again;
    time_t time_s;

    if (text.size != AMZ_DATE_SIZE || text.data[8] != 'T' || text.data[15] != 'Z') {
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(NUMBERS); i++) {
        if (bytes_parse_u64(bytes_slice(text, NUMBERS[i].from, NUMBERS[i].to), 9999, &numbers[i]) !=
            ST_OK) {
            return false;
        }
    }
    tm.tm_year = (int)numbers[0] - 1900;
    tm.tm_mon = (int)numbers[1] - 1;
    tm.tm_mday = (int)numbers[2];
    tm.tm_hour = (int)numbers[3];
    tm.tm_min = (int)numbers[4];
    tm.tm_sec = (int)numbers[5];
    if (numbers[0] < 1970 || numbers[3] > 23 || numbers[4] > 59 || numbers[5] > 59) {
        return false;
    }
    again = tm;
    time_s = timegm(&again); /* normalises what is no date: 31 February */
    if (again.tm_mon != tm.tm_mon || again.tm_mday != tm.tm_mday) {
        return false;
    }
    *ret_time_s = time_s;
    return true;
}

void
amz_date_format(int64_t time_s, char out[AMZ_DATE_SIZE + 1])
{
    time_t time = time_s;
    struct tm tm;
    char text[64];

    CHECK(gmtime_r(&time, &tm) != NULL && tm.tm_year >= 70 && tm.tm_year + 1900 <= 9999);
    snprintf(text, sizeof(text), "%04d%02d%02dT%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    memcpy(out, text, AMZ_DATE_SIZE + 1);
}
