#include "bus/calls.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct call *open_one(struct calls *calls, uint32_t deadline_ms)
{
    const struct envelope envelope = {
        .message = MSG_SMS_INBOUND, .deadline_ms = deadline_ms, .traceparent = STR("trace")};
    return calls_open(calls, SERVICE_SMS, &envelope, STR("payload"), 1000);
}

Test(calls, keeps_copies_of_what_it_was_given)
{
    struct calls *calls = calls_new(1);
    char text[] = "payload";
    const struct envelope envelope = {.message = MSG_SMS_INBOUND, .deadline_ms = 5};

    struct call *call = calls_open(calls, SERVICE_SMS, &envelope, str_of(text), 0);
    text[0] = 'P';

    cr_assert(str_equal(call->payload, STR("payload")));
    calls_close(calls, call);
    calls_free(&calls);
}

Test(calls, does_not_take_an_answer_for_an_earlier_life_of_the_slot)
{
    struct calls *calls = calls_new(1);
    struct call *call = open_one(calls, 100);
    uint64_t request = call_request(call);
    cr_assert(eq(ptr, calls_find(calls, request), call));
    calls_close(calls, call);

    struct call *next = open_one(calls, 100);

    cr_assert(eq(ptr, next, call), "the slot is used again");
    cr_assert(eq(ptr, calls_find(calls, request), NULL));
    cr_assert(eq(ptr, calls_find(calls, 0xFFFFFFFFFFFF), NULL));
    calls_close(calls, next);
    calls_free(&calls);
}

Test(calls, refuses_more_waiting_calls_than_the_limit)
{
    struct calls *calls = calls_new(1);
    for (int i = 0; i < CALLS_WAITING_LIMIT; i++)
        cr_assert(calls_wait(calls, open_one(calls, 100)));

    struct call *call = open_one(calls, 100);

    cr_assert(not(calls_wait(calls, call)));
    calls_close(calls, call);
    while ((call = calls_expired(calls, INT64_MAX)))
        calls_close(calls, call);
    cr_assert(eq(sz, calls_waiting(calls), 0));
    calls_free(&calls);
}

Test(calls, gives_a_lost_call_its_place_back_at_the_front)
{
    struct calls *calls = calls_new(1);
    struct list at_worker;
    int worker;
    list_init(&at_worker);
    struct call *first = open_one(calls, 100), *second = open_one(calls, 100);
    calls_out(calls, first, &worker, &at_worker);
    cr_assert(calls_wait(calls, second));

    calls_wait_again(calls, first);

    cr_assert(eq(ptr, calls_first_waiting(calls, SERVICE_SMS), first));
    cr_assert(list_is_empty(&at_worker));
    calls_close(calls, first);
    calls_close(calls, second);
    calls_free(&calls);
}

Test(calls, expires_an_abandoned_call_once_more_so_that_its_credit_comes_back)
{
    struct calls *calls = calls_new(1);
    struct list at_worker;
    int worker;
    list_init(&at_worker);
    struct call *call = open_one(calls, 100);
    calls_out(calls, call, &worker, &at_worker);
    cr_assert(eq(ptr, calls_expired(calls, 1099), NULL));
    cr_assert(eq(ptr, calls_expired(calls, 1100), call));

    calls_abandon(calls, call, 1100);

    cr_assert(eq(sz, calls_unanswered(calls), 0));
    cr_assert(eq(ptr, calls_expired(calls, 1100), NULL));
    cr_assert(eq(ptr, calls_expired(calls, 1100 + CALLS_ABANDONED_MS), call));
    calls_close(calls, call);
    calls_free(&calls);
}
