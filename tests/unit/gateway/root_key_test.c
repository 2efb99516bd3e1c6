/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/root_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* No default secret: the first start makes one, later starts find the same. */
TEST(generated_keys_are_kept_readable_by_the_owner_only)
{
    struct error err = ERROR_INIT;
    struct root_key first;
    struct root_key second;
    char *path = xasprintf("%s/root-key.json", test_directory());
    struct stat status;

    EXPECT_OK(root_key_load(test_directory(), &first, &err), &err);
    EXPECT_OK(root_key_load(test_directory(), &second, &err), &err);

    EXPECT(first.is_new && !second.is_new);
    EXPECT_INT(20, strlen(first.access_key));
    EXPECT_INT(40, strlen(first.secret_key));
    EXPECT_STRING(first.access_key, second.access_key);
    EXPECT_STRING(first.secret_key, second.secret_key);
    EXPECT_INT(0, stat(path, &status));
    EXPECT_INT(0600, status.st_mode & 07777);
    free(path);
}

TEST(a_damaged_file_is_refused_and_left_alone)
{
    struct root_key key;
    char *path = xasprintf("%s/root-key.json", test_directory());
    FILE *file = fopen(path, "w");

    fputs("{\"access_key\": \"AAA\"}", file);
    fclose(file);

    EXPECT_STATUS(ST_CORRUPT, root_key_load(test_directory(), &key, NULL));
    EXPECT_STATUS(ST_CORRUPT, root_key_load(test_directory(), &key, NULL));
    free(path);
}

TEST(the_environment_gives_both_keys_or_none)
{
    struct root_key key;

    setenv("LODE_ROOT_ACCESS_KEY", "root-access", 1);
    EXPECT_STATUS(ST_INVALID, root_key_load(test_directory(), &key, NULL));
    setenv("LODE_ROOT_SECRET_KEY", "short", 1);
    EXPECT_STATUS(ST_INVALID, root_key_load(test_directory(), &key, NULL));
    setenv("LODE_ROOT_SECRET_KEY", "long-enough-secret", 1);
    EXPECT_STATUS(ST_OK, root_key_load(test_directory(), &key, NULL));
    EXPECT_STRING("root-access", key.access_key);
    EXPECT(key.is_environment && !key.is_new);
    unsetenv("LODE_ROOT_ACCESS_KEY");
    unsetenv("LODE_ROOT_SECRET_KEY");
}
