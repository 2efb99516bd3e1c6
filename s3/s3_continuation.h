/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Continuation tokens: opaque to clients, the last name of the page in base64 with a mark of our
 * own in front, so that a token of another store or a key given by mistake is refused.
 */
#ifndef S3_S3_CONTINUATION_H
#define S3_S3_CONTINUATION_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

void s3_continuation_element(struct buffer *out, const char *name, struct bytes last);
/* ST_INVALID (InvalidArgument): not a token that we gave. */
MUST_USE enum status s3_continuation_parse(struct bytes token, struct arena *arena,
                                           struct bytes *ret_last, struct error *err);

#endif
