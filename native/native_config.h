/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration in AIStore's form, of which clients read sections without asking whether they
 * are there.  What this server does not do stands there as turned off.
 * SPEC: AIStore cmn/config.go.
 */
#ifndef NATIVE_NATIVE_CONFIG_H
#define NATIVE_NATIVE_CONFIG_H

#include "native/native_call.h"

void native_config_append(const struct native_call *call, struct buffer *out);

#endif
