/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of nodes in AIStore's form, by which its clients find the target of a key themselves.  A
 * node of role "all" is a proxy and a target of one id.  Any thread.
 * SPEC: AIStore core/meta/smap.go, snode_wire.go.
 */
#ifndef NATIVE_NATIVE_SMAP_H
#define NATIVE_NATIVE_SMAP_H

#include "native/native_call.h"

void native_smap_append(const struct native_call *call, struct buffer *out);
/* This node alone, as a target if it is one. */
void native_smap_append_self(const struct native_call *call, struct buffer *out);
/* Id of what the node belongs to, in the call's arena. */
struct bytes native_smap_uuid(const struct native_call *call);
uint64_t native_smap_version(const struct native_call *call);
/* Where clients reach the gateway that stands in proxy_si; in the call's arena. */
struct bytes native_smap_primary_url(const struct native_call *call);

#endif
