// turns: a tenant's turn is found by its number and kept while it is idle, so that nothing is
// allocated for a call. There are more turns than there can be calls, so one that is idle can
// always be taken for another tenant.
#include "bus/gateway/turns.h"

#include "base/heap.h"
#include "base/map.h"
#include "base/panic.h"

#include <stdlib.h>

enum { PERCENT = 100 };

struct turns {
    struct map *by_tenant;
    struct list idle; // the one that was idle longest first
    struct list lanes[SERVICE_COUNT];
    struct turn_window held[SERVICE_COUNT]; // by all tenants
    size_t limit;
    unsigned share;
    struct turn_window places;
    size_t waiting, waiting_bytes;
};

struct turns *turns_new(size_t limit, unsigned share, struct turn_window places)
{
    struct turns *turns = heap_new(sizeof *turns);
    *turns = (struct turns){
        .by_tenant = map_new(), .limit = limit, .share = share ? share : PERCENT, .places = places};
    list_init(&turns->idle);
    for (size_t i = 0; i < SERVICE_COUNT; i++)
        list_init(&turns->lanes[i]);
    return turns;
}

static struct str key_of(const uint32_t *tenant)
{
    return str_make((const char *)tenant, sizeof *tenant);
}

void turns_free(struct turns **turns)
{
    if (!*turns)
        return;
    LIST_EACH (&(*turns)->idle, struct turn, idle, turn)
        free(turn);
    map_free(&(*turns)->by_tenant);
    free(*turns);
    *turns = NULL;
}

static struct turn *turn_new(struct turns *turns)
{
    struct turn *turn;

    if (map_count(turns->by_tenant) > turns->limit) {
        turn = LIST_FIRST(&turns->idle, struct turn, idle);
        list_remove(&turn->idle);
        map_remove(turns->by_tenant, key_of(&turn->tenant));
        return turn;
    }
    turn = heap_new(sizeof *turn);
    list_init(&turn->idle);
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        list_init(&turn->lanes[i].link);
        list_init(&turn->lanes[i].waiting);
        turn->lanes[i].turn = turn;
    }
    return turn;
}

struct turn *turns_enter(struct turns *turns, uint32_t tenant)
{
    struct turn *turn = map_get(turns->by_tenant, key_of(&tenant));

    if (!turn) {
        turn = turn_new(turns);
        turn->tenant = tenant;
        map_put(turns->by_tenant, key_of(&turn->tenant), turn);
    } else if (turn->calls == 0) {
        list_remove(&turn->idle);
    }
    turn->calls++;
    return turn;
}

void turns_leave(struct turns *turns, struct turn *turn)
{
    ASSERT(turn->calls > 0);
    if (--turn->calls == 0)
        list_append(&turns->idle, &turn->idle);
}

bool turns_has_room(const struct turns *turns, size_t bytes)
{
    return turns->waiting < turns->places.messages &&
           turns->waiting_bytes + bytes <= turns->places.bytes;
}

static bool is_limited(const struct turns *turns, const struct turn *turn)
{
    return turn->tenant != 0 && turns->share < PERCENT;
}

// Whether the tenant's part is below its share of what the others have left of the whole.
static uint64_t left_by_others(uint64_t whole, uint64_t taken, uint64_t own)
{
    return whole > taken - own ? whole - (taken - own) : 0;
}

bool turns_share_has_room(const struct turns *turns, const struct turn *turn, size_t bytes)
{
    if (!is_limited(turns, turn) || turn->waiting == 0)
        return true;
    uint64_t places = left_by_others(turns->places.messages, turns->waiting, turn->waiting);
    uint64_t room = left_by_others(turns->places.bytes, turns->waiting_bytes, turn->waiting_bytes);
    return (turn->waiting + 1) * PERCENT <= places * turns->share &&
           (turn->waiting_bytes + bytes) * PERCENT <= room * turns->share;
}

static enum service_id service_of(const struct lane *lane)
{
    return (enum service_id)(lane - lane->turn->lanes);
}

static void count(struct turns *turns, struct lane *lane, size_t bytes)
{
    turns->waiting++;
    turns->waiting_bytes += bytes;
    lane->turn->waiting++;
    lane->turn->waiting_bytes += bytes;
}

void turns_wait(struct turns *turns, struct lane *lane, struct list *call, size_t bytes)
{
    count(turns, lane, bytes);
    list_append(&lane->waiting, call);
    if (!list_is_linked(&lane->link))
        list_append(&turns->lanes[service_of(lane)], &lane->link);
}

void turns_wait_first(struct turns *turns, struct lane *lane, struct list *call, size_t bytes)
{
    count(turns, lane, bytes);
    list_prepend(&lane->waiting, call);
    list_remove(&lane->link);
    list_prepend(&turns->lanes[service_of(lane)], &lane->link);
}

void turns_wait_end(struct turns *turns, struct lane *lane, struct list *call, size_t bytes,
                    bool has_gone)
{
    turns->waiting--;
    turns->waiting_bytes -= bytes;
    lane->turn->waiting--;
    lane->turn->waiting_bytes -= bytes;
    list_remove(call);
    if (!has_gone && !list_is_empty(&lane->waiting))
        return;
    list_remove(&lane->link);
    if (!list_is_empty(&lane->waiting))
        list_append(&turns->lanes[service_of(lane)], &lane->link);
}

bool turns_may_go(const struct turns *turns, const struct lane *lane, struct turn_window window)
{
    const struct turn_window *own = &lane->held, *all = &turns->held[service_of(lane)];

    if (!is_limited(turns, lane->turn) || own->messages == 0)
        return true;
    return own->messages * PERCENT <
               left_by_others(window.messages, all->messages, own->messages) * turns->share &&
           own->bytes * PERCENT <
               left_by_others(window.bytes, all->bytes, own->bytes) * turns->share;
}

void turns_hold(struct turns *turns, struct lane *lane, size_t bytes)
{
    struct turn_window *all = &turns->held[service_of(lane)];

    lane->held.messages++;
    lane->held.bytes += bytes;
    all->messages++;
    all->bytes += bytes;
}

void turns_let_go(struct turns *turns, struct lane *lane, size_t bytes)
{
    struct turn_window *all = &turns->held[service_of(lane)];

    lane->held.messages--;
    lane->held.bytes -= bytes;
    all->messages--;
    all->bytes -= bytes;
}

struct list *turns_lanes(struct turns *turns, enum service_id service)
{
    return &turns->lanes[service];
}

size_t turns_waiting(const struct turns *turns)
{
    return turns->waiting;
}
