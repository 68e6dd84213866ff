#include "bus/gateway/calls.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define PLENTY ((struct turn_window){1000, 1000 * 1000})

static struct bus_call *open_for_tenant(struct calls *calls, uint32_t tenant, uint32_t deadline_ms)
{
    const struct envelope envelope = {.message = MSG_SMS_INBOUND,
                                      .principal = {.tenant = tenant},
                                      .deadline_ms = deadline_ms,
                                      .traceparent = STR("trace")};
    return calls_open(calls, SERVICE_SMS, &envelope, STR("payload"), 1000);
}

static struct bus_call *open_one(struct calls *calls, uint32_t deadline_ms)
{
    return open_for_tenant(calls, 0, deadline_ms);
}

static void close_all(struct calls *calls)
{
    struct bus_call *call;

    while ((call = calls_expired(calls, INT64_MAX)))
        calls_close(calls, call);
    cr_assert(eq(sz, calls_waiting(calls), 0));
    calls_free(&calls);
}

// A call may wait for credit, or be sent again, after its caller has freed the request and the body.
Test(calls, keeps_copies_of_all_texts)
{
    struct calls *calls = calls_new(0);
    struct envelope envelope = {.message = MSG_SMS_INBOUND, .deadline_ms = 5};
    struct str *texts[ENVELOPE_TEXTS];
    char given[ENVELOPE_TEXTS][20], payload[] = "payload";
    AUTO(buf) wanted = {0};
    AUTO(buf) kept = {0};

    envelope_texts(&envelope, texts);
    for (int i = 0; i < ENVELOPE_TEXTS; i++) {
        snprintf(given[i], sizeof given[i], "text %d", i);
        *texts[i] = str_of(given[i]);
    }
    struct bus_call *call = calls_open(calls, SERVICE_SMS, &envelope, str_of(payload), 0);
    envelope.request = call->request;
    envelope_encode(&envelope, &wanted);
    memset(given, '?', sizeof given);
    memset(payload, '?', sizeof payload - 1);
    envelope_encode(&call->envelope, &kept);

    cr_assert(str_equal(buf_str(&kept), buf_str(&wanted)));
    cr_assert(str_equal(call->payload, STR("payload")));
    calls_close(calls, call);
    calls_free(&calls);
}

Test(calls, refuses_a_reply_to_an_earlier_call_in_the_same_slot)
{
    struct calls *calls = calls_new(0);
    struct bus_call *call = open_one(calls, 100);
    uint64_t request = call->request;
    cr_assert(eq(ptr, calls_find(calls, request), call));
    calls_close(calls, call);

    struct bus_call *next = open_one(calls, 100);

    cr_assert(eq(ptr, next, call), "the slot is used again");
    cr_assert(eq(ptr, calls_find(calls, request), NULL));
    cr_assert(eq(ptr, calls_find(calls, 0xFFFFFFFFFFFF), NULL));
    calls_close(calls, next);
    calls_free(&calls);
}

Test(calls, gives_requests_numbers_that_cannot_be_guessed)
{
    struct calls *calls = calls_new(0), *others = calls_new(0);
    struct bus_call *first = open_one(calls, 100), *second = open_one(calls, 100),
                    *other = open_one(others, 100);

    cr_assert(ne(u64, first->request >> 13, other->request >> 13), "another gateway's key");
    cr_assert(ne(u64, second->request - first->request, 1));
    cr_assert(eq(ptr, calls_find(calls, first->request + 8192), NULL), "the same slot");
    cr_assert(eq(ptr, calls_find(calls, 0), NULL));

    calls_close(calls, first);
    cr_assert(eq(ptr, calls_find(calls, 0), NULL), "not even of a closed one");
    calls_close(calls, second);
    calls_close(others, other);
    calls_free(&calls);
    calls_free(&others);
}

Test(calls, refuses_more_waiting_calls_than_the_limit)
{
    struct err err;
    struct calls *calls = calls_new(0);
    for (int i = 0; i < CALLS_WAITING_LIMIT; i++)
        cr_assert(calls_wait(calls, open_one(calls, 100), &err));

    struct bus_call *call = open_one(calls, 100);

    cr_assert(not(calls_wait(calls, call, &err)));
    calls_close(calls, call);
    while ((call = calls_expired(calls, INT64_MAX)))
        calls_close(calls, call);
    cr_assert(eq(sz, calls_waiting(calls), 0));
    calls_free(&calls);
}

