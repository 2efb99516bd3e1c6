/* SPDX-License-Identifier: Apache-2.0 */
/* The program lode. */
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cli/command.h"

#include "base/banned.h"

#define EXIT_USAGE 2

static const struct {
    const char *name;
    enum status (*run)(struct command_context *context, struct error *err);
    int word_count_min;
    int word_count_max;
    const char *usage;
    const char *help;
} COMMANDS[] = {
    {"key", command_key, 2, 3, "key add|ls|rm NAME [ACCESS_KEY]",
     "access keys of users; add makes the user if need be and shows the secret once"},
    {"mb", command_mb, 1, 1, "mb BUCKET", "make a bucket"},
    {"rb", command_rb, 1, 1, "rb [--force] BUCKET",
     "remove a bucket; --force removes its objects first"},
    {"ls", command_ls, 0, 1, "ls [-r] [BUCKET[/PREFIX]]", "list buckets, or objects"},
    {"put", command_put, 2, 2, "put FILE BUCKET/KEY", "store a file"},
    {"get", command_get, 1, 2, "get BUCKET/KEY [FILE]",
     "fetch an object; FILE - is standard output"},
    {"rm", command_rm, 1, 1, "rm [-r] BUCKET/KEY", "remove an object, or all below a prefix"},
    {"stat", command_stat, 1, 1, "stat BUCKET[/KEY]", "what is known of an object or bucket"},
    {"fsck", command_fsck, 0, 0, "fsck [--verify]",
     "check the running server's data, as a job; --verify reads every byte"},
    {"mountpath", command_mountpath, 1, 2, "mountpath ls | VERB DIRECTORY",
     "attach, detach, enable, disable or forget a disk of the node; --watch waits for the data"},
    {"show", command_show, 1, 2, "show [--watch] WHAT [ID]",
     "cluster, node [ID], mountpath; job [ID] [--all]: what runs on all nodes, or has run;\n"
     "                                     rebalance [ID] [--all]: keys that change their target"},
    {"start", command_start, 1, 2, "start rebalance | rechunk BUCKET",
     "every target looks for keys of others; --cleanup removes misplaced copies that their\n"
     "                                     owners have as well, --force puts the others aside;\n"
     "                                     or objects are cut as the bucket's chunks say"},
    {"job", command_job, 2, 2, "job wait|stop ID",
     "wait for the end of a job, with its progress, or ask it to stop, on whichever nodes it runs"},
    {"stop", command_stop, 2, 2, "stop job ID", "ask a job to stop, on whichever nodes it runs"},
    {"cluster", command_cluster, 1, 2, "cluster [--watch] VERB ID",
     "maintenance, return, decommission, set-leader; remove [--confirm-stopped] gives a dead\n"
     "                                     node's objects up; rotate-key (without ID)"},
};

static void
print_help(FILE *out)
{
    fprintf(out, "lode: work with a Lode server\n\nUsage: lode [OPTION]... COMMAND\n\n");
    for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
        fprintf(out, "  %-34s %s\n", COMMANDS[i].usage, COMMANDS[i].help);
    }
    fprintf(out,
            "\nOptions:\n"
            "  --endpoint URL    the server (LODE_ENDPOINT, AWS_ENDPOINT_URL) "
            "[http://127.0.0.1:8080]\n"
            "  --data DIR        take root's keys from this server's data directory (LODE_DATA) "
            "[data]\n"
            "  --ca-file FILE    whom to trust over HTTPS, in place of the system's\n"
            "  --part-size MIB   files above this are sent in parts of it [16]\n"
            "  --watch, -w       go on showing what changes until it is done, or until Ctrl-C\n"
            "  --all, -a         what has ended, too\n"
            "  --json            one JSON object per line, no progress bars\n"
            "  --quiet, -q       no progress bars\n"
            "  --help, -h        this text\n"
            "\nKeys come from LODE_ACCESS_KEY and LODE_SECRET_KEY, or AWS_ACCESS_KEY_ID and\n"
            "AWS_SECRET_ACCESS_KEY, or the data directory.\n");
}

void
command_print_json(const char *name, ...)
{
    struct buffer line = BUFFER_INIT;
    va_list args;

    va_start(args, name);
    for (const char *next = name; next != NULL; next = va_arg(args, const char *)) {
        buffer_printf(&line, "%s\"%s\":", line.size == 0 ? "{" : ",", next);
        log_append_json_string(&line, bytes_of_string(va_arg(args, const char *)));
    }
    va_end(args);
    printf("%.*s}\n", BYTES_ARGS(buffer_bytes(&line)));
    buffer_release(&line);
}

static void
print_error(const struct cli_options *options, const struct error *err)
{
    if (options->is_json) {
        command_print_json("error", status_name(err->code), "message", err->text, NULL);
    } else {
        fprintf(stderr, "lode: %s\n", err->text);
    }
}

static int
run(struct cli_options *options, char **words, int word_count)
{
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct command_context context = {
        .options = options, .arena = &arena, .words = words + 1, .word_count = word_count - 1};
    size_t i = 0;
    enum status st;

    while (i < sizeof(COMMANDS) / sizeof(COMMANDS[0]) && strcmp(COMMANDS[i].name, words[0]) != 0) {
        i++;
    }
    if (i == sizeof(COMMANDS) / sizeof(COMMANDS[0])) {
        fprintf(stderr, "lode: '%s' is no command; see lode --help\n", words[0]);
        return EXIT_USAGE;
    }
    if (context.word_count < COMMANDS[i].word_count_min ||
        context.word_count > COMMANDS[i].word_count_max) {
        fprintf(stderr, "Usage: lode %s\n", COMMANDS[i].usage);
        return EXIT_USAGE;
    }
    st = cli_options_load_keys(options, &err);
    if (st == ST_OK) {
        st = s3_client_create(options, &context.client, &err);
    }
    if (st == ST_OK) {
        st = COMMANDS[i].run(&context, &err);
    }
    if (st != ST_OK) {
        print_error(options, &err);
    }
    s3_client_destroy(&context.client);
    arena_release(&arena);
    return st == ST_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    struct cli_options options;
    struct error err = ERROR_INIT;
    int word_count = 0;
    int exit_code;

    if (cli_options_parse(&options, argc - 1, argv + 1, &word_count, &err) != ST_OK) {
        fprintf(stderr, "lode: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (options.is_help || word_count == 0) {
        print_help(options.is_help ? stdout : stderr);
        return options.is_help ? EXIT_SUCCESS : EXIT_USAGE;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    exit_code = run(&options, argv + 1, word_count);
    curl_global_cleanup();
    return exit_code;
}
