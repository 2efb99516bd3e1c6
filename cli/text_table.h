/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of text in columns as wide as their widest cell.  What servers say is printed with control
 * characters replaced, since a terminal would obey them.
 */
#ifndef CLI_TEXT_TABLE_H
#define CLI_TEXT_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TEXT_TABLE_COLUMNS_MAX 16

struct text_table {
    size_t column_count;
    uint32_t right_mask; /* bit i: column i stands on the right */
    char **cells;        /* row by row, titles first */
    size_t count;
    size_t capacity;
};

/* titles: borrowed, column_count of them. */
void text_table_init(struct text_table *table, size_t column_count, const char *const *titles,
                     uint32_t right_mask);
/* The next cell of the present row. */
void text_table_add(struct text_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void text_table_print(const struct text_table *table, FILE *out);
void text_table_release(struct text_table *table);

void text_table_print_text(FILE *out, const char *text);

#endif
