/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_date.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define NOW_S INT64_C(1795166400) /* 2026-11-20T08:00:00Z */

static void
expect_date(int64_t expected, const char *text)
{
    int64_t unix_s = -1;

    EXPECT_STATUS(ST_OK, http_date_parse(bytes_of_string(text), NOW_S, &unix_s));
    EXPECT_INT(expected, unix_s);
}

static void
expect_no_date(const char *text)
{
    int64_t unix_s;

    EXPECT_STATUS(ST_INVALID, http_date_parse(bytes_of_string(text), NOW_S, &unix_s));
}

/* The example of the RFC in its three forms.  SPEC: RFC 9110 5.6.7 */
TEST(all_three_forms_are_read)
{
    expect_date(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
    expect_date(784111777, "Sunday, 06-Nov-94 08:49:37 GMT");
    expect_date(784111777, "Sun Nov  6 08:49:37 1994");
}

/* A two-digit year more than 50 years ahead belongs to the past.  SPEC: RFC 9110 5.6.7 */
TEST(two_digit_years_are_the_nearest)
{
    int64_t unix_s = 0;

    expect_date(INT64_C(3345321600), "Saturday, 04-Jan-76 00:00:00 GMT");
    expect_date(INT64_C(220924800), "Saturday, 01-Jan-77 00:00:00 GMT");

    /* Near the end of a century the nearest may lie in the next. */
    EXPECT_STATUS(ST_OK, http_date_parse(BYTES_LITERAL("Friday, 01-Jan-10 00:00:00 GMT"),
                                         INT64_C(3786912000) /* 2090 */, &unix_s));
    EXPECT_INT(INT64_C(4417977600), unix_s); /* 2110 */
}

/* Bytes around, wrong days, wrong times and foreign zones are refused. */
TEST(malformed_dates_are_refused)
{
    static const char *const BAD[] = {
        "",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov -994 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
    };

    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        expect_no_date(BAD[i]);
    }
}

TEST(leap_days_are_dates)
{
    expect_date(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
    expect_date(INT64_C(1709164800), "Thu, 29 Feb 2024 00:00:00 GMT");
    expect_no_date("Wed, 29 Feb 2023 00:00:00 GMT");
}

/* What is written is read back, for any second of ten thousand years. */
TEST(written_dates_are_read_back)
{
    struct prng prng = test_prng();
    char text[HTTP_DATE_SIZE + 1];

    for (int i = 0; i < 20000; i++) {
        int64_t unix_s = (int64_t)prng_below(&prng, UINT64_C(315569519999)) - INT64_C(62167219200);

        http_date_format(unix_s, text);
        EXPECT_INT(HTTP_DATE_SIZE, strlen(text));
        expect_date(unix_s, text);
    }
}

TEST(known_dates_are_written)
{
    char text[HTTP_DATE_SIZE + 1];

    http_date_format(784111777, text);
    EXPECT_STRING("Sun, 06 Nov 1994 08:49:37 GMT", text);
    http_date_format(0, text);
    EXPECT_STRING("Thu, 01 Jan 1970 00:00:00 GMT", text);
    http_date_format(-1, text);
    EXPECT_STRING("Wed, 31 Dec 1969 23:59:59 GMT", text);
    http_date_format(INT64_MAX, text);
    EXPECT_STRING("Fri, 31 Dec 9999 23:59:59 GMT", text);
}
