/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct config config;
static struct error err;
static int rest;

static enum status
load(const char *a, const char *b, const char *c)
{
    char *argv[4] = {(char *)(uintptr_t) "loded", (char *)(uintptr_t)a, (char *)(uintptr_t)b,
                     (char *)(uintptr_t)c};
    int argc = 1 + (a != NULL) + (b != NULL) + (c != NULL);

    return config_load(&config, argc, argv, &rest, &err);
}

static char *
write_file(const char *text)
{
    char *path = xasprintf("%s/config.json", test_directory());
    FILE *file = fopen(path, "w");

    EXPECT(file != NULL);
    fputs(text, file);
    fclose(file);
    return path;
}

TEST(defaults_are_shown_as_such)
{
    EXPECT_OK(load("--data", "d", NULL), &err);

    EXPECT_STRING("127.0.0.1:8080", config.listen);
    EXPECT_INT(512 << 20, config.memory);
    EXPECT_INT(CONFIG_DEFAULT, config.origins[CONFIG_KEY_memory]);
    EXPECT_INT(CONFIG_OPTION, config.origins[CONFIG_KEY_data]);
    config_release(&config);
}

/* Option > environment > file > default. */
TEST(each_source_yields_to_the_one_above_it)
{
    char *path = write_file("{\"memory\": \"1G\", \"region\": \"file\", \"mountpath\": [\"/f\"]}");
    char *option = xasprintf("--config=%s", path);

    EXPECT_OK(load(option, NULL, NULL), &err);
    EXPECT(config.memory == UINT64_C(1) << 30);
    EXPECT_STRING("file", config.region);
    config_release(&config);

    setenv("LODE_REGION", "environment", 1);
    setenv("LODE_MOUNTPATH", "/a,/b", 1);
    EXPECT_OK(load(option, "--memory=2G", NULL), &err);
    EXPECT(config.memory == UINT64_C(2) << 30);
    EXPECT_STRING("environment", config.region);
    EXPECT_INT(2, config.mountpath.count);
    EXPECT_STRING("/b", config.mountpath.items[1]);
    EXPECT_INT(CONFIG_ENVIRONMENT, config.origins[CONFIG_KEY_mountpath]);
    config_release(&config);

    unsetenv("LODE_REGION");
    unsetenv("LODE_MOUNTPATH");
    free(option);
    free(path);
}

TEST(an_unknown_key_of_the_file_is_refused_by_name)
{
    char *path = write_file("{\"memroy\": \"1G\"}");

    EXPECT_STATUS(ST_INVALID, load("--config", path, NULL));
    EXPECT(strstr(err.text, "memroy") != NULL);
    free(path);
}

TEST(a_file_that_is_no_json_object_is_refused)
{
    static const char *const BAD[] = {"",
                                      "[]",
                                      "{\"memory\": [1]}",
                                      "{\"memory\": {}}",
                                      "{\"memory\": -5}",
                                      "{\"region\":\"a\",\"region\":\"b\"}"};

    for (size_t i = 0; i < 6; i++) {
        char *path = write_file(BAD[i]);

        EXPECT_STATUS(ST_INVALID, load("--config", path, NULL));
        free(path);
    }
    EXPECT_STATUS(ST_INVALID, load("--config", "/nonexistent/file", NULL));
}

TEST(bad_options_are_refused_with_their_name)
{
    EXPECT_STATUS(ST_INVALID, load("--memory", "much", NULL));
    EXPECT(strstr(err.text, "memory") != NULL && strstr(err.text, "much") != NULL);
    EXPECT_STATUS(ST_INVALID, load("--memory", "99999999999T", NULL));
    EXPECT_STATUS(ST_INVALID, load("--nonsense", NULL, NULL));
    EXPECT_STATUS(ST_INVALID, load("--data", NULL, NULL));
    EXPECT_STATUS(ST_INVALID, load("--fsck=maybe", NULL, NULL));
}

TEST(addresses_are_numeric_with_a_port)
{
    char *address = NULL;
    uint16_t port = 0;

    EXPECT_OK(config_parse_address("[::1]:443", &address, &port, &err), &err);
    EXPECT_STRING("::1", address);
    EXPECT_INT(443, port);
    free(address);
    EXPECT_OK(config_parse_address("none", &address, &port, &err), &err);
    EXPECT(address == NULL);
    EXPECT_STATUS(ST_INVALID, config_parse_address("localhost", &address, &port, &err));
    EXPECT_STATUS(ST_INVALID, config_parse_address("127.0.0.1:65536", &address, &port, &err));
    EXPECT_STATUS(ST_INVALID, config_parse_address(":80", &address, &port, &err));
}
