/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mountpaths in the native dialect (native/native_handler.h): actions lode-mountpath-attach,
 * -detach, -enable, -disable, -forget of PUT, with the directory in "name"; the question
 * lode-mountpaths of GET.  The caller has checked that an administrator asks.
 */
#ifndef NATIVE_NATIVE_MOUNTPATH_H
#define NATIVE_NATIVE_MOUNTPATH_H

#include "base/affinity.h"
#include "native/native_handler.h"

/* ST_NOT_FOUND: no such action; the others as object/mountpath_admin.h says.  answer: JSON. */
MUST_USE ON_WORKER enum status native_mountpath_action(struct native *native, const char *action,
                                                       const char *directory, bool *ret_is_known,
                                                       struct buffer *answer, struct error *err);
/* Appends a JSON object with all mountpaths. */
ON_WORKER void native_mountpath_list(struct native *native, struct buffer *answer);

#endif
