/* SPDX-License-Identifier: Apache-2.0 */
/* Appends MessagePack values in their shortest form.  Pure.  SPEC: msgpack spec. */
#ifndef NATIVE_NATIVE_MSGPACK_H
#define NATIVE_NATIVE_MSGPACK_H

#include "base/bytes.h"

void native_msgpack_put_map(struct buffer *out, uint32_t count);
void native_msgpack_put_array(struct buffer *out, uint32_t count);
void native_msgpack_put_text(struct buffer *out, struct bytes text);
void native_msgpack_put_string(struct buffer *out, const char *text);
void native_msgpack_put_number(struct buffer *out, uint64_t number);

#endif
