/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control values in etcd (v3, through its JSON gateway), for clusters: docs/cluster.md and
 * docs/decisions/009-etcd.md.  Keys stand under /lode/CLUSTER/value/.  Called by whoever opens the
 * object store with --etcd.
 */
#ifndef CONTROL_CONTROL_ETCD_H
#define CONTROL_CONTROL_ETCD_H

#include "control/control.h"

/* How long opening tries to reach etcd, so that a cluster may be started in any order (ms). */
#define CONTROL_ETCD_OPEN_TIMEOUT_MS 30000
#define CONTROL_CLUSTER_NAME_BYTES_MAX 64

struct control_etcd_options {
    const char *endpoints; /* URL[,URL]... */
    const char *cluster;   /* [A-Za-z0-9_.-] */
    /* Of this process, no other's: its last change stands in etcd under this name.  NULL: a random
     * one, removed at the end. */
    const char *client_id;
    bool is_insecure_allowed;     /* http:// to other machines */
    const char *ca_file;          /* PEM; NULL: the system's authorities */
    const char *certificate_file; /* PEM; NULL: none */
    const char *key_file;         /* PEM */
    int64_t open_timeout_ms;      /* 0: CONTROL_ETCD_OPEN_TIMEOUT_MS */
    int64_t change_timeout_ms;    /* 0: CONTROL_CHANGE_TIMEOUT_MS */
};

/* All values are in memory when it returns.  ST_INVALID, ST_DENIED (TLS), ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status control_open_etcd(const struct control_etcd_options *options,
                                                 struct control **ret_control, struct error *err);

#endif
