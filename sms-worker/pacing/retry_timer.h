// retry_timer: when the retries of a destination become due, to a quarter of a second, for the next 16 s.
// Later ones are found by the sweep, whose interval of 5 s matters less then. No I/O, no clock.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { RETRY_TIMER_SLOT_MS = 250, RETRY_TIMER_SLOTS = 64 };

struct retry_timer {
    uint64_t slots; // bit i: a retry is due in slot first + i
    int64_t first;
};

// Notes a retry in delay_ms; it is woken at that time or up to a slot later.
static inline void retry_timer_add(struct retry_timer *timer, int64_t now_ms, int64_t delay_ms)
{
    int64_t past =
        now_ms / RETRY_TIMER_SLOT_MS - timer->first; // slots that may be dropped if empty
    if (timer->slots != 0 && past > __builtin_ctzll(timer->slots))
        past = __builtin_ctzll(timer->slots);
    if (past > 0) {
        timer->slots = past < RETRY_TIMER_SLOTS ? timer->slots >> past : 0;
        timer->first += past;
    }
    int64_t offset = (now_ms + delay_ms) / RETRY_TIMER_SLOT_MS + 1 - timer->first;
    if (offset < RETRY_TIMER_SLOTS)
        timer->slots |= UINT64_C(1) << offset;
}

// When to look next; 0: never.
static inline int64_t retry_timer_next_ms(const struct retry_timer *timer)
{
    if (timer->slots == 0)
        return 0;
    return (timer->first + __builtin_ctzll(timer->slots)) * RETRY_TIMER_SLOT_MS;
}

// Is a retry due? Removes the due ones.
static inline bool retry_timer_take(struct retry_timer *timer, int64_t now_ms)
{
    bool due = false;
    while (timer->slots != 0 && retry_timer_next_ms(timer) <= now_ms) {
        timer->slots &= timer->slots - 1; // the lowest bit
        due = true;
    }
    return due;
}
