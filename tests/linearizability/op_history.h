/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What concurrent clients asked of the store and what they were told: one JSON object per line, in
 * any order.  README.md of this folder lists the members.  Keys and values become numbers; value 0
 * is "nothing there".  Read once by the judge, kept until it ends.  Single thread.
 */
#ifndef TESTS_LINEARIZABILITY_OP_HISTORY_H
#define TESTS_LINEARIZABILITY_OP_HISTORY_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

#define NAME_NONE (-1)

enum op_kind { OP_PUT, OP_GET, OP_HEAD, OP_DELETE, OP_COPY, OP_PAGE };

enum op_result {
    RESULT_OK,
    RESULT_ABSENT,        /* 404: of the key, or of the source of a copy */
    RESULT_FAILED,        /* 412: the condition on the key written did not hold */
    RESULT_SOURCE_FAILED, /* 412: the condition on the source of a copy did not hold */
    RESULT_UNKNOWN,       /* it may have taken place, or may yet */
};

struct page_entry {
    int32_t key;
    int32_t value; /* NAME_NONE: it was not told, only that there is one */
};

struct op {
    enum op_kind kind;
    enum op_result result;
    int32_t key; /* of a page: NAME_NONE */
    int32_t value;
    int32_t source;          /* OP_COPY: the key copied from */
    int32_t if_match;        /* a value, or NAME_NONE */
    int32_t source_if_match; /* likewise */
    bool is_if_none_match;
    int64_t call_ns;
    int64_t return_ns; /* NEVER (register_search.h) if it was not learnt */
    long long client;
    char *gateway;
    /* OP_PAGE */
    char *prefix;
    char *after; /* the page begins behind this key */
    long long walk;
    bool is_truncated;
    struct page_entry *entries;
    size_t entry_count;
};

struct name_table {
    char **names;
    size_t count;
    size_t capacity;
    uint32_t *slots;
    size_t slot_count;
};

struct op_history {
    struct op *ops;
    size_t count;
    size_t capacity;
    struct name_table keys;
    struct name_table values; /* number 0 is VALUE_ABSENT */
};

void op_history_init(struct op_history *history);
void op_history_release(struct op_history *history);
/* Add one line.  ST_INVALID says what is wrong with it; the history stays usable. */
MUST_USE enum status op_history_add_line(struct op_history *history, struct bytes line,
                                         struct error *err);
/* Add all lines of text; the error names the line. */
MUST_USE enum status op_history_add_text(struct op_history *history, struct bytes text,
                                         struct error *err);

#endif
