// list: a doubly linked list whose links live in its members. A waiting object is on exactly one
// list, and that list is its state.
//
//   struct list waiting;  list_init(&waiting);
//   list_append(&waiting, &task->link);
//   LIST_EACH(&waiting, struct task, link, task) …
//
// Inside LIST_EACH the current member may be removed; break and continue work.
#pragma once

#include "base/attributes.h"

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

// clang-format off
#define LIST_FIRST(head, type, member) CONTAINER_OF((head)->next, type, member)
// Two loops, so that item has its own type. The inner one moves the cursor on. If the body leaves
// it with break, the outer loop sees the same member again and ends.
#define LIST_EACH(head, type, member, item)                                                        \
    for (struct list *cursor_##item = (head)->next, *next_##item, *seen_##item = NULL;             \
         cursor_##item != (head) && cursor_##item != seen_##item &&                                \
         (next_##item = cursor_##item->next, seen_##item = cursor_##item);)                        \
        for (type *item = CONTAINER_OF(cursor_##item, type, member); item;                         \
             item = NULL, cursor_##item = next_##item)
// clang-format on
