/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setting of loded: X(kind, key, default as text, argument shown by --help, help).
 * Limits that are not settings stand with the code they bound (net/http_limits.h,
 * store/store_limits.h).
 */
#ifndef GATEWAY_CONFIG_TABLE_H
#define GATEWAY_CONFIG_TABLE_H

#define CONFIG_TABLE(X)                                                                            \
    X(STRING, config, NULL, "FILE", "JSON file with settings")                                     \
    X(STRING, listen, "127.0.0.1:8080", "ADDR:PORT", "public listener; port 0: any free one")      \
    X(STRING, admin_listen, NULL, "ADDR:PORT",                                                     \
      "metrics and health; default: 127.0.0.1 and the public port + 1, or any; none: off")         \
    X(STRING, data, NULL, "DIR", "the node's own data (required)")                                 \
    X(LIST, mountpath, NULL, "DIR", "a disk for objects; may be repeated; default: DATA/mp1")      \
    X(LIST, promote_from, NULL, "DIR",                                                             \
      "below it requests may read files into buckets (promote); may be repeated; default: none")   \
    X(STRING, node_id, NULL, "ID", "at first start: this node's id; default: a random one")        \
    X(STRING, role, "all", "ROLE", "gateway, target, or all: both in one (alone: all)")            \
    X(STRING, public_url, NULL, "URL", "with --etcd: where others reach this node's --listen")     \
    X(STRING, peer_listen, NULL, "ADDR:PORT",                                                      \
      "with --etcd: listener for other nodes; default: the address of --listen, any port")         \
    X(STRING, peer_address, NULL, "HOST[:PORT]",                                                   \
      "where others reach --peer-listen, by number or name, if not at its own address")            \
    X(STRING, peer_tls_cert, NULL, "FILE",                                                         \
      "PEM certificate chain of this node: nodes speak TLS to each other")                         \
    X(STRING, peer_tls_key, NULL, "FILE", "PEM private key of --peer-tls-cert")                    \
    X(STRING, peer_tls_ca, NULL, "FILE", "PEM authorities of the certificates of all nodes")       \
    X(BOOL, insecure_peer, "false", "", "let nodes on other machines be spoken to in clear text")  \
    X(STRING, etcd, NULL, "URL[,URL]", "a cluster: where its etcd is; default: a node alone")      \
    X(STRING, cluster, "lode", "NAME", "with --etcd: the cluster's name, part of its keys there")  \
    X(BOOL, insecure_etcd, "false", "", "let http:// lead to an etcd on another machine")          \
    X(STRING, etcd_ca, NULL, "FILE", "PEM authorities for etcd; default: the system's")            \
    X(STRING, etcd_cert, NULL, "FILE", "PEM certificate that this node shows to etcd")             \
    X(STRING, etcd_key, NULL, "FILE", "PEM private key of --etcd-cert")                            \
    X(LIST, domain, NULL, "NAME", "virtual-hosted style: BUCKET.NAME; may be repeated")            \
    X(STRING, region, "us-east-1", "NAME", "the region that buckets are in")                       \
    X(STRING, tls_cert, NULL, "FILE", "PEM certificate chain: the public listener speaks TLS")     \
    X(STRING, tls_key, NULL, "FILE", "PEM private key of --tls-cert")                              \
    X(SIZE, memory, "512M", "SIZE", "budget for caches and buffers of all clients together")       \
    X(SIZE, free_floor, "256M", "SIZE", "free space that writes leave on each mountpath")          \
    X(COUNT, connection_max, "20000", "N", "connections; beyond it new ones get 503 SlowDown")     \
    X(COUNT, workers, "0", "N", "threads that wait for disks; 0: 72")                              \
    X(COUNT, loops, "0", "N", "event loops; 0: one per core")                                      \
    X(COUNT, drain_timeout_s, "30", "SECONDS", "at the end, requests in flight get this long")     \
    X(COUNT, sweep_age_s, "3600", "SECONDS", "unreferenced files younger than this stay")          \
    X(COUNT, lazy_sync_ms, "1000", "MS", "how much a relaxed bucket may lose in a power cut")      \
    X(STRING, s3_rules, "aws", "WHOSE", "where AWS and Ceph answer differently: aws or ceph")      \
    X(STRING, sigv2_presigned, "on", "on|off",                                                     \
      "off: refuse presigned URLs of the older signature version 2")                               \
    X(BOOL, allow_anonymous_native, "false", "",                                                   \
      "native (AIStore) requests without credentials act as root on buckets and objects")          \
    X(STRING, log_level, "info", "LEVEL", "error, warn, info or debug")                            \
    X(STRING, log_format, "auto", "FORMAT", "text, json, or auto: text on a terminal")             \
    X(STRING, access_log, "none", "FILE",                                                          \
      "one JSON line per request; none: off; -: standard output")                                  \
    X(BOOL, print_config, "false", "", "print each setting with its origin, and end")              \
    X(BOOL, print_native_api, "false", "",                                                         \
      "print the contract of each native route as JSON, and end")                                  \
    X(BOOL, fsck, "false", "",                                                                     \
      "check the data (server stopped): exit 0 clean, 1 findings, 2 error")                        \
    X(BOOL, repair, "false", "", "with --fsck: remove what nothing names; changes nothing else")   \
    X(BOOL, verify, "false", "", "with --fsck: read every byte and compare checksums")             \
    X(BOOL, json, "false", "", "with --fsck: one JSON line per finding and for the summary")       \
    X(BOOL, init_cluster, "false", "",                                                             \
      "take a single node's buckets and users into an empty cluster, and end")                     \
    X(BOOL, recover, "false", "", "rebuild a lost DATA directory from the mountpaths, and end")    \
    X(BOOL, version, "false", "", "print the version, and end")                                    \
    X(BOOL, help, "false", "", "print this, and end")

enum config_key {
#define CONFIG_KEY(kind, name, value, argument, help) CONFIG_KEY_##name,
    CONFIG_TABLE(CONFIG_KEY)
#undef CONFIG_KEY
        CONFIG_KEY_COUNT
};

#endif
