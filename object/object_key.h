/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules for the key of an object, the same for every verb.  Pure, any thread.
 */
#ifndef OBJECT_OBJECT_KEY_H
#define OBJECT_OBJECT_KEY_H

#include "base/bytes.h"
#include "base/status.h"

/* 1 to OBJECT_KEY_BYTES_MAX bytes of well-formed UTF-8 without NUL; else ST_INVALID, too long:
 * "KeyTooLongError".  SPEC: S3 object key names. */
MUST_USE enum status object_key_check(struct bytes key, struct error *err);

/* SPEC: S3 lists / CommonPrefixes: name up to and with the first delimiter behind prefix; empty:
 * the name stands for itself.  A view into name. */
struct bytes object_key_common_prefix(struct bytes name, struct bytes prefix,
                                      struct bytes delimiter);

#endif
