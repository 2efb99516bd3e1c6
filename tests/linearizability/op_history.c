/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/linearizability/op_history.h"

#include <jansson.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/memory.h"
#include "tests/linearizability/register_search.h"

#include "base/banned.h"

static void
name_table_grow(struct name_table *table)
{
    table->slot_count = table->slot_count == 0 ? 64 : table->slot_count * 2;
    free(table->slots);
    table->slots = xcalloc(table->slot_count, sizeof(*table->slots));
    for (size_t i = 0; i < table->count; i++) {
        size_t slot = hash_bytes(bytes_of_string(table->names[i]), 0) & (table->slot_count - 1);
        while (table->slots[slot] != 0) {
            slot = (slot + 1) & (table->slot_count - 1);
        }
        table->slots[slot] = (uint32_t)i + 1;
    }
}

static int32_t
name_table_add(struct name_table *table, const char *name)
{
    size_t slot;

    if (table->count * 2 >= table->slot_count) {
        name_table_grow(table);
    }
    slot = hash_bytes(bytes_of_string(name), 0) & (table->slot_count - 1);
    while (table->slots[slot] != 0) {
        if (strcmp(table->names[table->slots[slot] - 1], name) == 0) {
            return (int32_t)table->slots[slot] - 1;
        }
        slot = (slot + 1) & (table->slot_count - 1);
    }
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 64 : table->capacity * 2;
        table->names = xrealloc_array(table->names, table->capacity, sizeof(*table->names));
    }
    table->names[table->count] = xstrdup(name);
    table->slots[slot] = (uint32_t)++table->count;
    return (int32_t)table->count - 1;
}

static void
name_table_release(struct name_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->names[i]);
    }
    free(table->names);
    free(table->slots);
}

void
op_history_init(struct op_history *history)
{
    memset(history, 0, sizeof(*history));
    name_table_add(&history->values, "(nothing)"); /* VALUE_ABSENT */
}

static void
op_release(struct op *op)
{
    free(op->gateway);
    free(op->prefix);
    free(op->after);
    free(op->entries);
}

void
op_history_release(struct op_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        op_release(&history->ops[i]);
    }
    free(history->ops);
    name_table_release(&history->keys);
    name_table_release(&history->values);
    memset(history, 0, sizeof(*history));
}

static int32_t
name_of(struct name_table *table, json_t *line, const char *member)
{
    const char *name = json_string_value(json_object_get(line, member));

    return name == NULL ? NAME_NONE : name_table_add(table, name);
}

static char *
text_of(json_t *line, const char *member)
{
    const char *text = json_string_value(json_object_get(line, member));

    return xstrdup(text != NULL ? text : "");
}

static enum status
parse_kind(json_t *line, enum op_kind *ret_kind, struct error *err)
{
    static const char *const names[] = {"put", "get", "head", "delete", "copy", "page"};
    const char *name = json_string_value(json_object_get(line, "op"));

    for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_kind = (enum op_kind)i;
            return ST_OK;
        }
    }
    return fail(err, ST_INVALID, "\"op\" must be put, get, head, delete, copy or page");
}

static enum status
parse_result(json_t *line, enum op_result *ret_result, struct error *err)
{
    static const char *const names[] = {"ok", "absent", "failed", "source_failed", "unknown"};
    const char *name = json_string_value(json_object_get(line, "result"));

    for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_result = (enum op_result)i;
            return ST_OK;
        }
    }
    return fail(err, ST_INVALID, "\"result\" must be ok, absent, failed, source_failed or unknown");
}

static enum status
parse_times(json_t *line, struct op *op, struct error *err)
{
    json_t *call = json_object_get(line, "call");
    json_t *end = json_object_get(line, "return");

    if (!json_is_integer(call)) {
        return fail(err, ST_INVALID, "\"call\" must be a time in nanoseconds");
    }
    op->call_ns = json_integer_value(call);
    if (op->result == RESULT_UNKNOWN) {
        op->return_ns = NEVER;
        return ST_OK;
    }
    if (!json_is_integer(end) || json_integer_value(end) < op->call_ns) {
        return fail(err, ST_INVALID, "\"return\" must be a time not before \"call\"");
    }
    op->return_ns = json_integer_value(end);
    return ST_OK;
}

static enum status
parse_entries(struct op_history *history, json_t *line, struct op *op, struct error *err)
{
    json_t *entries = json_object_get(line, "entries");
    json_t *entry;
    size_t i;

    if (op->result != RESULT_OK) {
        return ST_OK;
    }
    if (!json_is_array(entries) || !json_is_boolean(json_object_get(line, "truncated"))) {
        return fail(err, ST_INVALID, "a page needs \"entries\" and \"truncated\"");
    }
    op->entries = xcalloc(json_array_size(entries) + 1, sizeof(*op->entries));
    json_array_foreach(entries, i, entry)
    {
        const char *key = json_string_value(json_array_get(entry, 0));
        json_t *value = json_array_get(entry, 1);
        if (key == NULL || !(json_is_string(value) || json_is_null(value))) {
            return fail(err, ST_INVALID, "entry %zu of the page is not [key, value]", i);
        }
        op->entries[op->entry_count++] = (struct page_entry){
            name_table_add(&history->keys, key),
            json_is_null(value) ? NAME_NONE
                                : name_table_add(&history->values, json_string_value(value))};
    }
    op->is_truncated = json_is_true(json_object_get(line, "truncated"));
    return ST_OK;
}

