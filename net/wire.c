/* SPDX-License-Identifier: Apache-2.0 */
#include "net/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

/* What one record carries at most. */
#define RECORD_BYTES ((size_t)16 * 1024)

/* The host of "host:port", without brackets. */
static void
copy_host(const struct wire *wire, char out[WIRE_NAME_BYTES_MAX])
{
    struct bytes host = bytes_of(wire->name, wire->name_size);
    size_t colon = host.size;

    while (colon > 0 && host.data[colon - 1] != ':') {
        colon--;
    }
    if (colon > 0) {
        host.size = colon - 1;
    }
    if (host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']') {
        host = bytes_slice(host, 1, host.size - 1);
    }
    memcpy(out, host.data, host.size);
    out[host.size] = '\0';
}

static void
expect_host(const struct wire *wire)
{
    X509_VERIFY_PARAM *expected = SSL_get0_param(wire->ssl);
    unsigned char number[sizeof(struct in6_addr)];
    char host[WIRE_NAME_BYTES_MAX];

    copy_host(wire, host);
    if (inet_pton(AF_INET, host, number) == 1 || inet_pton(AF_INET6, host, number) == 1) {
        CHECK(X509_VERIFY_PARAM_set1_ip_asc(expected, host) == 1);
        return;
    }
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    CHECK(X509_VERIFY_PARAM_set1_host(expected, host, 0) == 1);
    SSL_set_tlsext_host_name(wire->ssl, host);
}

enum status
wire_check_address(const struct wire_options *options, const struct socket_address *address,
                   struct error *err)
{
    if (options->tls == NULL && options->is_local_only && !socket_address_is_loopback(address)) {
        return fail(err, ST_UNAVAILABLE,
                    "The node at %.*s is on another machine, and this node has no TLS for it: give "
                    "it --peer-tls-cert, --peer-tls-key and --peer-tls-ca, or --insecure-peer",
                    BYTES_ARGS(options->host));
    }
    return ST_OK;
}

void
wire_begin(struct wire *wire, int fd, const struct wire_options *options)
{
    struct bytes host = options->host;
    SSL_CTX *context;

    memset(wire, 0, sizeof(*wire));
    wire->fd = fd;
    wire->name_size = host.size < sizeof(wire->name) ? host.size : sizeof(wire->name) - 1;
    memcpy(wire->name, host.data, wire->name_size);
    wire->options = *options;
    wire->options.host = bytes_of(wire->name, wire->name_size);
    wire->is_begun = options->tls == NULL;
    if (options->tls == NULL) {
        return;
    }
    context = tls_context_get(options->tls);
    wire->ssl = SSL_new(context);
    SSL_CTX_free(context);
    CHECK(wire->ssl != NULL && SSL_set_fd(wire->ssl, fd) == 1);
    expect_host(wire);
}

bool
wire_leads_to(const struct wire *wire, const struct wire_options *options)
{
    return wire->options.tls == options->tls && bytes_equal(wire->options.host, options->host) &&
           socket_address_equal(&wire->options.address, &options->address);
}

/* ---- failures ---- */

/* Alerts that say that this node's certificate was refused; they come in answer to a handshake
 * that has ended for this side already. */
static const char *
certificate_alert(unsigned long code)
{
    switch (ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0) {
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return ERR_reason_error_string(code);
    default:
        return NULL;
    }
}

static enum status
describe(struct wire *wire, unsigned long code, struct error *err)
{
    long verified = SSL_get_verify_result(wire->ssl);
    const char *reason = ERR_reason_error_string(code);

    if (verified != X509_V_OK) {
        return fail(err, ST_UNAVAILABLE, "The certificate of the node at %.*s is refused: %s",
                    (int)wire->name_size, wire->name, X509_verify_cert_error_string(verified));
    }
    wire->alert = certificate_alert(code);
    if (wire->alert != NULL) {
        return fail(err, ST_UNAVAILABLE, "The node at %.*s refused this node's certificate: %s",
                    (int)wire->name_size, wire->name, wire->alert);
    }
    if (reason == NULL) {
        return fail(err, ST_UNAVAILABLE,
                    "The node at %.*s closed the connection during the TLS handshake",
                    (int)wire->name_size, wire->name);
    }
    return fail(err, ST_UNAVAILABLE, "The node at %.*s does not speak TLS as this one: %s",
                (int)wire->name_size, wire->name, reason);
}

