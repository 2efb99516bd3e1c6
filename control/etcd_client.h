/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to an etcd cluster through the JSON gateway of any of its members: one call, one attempt or
 * as many as fit into a time.  A member that fails is left for the next in the list.  Any thread
 * that may wait.
 */
#ifndef CONTROL_ETCD_CLIENT_H
#define CONTROL_ETCD_CLIENT_H

#include "control/control_etcd.h"
#include "net/http_client.h"

#define ETCD_ENDPOINT_COUNT_MAX 16
/* One attempt at one member (ms): longer than a slow sync of its disk, short enough that a second
 * member is asked within CONTROL_CHANGE_TIMEOUT_MS. */
#define ETCD_ATTEMPT_TIMEOUT_MS 2500
/* Pauses between attempts double from the first to the last, each with up to half of it as jitter,
 * so that the nodes do not come back in step (ms). */
#define ETCD_BACKOFF_MIN_MS 20
#define ETCD_BACKOFF_MAX_MS 2000
/* Of a page of values: beyond it the page is read in smaller ones. */
#define ETCD_ANSWER_BYTES_MAX ((size_t)32 << 20)

struct etcd_client;

/* ST_INVALID with a sentence: endpoints, files, plain HTTP. */
MUST_USE enum status etcd_client_create(const struct control_etcd_options *options,
                                        struct etcd_client **ret_client, struct error *err);
void etcd_client_destroy(struct etcd_client **take_client);
struct http_client *etcd_client_http(struct etcd_client *client);

/* Which member is asked now, and its URL without a path; borrowed. */
size_t etcd_client_member(struct etcd_client *client);
const char *etcd_client_url(struct etcd_client *client, size_t member);
size_t etcd_client_member_count(const struct etcd_client *client);
/* It failed: the next one is asked from now on. */
void etcd_client_leave(struct etcd_client *client, size_t member);

/*
 * One attempt at one member.  ret_body is the caller's to release.  ST_NOT_FOUND, ST_PRECONDITION
 * (compacted), ST_TOO_LARGE, ST_NO_SPACE, ST_DENIED, ST_INVALID: etcd's answer, nothing was
 * changed. ST_UNAVAILABLE: no answer, whatever the reason; ret_may_have_effect says whether the
 * request may have arrived.
 */
MUST_USE enum status etcd_client_try(struct etcd_client *client, size_t member, const char *path,
                                     struct bytes body, int64_t timeout_ms, struct buffer *ret_body,
                                     bool *ret_may_have_effect, struct error *err);
/* Attempts at one member after the other until one answers or timeout_ms has passed; for calls that
 * may be repeated.  ST_DENIED only if all members say so. */
MUST_USE enum status etcd_client_call(struct etcd_client *client, const char *path,
                                      struct bytes body, int64_t timeout_ms,
                                      struct buffer *ret_body, struct error *err);

/* The n-th pause (0 is the first) in ms. */
int64_t etcd_backoff_ms(unsigned n);
/* Sleep the n-th pause, but not beyond deadline_ns (monotonic).  False: that has come, or there is
 * no time. */
bool etcd_client_pause(const struct etcd_client *client, unsigned n, int64_t deadline_ns);
/* See control_hurry. */
void etcd_client_hurry(struct etcd_client *client);

/* "key":"<base64 of prefix and key>" and the like, for requests. */
void etcd_append_base64(struct buffer *out, struct bytes first, struct bytes second);

#endif