/* What the kind of operation needs and may answer. */
static enum status
check_op(const struct op *op, struct error *err)
{
    bool is_read = op->kind == OP_GET || op->kind == OP_HEAD;

    if (op->kind != OP_PAGE && op->key == NAME_NONE) {
        return fail(err, ST_INVALID, "\"key\" is missing");
    }
    if (op->kind == OP_COPY && (op->source == NAME_NONE || op->source == op->key)) {
        return fail(err, ST_INVALID, "a copy needs \"source\", another key");
    }
    if ((op->kind == OP_PUT || ((is_read || op->kind == OP_COPY) && op->result == RESULT_OK)) &&
        op->value == NAME_NONE) {
        return fail(err, ST_INVALID, "\"value\" is missing");
    }
    if (op->is_if_none_match && op->if_match != NAME_NONE) {
        return fail(err, ST_INVALID, "one condition on the key written, not two");
    }
    if ((is_read || op->kind == OP_PAGE) &&
        (op->result == RESULT_FAILED || op->if_match != NAME_NONE || op->is_if_none_match)) {
        return fail(err, ST_INVALID, "conditional reads are not part of a history");
    }
    if (op->result == RESULT_FAILED && op->if_match == NAME_NONE && !op->is_if_none_match) {
        return fail(err, ST_INVALID, "\"failed\" without a condition that could fail");
    }
    if (op->result == RESULT_SOURCE_FAILED &&
        (op->kind != OP_COPY || op->source_if_match == NAME_NONE)) {
        return fail(err, ST_INVALID, "\"source_failed\" without a condition on a source");
    }
    if (op->result == RESULT_ABSENT &&
        (op->kind == OP_PAGE || (op->kind == OP_PUT && op->if_match == NAME_NONE))) {
        return fail(err, ST_INVALID, "\"absent\" is no answer to this");
    }
    return ST_OK;
}

static enum status
parse_op(struct op_history *history, json_t *line, struct op *op, struct error *err)
{
    enum status st = parse_kind(line, &op->kind, err);

    if (st == ST_OK) {
        st = parse_result(line, &op->result, err);
    }
    if (st == ST_OK) {
        st = parse_times(line, op, err);
    }
    if (st != ST_OK) {
        return st;
    }
    op->key = name_of(&history->keys, line, "key");
    op->source = name_of(&history->keys, line, "source");
    op->value = name_of(&history->values, line, "value");
    op->if_match = name_of(&history->values, line, "if_match");
    op->source_if_match = name_of(&history->values, line, "source_if_match");
    op->is_if_none_match = json_is_string(json_object_get(line, "if_none_match"));
    op->client = json_integer_value(json_object_get(line, "client"));
    op->walk = json_integer_value(json_object_get(line, "walk"));
    op->gateway = text_of(line, "gateway");
    op->prefix = text_of(line, "prefix");
    op->after = text_of(line, "after");
    if (op->kind == OP_PAGE) {
        st = parse_entries(history, line, op, err);
    }
    return st == ST_OK ? check_op(op, err) : st;
}

enum status
op_history_add_line(struct op_history *history, struct bytes line, struct error *err)
{
    json_error_t where;
    json_t *root = json_loadb(line.data, line.size, JSON_REJECT_DUPLICATES, &where);
    struct op op = {.key = NAME_NONE};
    enum status st;

    if (!json_is_object(root)) {
        json_decref(root);
        return fail(err, ST_INVALID, "not a JSON object: %s", where.text);
    }
    st = parse_op(history, root, &op, err);
    json_decref(root);
    if (st != ST_OK) {
        op_release(&op);
        return st;
    }
    if (history->count == history->capacity) {
        history->capacity = history->capacity == 0 ? 256 : history->capacity * 2;
        history->ops = xrealloc_array(history->ops, history->capacity, sizeof(*history->ops));
    }
    history->ops[history->count++] = op;
    return ST_OK;
}

enum status
op_history_add_text(struct op_history *history, struct bytes text, struct error *err)
{
    size_t number = 0;

    while (text.size > 0) {
        struct bytes line = bytes_trim(bytes_cut(&text, '\n'));
        struct error why = ERROR_INIT;
        number++;
        if (line.size > 0 && op_history_add_line(history, line, &why) != ST_OK) {
            return fail(err, ST_INVALID, "line %zu: %s", number, why.text);
        }
    }
    return ST_OK;
}
