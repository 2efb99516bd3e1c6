/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <errno.h>

#include "tests/unit/test.h"

#include "base/banned.h"

TEST(fail_sets_code_place_and_sentence)
{
    struct error err = ERROR_INIT;

    errno = ENOSPC;
    EXPECT_STATUS(ST_NO_SPACE, fail_errno(&err, ST_NO_SPACE, "Chunk %d cannot be written", 7));
    EXPECT_INT(ST_NO_SPACE, err.code);
    EXPECT_INT(ENOSPC, err.sys_errno);
    EXPECT_INT(ENOSPC, errno);
    EXPECT_STRING("Chunk 7 cannot be written: No space left on device", err.text);
}

TEST(an_overlong_sentence_is_cut)
{
    struct error err = ERROR_INIT;

    EXPECT_STATUS(ST_INVALID, fail(&err, ST_INVALID, "%2000d", 1));
    EXPECT_INT(ERROR_TEXT_SIZE - 1, strlen(err.text));
}

TEST(nobody_has_to_want_the_sentence)
{
    EXPECT_STATUS(ST_BUSY, fail(NULL, ST_BUSY, "queue full"));
    EXPECT(status_is_retryable(ST_BUSY));
    EXPECT(!status_is_retryable(ST_INVALID));
    EXPECT_STRING("ST_BUSY", status_name(ST_BUSY));
}
