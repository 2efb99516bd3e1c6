/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request for a page of a listing asks.  Pure, any thread.
 * SPEC: AIStore api/apc/lsmsg.go; design of pages: ais/plstcx.go.
 */
#ifndef NATIVE_NATIVE_LIST_MESSAGE_H
#define NATIVE_NATIVE_LIST_MESSAGE_H

#include "native/native_message.h"

#define NATIVE_LIST_PAGE_MAX 10000
#define NATIVE_LIST_UUID_BYTES_MAX 32

/* SPEC: bits of the message's flags. */
#define NATIVE_LIST_CACHED 0x0001U
#define NATIVE_LIST_ARCHIVES 0x0008U
#define NATIVE_LIST_NAME_ONLY 0x0010U
#define NATIVE_LIST_NAME_SIZE 0x0020U
#define NATIVE_LIST_NOT_CACHED 0x0200U
#define NATIVE_LIST_NO_RECURSION 0x0800U
#define NATIVE_LIST_DIFF 0x1000U
#define NATIVE_LIST_NO_DIRECTORIES 0x2000U
#define NATIVE_LIST_INVENTORY 0x8000U

/* Properties of an entry. */
#define NATIVE_LIST_SIZE 0x01U
#define NATIVE_LIST_CHECKSUM 0x02U
#define NATIVE_LIST_ATIME 0x04U
#define NATIVE_LIST_VERSION 0x08U
#define NATIVE_LIST_LOCATION 0x10U
#define NATIVE_LIST_CUSTOM 0x20U
#define NATIVE_LIST_COPIES 0x40U

struct native_list_message {
    struct bytes uuid;   /* views into the message */
    struct bytes prefix; /* without a '*' at its end */
    struct bytes after;  /* continuation token, else start_after: names greater than it */
    size_t page_size;    /* 1..NATIVE_LIST_PAGE_MAX */
    unsigned int flags;
    unsigned int properties;
};

/* value may be NULL: the first page of all.  ST_INVALID; ST_NOT_IMPLEMENTED with AIStore's words
 * for what needs archives, inventories or a remote backend. */
MUST_USE enum status native_list_message_parse(const json_t *value,
                                               struct native_list_message *ret_message,
                                               struct error *err);

#endif
