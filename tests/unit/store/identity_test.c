/* SPDX-License-Identifier: Apache-2.0 */
#include "store/identity.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/test.h"

#include "base/banned.h"

static const struct identity SAMPLE = {.node_id = "node_1234", .uuid = {0xAB, 1, 2, 3}};

static int
open_directory(void)
{
    return open(test_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
write_text(const char *text)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/identity", test_directory());
    file = fopen(path, "w");
    EXPECT(file != NULL);
    fputs(text, file);
    fclose(file);
}

TEST(identity_reads_back_as_written)
{
    int fd = open_directory();
    struct identity identity;
    struct error err = ERROR_INIT;

    EXPECT_STATUS(ST_NOT_FOUND, identity_read(fd, "mp", &identity, NULL));
    EXPECT_OK(identity_write(fd, "mp", &SAMPLE, &err), &err);
    EXPECT_OK(identity_read(fd, "mp", &identity, &err), &err);

    EXPECT_STRING(SAMPLE.node_id, identity.node_id);
    EXPECT(memcmp(SAMPLE.uuid, identity.uuid, sizeof(identity.uuid)) == 0);
    close(fd);
}

TEST(damaged_identity_is_corrupt_and_a_newer_one_is_refused_by_name)
{
    int fd = open_directory();
    struct identity identity;
    struct error err = ERROR_INIT;

    write_text("");
    EXPECT_STATUS(ST_CORRUPT, identity_read(fd, "mp", &identity, NULL));
    write_text("lode-mountpath 1\nnode node_1234\nuuid ab01020300000000000000000000000\n");
    EXPECT_STATUS(ST_CORRUPT, identity_read(fd, "mp", &identity, NULL));
    write_text("lode-mountpath 1\nnode node_1234\nuuid ab010203000000000000000000000000\n"
               "crc32c 00000000\n");
    EXPECT_STATUS(ST_CORRUPT, identity_read(fd, "mp", &identity, NULL));
    write_text("lode-mountpath 2\nnode node_1234\n");
    EXPECT_STATUS(ST_INVALID, identity_read(fd, "mp", &identity, &err));
    EXPECT(strstr(err.text, "newer version") != NULL);
    close(fd);
}
