/* SPDX-License-Identifier: Apache-2.0 */
/* The model's client: deletes of several keys, pages, uploads; the loop and the end. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "tests/unit/peer/model_client_internal.h"

#include "base/banned.h"

/* A Complete without an answer is asked again so often, so long apart. */
#define COMPLETE_TRIES 60
#define COMPLETE_PAUSE_MS 100
#define PAGE_KEYS 5
#define DELETE_KEYS 3
#define PART_BYTES 2000

/* ---- several keys in one request ---- */

static void
deleted(struct model_client *client, struct model_slot *slot, bool is_answered)
{
    char error[128];
    bool has_error;

    snprintf(error, sizeof(error), "<Error><Key>%s<", slot->key);
    has_error = is_answered && bytes_find(client->http.body, 0, bytes_of_string(error)) != SIZE_MAX;
    if (has_error) {
        client->http.status = 503; /* of this key */
    }
    if (!is_answered) {
        model_doubt_write(client, slot, 0);
    } else if (has_error && model_is_unanswered(client, slot, "DeleteObjects")) {
        client->http.status = 200;
        model_doubt_write(client, slot, 0);
    } else {
        slot->content = 0;
    }
}

void
model_delete_some(struct model_client *client)
{
    struct buffer body = BUFFER_INIT;
    unsigned char digest[16];
    unsigned char digest_text[32];
    char header[64];
    const char *headers[] = {header, NULL};
    size_t first = prng_below(&client->prng, MODEL_SLOTS - DELETE_KEYS);
    int status;
    bool is_answered;

    buffer_append_string(&body, "<Delete>");
    for (size_t i = 0; i < DELETE_KEYS; i++) {
        buffer_printf(&body, "<Object><Key>%s</Key></Object>", client->slots[first + i].key);
    }
    buffer_append_string(&body, "</Delete>");
    CHECK(EVP_Digest(body.data, body.size, digest, NULL, EVP_md5(), NULL) == 1);
    CHECK(EVP_EncodeBlock(digest_text, digest, sizeof(digest)) == 24);
    snprintf(header, sizeof(header), "Content-MD5: %s", (const char *)digest_text);
    status = model_ask(client, "POST", "/photos?delete=", headers, buffer_bytes(&body));
    is_answered = !model_is_unanswered(client, &client->slots[first], "DeleteObjects");
    if (is_answered && status != 200) {
        model_wrong(client, &client->slots[first], "DeleteObjects");
    }
    for (size_t i = 0; i < DELETE_KEYS; i++) {
        struct bytes answer = client->http.body;

        deleted(client, &client->slots[first + i], is_answered && answer.data != NULL);
    }
    buffer_release(&body);
}

/* ---- pages ---- */

struct walk {
    struct model_client *client;
    bool is_seen[MODEL_SLOTS];
    char last[48];
    size_t count; /* on this page */
};

/* Keys of a former generation are not looked at. */
static bool
see(struct walk *walk, struct bytes key)
{
    struct model_client *client = walk->client;
    char text[48];

    snprintf(text, sizeof(text), "%.*s", BYTES_ARGS(key));
    if (strcmp(walk->last, text) >= 0) {
        model_violated(client->model, "a page has %s behind %s", text, walk->last);
        return false;
    }
    memcpy(walk->last, text, sizeof(text));
    walk->count++;
    for (size_t i = 0; i < MODEL_SLOTS; i++) {
        if (strcmp(client->slots[i].key, text) == 0) {
            walk->is_seen[i] = true;
        }
    }
    return true;
}

static bool
read_page(struct walk *walk)
{
    struct bytes body = walk->client->http.body;
    size_t at = 0;

    walk->count = 0;
    while ((at = bytes_find(body, at, BYTES_LITERAL("<Key>"))) != SIZE_MAX) {
        size_t end = bytes_find(body, at, BYTES_LITERAL("</Key>"));

        if (end == SIZE_MAX || !see(walk, bytes_slice(body, at + 5, end))) {
            return false;
        }
        at = end;
    }
    return true;
}

static void
check_walk(struct walk *walk)
{
    for (size_t i = 0; i < MODEL_SLOTS; i++) {
        struct model_slot *slot = &walk->client->slots[i];

        if (walk->is_seen[i] != (slot->content != 0)) {
            model_wrong(walk->client, slot,
                        walk->is_seen[i] ? "listing shows a deleted key, namely"
                                         : "listing misses a key, namely");
        }
    }
}

