/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of nodes that are called by name: looked up by threads of its own, never on a loop, and
 * again whenever a connection is made and the last look-up is older than HOST_FRESH_MS, since the
 * nodes of a container platform keep their names and change their addresses.
 *
 *   loop:    find -> (ST_WOULD_WAIT) ask -> answer, on the loop; or cancel
 *   worker:  wait
 *
 * Many who ask for one name at once share one look-up.  A name that cannot be looked up now keeps
 * the addresses that it had: what is signed and certified says whether it is still that node.
 * Threads begin when there is something to look up and end when there is not; one that still waits
 * for a name server does not hold up the destruction.  Any thread but where marked.
 */
#ifndef NET_HOST_RESOLVER_H
#define NET_HOST_RESOLVER_H

#include "base/affinity.h"
#include "net/socket_address.h"

/* Addresses of one name that are tried, one after the other. */
#define HOST_ADDRESSES_MAX ((size_t)4)
/* An answer, also a bad one, is good for so long: a reconnecting cluster asks for each name once a
 * second. */
#define HOST_FRESH_MS 1000
/* Names that are remembered: twice the nodes of the largest cluster. */
#define HOST_NAMES_MAX ((size_t)512)
/* Look-ups at the same time; a name server that is away holds each for seconds. */
#define HOST_LOOKUPS_MAX 4
/* SPEC: RFC 1035 3.1 */
#define HOST_NAME_BYTES_MAX ((size_t)253)

struct event_loop;
struct host_resolver;
struct host_question;

struct host_addresses {
    size_t count;
    struct socket_address list[HOST_ADDRESSES_MAX];
};

/* Blocks.  ST_UNAVAILABLE, with a sentence. */
typedef enum status host_lookup_fn(const char *host, uint16_t port,
                                   struct host_addresses *ret_addresses, struct error *err);
/* addresses NULL: there are none; borrowed, as the sentence is. */
typedef void host_answer_fn(const struct host_addresses *addresses, const char *sentence,
                            void *arg);

/* lookup NULL: the system's, as /etc/nsswitch.conf says. */
struct host_resolver *host_resolver_create(host_lookup_fn *lookup);
/* After the last question was answered or cancelled. */
void host_resolver_destroy(struct host_resolver **take_resolver);

/* text: "host:port".  ST_OK: it is a number, or was looked up just now.  ST_WOULD_WAIT. ST_INVALID:
 * no address.  ST_UNAVAILABLE: looked up just now in vain.  Does not wait. */
MUST_USE enum status host_resolver_find(struct host_resolver *resolver, struct bytes text,
                                        struct host_addresses *ret_addresses, struct error *err);
/* After a find that would wait.  answer comes once, never inside this call. */
ON_LOOP struct host_question *host_resolver_ask(struct host_resolver *resolver, struct bytes text,
                                                struct event_loop *loop, host_answer_fn *answer,
                                                void *arg);
/* Its answer does not come any more; what is known of the name from earlier: false, nothing. */
ON_LOOP bool host_question_cancel(struct host_question **take_question,
                                  struct host_addresses *ret_addresses);
/* As find, but waits up to timeout_ms. */
MUST_USE ON_WORKER enum status host_resolver_wait(struct host_resolver *resolver, struct bytes text,
                                                  int64_t timeout_ms,
                                                  struct host_addresses *ret_addresses,
                                                  struct error *err);

/* Is it "host:port" with a name or a number?  ST_INVALID. */
MUST_USE enum status host_address_check(struct bytes text, struct error *err);

#endif
