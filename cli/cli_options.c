/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_options.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

#include "base/banned.h"

/* As aws-cli: small enough to resend cheaply, large enough that 10,000 of them make 156 GiB. */
#define PART_BYTES_DEFAULT (UINT64_C(16) << 20)
#define PART_BYTES_MIN (UINT64_C(5) << 20)
#define PART_BYTES_MAX (UINT64_C(1) << 30)

static const char *
first_variable(const char *a, const char *b, const char *otherwise)
{
    const char *value = getenv(a);

    if (value == NULL || value[0] == '\0') {
        value = getenv(b);
    }
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

static enum status
parse_part_size(struct cli_options *options, const char *text, struct error *err)
{
    uint64_t mebibytes;

    if (bytes_parse_u64(bytes_of_string(text), PART_BYTES_MAX >> 20, &mebibytes) != ST_OK ||
        mebibytes << 20 < PART_BYTES_MIN) {
        return fail(err, ST_INVALID, "--part-size takes MiB, from 5 to 1024, not '%s'", text);
    }
    options->part_bytes = mebibytes << 20;
    return ST_OK;
}

static bool *
find_flag(struct cli_options *options, const char *name)
{
    static const struct {
        const char *name;
        const char *letter;
        size_t offset;
    } FLAGS[] = {
        {"--json", "--json", offsetof(struct cli_options, is_json)},
        {"--quiet", "-q", offsetof(struct cli_options, is_quiet)},
        {"--recursive", "-r", offsetof(struct cli_options, is_recursive)},
        {"--force", "-f", offsetof(struct cli_options, is_forced)},
        {"--verify", "--verify", offsetof(struct cli_options, is_verifying)},
        {"--watch", "-w", offsetof(struct cli_options, is_watching)},
        {"--confirm-stopped", "--confirm-stopped",
         offsetof(struct cli_options, is_confirmed_stopped)},
        {"--all", "-a", offsetof(struct cli_options, is_all)},
        {"--cleanup", "--cleanup", offsetof(struct cli_options, is_cleanup)},
        {"--help", "-h", offsetof(struct cli_options, is_help)},
    };

    for (size_t i = 0; i < sizeof(FLAGS) / sizeof(FLAGS[0]); i++) {
        if (strcmp(name, FLAGS[i].name) == 0 || strcmp(name, FLAGS[i].letter) == 0) {
            return (bool *)((char *)options + FLAGS[i].offset);
        }
    }
    return NULL;
}

static enum status
set_option(struct cli_options *options, const char *name, const char *value, struct error *err)
{
    if (strcmp(name, "--endpoint") != 0 && strcmp(name, "--data") != 0 &&
        strcmp(name, "--ca-file") != 0 && strcmp(name, "--part-size") != 0) {
        return fail(err, ST_INVALID, "Unknown option %s; see lode --help", name);
    }
    if (value == NULL) {
        return fail(err, ST_INVALID, "Option %s needs a value", name);
    }
    if (strcmp(name, "--endpoint") == 0) {
        options->endpoint = value;
    } else if (strcmp(name, "--data") == 0) {
        options->data = value;
    } else if (strcmp(name, "--ca-file") == 0) {
        options->ca_file = value;
    } else {
        return parse_part_size(options, value, err);
    }
    return ST_OK;
}

enum status
cli_options_parse(struct cli_options *options, int argc, char **argv, int *ret_count,
                  struct error *err)
{
    int count = 0;
    bool are_words_only = false;

    *options = (struct cli_options){
        .endpoint = first_variable("LODE_ENDPOINT", "AWS_ENDPOINT_URL", "http://127.0.0.1:8080"),
        .data = first_variable("LODE_DATA", "LODE_DATA", "data"),
        .part_bytes = PART_BYTES_DEFAULT,
    };
    for (int i = 0; i < argc; i++) {
        char *word = argv[i];
        bool *flag = are_words_only ? NULL : find_flag(options, word);
        enum status st;

        if (flag != NULL) {
            *flag = true;
        } else if (!are_words_only && strcmp(word, "--") == 0) {
            are_words_only = true;
        } else if (are_words_only || word[0] != '-' || word[1] == '\0') {
            argv[count++] = word;
        } else {
            char *equals = strchr(word, '=');

            if (equals != NULL) {
                *equals = '\0';
            }
            st = set_option(options, word,
                            equals != NULL ? equals + 1
                            : i + 1 < argc ? argv[++i]
                                           : NULL,
                            err);
            if (st != ST_OK) {
                return st;
            }
        }
    }
    *ret_count = count;
    return ST_OK;
}

static bool
copy_keys(struct cli_options *options, const char *access_key, const char *secret_key)
{
    if (access_key == NULL || secret_key == NULL || strlen(access_key) > CLI_KEY_BYTES_MAX ||
        strlen(secret_key) > CLI_KEY_BYTES_MAX) {
        return false;
    }
    memcpy(options->access_key, access_key, strlen(access_key) + 1);
    memcpy(options->secret_key, secret_key, strlen(secret_key) + 1);
    return true;
}

enum status
cli_options_load_keys(struct cli_options *options, struct error *err)
{
    char *path;
    json_t *root;
    bool is_found = false;

    if (copy_keys(options, getenv("LODE_ACCESS_KEY"), getenv("LODE_SECRET_KEY")) ||
        copy_keys(options, getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"))) {
        return ST_OK;
    }
    path = xasprintf("%s/root-key.json", options->data);
    root = json_load_file(path, 0, NULL);
    if (root != NULL) {
        is_found = copy_keys(options, json_string_value(json_object_get(root, "access_key")),
                             json_string_value(json_object_get(root, "secret_key")));
        json_decref(root);
    }
    if (!is_found) {
        fail(err, ST_UNAUTHENTICATED,
             "No keys: set LODE_ACCESS_KEY and LODE_SECRET_KEY (or AWS_ACCESS_KEY_ID and "
             "AWS_SECRET_ACCESS_KEY), or name the server's data directory with --data (%s was not "
             "readable)",
             path);
    }
    free(path);
    return is_found ? ST_OK : ST_UNAUTHENTICATED;
}
