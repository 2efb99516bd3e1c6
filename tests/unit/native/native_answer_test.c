/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_answer.h"

#include "tests/unit/test.h"

#include "base/banned.h"

/* A failure is never told as a success, and what may be tried again is not told as a bad request.
 */
TEST(every_status_has_an_http_status_of_its_kind)
{
    for (int st = ST_OK + 1; st < STATUS_COUNT; st++) {
        int http_status = native_http_status((enum status)st);

        EXPECT(http_status >= 400 && http_status < 600);
    }
    EXPECT_INT(401, native_http_status(ST_SIGNATURE_MISMATCH));
    EXPECT_INT(403, native_http_status(ST_DENIED));
    EXPECT_INT(404, native_http_status(ST_NOT_FOUND));
    EXPECT_INT(429, native_http_status(ST_BUSY));
    EXPECT_INT(500, native_http_status(ST_CORRUPT));
    EXPECT_INT(503, native_http_status(ST_UNAVAILABLE));
}