enum status
wire_handshake(struct wire *wire, struct error *err)
{
    int result;

    if (wire->is_begun) {
        return ST_OK;
    }
    ERR_clear_error();
    result = SSL_connect(wire->ssl);
    if (result == 1) {
        wire->is_begun = true;
        return ST_OK;
    }
    switch (SSL_get_error(wire->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        wire->wants_write = false;
        return ST_WOULD_WAIT;
    case SSL_ERROR_WANT_WRITE:
        wire->wants_write = true;
        return ST_WOULD_WAIT;
    default:
        return describe(wire, ERR_peek_error(), err);
    }
}

/* Of a read or write that has not succeeded. */
static enum status
judge(struct wire *wire, int result)
{
    switch (SSL_get_error(wire->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: /* of a read: only for an update of keys, which nobody asks for */
        return ST_WOULD_WAIT;
    default:
        if (wire->alert == NULL) {
            wire->alert = certificate_alert(ERR_peek_error());
        }
        return ST_CLOSED;
    }
}

/* ---- sending ---- */

/* The bytes of the next record: borrowed from the first part, or gathered from small ones. */
static struct bytes
next_record(const struct iovec *parts, size_t count, size_t skipped, char gathered[RECORD_BYTES])
{
    size_t size = 0;

    for (size_t i = 0; i < count && size < RECORD_BYTES; i++) {
        const char *data = parts[i].iov_base;
        size_t left = parts[i].iov_len;
        size_t room = RECORD_BYTES - size;

        if (skipped >= left) {
            skipped -= left;
            continue;
        }
        data += skipped;
        left -= skipped;
        skipped = 0;
        if (size == 0 && left >= RECORD_BYTES) {
            return bytes_of(data, RECORD_BYTES);
        }
        memcpy(gathered + size, data, left < room ? left : room);
        size += left < room ? left : room;
    }
    return bytes_of(gathered, size);
}

static enum status
send_sealed(struct wire *wire, const struct iovec *parts, size_t count, size_t *ret_size)
{
    char gathered[RECORD_BYTES];
    size_t sent = 0;

    for (;;) {
        struct bytes record = next_record(parts, count, sent, gathered);
        size_t size = 0;
        enum status st = ST_OK;

        if (record.size != 0) {
            int result;

            ERR_clear_error();
            result = SSL_write_ex(wire->ssl, record.data, record.size, &size);
            st = result == 1 ? ST_OK : judge(wire, result);
            wire->is_half_sent = st == ST_WOULD_WAIT;
            sent += size;
        }
        if (st == ST_OK && record.size != 0) {
            continue;
        }
        *ret_size = sent;
        return sent != 0 ? ST_OK : st;
    }
}

enum status
wire_send(struct wire *wire, const struct iovec *parts, size_t count, size_t *ret_size)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count};
    ssize_t size;

    if (wire->ssl != NULL) {
        return send_sealed(wire, parts, count, ret_size);
    }
    do {
        size = sendmsg(wire->fd, &message, MSG_NOSIGNAL);
    } while (size == -1 && errno == EINTR);
    if (size >= 0) {
        *ret_size = (size_t)size;
        return ST_OK;
    }
    return errno == EAGAIN ? ST_WOULD_WAIT : ST_CLOSED;
}

/* ---- receiving ---- */

static enum status
receive_sealed(struct wire *wire, char *out, size_t room, size_t *ret_size)
{
    size_t received = 0;
    enum status st = ST_OK;

    while (st == ST_OK && received < room) {
        size_t size = 0;
        int result;

        ERR_clear_error();
        result = SSL_read_ex(wire->ssl, out + received, room - received, &size);
        st = result == 1 ? ST_OK : judge(wire, result);
        received += size;
    }
    *ret_size = received;
    return received != 0 ? ST_OK : st;
}

enum status
wire_receive(struct wire *wire, char *out, size_t room, size_t *ret_size)
{
    ssize_t size;

    if (wire->ssl != NULL) {
        return receive_sealed(wire, out, room, ret_size);
    }
    do {
        size = recv(wire->fd, out, room, 0);
    } while (size == -1 && errno == EINTR);
    if (size > 0) {
        *ret_size = (size_t)size;
        return ST_OK;
    }
    return size == -1 && errno == EAGAIN ? ST_WOULD_WAIT : ST_CLOSED;
}

bool
wire_is_drained(const struct wire *wire)
{
    return !wire->is_half_sent && (wire->ssl == NULL || SSL_has_pending(wire->ssl) == 0);
}

bool
wire_has_input(const struct wire *wire)
{
    char byte;

    return (wire->ssl != NULL && SSL_has_pending(wire->ssl) == 1) ||
           recv(wire->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool
wire_is_quiet(const struct wire *wire)
{
    char byte;

    return wire_is_drained(wire) && recv(wire->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
           errno == EAGAIN;
}

void
wire_end(struct wire *wire)
{
    if (wire->ssl == NULL) {
        return;
    }
    ERR_clear_error();
    if (wire->is_begun) {
        (void)SSL_shutdown(wire->ssl);
    }
    SSL_free(wire->ssl);
    wire->ssl = NULL;
    ERR_clear_error();
}
