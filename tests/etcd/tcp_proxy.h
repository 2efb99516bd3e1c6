/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network that can fail, between a client and one server on loopback: a thread that forwards TCP
 * connections, cuts them, freezes them, or loses answers.  Any thread may change its ways.
 */
#ifndef TESTS_ETCD_TCP_PROXY_H
#define TESTS_ETCD_TCP_PROXY_H

#include <stdint.h>

struct tcp_proxy;

struct tcp_proxy *tcp_proxy_start(uint16_t port); /* of the server */
void tcp_proxy_stop(struct tcp_proxy **take_proxy);
uint16_t tcp_proxy_port(const struct tcp_proxy *proxy);

/* All connections are closed, and new ones as soon as they come, until tcp_proxy_mend. */
void tcp_proxy_cut(struct tcp_proxy *proxy);
/* Connections that are open now carry nothing any more; new ones do. */
void tcp_proxy_freeze(struct tcp_proxy *proxy);
void tcp_proxy_mend(struct tcp_proxy *proxy);
/* Of the next count requests that begin with what ("POST /v3/kv/txn"; a literal) the answer is lost
 * and the connection closed: the server has done what was asked. */
void tcp_proxy_lose_answers(struct tcp_proxy *proxy, const char *what, int count);
/* How many were lost so. */
int tcp_proxy_lost_count(struct tcp_proxy *proxy);

#endif
