/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of net/http_channel.h share: the exchange on a connection (http_channel.c),
 * and how there comes to be one (http_channel_open.c). */
#ifndef NET_HTTP_CHANNEL_INTERNAL_H
#define NET_HTTP_CHANNEL_INTERNAL_H

#include "net/http_channel.h"

void http_channel_move(struct http_channel *channel, enum http_channel_state state);
void http_channel_expect(struct http_channel *channel, enum http_timer kind);
void http_channel_set_reading(struct http_channel *channel, bool is_reading);
/* The end of it; `changed` comes in the next turn. */
void http_channel_lose_later(struct http_channel *channel, enum status st, const char *sentence);
void http_channel_destroy(struct http_channel *channel);
void http_channel_send_head(struct http_channel *channel);
void http_channel_on_writable(h2o_socket_t *socket, const char *failure);
void http_channel_on_timer(h2o_timeout_entry_t *timer);
void http_channel_run_failed(struct loop_task *task);

void http_channel_close_socket(struct http_channel *channel);

/* The name server was silent for too long: with what is known from earlier, or the end. */
void http_channel_end_resolving(struct http_channel *channel);
/* The address that was tried cannot be reached. */
void http_channel_try_next(struct http_channel *channel);
/* The socket is connected. */
void http_channel_begin_wire(struct http_channel *channel);
void http_channel_shake_hands(struct http_channel *channel);

#endif
