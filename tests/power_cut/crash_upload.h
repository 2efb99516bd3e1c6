/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multipart uploads under crash test: steps of the load, and what a restart must find of them.
 * All are uploads to the strict bucket.
 */
#ifndef TESTS_CRASH_UPLOAD_H
#define TESTS_CRASH_UPLOAD_H

#include <pthread.h>

#include "object/object_put.h"
#include "tests/power_cut/crash_store.h"

/* One step with a drawn upload: begin it, put a part (again), complete it or abort it.  key_locks:
 * of the strict bucket's keys. */
void crash_upload_step(struct crash_store *crash, struct prng *prng, struct crash_content *content,
                       pthread_mutex_t *key_locks);

/* After a restart, no load running: every upload is as promised; what was under way is finished. */
void crash_upload_verify(struct crash_store *crash, struct crash_content *content);

/* An operation did not succeed.  Without faults only refusals that ask for a retry are expected. */
void crash_upload_note_failure(struct crash_store *crash, enum status st, const char *what,
                               const struct error *err);

/* One PutObject or UploadPart with its body. */
MUST_USE enum status crash_upload_send(struct crash_store *crash, unsigned bucket,
                                       const struct object_put_options *options, struct bytes body,
                                       struct prng *prng, struct object_put_result *ret_result,
                                       struct error *err);

#endif
