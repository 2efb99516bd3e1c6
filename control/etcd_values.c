/* SPDX-License-Identifier: Apache-2.0 */
#include "control/etcd_values.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"

#include "base/banned.h"

/* Values in a page; fewer where they are large. */
#define PAGE_COUNT 2000

/* A key that Lode would not write; left out so that a foreign writer does not stop a cluster. */
static bool
is_foreign(const struct etcd_kv *kv, struct bytes prefix)
{
    bool is_foreign_key =
        kv->key.size == prefix.size || kv->key.size - prefix.size > CONTROL_KEY_BYTES_MAX;

    if (is_foreign_key) {
        log_warn(NULL, "etcd_foreign_key",
                 "a value at etcd revision %" PRIu64 " is left out: its key has %zu bytes",
                 kv->mod_revision, kv->key.size - prefix.size);
    }
    return is_foreign_key;
}

static struct control_value
value_of(const struct etcd_kv *kv, struct bytes prefix)
{
    return (struct control_value){.key = bytes_slice(kv->key, prefix.size, kv->key.size),
                                  .value = kv->value,
                                  .revision = kv->mod_revision,
                                  .create_revision = kv->create_revision,
                                  .lease = kv->lease};
}

/* ---- reading all ---- */

struct page_reader {
    struct etcd_client *client;
    struct bytes prefix;
    int64_t timeout_ms;
    struct control_snapshot *snapshot;
    struct etcd_header header; /* of the first page */
    struct buffer from;        /* first key of the next page */
    unsigned page_count;
    bool has_more;
};

static void
append_request(const struct page_reader *reader, struct buffer *body)
{
    struct bytes prefix = reader->prefix;
    char last = (char)(prefix.data[prefix.size - 1] + 1);

    buffer_append_string(body, "{\"key\":\"");
    etcd_append_base64(body, buffer_bytes(&reader->from), BYTES_NONE);
    buffer_append_string(body, "\",\"range_end\":\"");
    etcd_append_base64(body, bytes_slice(prefix, 0, prefix.size - 1), bytes_of(&last, 1));
    buffer_printf(body, "\",\"limit\":\"%u\",\"revision\":\"%" PRIu64 "\"}", reader->page_count,
                  reader->header.revision);
}

static enum status
add_page(struct page_reader *reader, const struct etcd_range *range, struct error *err)
{
    for (size_t i = 0; i < range->count; i++) {
        const struct etcd_kv *kv = &range->kvs[i];

        if (!bytes_has_prefix(kv->key, reader->prefix) ||
            bytes_compare(kv->key, buffer_bytes(&reader->from)) < 0) {
            return fail(err, ST_CORRUPT, "etcd answered with a key that was not asked for");
        }
        buffer_clear(&reader->from); /* the least key that may follow */
        buffer_append_bytes(&reader->from, kv->key);
        buffer_append_char(&reader->from, '\0');
        if (!is_foreign(kv, reader->prefix)) {
            struct control_value value = value_of(kv, reader->prefix);

            control_snapshot_append(&reader->snapshot, control_entry_create(&value));
        }
    }
    reader->has_more = range->has_more && range->count > 0;
    return ST_OK;
}

static enum status
read_page(struct page_reader *reader, struct error *err)
{
    struct buffer body = BUFFER_INIT;
    struct buffer answer = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    struct etcd_range range;
    enum status st;

    append_request(reader, &body);
    st = etcd_client_call(reader->client, "/v3/kv/range", buffer_bytes(&body), reader->timeout_ms,
                          &answer, err);
    if (st == ST_OK) {
        st = etcd_json_range(buffer_bytes(&answer), &arena, &range, err);
    }
    if (st == ST_OK) {
        if (reader->header.revision == 0) {
            reader->header = range.header;
        }
        st = add_page(reader, &range, err);
    }
    arena_release(&arena);
    buffer_release(&answer);
    buffer_release(&body);
    return st;
}

static void
start_again(struct page_reader *reader)
{
    control_snapshot_unref(reader->snapshot);
    reader->snapshot = control_snapshot_create(0);
    reader->header = (struct etcd_header){0, 0};
    buffer_clear(&reader->from);
    buffer_append_bytes(&reader->from, reader->prefix);
}

enum status
etcd_values_read(struct etcd_client *client, struct bytes prefix, int64_t timeout_ms,
                 struct control_snapshot **ret_snapshot, struct etcd_header *ret_header,
                 struct error *err)
{
    struct page_reader reader = {.client = client,
                                 .prefix = prefix,
                                 .timeout_ms = timeout_ms,
                                 .snapshot = control_snapshot_create(0),
                                 .page_count = PAGE_COUNT,
                                 .has_more = true};
    enum status st = ST_OK;

