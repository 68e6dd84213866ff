// list: a doubly linked list whose links live in its members. An object that waits is on exactly
// one list; which one, is its state.
//
//   struct list waiting;  list_init(&waiting);
//   list_append(&waiting, &task->link);
//   LIST_EACH(&waiting, struct task, link, task) …        the current member may be removed inside
#pragma once

#include "attributes.h"

#include <stdbool.h>

struct list {
    struct list *next, *previous;
};

static inline void list_init(struct list *list)
{
    list->next = list->previous = list;
}
static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}
// A zeroed link is on no list; so is a removed one.
static inline bool list_is_linked(const struct list *link)
{
    return link->next && link->next != link;
}
static inline void list_append(struct list *list, struct list *link)
{
    link->next = list;
    link->previous = list->previous;
    list->previous->next = link;
    list->previous = link;
}
static inline void list_prepend(struct list *list, struct list *link)
{
    list_append(list->next, link);
}
static inline void list_remove(struct list *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->next = link->previous = link;
}

#define LIST_FIRST(list, type, link) CONTAINER_OF((list)->next, type, link)
#define LIST_EACH(list, type, link, item)                                                          \
    for (struct list *cursor_##item = (list)->next, *next_##item = cursor_##item->next;            \
         cursor_##item != (list); cursor_##item = next_##item, next_##item = cursor_##item->next)  \
        for (type *item = CONTAINER_OF(cursor_##item, type, link); item; item = NULL)
