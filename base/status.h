/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result of everything that can fail: a status code, and beside it one sentence for people.
 * Every fallible function returns enum status and takes struct error * last (NULL: not wanted).
 * Only the dialects (s3, iam) translate a status into what their protocol says.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* X(name, text, may the same request succeed if it is simply sent again?) */
#define STATUS_LIST(X)                                                                             \
    X(ST_OK, "success", false)                                                                     \
    X(ST_WOULD_WAIT, "the answer needs a disk or a lock; ask again on a worker", true)             \
    X(ST_INVALID, "the request is not valid", false)                                               \
    X(ST_NOT_IMPLEMENTED, "not implemented", false)                                                \
    X(ST_UNAUTHENTICATED, "no verified principal", false)                                          \
    X(ST_DENIED, "access denied", false)                                                           \
    X(ST_NEED_FACT, "the decision needs a fact of the record", true)                               \
    X(ST_NOT_FOUND, "not found", false)                                                            \
    X(ST_NO_SUCH_BUCKET, "no such bucket", false)                                                  \
    X(ST_NO_SUCH_KEY, "no such key", false)                                                        \
    X(ST_NO_SUCH_VERSION, "no such version", false)                                                \
    X(ST_NO_SUCH_UPLOAD, "no such upload", false)                                                  \
    X(ST_EXISTS, "already exists", false)                                                          \
    X(ST_BUCKET_NOT_EMPTY, "the bucket is not empty", false)                                       \
    X(ST_PRECONDITION, "a precondition does not hold", false)                                      \
    X(ST_NOT_MODIFIED, "not modified", false)                                                      \
    X(ST_CONFLICT, "another write to the same key is in progress", true)                           \
    X(ST_INVALID_RANGE, "the range cannot be satisfied", false)                                    \
    X(ST_INVALID_PART, "a part is missing or differs", false)                                      \
    X(ST_INVALID_PART_ORDER, "the parts are not in ascending order", false)                        \
    X(ST_PART_TOO_SMALL, "a part other than the last is too small", false)                         \
    X(ST_TOO_LARGE, "too large", false)                                                            \
    X(ST_TOO_SMALL, "too small", false)                                                            \
    X(ST_INCOMPLETE, "the body ended before its announced length", false)                          \
    X(ST_DIGEST_MISMATCH, "the bytes do not match the digest sent with them", false)               \
    X(ST_SIGNATURE_MISMATCH, "the signature does not match", false)                                \
    X(ST_NO_SPACE, "no space left on the storage", true)                                           \
    X(ST_BUSY, "too much in progress; slow down", true)                                            \
    X(ST_UNAVAILABLE, "a disk or node that is needed is not available", true)                      \
    X(ST_MOVED, "decided under an older map", true)                                                \
    X(ST_TIMEOUT, "timed out", true)                                                               \
    X(ST_CANCELLED, "cancelled", false)                                                            \
    X(ST_CLOSED, "the peer closed the connection", false)                                          \
    X(ST_CORRUPT, "stored bytes fail their checksum", false)                                       \
    X(ST_IO, "input/output error", false)                                                          \
    X(ST_INTERNAL, "internal error", false)

enum status {
#define STATUS_ENUM(name, text, retry) name,
    STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
        STATUS_COUNT
};

/* ERROR_TEXT_SIZE bytes: one sentence; longer ones are cut, never overrun. */
#define ERROR_TEXT_SIZE 384

struct error {
    enum status code;
    int sys_errno;        /* errno of the failing call, 0 where there was none */
    const char *function; /* where it was decided */
    /* The code of a protocol (an S3 error code) where the status alone is too coarse; static, or
     * NULL: the dialect derives its code from the status. */
    const char *dialect_code;
    char text[ERROR_TEXT_SIZE];
};

#define ERROR_INIT ((struct error){.code = ST_OK})

/* Set err (if not NULL) to code and a formatted sentence without secrets, return code. Keeps errno.
 */
#define fail(err, code, ...) status_fail((err), (code), NULL, 0, __func__, __VA_ARGS__)
/* The same with the code that the dialect is to answer with, e.g. "InvalidChunkSizeError". */
#define fail_as(err, code, dialect_code, ...)                                                      \
    status_fail((err), (code), (dialect_code), 0, __func__, __VA_ARGS__)
/* The same for a failed system call: text of errno is appended. */
#define fail_errno(err, code, ...) status_fail((err), (code), NULL, errno, __func__, __VA_ARGS__)

enum status status_fail(struct error *err, enum status code, const char *dialect_code,
                        int sys_errno, const char *function, const char *fmt, ...)
    PRINTF_LIKE(6, 7);

const char *status_name(enum status code); /* "ST_BUSY" */
/* The reverse, for what other nodes say; ST_INTERNAL: a name of a newer release. */
enum status status_of_name(const char *name, size_t size);
const char *status_text(enum status code);
bool status_is_retryable(enum status code);

#endif
