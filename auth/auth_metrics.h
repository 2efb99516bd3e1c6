/* SPDX-License-Identifier: Apache-2.0 */
/* Private to auth/: how many requests were verified, and why others were not.  Any thread. */
#ifndef AUTH_AUTH_METRICS_H
#define AUTH_AUTH_METRICS_H

#include "base/status.h"

void auth_metrics_register(void); /* may be called again */
/* What authenticate is about to return. */
void auth_metrics_count(enum status st);

#endif
