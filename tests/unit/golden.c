/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/golden.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define GOLDEN_BYTES_MAX 8192

void
golden_expect(const char *name, struct bytes encoded)
{
    const char *source = getenv("LODE_SRCDIR");
    char *path = xasprintf("%s/tests/golden/%s.hex", source != NULL ? source : ".", name);
    char *hex = xmalloc(encoded.size * 2 + 1);
    struct buffer content = BUFFER_INIT;
    FILE *file = fopen(path, "re");
    bool is_same;

    encode_hex(encoded, hex);
    if (file != NULL) {
        content.size = fread(buffer_reserve(&content, GOLDEN_BYTES_MAX), 1, GOLDEN_BYTES_MAX, file);
        fclose(file);
    }
    while (content.size > 0 && content.data[content.size - 1] == '\n') {
        content.size--;
    }
    is_same = bytes_equal(buffer_bytes(&content), bytes_of_string(hex));
    if (!is_same) {
        printf("# %s would be %s\n", path, hex);
    }
    free(hex);
    free(path);
    buffer_release(&content);
    if (!is_same) {
        test_failed(__FILE__, __LINE__, "%s is encoded in another way, or has no golden file",
                    name);
    }
}
