// calls: slots are taken from the free list, the last freed first (it is warm), or from the part of
// the table that was never used, so that an idle gateway does not touch the table's memory.
#include "bus/gateway/calls.h"

#include "base/heap.h"
#include "base/map.h"
#include "base/panic.h"
#include "base/random.h"
#include "bus/gateway/deadlines.h"

#include <stdlib.h>

enum { KEPT_BYTES = 4096, OVERHEAD_BYTES = 64, INDEX_BITS = 13 };

_Static_assert(CALLS_LIMIT == 1 << INDEX_BITS, "a request's number holds its slot");

struct calls {
    struct bus_call slots[CALLS_LIMIT];
    uint32_t used; // slots that were taken at least once
    struct list unused;
    struct turns *turns;
    size_t unanswered;
    uint8_t key[16]; // of the numbers
    uint64_t opened; // calls so far
    struct deadlines *deadlines;
};

struct calls *calls_new(unsigned tenant_share)
{
    struct calls *calls = heap_new(sizeof *calls);
    random_bytes(calls->key, sizeof calls->key);
    calls->deadlines = deadlines_new(CALLS_LIMIT);
    calls->turns = turns_new(CALLS_LIMIT, tenant_share,
                             (struct turn_window){CALLS_WAITING_LIMIT, CALLS_WAITING_BYTES});
    list_init(&calls->unused);
    return calls;
}

void calls_free(struct calls **calls)
{
    if (!*calls)
        return;
    ASSERT((*calls)->unanswered == 0);
    for (uint32_t i = 0; i < (*calls)->used; i++)
        buf_release(&(*calls)->slots[i].bytes);
    turns_free(&(*calls)->turns);
    deadlines_free(&(*calls)->deadlines);
    free(*calls);
    *calls = NULL;
}

static struct bus_call *slot_take(struct calls *calls)
{
    struct bus_call *call;

    if (!list_is_empty(&calls->unused)) {
        call = LIST_FIRST(&calls->unused, struct bus_call, link);
        list_remove(&call->link);
    } else {
        if (calls->used == CALLS_LIMIT)
            return NULL;
        call = &calls->slots[calls->used];
        call->index = calls->used++;
        list_init(&call->link);
    }
    return call;
}

static struct str keep(struct buf *bytes, struct str text)
{
    size_t at = bytes->len;

    if (!str_present(text))
        return STR_ABSENT;
    buf_str_append(bytes, text);
    return str_make(bytes->data + at, text.len);
}

static uint64_t number_make(struct calls *calls, uint32_t index)
{
    uint64_t count = ++calls->opened;
    uint64_t drawn = siphash(calls->key, str_make((const char *)&count, sizeof count));

    return drawn << INDEX_BITS | index;
}

// Copies the strings into the call: the caller may be gone when the call is sent, or sent again.
static void strings_keep(struct bus_call *call, struct str payload)
{
    struct str *texts[ENVELOPE_TEXTS];
    size_t length = payload.len;

    envelope_texts(&call->envelope, texts);
    for (size_t i = 0; i < ENVELOPE_TEXTS; i++)
        length += texts[i]->len;
    buf_clear(&call->bytes);
    buf_reserve(&call->bytes, length); // at once: what the strings point at must not move
    for (size_t i = 0; i < ENVELOPE_TEXTS; i++)
        *texts[i] = keep(&call->bytes, *texts[i]);
    call->payload = keep(&call->bytes, payload);
}

struct bus_call *calls_open(struct calls *calls, enum service_id service,
                            const struct envelope *envelope, struct str payload, int64_t now_ms)
{
    struct bus_call *call = slot_take(calls);

    if (!call)
        return NULL;
    call->losses = 0;
    call->service = service;
    call->turn = turns_enter(calls->turns, envelope->principal.tenant);
    call->opened_ms = now_ms;
    call->deadline_ms = now_ms + envelope->deadline_ms;
    call->envelope = *envelope;
    call->request = call->envelope.request = number_make(calls, call->index);
    strings_keep(call, payload);
    deadlines_add(calls->deadlines, call->index, call->deadline_ms);
    calls->unanswered++;
    return call;
}

size_t call_bytes(const struct bus_call *call)
{
    return call->bytes.len + OVERHEAD_BYTES;
}

static struct lane *lane_of(const struct bus_call *call)
{
    return &call->turn->lanes[call->service];
}

static void unlist(struct calls *calls, struct bus_call *call, bool goes_out)
{
    if (call->state == CALL_WAITING) {
        turns_wait_end(calls->turns, lane_of(call), &call->link, call_bytes(call), goes_out);
        return;
    }
    if (call->state != CALL_NEW)
        turns_let_go(calls->turns, lane_of(call), call_bytes(call));
    list_remove(&call->link);
}

