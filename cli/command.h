/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of lode.  Each gets its own words (argv[0] is the command's first argument) and
 * returns a status; main prints the error and chooses the exit code.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli/s3_client.h"

struct command_context {
    const struct cli_options *options;
    struct s3_client *client;
    struct arena *arena;
    char **words;
    int word_count;
};

enum status command_key(struct command_context *context, struct error *err);
enum status command_mb(struct command_context *context, struct error *err);
enum status command_rb(struct command_context *context, struct error *err);
enum status command_ls(struct command_context *context, struct error *err);
enum status command_put(struct command_context *context, struct error *err);
enum status command_get(struct command_context *context, struct error *err);
enum status command_rm(struct command_context *context, struct error *err);
enum status command_stat(struct command_context *context, struct error *err);
enum status command_mountpath(struct command_context *context, struct error *err);
enum status command_cluster(struct command_context *context, struct error *err);
enum status command_show_mountpath(struct command_context *context, struct error *err);
enum status command_show_job(struct command_context *context, struct error *err);
enum status command_show_rebalance(struct command_context *context, struct error *err);
enum status command_job(struct command_context *context, struct error *err);
enum status command_start(struct command_context *context, struct error *err);
enum status command_stop(struct command_context *context, struct error *err);
enum status command_show(struct command_context *context, struct error *err);
enum status command_fsck(struct command_context *context, struct error *err);

/* Print {"name":"value",...} pairs: values are strings; NULL-terminated list of name, value. */
void command_print_json(const char *name, ...) __attribute__((sentinel));

/* Calls found for each key and common prefix below prefix; a page of 1,000 at a time. */
struct command_entry {
    struct bytes name; /* key or common prefix */
    bool is_prefix;
    struct bytes size; /* decimal */
    struct bytes etag;
    struct bytes last_modified;
};
typedef enum status command_entry_fn(const struct command_entry *entry, void *arg,
                                     struct error *err);
MUST_USE enum status command_list(struct command_context *context, struct bytes bucket,
                                  struct bytes prefix, bool is_recursive, command_entry_fn *found,
                                  void *arg, struct error *err);

#endif
