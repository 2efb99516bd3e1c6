/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/peer/model_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/peer/model_client_internal.h"

#include "base/banned.h"

#define BUCKET "/photos/"
/* Patience of peers and pools with what was broken lasts longer than the fault. */
#define CALM_NS (3 * CLOCK_NS_PER_S)
#define READ_TRIES 20

/* ---- what is shared ---- */

void
model_violated(struct model *model, const char *fmt, ...)
{
    va_list args;

    CHECK(pthread_mutex_lock(&model->lock) == 0);
    if (!atomic_load(&model->has_violation)) {
        va_start(args, fmt);
        vsnprintf(model->violation, sizeof(model->violation), fmt, args);
        va_end(args);
        atomic_store(&model->has_violation, true);
    }
    CHECK(pthread_mutex_unlock(&model->lock) == 0);
}

static bool
is_disturbed(const struct model *model)
{
    return atomic_load(&((struct model *)model)->disturbed_count) > 0 ||
           clock_monotonic_ns() - atomic_load(&((struct model *)model)->calm_ns) < CALM_NS;
}

/* ---- contents ---- */

size_t
model_size(uint64_t content)
{
    static const size_t SIZES[] = {0, 1, 100, 700, 3000, 3000, 9000, 100, 100, 300000};

    return SIZES[content % ARRAY_COUNT(SIZES)];
}

uint64_t
model_new_content(struct model_client *client)
{
    return (++client->content_count << 4 | client->number) + 16;
}

void
model_fill(uint64_t content, struct buffer *out)
{
    fixture_fill(out, model_size(content), content);
}

/* ---- requests ---- */

/* Through any node.  The answer's status; 0: none. */
int
model_ask(struct model_client *client, const char *method, const char *target,
          const char *const *headers, struct bytes body)
{
    size_t node = prng_below(&client->prng, MODEL_HTTP_NODES_MAX);

    model_http_ask(&client->http, node, (uint16_t)atomic_load(&client->model->ports[node]), method,
                   target, headers, body);
    return client->http.status;
}

int
model_ask_key(struct model_client *client, const char *method, const struct model_slot *slot,
              const char *query, const char *const *headers, struct bytes body)
{
    char target[512];

    snprintf(target, sizeof(target), BUCKET "%s%s", slot->key, query);
    return model_ask(client, method, target, headers, body);
}

void
model_wrong(struct model_client *client, const struct model_slot *slot, const char *what)
{
    struct bytes body = client->http.body;

    model_violated(client->model, "step %llu: %s of %s (content %llu): answered %d: %.*s",
                   (unsigned long long)atomic_load(&client->model->step_count), what, slot->key,
                   (unsigned long long)slot->content, client->http.status,
                   (int)(body.size < 200 ? body.size : 200), body.data != NULL ? body.data : "");
}

/* True: no answer, or a 5xx, which only a disturbance explains. */
bool
model_is_unanswered(struct model_client *client, const struct model_slot *slot, const char *what)
{
    int status = client->http.status;
    bool is_late_error =
        status == 200 && bytes_has_prefix(client->http.body, BYTES_LITERAL("<?xml")) &&
        bytes_find(client->http.body, 0, BYTES_LITERAL("<Error>")) != SIZE_MAX &&
        bytes_find(client->http.body, 0, BYTES_LITERAL("<DeleteResult")) == SIZE_MAX;

    if (status != 0 && status < 500 && !is_late_error) {
        return false;
    }
    if (!is_disturbed(client->model)) {
        model_wrong(client, slot, what);
    }
    return true;
}

void
model_new_key(struct model_client *client, struct model_slot *slot)
{
    slot->generation = ++client->generation_count;
    slot->content = 0;
    slot->etag[0] = '\0';
    snprintf(slot->key, sizeof(slot->key), "c%zu/k%02zu-%llu", client->number,
             (size_t)(slot - client->slots), (unsigned long long)slot->generation);
}

/* The write may have been done, or be done yet. */
void
model_doubt_write(struct model_client *client, struct model_slot *slot, uint64_t content)
{
    struct model_doubt *one;

    atomic_fetch_add(&client->model->unknown_count, 1);
    if (client->doubt_count == MODEL_DOUBTS_MAX) {
        model_look_at_doubts(client);
    }
    if (client->doubt_count < MODEL_DOUBTS_MAX) {
        one = &client->doubts[client->doubt_count++];
        memcpy(one->key, slot->key, sizeof(one->key));
        one->contents[0] = slot->content;
        one->contents[1] = content;
    }
    model_new_key(client, slot);
}

void
model_wrote(struct model_client *client, struct model_slot *slot, uint64_t content)
{
    struct bytes etag = model_http_header(&client->http, "ETag");

    slot->content = content;
    snprintf(slot->etag, sizeof(slot->etag), "%.*s", BYTES_ARGS(etag));
}

/* ---- reads ---- */

/* Which of the two contents is it?  -1: neither. */
static int
which_content(struct model_client *client, const uint64_t contents[2])
{
    struct buffer expected = BUFFER_INIT;
    int found = -1;

    for (int i = 0; i < 2 && found < 0; i++) {
        if (client->http.status == 404) {
            found = contents[i] == 0 ? i : -1;
        } else if (client->http.status == 200 && contents[i] != 0) {
            model_fill(contents[i], &expected);
            found = bytes_equal(buffer_bytes(&expected), client->http.body) ? i : -1;
        }
    }
    buffer_release(&expected);
    return found;
}