void calls_close(struct calls *calls, struct bus_call *call)
{
    unlist(calls, call, false);
    turns_leave(calls->turns, call->turn);
    calls->unanswered -= call->state != CALL_ABANDONED;
    deadlines_remove(calls->deadlines, call->index);
    call->request = 0;
    call->state = CALL_NEW;
    call->worker = NULL;
    if (call->bytes.capacity > KEPT_BYTES)
        buf_release(&call->bytes);
    list_prepend(&calls->unused, &call->link);
}

struct bus_call *calls_find(struct calls *calls, uint64_t request)
{
    uint32_t index = (uint32_t)request & (CALLS_LIMIT - 1);

    if (request == 0 || index >= calls->used || calls->slots[index].request != request)
        return NULL;
    return &calls->slots[index];
}

bool calls_wait(struct calls *calls, struct bus_call *call, struct err *err)
{
    size_t bytes = call_bytes(call);

    if (!turns_share_has_room(calls->turns, call->turn, bytes))
        return err_set(err, ERR_RATE_LIMITED,
                       "this contact center has as many waiting requests as its share allows");
    if (!turns_has_room(calls->turns, bytes))
        return err_set(err, ERR_BUSY, "too many requests are waiting for %.*s",
                       STR_ARG(service_name(call->service)));
    unlist(calls, call, false);
    call->state = CALL_WAITING;
    turns_wait(calls->turns, lane_of(call), &call->link, bytes);
    return true;
}

void calls_wait_again(struct calls *calls, struct bus_call *call)
{
    unlist(calls, call, false);
    call->state = CALL_WAITING;
    call->worker = NULL;
    turns_wait_first(calls->turns, lane_of(call), &call->link, call_bytes(call));
}

// Looks once at each tenant that has used up its share: there are at most as many of them as calls
// that the workers take.
struct bus_call *calls_next(const struct calls *calls, enum service_id service,
                            struct turn_window window)
{
    LIST_EACH (turns_lanes(calls->turns, service), struct lane, link, lane)
        if (turns_may_go(calls->turns, lane, window))
            return LIST_FIRST(&lane->waiting, struct bus_call, link);
    return NULL;
}

bool calls_may_go(const struct calls *calls, const struct bus_call *call, struct turn_window window)
{
    return turns_may_go(calls->turns, lane_of(call), window) &&
           !calls_next(calls, call->service, window);
}

struct bus_call *calls_first_fresh(const struct calls *calls, enum service_id service)
{
    LIST_EACH (turns_lanes(calls->turns, service), struct lane, link, lane)
        LIST_EACH (&lane->waiting, struct bus_call, link, call)
            if (call->losses == 0)
                return call;
    return NULL;
}

void calls_out(struct calls *calls, struct bus_call *call, void *worker, struct list *at_worker)
{
    unlist(calls, call, true);
    turns_hold(calls->turns, lane_of(call), call_bytes(call));
    call->state = CALL_OUT;
    call->worker = worker;
    list_append(at_worker, &call->link);
}

void calls_abandon(struct calls *calls, struct bus_call *call, int64_t now_ms)
{
    ASSERT(call->state == CALL_OUT);
    call->state = CALL_ABANDONED;
    calls->unanswered--;
    deadlines_remove(calls->deadlines, call->index);
    deadlines_add(calls->deadlines, call->index, now_ms + CALLS_ABANDONED_MS);
}

bool calls_first_deadline(const struct calls *calls, int64_t *deadline_ms)
{
    uint32_t index;
    return deadlines_first(calls->deadlines, &index, deadline_ms);
}

struct bus_call *calls_expired(struct calls *calls, int64_t now_ms)
{
    uint32_t index;
    int64_t deadline_ms;

    if (!deadlines_first(calls->deadlines, &index, &deadline_ms) || deadline_ms > now_ms)
        return NULL;
    return &calls->slots[index];
}

size_t calls_unanswered(const struct calls *calls)
{
    return calls->unanswered;
}

size_t calls_waiting(const struct calls *calls)
{
    return turns_waiting(calls->turns);
}

int64_t calls_oldest_ms(const struct calls *calls, int64_t now_ms)
{
    int64_t oldest_ms = 0;

    for (size_t i = 0; i < SERVICE_COUNT; i++)
        LIST_EACH (turns_lanes(calls->turns, (enum service_id)i), struct lane, link, lane) {
            const struct bus_call *first = LIST_FIRST(&lane->waiting, struct bus_call, link);
            if (now_ms - first->opened_ms > oldest_ms)
                oldest_ms = now_ms - first->opened_ms;
        }
    return oldest_ms;
}
