// Which destination may send next.
#include "sms-worker/pacing/schedule.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { QUANTUM = 8 };

// Serves `turns` messages and counts those of each entry.
static void serve(struct schedule *schedule, struct schedule_entry *entries, size_t count,
                  int *served, int turns)
{
    for (int i = 0; i < turns; i++) {
        struct schedule_entry *entry = schedule_next(schedule, SCHEDULE_FAST);
        cr_assert(ne(ptr, entry, NULL));
        schedule_charge(entry, 1);
        for (size_t k = 0; k < count; k++)
            served[k] += entry == &entries[k];
    }
}

static void clear(struct schedule *schedule, struct schedule_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        schedule_remove(&entries[i]);
    schedule_release(schedule);
}

Test(schedule, has_no_entry_when_it_is_empty)
{
    struct schedule schedule;
    schedule_init(&schedule, QUANTUM);

    cr_assert(eq(ptr, schedule_next(&schedule, SCHEDULE_FAST), NULL));
}

Test(schedule, gives_a_tenant_with_ten_destinations_no_more_than_one_with_one)
{
    struct schedule schedule;
    struct schedule_entry entries[11] = {0};
    int served[11] = {0};
    schedule_init(&schedule, QUANTUM);
    for (int i = 0; i < 10; i++)
        schedule_add(&schedule, &entries[i], 1, SCHEDULE_FAST);
    schedule_add(&schedule, &entries[10], 2, SCHEDULE_FAST);

    serve(&schedule, entries, 11, served, 1600);

    cr_assert(eq(int, served[10], 800));
    for (int i = 0; i < 10; i++) {
        cr_assert(ge(int, served[i], 70));
        cr_assert(le(int, served[i], 90));
    }
    clear(&schedule, entries, 11);
}

Test(schedule, makes_an_entry_wait_as_long_as_it_was_charged)
{
    struct schedule schedule;
    struct schedule_entry entries[2] = {0};
    int served[2] = {0};
    schedule_init(&schedule, QUANTUM);
    schedule_add(&schedule, &entries[0], 1, SCHEDULE_FAST);
    schedule_add(&schedule, &entries[1], 2, SCHEDULE_FAST);
    cr_assert(eq(ptr, schedule_next(&schedule, SCHEDULE_FAST), &entries[0]));

    schedule_charge(&entries[0], 80);
    serve(&schedule, entries, 2, served, 72);

    cr_assert(eq(int, served[0], 0));
    cr_assert(eq(int, served[1], 72));
    clear(&schedule, entries, 2);
}

Test(schedule, does_not_let_slow_entries_delay_fast_ones)
{
    struct schedule schedule;
    struct schedule_entry entries[2] = {0};
    schedule_init(&schedule, QUANTUM);
    schedule_add(&schedule, &entries[0], 1, SCHEDULE_FAST);
    schedule_add(&schedule, &entries[1], 1, SCHEDULE_SLOW);

    cr_assert(eq(ptr, schedule_next(&schedule, SCHEDULE_FAST), &entries[0]));
    cr_assert(eq(ptr, schedule_next(&schedule, SCHEDULE_SLOW), &entries[1]));
    clear(&schedule, entries, 2);
}

Test(schedule, forgets_removed_entries_and_adds_none_twice)
{
    struct schedule schedule;
    struct schedule_entry entry = {0};
    schedule_init(&schedule, QUANTUM);
    schedule_add(&schedule, &entry, 1, SCHEDULE_FAST);
    schedule_add(&schedule, &entry, 1, SCHEDULE_FAST);
    cr_assert(schedule_has(&entry));

    schedule_remove(&entry);
    schedule_remove(&entry);

    cr_assert(not(schedule_has(&entry)));
    cr_assert(eq(ptr, schedule_next(&schedule, SCHEDULE_FAST), NULL));
    schedule_release(&schedule);
}
