/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of loded.  One table (gateway/config_table.h) names each key with its kind, default and
 * help; every key is an option (--free-floor), a variable (LODE_FREE_FLOOR) and a key of the JSON
 * file
 * ("free_floor").  Option > environment > file > default.  Only the programs read configuration.
 */
#ifndef GATEWAY_CONFIG_H
#define GATEWAY_CONFIG_H

#include <stdio.h>

#include "base/bytes.h"
#include "base/status.h"

#define CONFIG_LIST_MAX 64
/* A configuration file is a page or two of text; beyond this it is the wrong file. */
#define CONFIG_FILE_BYTES_MAX ((size_t)1 << 20)

struct config_list {
    char *items[CONFIG_LIST_MAX];
    size_t count;
};

enum config_origin { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_OPTION };

enum config_kind {
    CONFIG_STRING, /* char *; NULL: not set */
    CONFIG_LIST,  /* struct config_list; an option may be repeated, a variable separates by comma */
    CONFIG_SIZE,  /* uint64_t bytes; suffixes K M G T (powers of 1024) */
    CONFIG_COUNT, /* uint64_t */
    CONFIG_BOOL   /* bool; an option without value means true */
};

#include "gateway/config_table.h"

struct config {
#define CONFIG_FIELD_STRING(name) char *name;
#define CONFIG_FIELD_LIST(name) struct config_list name;
#define CONFIG_FIELD_SIZE(name) uint64_t name;
#define CONFIG_FIELD_COUNT(name) uint64_t name;
#define CONFIG_FIELD_BOOL(name) bool name;
#define CONFIG_FIELD(kind, name, value, argument, help) CONFIG_FIELD_##kind(name)
    CONFIG_TABLE(CONFIG_FIELD)
#undef CONFIG_FIELD
    enum config_origin origins[CONFIG_KEY_COUNT];
};

/*
 * Read all four sources.  *ret_rest is the index of the first argument that is no option.
 * ST_INVALID with a sentence that names the key, the value and what is allowed.
 */
MUST_USE enum status config_load(struct config *config, int argc, char **argv, int *ret_rest,
                                 struct error *err);
void config_release(struct config *config);
/* Each value and its origin, secrets as "***". */
void config_print(const struct config *config, FILE *out);
void config_print_help(FILE *out);

/* "127.0.0.1:8080", "[::1]:0" or "none" (then *ret_address is NULL).  *ret_address is owned. */
MUST_USE enum status config_parse_address(const char *text, char **ret_address, uint16_t *ret_port,
                                          struct error *err);

#endif
