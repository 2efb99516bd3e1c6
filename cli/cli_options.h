/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every command of lode takes: where the server is, whose keys, and how to print.
 *   --endpoint URL     or LODE_ENDPOINT, AWS_ENDPOINT_URL; default http://127.0.0.1:8080
 *   keys               LODE_ACCESS_KEY and LODE_SECRET_KEY, else AWS_ACCESS_KEY_ID and
 *                      AWS_SECRET_ACCESS_KEY, else --data DIR (or LODE_DATA, or ./data):
 *                      its root-key.json
 * Keys are never taken from the command line, where others could read them.
 */
#ifndef CLI_CLI_OPTIONS_H
#define CLI_CLI_OPTIONS_H

#include "base/bytes.h"
#include "base/status.h"

#define CLI_KEY_BYTES_MAX 128

struct cli_options {
    const char *endpoint;
    const char *data;
    const char *ca_file; /* --ca-file: whom to trust over HTTPS, in place of the system's */
    bool is_json;
    bool is_quiet;
    bool is_recursive;
    bool is_forced;
    bool is_help;
    bool is_verifying;         /* fsck: read every byte */
    bool is_watching;          /* go on showing what changes */
    bool is_confirmed_stopped; /* cluster remove */
    bool is_all;               /* show job: those that have ended as well */
    bool is_cleanup;           /* start rebalance */
    uint64_t part_bytes;       /* --part-size */
    char access_key[CLI_KEY_BYTES_MAX + 1];
    char secret_key[CLI_KEY_BYTES_MAX + 1];
};

/* Options may stand before, between and after the words; the words are moved to
 * argv[0..*ret_count). ST_INVALID names the option. */
MUST_USE enum status cli_options_parse(struct cli_options *options, int argc, char **argv,
                                       int *ret_count, struct error *err);
/* ST_UNAUTHENTICATED with a sentence that tells where keys were looked for. */
MUST_USE enum status cli_options_load_keys(struct cli_options *options, struct error *err);

#endif
