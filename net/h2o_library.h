/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we use of libh2o-evloop 2.2.5: event loop, sockets, TLS, timeouts, and picohttpparser (which
 * the library exports although no package has its header).  Struct layouts must match exactly this
 * version, built for its own loop.
 */
#ifndef NET_H2O_LIBRARY_H
#define NET_H2O_LIBRARY_H

/* The headers default to libuv, whose structs differ. */
#ifndef H2O_USE_LIBUV
#define H2O_USE_LIBUV 0
#elif H2O_USE_LIBUV
#error "this tree uses the event loop of h2o itself"
#endif

#include <h2o/memory.h>
#include <h2o/socket.h>
#include <h2o/timeout.h>
#include <h2o/version.h>

_Static_assert(H2O_VERSION_MAJOR == 2 && H2O_VERSION_MINOR == 2 && H2O_VERSION_PATCH == 5,
               "other versions were not looked at");

struct phr_header {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

/* Length of the head, -1 malformed, -2 incomplete.  previous_size: what the last try looked at. */
int phr_parse_request(const char *data, size_t size, const char **ret_method,
                      size_t *ret_method_size, const char **ret_path, size_t *ret_path_size,
                      int *ret_minor_version, struct phr_header *headers, size_t *header_count,
                      size_t previous_size);
/* The same for the head of an answer. */
int phr_parse_response(const char *data, size_t size, int *ret_minor_version, int *ret_status,
                       const char **ret_reason, size_t *ret_reason_size, struct phr_header *headers,
                       size_t *header_count, size_t previous_size);

#endif