void
model_get(struct model_client *client, struct model_slot *slot)
{
    const uint64_t contents[2] = {slot->content, slot->content};

    (void)model_ask_key(client, "GET", slot, "", NULL, BYTES_NONE);
    if (model_is_unanswered(client, slot, "GET")) {
        atomic_fetch_add(&client->model->excused_count, 1);
    } else if (which_content(client, contents) < 0) {
        model_wrong(client, slot, "GET");
    }
}

void
model_head(struct model_client *client, struct model_slot *slot)
{
    int status = model_ask_key(client, "HEAD", slot, "", NULL, BYTES_NONE);

    if (model_is_unanswered(client, slot, "HEAD")) {
        atomic_fetch_add(&client->model->excused_count, 1);
    } else if (status != (slot->content == 0 ? 404 : 200) ||
               (status == 200 &&
                !bytes_equal_string(model_http_header(&client->http, "ETag"), slot->etag))) {
        model_wrong(client, slot, "HEAD");
    }
}

/* Keys without an answer, once their time is over: one of both. */
void
model_look_at_doubts(struct model_client *client)
{
    for (size_t i = 0; i < client->doubt_count; i++) {
        const struct model_doubt *one = &client->doubts[i];
        struct model_slot slot = {.content = one->contents[0]};
        int status = 0;

        memcpy(slot.key, one->key, sizeof(slot.key));
        for (int try = 0; try < READ_TRIES && (status == 0 || status >= 500); try++) {
            status = model_ask_key(client, "GET", &slot, "", NULL, BYTES_NONE);
        }
        if (!model_is_unanswered(client, &slot, "GET of a doubt") &&
            which_content(client, one->contents) < 0) {
            model_wrong(client, &slot, "GET of a doubt");
        }
    }
    client->doubt_count = 0;
}

/* ---- writes ---- */

void
model_put(struct model_client *client, struct model_slot *slot)
{
    uint64_t content = model_new_content(client);
    struct buffer body = BUFFER_INIT;
    int status;

    model_fill(content, &body);
    status = model_ask_key(client, "PUT", slot, "", NULL, buffer_bytes(&body));
    if (model_is_unanswered(client, slot, "PUT")) {
        model_doubt_write(client, slot, content);
    } else if (status != 200) {
        model_wrong(client, slot, "PUT");
    } else {
        model_wrote(client, slot, content);
    }
    buffer_release(&body);
}

/* If-None-Match: *, If-Match of the right and of a wrong ETag. */
void
model_put_if(struct model_client *client, struct model_slot *slot)
{
    uint64_t kind = prng_below(&client->prng, 3);
    bool is_met = kind == 0 ? slot->content == 0 : kind == 1 && slot->content != 0;
    uint64_t content = model_new_content(client);
    struct buffer body = BUFFER_INIT;
    char condition[80];
    const char *headers[] = {condition, NULL};
    int status;

    if (kind == 0) {
        snprintf(condition, sizeof(condition), "If-None-Match: *");
    } else {
        snprintf(condition, sizeof(condition), "If-Match: %s",
                 kind == 1 && slot->content != 0 ? slot->etag
                                                 : "\"00000000000000000000000000000000\"");
    }
    model_fill(content, &body);
    status = model_ask_key(client, "PUT", slot, "", headers, buffer_bytes(&body));
    if (model_is_unanswered(client, slot, "conditional PUT")) {
        if (is_met) {
            model_doubt_write(client, slot, content);
        }
    } else if (is_met ? status != 200
                      : status != 412 && !(status == 404 && slot->content == 0 && kind != 0)) {
        model_wrong(client, slot, condition);
    } else if (is_met) {
        model_wrote(client, slot, content);
    }
    buffer_release(&body);
}

void
model_delete(struct model_client *client, struct model_slot *slot)
{
    int status = model_ask_key(client, "DELETE", slot, "", NULL, BYTES_NONE);

    if (model_is_unanswered(client, slot, "DELETE")) {
        model_doubt_write(client, slot, 0);
    } else if (status != 204) {
        model_wrong(client, slot, "DELETE");
    } else {
        slot->content = 0;
    }
}

void
model_copy(struct model_client *client, struct model_slot *slot)
{
    struct model_slot *source = &client->slots[prng_below(&client->prng, MODEL_SLOTS)];
    char header[128];
    const char *headers[] = {header, NULL};
    int status;

    if (source == slot) {
        return;
    }
    snprintf(header, sizeof(header), "x-amz-copy-source: " BUCKET "%s", source->key);
    status = model_ask_key(client, "PUT", slot, "", headers, BYTES_NONE);
    if (model_is_unanswered(client, slot, "copy")) {
        if (source->content != 0) {
            model_doubt_write(client, slot, source->content);
        }
    } else if (status != (source->content == 0 ? 404 : 200)) {
        model_wrong(client, slot, "copy");
    } else if (source->content != 0) {
        slot->content = source->content;
        memcpy(slot->etag, source->etag, sizeof(slot->etag));
        if (strchr(slot->etag, '-') != NULL) { /* of parts no more */
            (void)model_ask_key(client, "HEAD", slot, "", NULL, BYTES_NONE);
            if (client->http.status == 200) {
                model_wrote(client, slot, slot->content);
            } else if (model_is_unanswered(client, slot, "HEAD of a copy")) {
                model_doubt_write(client, slot, slot->content);
            }
        }
    }
}
