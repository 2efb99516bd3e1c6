/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUT {"action":"start","value":{"Kind":KIND}}: jobs that a client starts by their kind.
 *
 *   rebalance      of the cluster, by hand           root's key
 *   cleanup-store  copies that are misplaced, in a cluster; leftovers of uploads, on a node alone
 *   resilver       of the node that was asked; DaemonID names it
 *   rechunk        of a bucket
 *
 * SPEC: AIStore xact/api_table.go, those that are startable; all others 501.
 */
#ifndef NATIVE_NATIVE_JOB_START_H
#define NATIVE_NATIVE_JOB_START_H

#include "native/native_call.h"

MUST_USE ON_WORKER enum status native_job_start(struct native_call *call, struct error *err);

#endif
