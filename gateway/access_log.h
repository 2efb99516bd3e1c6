/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access log: one JSON line per finished request.  Loops append to a buffer in memory; a thread
 * of its own writes it out, so that a slow disk never stalls a loop.  If the buffer is full, lines
 * are dropped and counted (lode_access_log_dropped_total).
 */
#ifndef GATEWAY_ACCESS_LOG_H
#define GATEWAY_ACCESS_LOG_H

#include "base/status.h"
#include "net/http_server.h"

/* Lines waiting for the writer: about 20,000 of them. */
#define ACCESS_LOG_BUFFER_BYTES ((size_t)8 << 20)

struct access_log;

/* path: "-" is standard output.  Appends. */
MUST_USE enum status access_log_open(const char *path, struct access_log **ret_log,
                                     struct error *err);
void access_log_close(struct access_log **take_log);                  /* writes out what is left */
void access_log_write(const struct http_log_entry *entry, void *log); /* an http_log_fn */

#endif
