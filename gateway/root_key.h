/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root credential: from LODE_ROOT_ACCESS_KEY and LODE_ROOT_SECRET_KEY, or from
 * DATA/root-key.json (mode 0600), which the first start writes with generated keys; in a cluster,
 * from its control values.  There is no default secret.
 */
#ifndef GATEWAY_ROOT_KEY_H
#define GATEWAY_ROOT_KEY_H

#include "control/control.h"

/* The control value of a cluster. */
#define ROOT_KEY_CONTROL_KEY "root-key"
#define ROOT_ACCESS_KEY_BYTES_MIN 3
#define ROOT_SECRET_KEY_BYTES_MIN 8
#define ROOT_KEY_BYTES_MAX 128

struct root_key {
    char access_key[ROOT_KEY_BYTES_MAX + 1];
    char secret_key[ROOT_KEY_BYTES_MAX + 1];
    bool is_new;         /* generated just now: print it once */
    bool is_environment; /* not kept in DATA */
};

/* ST_INVALID: only one variable is set, or too short.  ST_IO, ST_CORRUPT: the file. */
MUST_USE enum status root_key_load(const char *data_directory, struct root_key *ret_key,
                                   struct error *err);
/*
 * In a cluster all nodes have one root credential: the first node puts its own into the control
 * values, all others take it from there and forget theirs.  One from the environment stays as it
 * is and is not shared.
 */
MUST_USE enum status root_key_share(struct control *control, const char *data_directory,
                                    struct root_key *root, struct error *err);
/* The document of the control value; wipe it. */
void root_key_format(const struct root_key *key, struct buffer *out);
void root_key_wipe(struct root_key *key);

#endif