void
model_list(struct model_client *client)
{
    struct walk walk = {.client = client};
    struct model_slot whole = {.key = "all keys"};
    bool goes_on = true;

    while (goes_on) {
        char target[256];
        int status;

        snprintf(target, sizeof(target),
                 "/photos?list-type=2&max-keys=%d&prefix=c%zu%%2F&start-after=%s", PAGE_KEYS,
                 client->number, walk.last);
        for (char *slash = strrchr(target, '/'); slash > target + 1; slash = NULL) {
            char rest[64];

            snprintf(rest, sizeof(rest), "%s", slash + 1);
            snprintf(slash, sizeof(target) - (size_t)(slash - target), "%%2F%s", rest);
        }
        status = model_ask(client, "GET", target, NULL, BYTES_NONE);
        if (model_is_unanswered(client, &whole, "a page")) {
            atomic_fetch_add(&client->model->excused_count, 1);
            return;
        }
        if (status != 200 || !read_page(&walk)) {
            model_wrong(client, &whole, "a page");
            return;
        }
        goes_on = bytes_find(client->http.body, 0, BYTES_LITERAL("<IsTruncated>true")) != SIZE_MAX;
        if (goes_on && walk.count == 0) {
            model_wrong(client, &whole, "an empty page that is not the last");
            return;
        }
    }
    check_walk(&walk);
}

/* ---- uploads ---- */

static void
begin_upload(struct model_client *client, struct model_upload *upload)
{
    struct model_slot *slot = &client->slots[prng_below(&client->prng, MODEL_SLOTS)];
    struct bytes body;
    size_t from;
    size_t to;
    int status = model_ask_key(client, "POST", slot, "?uploads=", NULL, BYTES_NONE);

    if (model_is_unanswered(client, slot, "CreateMultipartUpload")) {
        return;
    }
    body = client->http.body;
    from = bytes_find(body, 0, BYTES_LITERAL("<UploadId>"));
    to = bytes_find(body, 0, BYTES_LITERAL("</UploadId>"));
    if (status != 200 || from == SIZE_MAX || to == SIZE_MAX) {
        model_wrong(client, slot, "CreateMultipartUpload");
        return;
    }
    *upload = (struct model_upload){
        .is_open = true, .slot = (size_t)(slot - client->slots), .generation = slot->generation};
    snprintf(upload->id, sizeof(upload->id), "%.*s", BYTES_ARGS(bytes_slice(body, from + 10, to)));
    do {
        upload->content = model_new_content(client);
    } while (model_size(upload->content) <= PART_BYTES || model_size(upload->content) > 10000);
}

static void
send_part(struct model_client *client, struct model_upload *upload, size_t number)
{
    struct model_slot *slot = &client->slots[upload->slot];
    struct buffer content = BUFFER_INIT;
    char query[256];
    int status;

    model_fill(upload->content, &content);
    snprintf(query, sizeof(query), "?partNumber=%zu&uploadId=%s", number, upload->id);
    status =
        model_ask_key(client, "PUT", slot, query, NULL,
                      number == 1 ? bytes_slice(buffer_bytes(&content), 0, PART_BYTES)
                                  : bytes_slice(buffer_bytes(&content), PART_BYTES, content.size));
    if (model_is_unanswered(client, slot, "UploadPart")) {
        upload->part_etags[number - 1][0] = '\0'; /* sent again */
    } else if (status != 200) {
        model_wrong(client, slot, "UploadPart");
    } else {
        snprintf(upload->part_etags[number - 1], sizeof(upload->part_etags[0]), "%.*s",
                 BYTES_ARGS(model_http_header(&client->http, "ETag")));
    }
    buffer_release(&content);
}

/* The answer's status; not 200 only if there was none. */
static bool
complete_once(struct model_client *client, const struct model_upload *upload, const char *what)
{
    struct model_slot *slot = &client->slots[upload->slot];
    struct bytes etag;
    size_t from;
    char query[256];
    char body[512];
    int status;

    snprintf(query, sizeof(query), "?uploadId=%s", upload->id);
    snprintf(body, sizeof(body),
             "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part>"
             "<Part><PartNumber>2</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>",
             upload->part_etags[0], upload->part_etags[1]);
    status = model_ask_key(client, "POST", slot, query, NULL, bytes_of_string(body));
    if (model_is_unanswered(client, slot, what)) {
        return false;
    }
    etag = client->http.body;
    from = bytes_find(etag, 0, BYTES_LITERAL("-2"));
    if (status != 200 || from == SIZE_MAX) {
        model_wrong(client, slot, what);
    }
    return true;
}

static bool
complete(struct model_client *client, const struct model_upload *upload, const char *what)
{
    for (int i = 0; i < COMPLETE_TRIES; i++) {
        if (complete_once(client, upload, what)) {
            return true;
        }
        if (atomic_load(&client->model->has_violation)) {
            break;
        }
        clock_pause_ns(COMPLETE_PAUSE_MS * CLOCK_NS_PER_MS);
    }
    return false;
}

