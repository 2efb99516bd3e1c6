/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work in the background that gives way to clients and to the load (rebalance, resilver): after
 * each piece a thread rests as long as the piece took, if clients asked for keys meanwhile, so they
 * get at least half of what it could use; what it does at a higher load is said in
 * base/load_rest.h.
 *
 *   begin -> the piece -> end (rests)
 */
#ifndef OBJECT_CLIENT_REST_H
#define OBJECT_CLIENT_REST_H

#include "base/affinity.h"
#include "base/load_rest.h"
#include "object/object_store.h"

struct client_rest {
    struct object_store *store;
    uint64_t asked_count;
    struct load_rest rest;
};

/* May wait long where the load is critical: nothing that others need is held, and is_stopped ends
 * it (NULL: nothing does). */
void client_rest_begin(struct client_rest *rest, struct object_store *store,
                       load_rest_stop_fn *is_stopped, void *arg);
/* The same for who holds a pin meanwhile: nothing is waited for. */
void client_rest_begin_pinned(struct client_rest *rest, struct object_store *store);
/* is_over: the piece was nothing, or the work ends: no rest. */
void client_rest_end(struct client_rest *rest, bool is_over);

/* A client asks for a key.  Any thread; costs a load where nothing is at work. */
void client_rest_note_asked(struct object_store *store);

#endif
