/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "stream/digest.h"
#include "tests/model/model.h"

#include "base/banned.h"

/* Prefixes of each other, delimiters at all places, bytes above ASCII; the last has 1,024 bytes. */
static const char *const KEYS[MODEL_KEY_COUNT] = {"a",
                                                  "a/",
                                                  "a/b",
                                                  "a/b/",
                                                  "a/b/c",
                                                  "a/c",
                                                  "aa",
                                                  "ab",
                                                  "b/1",
                                                  "b/2",
                                                  "b/3",
                                                  "b/x/1",
                                                  "b/x/2",
                                                  "b0",
                                                  "c//d",
                                                  "c/",
                                                  "/",
                                                  "//",
                                                  "/e",
                                                  ".",
                                                  "..",
                                                  "../f",
                                                  "%2F",
                                                  " ",
                                                  "\x01",
                                                  "\x7f",
                                                  "\xc3\xa9",
                                                  "e\xcc\x81",
                                                  "\xf0\x9f\x98\x80",
                                                  "g-1",
                                                  "g-2",
                                                  "g-3",
                                                  "h/i/j/k/l",
                                                  "h/i/j/k/m",
                                                  "h/i/j2",
                                                  "Z",
                                                  "z",
                                                  "zz",
                                                  "z/z",
                                                  ""};

static char longest_key[1024];
static size_t key_order[MODEL_KEY_COUNT];

/* Content is cut out of one pool: cheap to make, and wrong bytes never look right. */
#define POOL_BYTES ((size_t)4 << 20)
static char *pool;

struct bytes
model_key(size_t index)
{
    CHECK(index < MODEL_KEY_COUNT);
    if (index == MODEL_KEY_COUNT - 1) {
        if (longest_key[0] == '\0') {
            memset(longest_key, 'k', sizeof(longest_key));
        }
        return bytes_of(longest_key, sizeof(longest_key));
    }
    return bytes_of_string(KEYS[index]);
}

static int
order_compare(const void *a, const void *b)
{
    return bytes_compare(model_key(*(const size_t *)a), model_key(*(const size_t *)b));
}

const size_t *
model_key_order(void)
{
    if (key_order[0] == key_order[1]) {
        for (size_t i = 0; i < MODEL_KEY_COUNT; i++) {
            key_order[i] = i;
        }
        qsort(key_order, MODEL_KEY_COUNT, sizeof(key_order[0]), order_compare);
    }
    return key_order;
}

const char *
model_bucket_name(size_t index)
{
    static const char *const NAMES[MODEL_BUCKET_COUNT] = {"first", "second", "third"};

    CHECK(index < MODEL_BUCKET_COUNT);
    return NAMES[index];
}

uint32_t
model_part_number(size_t index)
{
    return (uint32_t)index * 3 + 1;
}

/* On all sides of the borders between record, pack, chunk file and pages. */
static size_t
size_choose(struct prng *prng)
{
    static const size_t BORDERS[] = {0,     1,     299,    300,    512,    513,   4096,
                                     65536, 65537, 262144, 262145, 524288, 524289};

    switch (prng_below(prng, 16)) {
    case 0:
    case 1:
        return BORDERS[prng_below(prng, ARRAY_COUNT(BORDERS))];
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
        return prng_below(prng, 600);
    case 7:
        return prng_below(prng, 300000);
    case 8:
        return prng_below(prng, 8) == 0 ? prng_below(prng, 1200000) : 262144 + 1000;
    default:
        return prng_below(prng, 9000);
    }
}

struct model_blob *
model_blob_of(struct bytes data)
{
    struct model_blob *blob = xmalloc(sizeof(*blob) + data.size + 1);

    blob->reference_count = 1;
    blob->size = data.size;
    if (data.size > 0) {
        memcpy(blob->data, data.data, data.size);
    }
    return blob;
}

struct model_blob *
model_blob_create(uint64_t dice)
{
    struct prng prng = prng_init(dice);
    size_t size = size_choose(&prng);

    if (pool == NULL) {
        struct prng fill = prng_init(1);

        pool = xmalloc(POOL_BYTES);
        prng_fill(&fill, pool, POOL_BYTES);
    }
    return model_blob_of(bytes_of(pool + prng_below(&prng, POOL_BYTES - size), size));
}

struct model_blob *
model_blob_hold(struct model_blob *blob)
{
    blob->reference_count++;
    return blob;
}

void
model_blob_release(struct model_blob **take_blob)
{
    struct model_blob *blob = *take_blob;

    *take_blob = NULL;
    if (blob != NULL && --blob->reference_count == 0) {
        free(blob);
    }
}

struct bytes
model_blob_bytes(const struct model_blob *blob)
{
    return bytes_of(blob->data, blob->size);
}

void
model_object_clear(struct model_object *object)
{
    model_blob_release(&object->blob);
    memset(object, 0, sizeof(*object));
}

void
model_object_copy(struct model_object *to, const struct model_object *from)
{
    struct model_object copy = *from;

    model_blob_hold(copy.blob);
    model_object_clear(to);
    *to = copy;
}

void
model_object_join_parts(struct model_object *object)
{
    struct digest_value md5;

    if (object->part_count > 0) {
        digest_of(DIGEST_MD5, model_blob_bytes(object->blob), &md5);
        encode_hex(digest_value_bytes(&md5), object->etag);
        object->part_count = 0;
    }
}

void
model_upload_clear(struct model_upload *upload)
{
    for (size_t i = 0; i < MODEL_PART_MAX; i++) {
        model_blob_release(&upload->parts[i].blob);
    }
    memset(upload, 0, sizeof(*upload));
}
