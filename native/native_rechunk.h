/* SPDX-License-Identifier: Apache-2.0 */
/* Rechunk, as AIStore's clients start it: by an action on a bucket, or as a job of that kind. */
#ifndef NATIVE_NATIVE_RECHUNK_H
#define NATIVE_NATIVE_RECHUNK_H

#include "native/native_call.h"

/* PUT /v1/cluster {"action": "start", "value": {"Kind": "rechunk", "Bck": {...}}}: by the bucket's
 * properties. */
MUST_USE ON_WORKER enum status native_rechunk_start(struct native_call *call, struct error *err);

#endif
