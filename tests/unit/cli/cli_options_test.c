/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_options.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct cli_options options;
static struct error err;

static void
forget_environment(void)
{
    unsetenv("LODE_ENDPOINT");
    unsetenv("AWS_ENDPOINT_URL");
    unsetenv("LODE_ACCESS_KEY");
    unsetenv("LODE_SECRET_KEY");
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
}

TEST(options_stand_anywhere_and_words_keep_their_order)
{
    char put[] = "put";
    char json[] = "--json";
    char file[] = "a file";
    char endpoint[] = "--endpoint=http://h:1";
    char end[] = "--";
    char target[] = "--b/k";
    char *argv[] = {put, json, file, endpoint, end, target};
    int count = 0;

    EXPECT_OK(cli_options_parse(&options, 6, argv, &count, &err), &err);

    EXPECT_INT(3, count);
    EXPECT_STRING("put", argv[0]);
    EXPECT_STRING("a file", argv[1]);
    EXPECT_STRING("--b/k", argv[2]);
    EXPECT_STRING("http://h:1", options.endpoint);
    EXPECT(options.is_json);
}

TEST(unknown_and_incomplete_options_are_refused)
{
    char unknown[] = "--nonsense";
    char incomplete[] = "--endpoint";
    char small[] = "--part-size=4";
    char *argv[] = {unknown};
    int count = 0;

    EXPECT_STATUS(ST_INVALID, cli_options_parse(&options, 1, argv, &count, &err));
    EXPECT(strstr(err.text, "--nonsense") != NULL);
    argv[0] = incomplete;
    EXPECT_STATUS(ST_INVALID, cli_options_parse(&options, 1, argv, &count, &err));
    argv[0] = small;
    EXPECT_STATUS(ST_INVALID, cli_options_parse(&options, 1, argv, &count, &err));
}

TEST(keys_come_from_the_environment_or_the_data_directory)
{
    char *path = xasprintf("%s/root-key.json", test_directory());
    FILE *file;
    int count = 0;

    forget_environment();
    EXPECT_OK(cli_options_parse(&options, 0, NULL, &count, &err), &err);
    options.data = test_directory();
    EXPECT_STATUS(ST_UNAUTHENTICATED, cli_options_load_keys(&options, &err));

    file = fopen(path, "w");
    fputs("{\"access_key\": \"from-file\", \"secret_key\": \"secret\"}", file);
    fclose(file);
    EXPECT_OK(cli_options_load_keys(&options, &err), &err);
    EXPECT_STRING("from-file", options.access_key);

    setenv("LODE_ACCESS_KEY", "from-environment", 1);
    setenv("LODE_SECRET_KEY", "s", 1);
    EXPECT_OK(cli_options_load_keys(&options, &err), &err);
    EXPECT_STRING("from-environment", options.access_key);
    forget_environment();
    free(path);
}

TEST(options_of_rebalances_and_jobs_are_flags)
{
    char start[] = "start";
    char cleanup[] = "--cleanup";
    char rebalance[] = "rebalance";
    char force[] = "--force";
    char all[] = "-a";
    char *argv[] = {start, cleanup, rebalance, force, all};
    char value[] = "--cleanup=yes";
    char *with_value[] = {value};
    int count = 0;

    EXPECT_OK(cli_options_parse(&options, 5, argv, &count, &err), &err);
    EXPECT_INT(2, count);
    EXPECT_STRING("rebalance", argv[1]);
    EXPECT(options.is_cleanup && options.is_forced && options.is_all);
    EXPECT_OK(cli_options_parse(&options, 1, argv, &count, &err), &err);
    EXPECT(!options.is_cleanup && !options.is_forced && !options.is_all);
    EXPECT_STATUS(ST_INVALID, cli_options_parse(&options, 1, with_value, &count, &err));
}
