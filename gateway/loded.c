/* SPDX-License-Identifier: Apache-2.0 */
/* The program loded. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/config.h"
#include "gateway/fsck_command.h"
#include "gateway/gateway.h"
#include "gateway/import_command.h"
#include "native/native_reference.h"

#include "base/banned.h"

#define EXIT_USAGE 2

static enum status
configure_log(const struct config *config, struct error *err)
{
    static const char *const LEVELS[] = {"error", "warn", "info", "debug"};
    bool is_json = strcmp(config->log_format, "json") == 0 ||
                   (strcmp(config->log_format, "auto") == 0 && !isatty(STDERR_FILENO));

    for (size_t i = 0; i < 4; i++) {
        if (strcmp(config->log_level, LEVELS[i]) == 0) {
            log_configure(STDERR_FILENO, (enum log_level)i, is_json);
            return ST_OK;
        }
    }
    return fail(err, ST_INVALID, "Setting log_level: '%s' is none of error, warn, info, debug",
                config->log_level);
}

static int
run(const struct config *config)
{
    struct error err = ERROR_INIT;

    if (config->data == NULL) {
        fprintf(stderr, "loded: --data DIR is needed: where this node keeps its data\n");
        return EXIT_USAGE;
    }
    if (configure_log(config, &err) != ST_OK) {
        fprintf(stderr, "loded: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (config->fsck) {
        return fsck_command(config);
    }
    if (config->recover) {
        return recover_command(config);
    }
    if (config->init_cluster) {
        return import_command(config);
    }
    if (gateway_run(config, &err) != ST_OK) {
        fprintf(stderr, "loded: %s\n", err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static void
print_native_api(void)
{
    struct buffer text = BUFFER_INIT;

    native_reference_append(&text);
    fwrite(text.data, 1, text.size, stdout);
    buffer_release(&text);
}

int
main(int argc, char **argv)
{
    struct config config;
    struct error err = ERROR_INIT;
    int rest = argc;
    int exit_code = EXIT_SUCCESS;

    if (config_load(&config, argc, argv, &rest, &err) != ST_OK) {
        fprintf(stderr, "loded: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (rest < argc) {
        fprintf(stderr, "loded: '%s' is no option; see --help\n", argv[rest]);
        exit_code = EXIT_USAGE;
    } else if (config.help) {
        config_print_help(stdout);
    } else if (config.version) {
        printf("loded %s\n", PACKAGE_VERSION);
    } else if (config.print_config) {
        config_print(&config, stdout);
    } else if (config.print_native_api) {
        print_native_api();
    } else {
        exit_code = run(&config);
    }
    config_release(&config);
    return exit_code;
}
