/* SPDX-License-Identifier: Apache-2.0 */
/* loded --fsck and --recover: work on the data of a server that is stopped. */
#ifndef GATEWAY_FSCK_COMMAND_H
#define GATEWAY_FSCK_COMMAND_H

#include "gateway/config.h"

/* Exit code: 0 clean, 1 findings, 2 the check could not run. */
int fsck_command(const struct config *config);
/* Exit code: 0 done, 2 not. */
int recover_command(const struct config *config);

#endif
