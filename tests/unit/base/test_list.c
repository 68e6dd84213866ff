#include "base/list.h"

#include "rows.h"

struct item {
    int number;
    struct list link;
};

static void fill(struct list *list, struct item *items, int count)
{
    list_init(list);
    for (int i = 0; i < count; i++) {
        items[i] = (struct item){.number = i};
        list_append(list, &items[i].link);
    }
}

Test(list, keeps_the_order_of_appending)
{
    struct list list;
    struct item items[5], first = {.number = -1};
    int expected = -1;

    fill(&list, items, 5);
    list_prepend(&list, &first.link);

    LIST_EACH (&list, struct item, link, item)
        cr_assert(eq(int, item->number, expected++));
    cr_assert(eq(int, expected, 5));
    cr_assert(eq(ptr, LIST_FIRST(&list, struct item, link), &first));
}

Test(list, allows_removing_the_current_member_in_a_loop)
{
    struct list list;
    struct item items[6];
    int visited = 0;

    fill(&list, items, 6);
    LIST_EACH (&list, struct item, link, item) {
        visited++;
        if (item->number % 2)
            list_remove(&item->link);
    }

    cr_assert(eq(int, visited, 6));
    cr_assert(eq(ptr, LIST_FIRST(&list, struct item, link)->link.next, &items[2].link));
}

Test(list, a_link_knows_whether_it_is_on_a_list)
{
    struct list list;
    struct item item = {0};

    list_init(&list);
    cr_assert(not(list_is_linked(&item.link)));
    list_append(&list, &item.link);
    cr_assert(list_is_linked(&item.link));
    list_remove(&item.link);

    cr_assert(not(list_is_linked(&item.link)));
    cr_assert(list_is_empty(&list));
}

Test(list, allows_leaving_a_loop_early)
{
    struct list list;
    struct item items[3];
    int visited = 0;

    fill(&list, items, 3);
    LIST_EACH (&list, struct item, link, item) {
        visited++;
        if (item->number == 1)
            break;
    }

    cr_assert(eq(int, visited, 2));
}
