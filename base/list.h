/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Circular doubly linked list; the node is embedded in the listed struct (see CONTAINER_OF).
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

struct list {
    struct list *next;
    struct list *previous;
};

static inline void
list_init(struct list *list)
{
    list->next = list->previous = list;
}

static inline bool
list_is_empty(const struct list *list)
{
    return list->next == list;
}

static inline bool
list_is_linked(const struct list *node)
{
    return node->next != NULL && node->next != node;
}

static inline void
list_append(struct list *list, struct list *node)
{
    node->previous = list->previous;
    node->next = list;
    list->previous->next = node;
    list->previous = node;
}

static inline void
list_prepend(struct list *list, struct list *node)
{
    list_append(list->next, node);
}

static inline void
list_remove(struct list *node)
{
    CHECK(node->next != NULL);
    node->next->previous = node->previous;
    node->previous->next = node->next;
    list_init(node);
}

static inline struct list *
list_take_first(struct list *list)
{
    struct list *first = list->next;

    if (first == list) {
        return NULL;
    }
    list_remove(first);
    return first;
}

#endif
