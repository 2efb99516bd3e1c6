/* SPDX-License-Identifier: Apache-2.0 */
/* loded --init-cluster: a single node, stopped, becomes the first target of a new cluster. */
#ifndef GATEWAY_IMPORT_COMMAND_H
#define GATEWAY_IMPORT_COMMAND_H

#include "gateway/config.h"

/* Exit code of the program; what went wrong is on standard error. */
int import_command(const struct config *config);

#endif
