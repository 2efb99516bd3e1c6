/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object's properties as headers and as fields of a listing.
 * SPEC: AIStore cmn/objattrs.go, api/apc/headers.go.
 */
#ifndef NATIVE_NATIVE_ATTRIBUTES_H
#define NATIVE_NATIVE_ATTRIBUTES_H

#include "native/native_call.h"

#define NATIVE_ATTRIBUTE_NAME 0x001U
#define NATIVE_ATTRIBUTE_SIZE 0x002U
#define NATIVE_ATTRIBUTE_CHECKSUM 0x004U
#define NATIVE_ATTRIBUTE_ATIME 0x008U
#define NATIVE_ATTRIBUTE_VERSION 0x010U
#define NATIVE_ATTRIBUTE_CUSTOM 0x020U
#define NATIVE_ATTRIBUTE_LAST_MODIFIED 0x040U
#define NATIVE_ATTRIBUTE_ETAG 0x080U
#define NATIVE_ATTRIBUTE_LOCATION 0x100U
#define NATIVE_ATTRIBUTE_COPIES 0x200U
#define NATIVE_ATTRIBUTE_EC 0x400U
#define NATIVE_ATTRIBUTE_CHUNKED 0x800U
#define NATIVE_ATTRIBUTES_OF_HEAD 0xFFFU

/* "size,checksum": ST_INVALID for a name that HEAD does not know. */
MUST_USE enum status native_attributes_parse(struct bytes list, unsigned int *ret_wanted,
                                             struct error *err);
void native_attributes_reply(struct native_call *call, const struct object_record *record,
                             unsigned int wanted);
/* They become headers: ST_INVALID for control characters. */
MUST_USE enum status native_attributes_check_custom(const struct metadata_entry *entries,
                                                    size_t count, struct error *err);
/* "t[ID]": where an object is. */
struct bytes native_attributes_location(const struct native *native, struct arena *arena);

#endif
