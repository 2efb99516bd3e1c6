/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tagged fields for messages between nodes: tag (bit 7: critical), length (LEB128), payload; the
 * same shape as records on disk, without their header.  A reader refuses unknown critical tags and
 * passes over unknown plain ones, so that both ends may be of different releases.  Pure.
 */
#ifndef BASE_FIELD_CODEC_H
#define BASE_FIELD_CODEC_H

#include "base/bytes.h"

#define FIELD_CRITICAL 0x80

/* Writing.  Numbers of 0 and empty texts are left out, but by put_field. */
void field_put(struct buffer *out, uint8_t tag, struct bytes payload);
void field_put_text(struct buffer *out, uint8_t tag, struct bytes text);
void field_put_number(struct buffer *out, uint8_t tag, uint64_t value);
/* A number and a text without a tag, for payloads of several items. */
void field_put_varint(struct buffer *out, uint64_t value);
void field_put_counted(struct buffer *out, struct bytes text);

struct field {
    uint8_t tag;
    struct bytes payload;
};

/* The next field of *rest, cut off.  ST_NOT_FOUND: there is none; ST_INVALID: broken. */
MUST_USE enum status field_next(struct bytes *rest, struct field *ret_field);
/* A whole payload as a number; false: malformed. */
bool field_number(struct bytes payload, uint64_t max, uint64_t *ret_value);
/* Cut items off a payload; false: not there. */
bool field_cut_varint(struct bytes *payload, uint64_t *ret_value);
bool field_cut_counted(struct bytes *payload, struct bytes *ret_text);

#endif
