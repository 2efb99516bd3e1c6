/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the model's client share.  Nobody else includes this. */
#ifndef TESTS_UNIT_PEER_MODEL_CLIENT_INTERNAL_H
#define TESTS_UNIT_PEER_MODEL_CLIENT_INTERNAL_H

#include "tests/unit/peer/model_client.h"

size_t model_size(uint64_t content);
void model_fill(uint64_t content, struct buffer *out);
uint64_t model_new_content(struct model_client *client);

/* Through any node.  The answer's status; 0: none. */
int model_ask(struct model_client *client, const char *method, const char *target,
              const char *const *headers, struct bytes body);
int model_ask_key(struct model_client *client, const char *method, const struct model_slot *slot,
                  const char *query, const char *const *headers, struct bytes body);
/* The answer is one that cannot be. */
void model_wrong(struct model_client *client, const struct model_slot *slot, const char *what);
/* True: no answer, or a 5xx, which only a disturbance explains. */
bool model_is_unanswered(struct model_client *client, const struct model_slot *slot,
                         const char *what);

void model_new_key(struct model_client *client, struct model_slot *slot);
/* The write may have been done, or be done yet: the slot gets another key. */
void model_doubt_write(struct model_client *client, struct model_slot *slot, uint64_t content);
void model_look_at_doubts(struct model_client *client);
/* The answer is that of the write. */
void model_wrote(struct model_client *client, struct model_slot *slot, uint64_t content);

void model_get(struct model_client *client, struct model_slot *slot);
void model_head(struct model_client *client, struct model_slot *slot);
void model_put(struct model_client *client, struct model_slot *slot);
void model_put_if(struct model_client *client, struct model_slot *slot);
void model_delete(struct model_client *client, struct model_slot *slot);
void model_copy(struct model_client *client, struct model_slot *slot);

void model_delete_some(struct model_client *client);
void model_list(struct model_client *client);
/* Begin an upload, send its parts, complete or abort one that was begun, complete one again. */
void model_upload(struct model_client *client);

#endif
