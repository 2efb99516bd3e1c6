/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_date.h"

#include "base/check.h"

#include "base/banned.h"

#define SECONDS_PER_DAY INT64_C(86400)
#define DATE_S_MIN INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define DATE_S_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
/* RFC 9110 5.6.7: a two-digit year more than 50 years ahead means the past century. */
#define YEARS_AHEAD_MAX 50

static const char DAY_NAMES[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const LONG_DAY_NAMES[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                              "Thursday", "Friday", "Saturday"};
static const char MONTH_NAMES[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct civil {
    int64_t year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
    int hour;
    int minute;
    int second;
};

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar.  The year is counted from
 * March, so that the leap day is its last. */
static int64_t
days_from_civil(int64_t year, int month, int day)
{
    int64_t march_year = month <= 2 ? year - 1 : year;
    int64_t era = (march_year >= 0 ? march_year : march_year - 399) / 400;
    int64_t year_of_era = march_year - era * 400;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static struct civil
civil_from_seconds(int64_t unix_s)
{
    int64_t days = unix_s / SECONDS_PER_DAY;
    int64_t rest = unix_s % SECONDS_PER_DAY;
    int64_t era, day_of_era, year_of_era, day_of_year, month_from_march;
    struct civil civil;

    if (rest < 0) {
        rest += SECONDS_PER_DAY;
        days--;
    }
    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day_of_era = days - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month_from_march = (5 * day_of_year + 2) / 153;
    civil.day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    civil.month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    civil.year = year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0);
    civil.hour = (int)(rest / 3600);
    civil.minute = (int)(rest / 60 % 60);
    civil.second = (int)(rest % 60);
    return civil;
}

static void
put_two(char *out, int value)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
}

void
http_date_format(int64_t unix_s, char *out)
{
    int64_t clamped = unix_s < DATE_S_MIN ? DATE_S_MIN : unix_s > DATE_S_MAX ? DATE_S_MAX : unix_s;
    struct civil civil = civil_from_seconds(clamped);
    int64_t days = days_from_civil(civil.year, civil.month, civil.day);
    int64_t day_of_week = ((days + 4) % 7 + 7) % 7;

    memcpy(out, "Sun, 00 Jan 0000 00:00:00 GMT", HTTP_DATE_SIZE + 1);
    memcpy(out, DAY_NAMES[day_of_week], 3);
    put_two(out + 5, civil.day);
    memcpy(out + 8, MONTH_NAMES[civil.month - 1], 3);
    put_two(out + 12, (int)(civil.year / 100));
    put_two(out + 14, (int)(civil.year % 100));
    put_two(out + 17, civil.hour);
    put_two(out + 20, civil.minute);
    put_two(out + 23, civil.second);
}

/* A cursor that stays where it is and fails once something does not fit. */
struct date_cursor {
    struct bytes rest;
    bool has_failed;
};

static int
take_digits(struct date_cursor *cursor, size_t count)
{
    int value = 0;

    if (cursor->rest.size < count) {
        cursor->has_failed = true;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        char c = cursor->rest.data[i];

        if (c < '0' || c > '9') {
            cursor->has_failed = true;
            return 0;
        }
        value = value * 10 + (c - '0');
    }
    cursor->rest = bytes_slice(cursor->rest, count, cursor->rest.size);
    return value;
}

static bool
take_literal(struct date_cursor *cursor, const char *text)
{
    struct bytes literal = bytes_of_string(text);

    if (!bytes_has_prefix(cursor->rest, literal)) {
        return false;
    }
    cursor->rest = bytes_slice(cursor->rest, literal.size, cursor->rest.size);
    return true;
}

static void
expect_literal(struct date_cursor *cursor, const char *text)
{
    if (!take_literal(cursor, text)) {
        cursor->has_failed = true;
    }
}

static int
take_month(struct date_cursor *cursor)
{
    for (int i = 0; i < 12; i++) {
        if (take_literal(cursor, MONTH_NAMES[i])) {
            return i + 1;
        }
    }
    cursor->has_failed = true;
    return 1;
}

static void
take_time(struct date_cursor *cursor, struct civil *civil)
{
    civil->hour = take_digits(cursor, 2);
    expect_literal(cursor, ":");
    civil->minute = take_digits(cursor, 2);
    expect_literal(cursor, ":");
    civil->second = take_digits(cursor, 2);
}

/* "06 Nov 1994 08:49:37 GMT" */
static void
take_fixed_form(struct date_cursor *cursor, struct civil *civil)
{
    civil->day = take_digits(cursor, 2);
    expect_literal(cursor, " ");
    civil->month = take_month(cursor);
    expect_literal(cursor, " ");
    civil->year = take_digits(cursor, 4);
    expect_literal(cursor, " ");
    take_time(cursor, civil);
    expect_literal(cursor, " GMT");
}

/* "06-Nov-94 08:49:37 GMT" */
static void
take_rfc850_form(struct date_cursor *cursor, int64_t now_s, struct civil *civil)
{
    int64_t this_year = civil_from_seconds(now_s).year;
    int64_t century = this_year - this_year % 100;

    civil->day = take_digits(cursor, 2);
    expect_literal(cursor, "-");
    civil->month = take_month(cursor);
    expect_literal(cursor, "-");
    civil->year = century + take_digits(cursor, 2);
    if (civil->year > this_year + YEARS_AHEAD_MAX) {
        civil->year -= 100;
    } else if (civil->year <= this_year - 100 + YEARS_AHEAD_MAX) {
        civil->year += 100;
    }
    expect_literal(cursor, " ");
    take_time(cursor, civil);
    expect_literal(cursor, " GMT");
}

/* "Nov  6 08:49:37 1994" */
static void
take_asctime_form(struct date_cursor *cursor, struct civil *civil)
{
    civil->month = take_month(cursor);
    expect_literal(cursor, " ");
    civil->day = take_literal(cursor, " ") ? take_digits(cursor, 1) : take_digits(cursor, 2);
    expect_literal(cursor, " ");
    take_time(cursor, civil);
    expect_literal(cursor, " ");
    civil->year = take_digits(cursor, 4);
}

static void
take_date(struct date_cursor *cursor, int64_t now_s, struct civil *civil)
{
    for (size_t i = 0; i < ARRAY_COUNT(DAY_NAMES); i++) {
        if (take_literal(cursor, LONG_DAY_NAMES[i])) {
            expect_literal(cursor, ", ");
            take_rfc850_form(cursor, now_s, civil);
            return;
        }
        if (take_literal(cursor, DAY_NAMES[i])) {
            if (take_literal(cursor, ", ")) {
                take_fixed_form(cursor, civil);
            } else {
                expect_literal(cursor, " ");
                take_asctime_form(cursor, civil);
            }
            return;
        }
    }
    cursor->has_failed = true;
}

static int
days_in_month(int64_t year, int month)
{
    static const int DAYS[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return DAYS[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

enum status
http_date_parse(struct bytes text, int64_t now_s, int64_t *ret_unix_s)
{
    struct date_cursor cursor = {text, false};
    struct civil civil = {0};

    take_date(&cursor, now_s, &civil);
    if (cursor.has_failed || cursor.rest.size != 0 || civil.day < 1 ||
        civil.day > days_in_month(civil.year, civil.month) || civil.hour > 23 ||
        civil.minute > 59 || civil.second > 60) {
        return ST_INVALID;
    }
    *ret_unix_s = days_from_civil(civil.year, civil.month, civil.day) * SECONDS_PER_DAY +
                  civil.hour * 3600 + civil.minute * 60 + civil.second;
    return ST_OK;
}
