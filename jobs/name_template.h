/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AIStore's templates of names: "shard-{0000..0099..2}.tar", "a-{x..z}", "part-@00100".  Several
 * ranges multiply, the last one runs fastest; a zero in front is kept.  A template without a range
 * is a prefix.  One thread each.
 * SPEC: AIStore cmn/cos/template.go.
 */
#ifndef JOBS_NAME_TEMPLATE_H
#define JOBS_NAME_TEMPLATE_H

#include "base/bytes.h"

#define NAME_TEMPLATE_RANGES_MAX 8
/* SPEC: AIStore expands no more names than these. */
#define NAME_TEMPLATE_NAMES_MAX UINT64_C(10000000)
#define NAME_TEMPLATE_BYTES_MAX 1024

struct name_range {
    struct bytes before; /* what stands in front of it */
    uint64_t first;
    uint64_t last; /* inclusive */
    uint64_t step;
    size_t width;   /* digits; 0: letters */
    uint64_t value; /* of the next name */
};

struct name_template {
    struct name_range ranges[NAME_TEMPLATE_RANGES_MAX];
    size_t range_count; /* 0: a prefix */
    struct bytes after; /* behind the last range; the prefix itself */
    uint64_t count;     /* names in all */
    bool is_at_end;
};

/* Views into text.  ST_INVALID with a sentence. */
MUST_USE enum status name_template_parse(struct bytes text, struct name_template *ret_template,
                                         struct error *err);
/* Replaces out by the next name; false: there is none. */
bool name_template_next(struct name_template *template, struct buffer *out);

#endif