    start_again(&reader);
    while (st == ST_OK && reader.has_more) {
        st = read_page(&reader, err);
        if (st == ST_TOO_LARGE && reader.page_count > 1) {
            reader.page_count = reader.page_count > 8 ? reader.page_count / 8 : 1;
            st = ST_OK;
        } else if (st == ST_PRECONDITION && reader.header.revision != 0) {
            start_again(&reader); /* compacted between two pages */
            st = ST_OK;
        }
    }
    if (st == ST_OK && reader.header.revision < reader.snapshot->revision) {
        st = fail(err, ST_CORRUPT, "etcd answered with a value of a revision that is to come");
    }
    if (st == ST_OK) {
        reader.snapshot->revision = reader.header.revision;
        *ret_snapshot = reader.snapshot;
        *ret_header = reader.header;
    } else {
        control_snapshot_unref(reader.snapshot);
    }
    buffer_release(&reader.from);
    return st;
}

/* ---- the difference of two snapshots ---- */

static int
compare_changes(const void *a, const void *b)
{
    const struct control_value *first = a;
    const struct control_value *second = b;

    if (first->revision != second->revision) {
        return first->revision < second->revision ? -1 : 1;
    }
    return bytes_compare(first->key, second->key);
}

/* changes has room for both snapshots' values. */
static size_t
collect_changes(const struct control_snapshot *old, const struct control_snapshot *next,
                struct control_value *changes)
{
    size_t count = 0;
    size_t i = 0;
    size_t k = 0;

    while (i < old->count || k < next->count) {
        const struct control_value *before = i < old->count ? &old->entries[i]->value : NULL;
        const struct control_value *after = k < next->count ? &next->entries[k]->value : NULL;
        int order = before == NULL  ? 1
                    : after == NULL ? -1
                                    : bytes_compare(before->key, after->key);

        if (order < 0) {
            changes[count++] =
                (struct control_value){.key = before->key, .revision = next->revision};
        } else if (order > 0 || before->revision != after->revision) {
            changes[count++] = *after;
        }
        i += order <= 0 ? 1 : 0;
        k += order >= 0 ? 1 : 0;
    }
    qsort(changes, count, sizeof(*changes), compare_changes);
    return count;
}

void
etcd_values_replace(struct control_view *view, struct control_snapshot *next)
{
    struct control_snapshot *old = control_view_snapshot(view);
    struct control_value *changes = xmalloc((old->count + next->count + 1) * sizeof(*changes));
    size_t count = collect_changes(old, next, changes);

    control_view_turn_take(view);
    control_view_publish(view, next, changes, count);
    control_view_turn_give(view);
    free(changes);
    control_snapshot_unref(old);
}

/* ---- events ---- */

/* Events of one revision. */
static void
apply_revision(struct control_view *view, struct bytes prefix, const struct etcd_event *events,
               size_t count)
{
    struct control_snapshot *old = control_view_snapshot(view);
    struct control_snapshot *next = control_snapshot_at(old, events[0].kv.mod_revision);
    struct control_value *told = xmalloc(count * sizeof(*told));
    size_t told_count = 0;

    for (size_t i = 0; i < count; i++) {
        struct control_value value = value_of(&events[i].kv, prefix);
        struct control_snapshot *before = next;
        bool is_delete = events[i].is_delete;

        if (is_foreign(&events[i].kv, prefix) ||
            (is_delete && control_snapshot_find(before, value.key) == NULL)) {
            continue;
        }
        if (is_delete) {
            value = (struct control_value){.key = value.key, .revision = value.revision};
        }
        next = control_snapshot_with(
            before, value.key, is_delete ? NULL : control_entry_create(&value), before->revision);
        control_snapshot_unref(before);
        told[told_count++] = value;
    }
    control_view_turn_take(view);
    control_view_publish(view, next, told, told_count);
    control_view_turn_give(view);
    control_snapshot_unref(old);
    free(told);
}

static enum status
check_events(struct bytes prefix, const struct etcd_event *events, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!bytes_has_prefix(events[i].kv.key, prefix) ||
            (i > 0 && events[i].kv.mod_revision < events[i - 1].kv.mod_revision)) {
            return fail(err, ST_CORRUPT, "etcd told of changes out of order or not asked for");
        }
    }
    return ST_OK;
}

enum status
etcd_values_apply(struct control_view *view, struct bytes prefix, const struct etcd_event *events,
                  size_t count, struct error *err)
{
    struct control_snapshot *snapshot = control_view_snapshot(view);
    uint64_t known = snapshot->revision;
    enum status st = check_events(prefix, events, count, err);

    control_snapshot_unref(snapshot);
    for (size_t first = 0, end; st == ST_OK && first < count; first = end) {
        uint64_t revision = events[first].kv.mod_revision;

        for (end = first + 1; end < count && events[end].kv.mod_revision == revision; end++) {
        }
        if (revision > known) {
            apply_revision(view, prefix, events + first, end - first);
        }
    }
    return st;
}
