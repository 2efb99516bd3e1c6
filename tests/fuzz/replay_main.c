/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main() of a fuzz target in a build without libFuzzer: hands every file of its corpus
 * (tests/fuzz/corpus/NAME, NAME from the program's own name) to the target and prints TAP.  What
 * the target finds ends the program, which the TAP driver reports as a failure of the file it was
 * at.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

/* A corpus is to be read in reviews: what is longer teaches no more (bytes). */
#define REPLAY_FILE_SIZE_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The memory is exactly as large as the file, so that ASan sees a read beyond its end. */
static void
replay(const char *path)
{
    struct stat status;
    uint8_t *data;
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    CHECK(fd >= 0 && fstat(fd, &status) == 0 && status.st_size <= REPLAY_FILE_SIZE_MAX);
    data = xmalloc((size_t)status.st_size);
    while (size < (size_t)status.st_size) {
        ssize_t count = read(fd, data + size, (size_t)status.st_size - size);

        CHECK(count > 0);
        size += (size_t)count;
    }
    close(fd);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static int
replay_directory(const char *corpus)
{
    struct dirent **entries;
    int count = scandir(corpus, &entries, is_visible, alphasort);

    if (count <= 0) {
        printf("1..1\nnot ok 1 - %s holds a corpus\n", corpus);
        return 1;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        char *path = xasprintf("%s/%s", corpus, entries[i]->d_name);

        printf("# %s\n", path);
        fflush(stdout);
        replay(path);
        printf("ok %d - replays %s\n", i + 1, entries[i]->d_name);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

/* usage: NAME [FILE...], without files the corpus of NAME */
int
main(int argc, char **argv)
{
    const char *source_directory = getenv("LODE_SRCDIR");
    const char *slash = strrchr(argv[0], '/');
    char *corpus;
    int code;

    for (int i = 1; i < argc; i++) {
        replay(argv[i]);
    }
    if (argc > 1) {
        return 0;
    }
    corpus = xasprintf("%s/tests/fuzz/corpus/%s", source_directory != NULL ? source_directory : ".",
                       slash != NULL ? slash + 1 : argv[0]);
    code = replay_directory(corpus);
    free(corpus);
    return code;
}