Test(calls, puts_a_lost_call_back_at_the_front)
{
    struct err err;
    struct calls *calls = calls_new(0);
    struct list at_worker;
    int worker;
    list_init(&at_worker);
    struct bus_call *first = open_one(calls, 100), *second = open_one(calls, 100);
    calls_out(calls, first, &worker, &at_worker);
    cr_assert(calls_wait(calls, second, &err));

    calls_wait_again(calls, first);

    cr_assert(eq(ptr, calls_next(calls, SERVICE_SMS, PLENTY), first));
    cr_assert(list_is_empty(&at_worker));
    calls_close(calls, first);
    calls_close(calls, second);
    calls_free(&calls);
}

Test(calls, expires_an_abandoned_call_once_more_so_that_its_credit_comes_back)
{
    struct calls *calls = calls_new(0);
    struct list at_worker;
    int worker;
    list_init(&at_worker);
    struct bus_call *call = open_one(calls, 100);
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

// The tenant whose call is sent next; the call is removed.
static uint32_t tenant_of_next(struct calls *calls, struct list *at_worker)
{
    struct bus_call *call = calls_next(calls, SERVICE_SMS, PLENTY);
    cr_assert(ne(ptr, call, NULL));
    calls_out(calls, call, at_worker, at_worker);
    return call->envelope.principal.tenant;
}

Test(calls, of_several_tenants_take_turns_however_many_one_of_them_has)
{
    struct calls *calls = calls_new(75);
    struct list at_worker;
    struct err err;
    list_init(&at_worker);
    for (int i = 0; i < 100; i++)
        cr_assert(calls_wait(calls, open_for_tenant(calls, 1, 100), &err));
    for (uint32_t tenant = 2; tenant <= 3; tenant++)
        for (int i = 0; i < 2; i++)
            cr_assert(calls_wait(calls, open_for_tenant(calls, tenant, 100), &err));

    for (int i = 0; i < 2; i++)
        for (uint32_t tenant = 1; tenant <= 3; tenant++)
            cr_assert(eq(u32, tenant_of_next(calls, &at_worker), tenant));
    for (int i = 0; i < 98; i++)
        cr_assert(eq(u32, tenant_of_next(calls, &at_worker), 1));

    cr_assert(eq(ptr, calls_next(calls, SERVICE_SMS, PLENTY), NULL));
    close_all(calls);
}

Test(calls, of_one_tenant_leave_room_for_those_of_others)
{
    struct calls *calls = calls_new(75);
    struct err err;
    for (int i = 0; i < CALLS_WAITING_LIMIT * 3 / 4; i++)
        cr_assert(calls_wait(calls, open_for_tenant(calls, 1, 100), &err));

    cr_assert(not(calls_wait(calls, open_for_tenant(calls, 1, 100), &err)));
    cr_assert(eq(int, err.code, ERR_RATE_LIMITED));
    for (int i = 0; i < CALLS_WAITING_LIMIT / 4 * 3 / 4; i++)
        cr_assert(calls_wait(calls, open_for_tenant(calls, 2, 100), &err));
    cr_assert(not(calls_wait(calls, open_for_tenant(calls, 2, 100), &err)));
    cr_assert(eq(int, err.code, ERR_RATE_LIMITED));
    for (int i = 0; i < CALLS_WAITING_LIMIT / 64; i++)
        cr_assert(calls_wait(calls, open_for_tenant(calls, 3, 100), &err),
                  "two leave room for a third");
    close_all(calls);
}

Test(calls, of_two_tenants_that_send_without_end_leave_a_third_its_share)
{
    enum { WINDOW = 256, ROUNDS = 4000 };
    const struct turn_window window = {.messages = WINDOW, .bytes = 1000 * 1000 * 1000};
    struct calls *calls = calls_new(75);
    struct list at_worker;
    struct err err;
    struct bus_call *call;
    list_init(&at_worker);

    for (int round = 0; round < ROUNDS; round++) {
        for (uint32_t tenant = 1; tenant <= 2; tenant++)
            if (!calls_wait(calls, call = open_for_tenant(calls, tenant, 100), &err)) {
                cr_assert(eq(int, err.code, ERR_RATE_LIMITED));
                calls_close(calls, call);
            }
        if (round % 2) // the worker is slower than they are
            calls_close(calls, LIST_FIRST(&at_worker, struct bus_call, link));
        while ((call = calls_next(calls, SERVICE_SMS, window)))
            calls_out(calls, call, &at_worker, &at_worker);
    }

    for (int i = 0; i < WINDOW / 14; i++) {
        call = open_for_tenant(calls, 3, 100);
        cr_assert(calls_may_go(calls, call, window), "%d went at once", i);
        calls_out(calls, call, &at_worker, &at_worker);
    }
    for (int i = 0; i < CALLS_WAITING_LIMIT / 14; i++)
        cr_assert(calls_wait(calls, open_for_tenant(calls, 3, 100), &err), "%d may wait", i);
    close_all(calls);
}

Test(calls, of_one_tenant_never_take_all_that_workers_can_take)
{
    const struct turn_window window = {.messages = 4, .bytes = 1000 * 1000};
    struct calls *calls = calls_new(50);
    struct list at_worker;
    struct err err;
    list_init(&at_worker);
    struct bus_call *out[2];
    for (int i = 0; i < 2; i++) {
        out[i] = open_for_tenant(calls, 1, 100);
        cr_assert(calls_may_go(calls, out[i], window));
        calls_out(calls, out[i], &at_worker, &at_worker);
    }

    struct bus_call *third = open_for_tenant(calls, 1, 100),
                    *other = open_for_tenant(calls, 2, 100);
    cr_assert(not(calls_may_go(calls, third, window)));
    cr_assert(calls_wait(calls, third, &err));
    cr_assert(calls_may_go(calls, other, window), "it does not wait behind those of another");
    cr_assert(calls_may_go(calls, open_for_tenant(calls, 0, 100), window));

    calls_abandon(calls, out[0], 1100); // the worker still has it
    cr_assert(eq(ptr, calls_next(calls, SERVICE_SMS, window), NULL));
    calls_close(calls, out[0]);
    cr_assert(eq(ptr, calls_next(calls, SERVICE_SMS, window), third));
    close_all(calls);
}

// Random events: calls come, are placed, answered, lost and expire, in any order.
Test(calls, answers_every_call_exactly_once_whatever_happens)
{
    enum { SEEDS = 100, STEPS = 2000, WORKERS = 3 };

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random random = {.state = seed};
        struct calls *calls = calls_new(0);
        struct list at[WORKERS];
        size_t opened = 0, answered = 0;
        int64_t now_ms = 1000;
        struct bus_call *call;
        struct err err;
        for (int i = 0; i < WORKERS; i++)
            list_init(&at[i]);

        for (int step = 0; step < STEPS; step++) {
            struct list *worker = &at[random_below(&random, WORKERS)];
            now_ms += (int64_t)random_below(&random, 5);
            switch (random_below(&random, 5)) {
            case 0:
            case 1:
                opened++;
                cr_assert(calls_wait(calls,
                                     open_for_tenant(calls, (uint32_t)random_below(&random, 4),
                                                     1 + (uint32_t)random_below(&random, 3000)),
                                     &err));
                break;
            case 2: // the next goes out
                if ((call = calls_next(calls, SERVICE_SMS, PLENTY)))
                    calls_out(calls, call, worker, worker);
                break;
            case 3: // a reply
                if (!list_is_empty(worker)) {
                    call = LIST_FIRST(worker, struct bus_call, link);
                    cr_assert(eq(ptr, calls_find(calls, call->request), call));
                    answered += call->state == CALL_OUT;
                    calls_close(calls, call);
                }
                break;
            default: // a worker is lost
                while (random_below(&random, 20) == 0 && !list_is_empty(worker)) {
                    call = LIST_FIRST(worker, struct bus_call, link);
                    if (call->state == CALL_ABANDONED)
                        calls_close(calls, call);
                    else
                        calls_wait_again(calls, call);
                }
            }
            while ((call = calls_expired(calls, now_ms))) {
                answered += call->state != CALL_ABANDONED;
                if (call->state == CALL_OUT)
                    calls_abandon(calls, call, now_ms);
                else
                    calls_close(calls, call);
            }
            cr_assert(eq(sz, opened, answered + calls_unanswered(calls)), "seed %lu",
                      (unsigned long)seed);
        }
        while ((call = calls_expired(calls, INT64_MAX)))
            calls_close(calls, call);
        calls_free(&calls);
    }
}

Test(calls, knows_how_long_the_oldest_has_waited)
{
    struct err err;
    struct calls *calls = calls_new(0);
    struct bus_call *call = open_one(calls, 100); // at 1000
    cr_assert(eq(i64, calls_oldest_ms(calls, 5000), 0), "nothing waits");

    cr_assert(calls_wait(calls, call, &err));

    cr_assert(eq(i64, calls_oldest_ms(calls, 1300), 300));
    calls_close(calls, call);
    calls_free(&calls);
}
