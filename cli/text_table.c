/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text_table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

static void
add(struct text_table *table, char *take_cell)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 64 : 2 * table->capacity;
        table->cells = xrealloc(table->cells, table->capacity * sizeof(*table->cells));
    }
    table->cells[table->count++] = take_cell;
}

void
text_table_init(struct text_table *table, size_t column_count, const char *const *titles,
                uint32_t right_mask)
{
    CHECK(column_count > 0 && column_count <= TEXT_TABLE_COLUMNS_MAX);
    *table = (struct text_table){.column_count = column_count, .right_mask = right_mask};
    for (size_t i = 0; i < column_count; i++) {
        add(table, xstrdup(titles[i]));
    }
}

void
text_table_add(struct text_table *table, const char *format, ...)
{
    va_list args;
    va_list again;
    char *cell;
    int size;

    va_start(args, format);
    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, args);
    CHECK(size >= 0);
    cell = xmalloc((size_t)size + 1);
    vsnprintf(cell, (size_t)size + 1, format, again);
    va_end(again);
    va_end(args);
    add(table, cell);
}

void
text_table_print_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
    }
}

void
text_table_print(const struct text_table *table, FILE *out)
{
    int widths[TEXT_TABLE_COLUMNS_MAX] = {0};

    CHECK(table->count % table->column_count == 0);
    for (size_t i = 0; i < table->count; i++) {
        int width = (int)strlen(table->cells[i]);

        if (width > widths[i % table->column_count]) {
            widths[i % table->column_count] = width;
        }
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->column_count;
        bool is_last = column + 1 == table->column_count;
        bool is_right = (table->right_mask >> column & 1) != 0;
        int room = widths[column] - (int)strlen(table->cells[i]);

        fprintf(out, "%*s", is_right ? room : 0, "");
        text_table_print_text(out, table->cells[i]);
        fprintf(out, "%*s%s", is_right || is_last ? 0 : room, "", is_last ? "\n" : "  ");
    }
}

void
text_table_release(struct text_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    *table = (struct text_table){.column_count = 0};
}
