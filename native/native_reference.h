/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contracts of all routes as one JSON document, from which tools/make-openapi writes the
 * reference docs/openapi.yaml:
 *
 *   {"routes": [{"name", "method", "path", "selector", "action", "body", "doc",
 *                "bucket_optional", "action_optional", "needs": [field], "query": [field],
 * "headers": [field], "takes", "answers": [{"status", "media", "schema", "doc", "headers"}],
 * "fails": [status], "example": {...}}], "shapes": {name: schema}, "of_buckets": [field]}
 *
 * Members without a value are left out.  For `loded --print-native-api`.  Pure, any thread.
 */
#ifndef NATIVE_NATIVE_REFERENCE_H
#define NATIVE_NATIVE_REFERENCE_H

#include "base/bytes.h"

void native_reference_append(struct buffer *out);

#endif