/* SPEC: docs/cluster-protocol.md, rule 7: a Complete that is repeated makes nothing. */
static void
complete_and_again(struct model_client *client, struct model_upload *upload)
{
    struct model_slot *slot = &client->slots[upload->slot];
    uint64_t generation = slot->generation;

    upload->is_open = false;
    if (!complete(client, upload, "CompleteMultipartUpload")) {
        model_doubt_write(client, slot, upload->content);
        return;
    }
    slot->content = upload->content;
    (void)model_ask_key(client, "HEAD", slot, "", NULL, BYTES_NONE);
    if (client->http.status != 200) {
        if (!model_is_unanswered(client, slot, "HEAD of a completed upload")) {
            model_wrong(client, slot, "HEAD of a completed upload");
        }
        model_doubt_write(client, slot, upload->content);
        return;
    }
    model_wrote(client, slot, upload->content);
    if (prng_below(&client->prng, 2) == 0) {
        return;
    }
    if (prng_below(&client->prng, 2) == 0) {
        model_delete(client, slot);
    } else {
        model_put(client, slot);
    }
    if (slot->generation == generation) {
        (void)complete(client, upload, "repeated CompleteMultipartUpload");
        model_get(client, slot);
    }
}

static void
abort_upload(struct model_client *client, struct model_upload *upload)
{
    struct model_slot *slot = &client->slots[upload->slot];
    char query[256];
    int status;

    upload->is_open = false;
    snprintf(query, sizeof(query), "?uploadId=%s", upload->id);
    status = model_ask_key(client, "DELETE", slot, query, NULL, BYTES_NONE);
    if (!model_is_unanswered(client, slot, "AbortMultipartUpload") && status != 204) {
        model_wrong(client, slot, "AbortMultipartUpload");
    }
}

void
model_upload(struct model_client *client)
{
    struct model_upload *upload = &client->uploads[prng_below(&client->prng, MODEL_UPLOADS)];

    if (upload->is_open && client->slots[upload->slot].generation != upload->generation) {
        upload->is_open = false; /* the key was given up */
    }
    if (!upload->is_open) {
        begin_upload(client, upload);
    } else if (prng_below(&client->prng, 8) == 0) {
        abort_upload(client, upload);
    } else if (upload->part_etags[0][0] == '\0') {
        send_part(client, upload, 1);
    } else if (upload->part_etags[1][0] == '\0') {
        send_part(client, upload, 2);
    } else {
        complete_and_again(client, upload);
    }
}

/* ---- the loop ---- */

void
model_client_init(struct model_client *client, struct model *model, size_t number,
                  uint64_t op_count_max)
{
    memset(client, 0, sizeof(*client));
    client->model = model;
    client->number = number;
    client->op_count_max = op_count_max;
    client->prng = prng_init(model->seed ^ (number + 1) * UINT64_C(0x9e3779b97f4a7c15));
    model_http_init(&client->http);
    for (size_t i = 0; i < MODEL_SLOTS; i++) {
        model_new_key(client, &client->slots[i]);
    }
}

static void
do_something(struct model_client *client)
{
    struct model_slot *slot = &client->slots[prng_below(&client->prng, MODEL_SLOTS)];
    uint64_t draw = prng_below(&client->prng, 100);

    if (draw < 25) {
        model_get(client, slot);
    } else if (draw < 30) {
        model_head(client, slot);
    } else if (draw < 48) {
        model_put(client, slot);
    } else if (draw < 57) {
        model_put_if(client, slot);
    } else if (draw < 67) {
        model_delete(client, slot);
    } else if (draw < 70) {
        model_delete_some(client);
    } else if (draw < 78) {
        model_copy(client, slot);
    } else if (draw < 86) {
        model_list(client);
    } else {
        model_upload(client);
    }
}

void *
model_client_main(void *arg)
{
    struct model_client *client = arg;

    for (uint64_t i = 0; i < client->op_count_max && !atomic_load(&client->model->has_violation);
         i++) {
        do_something(client);
        atomic_fetch_add(&client->model->op_count, 1);
    }
    return NULL;
}

void
model_client_verify(struct model_client *client)
{
    for (size_t i = 0; i < MODEL_SLOTS; i++) {
        model_get(client, &client->slots[i]);
        model_head(client, &client->slots[i]);
    }
    model_list(client);
    model_look_at_doubts(client);
}

void
model_client_release(struct model_client *client)
{
    model_http_release(&client->http);
}
