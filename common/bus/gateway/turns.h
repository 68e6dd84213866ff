// turns: fair sharing between tenants at a gateway's end of the bus, without I/O. The calls of one
// tenant for one service wait in a lane of their own, and the lanes of a service are served in
// turn. So between two calls of one tenant at most one call of each other tenant is sent, however
// many those have sent.
//
// A tenant has no more than its share (percent) of what the others have left of the waiting places,
// and of what the workers of a service take at a time; calls beyond it wait or are refused, while
// other tenants continue. So there is always room for one more tenant, however many send too much.
// Tenant 0, which stands for calls that belong to no tenant (such as checking a caller's key), has
// no limit.
#pragma once

#include "base/list.h"
#include "wire/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct turn;
struct turns;

// What the workers of a service take at a time.
struct turn_window {
    uint64_t messages, bytes;
};

struct lane {
    struct list link; // of the service's lanes, while something waits in it
    struct turn *turn;
    struct list waiting; // calls
    struct turn_window held;
};

struct turn {
    struct list idle; // while it has no calls
    uint32_t tenant;
    uint32_t calls;
    size_t waiting, waiting_bytes;
    struct lane lanes[SERVICE_COUNT];
};

// limit: of turns that have calls at a time; waiting and bytes: of all tenants together.
struct turns *turns_new(size_t limit, unsigned share, struct turn_window places);
void turns_free(struct turns **turns);

struct turn *turns_enter(struct turns *turns, uint32_t tenant); // for one more call
void turns_leave(struct turns *turns, struct turn *turn);       // with one call

// Whether one more call of this many bytes may wait, by the limit for all and by the tenant's
// share.
bool turns_has_room(const struct turns *turns, size_t bytes);
bool turns_share_has_room(const struct turns *turns, const struct turn *turn, size_t bytes);

void turns_wait(struct turns *turns, struct lane *lane, struct list *call, size_t bytes);
// To the front, of its lane and of all.
void turns_wait_first(struct turns *turns, struct lane *lane, struct list *call, size_t bytes);
// It no longer waits. has_gone: it went to a worker, so the next lane has its turn.
void turns_wait_end(struct turns *turns, struct lane *lane, struct list *call, size_t bytes,
                    bool has_gone);
// A worker has one more call, or one less.
void turns_hold(struct turns *turns, struct lane *lane, size_t bytes);
void turns_let_go(struct turns *turns, struct lane *lane, size_t bytes);

// May the lane's tenant send one more to a worker?
bool turns_may_go(const struct turns *turns, const struct lane *lane, struct turn_window window);
struct list *turns_lanes(struct turns *turns,
                         enum service_id service); // that wait, the next one first
size_t turns_waiting(const struct turns *turns);
