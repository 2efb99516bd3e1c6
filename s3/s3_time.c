/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_time.h"

#include "base/clock.h"
#include "base/xml_writer.h"

#include "base/banned.h"

#define SECONDS_PER_DAY 86400
/* 0000-01-01 and 9999-12-31T23:59:59. */
#define SECONDS_MIN INT64_C(-62167219200)
#define SECONDS_MAX INT64_C(253402300799)

static void
put_digits(char *out, size_t count, int64_t value)
{
    while (count > 0) {
        out[--count] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* Year, month and day of the proleptic Gregorian calendar, from days since 1970-01-01. */
static void
put_date(char *out, int64_t days)
{
    int64_t shifted = days + 719468; /* since 0000-03-01 */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_index = (5 * day_of_year + 2) / 153; /* 0: March */
    int64_t month = month_index < 10 ? month_index + 3 : month_index - 9;

    put_digits(out, 4, year_of_era + era * 400 + (month <= 2));
    put_digits(out + 5, 2, month);
    put_digits(out + 8, 2, day_of_year - (153 * month_index + 2) / 5 + 1);
}

void
s3_time_format(int64_t wall_ns, char *out)
{
    int64_t seconds = wall_ns / CLOCK_NS_PER_S;
    int64_t rest_ns = wall_ns % CLOCK_NS_PER_S;
    int64_t days;
    int64_t of_day;

    if (rest_ns < 0) {
        rest_ns += CLOCK_NS_PER_S;
        seconds--;
    }
    seconds = seconds < SECONDS_MIN ? SECONDS_MIN : seconds;
    seconds = seconds > SECONDS_MAX ? SECONDS_MAX : seconds;
    days = (seconds >= 0 ? seconds : seconds - (SECONDS_PER_DAY - 1)) / SECONDS_PER_DAY;
    of_day = seconds - days * SECONDS_PER_DAY;
    memcpy(out, "0000-00-00T00:00:00.000Z", S3_TIME_SIZE);
    put_date(out, days);
    put_digits(out + 11, 2, of_day / 3600);
    put_digits(out + 14, 2, of_day / 60 % 60);
    put_digits(out + 17, 2, of_day % 60);
    put_digits(out + 20, 3, rest_ns / CLOCK_NS_PER_MS);
}

void
s3_time_element(struct buffer *out, const char *name, int64_t wall_ns)
{
    char text[S3_TIME_SIZE];

    s3_time_format(wall_ns, text);
    xml_element(out, name, bytes_of(text, sizeof(text)));
}
