/* SPDX-License-Identifier: Apache-2.0 */
/* Of a target that is a process of its own: the commands about open uploads. */
#ifndef TESTS_UNIT_PEER_TARGET_UPLOADS_H
#define TESTS_UNIT_PEER_TARGET_UPLOADS_H

#include "tests/unit/peer/cluster_fixture.h"
#include "tests/unit/peer/target_process.h"

void target_uploads_run(struct test_node *node, struct bucket *bucket,
                        const struct target_command *command, struct target_reply *reply);

#endif
