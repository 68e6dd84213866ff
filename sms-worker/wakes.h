// wakes: when the retries of a destination fall due, to a quarter of a second, for the next 16 s.
// What lies further ahead is found by the sweep, whose 5 s then matter less. No I/O, no clock.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { WAKES_SLOT_MS = 250, WAKES_SLOTS = 64 };

struct wakes {
    uint64_t slots; // bit i: somebody is due in slot first + i
    int64_t first;
};

// Notes a retry in delay_ms; it is woken at that time or up to a slot later.
static inline void wakes_add(struct wakes *wakes, int64_t now_ms, int64_t delay_ms)
{
    int64_t past = now_ms / WAKES_SLOT_MS - wakes->first; // slots that may be dropped if empty
    if (wakes->slots != 0 && past > __builtin_ctzll(wakes->slots))
        past = __builtin_ctzll(wakes->slots);
    if (past > 0) {
        wakes->slots = past < WAKES_SLOTS ? wakes->slots >> past : 0;
        wakes->first += past;
    }
    int64_t offset = (now_ms + delay_ms) / WAKES_SLOT_MS + 1 - wakes->first;
    if (offset < WAKES_SLOTS)
        wakes->slots |= UINT64_C(1) << offset;
}

// When to look next; 0: never.
static inline int64_t wakes_next_ms(const struct wakes *wakes)
{
    if (wakes->slots == 0)
        return 0;
    return (wakes->first + __builtin_ctzll(wakes->slots)) * WAKES_SLOT_MS;
}

// Is anybody due? Forgets those who are.
static inline bool wakes_take(struct wakes *wakes, int64_t now_ms)
{
    bool due = false;
    while (wakes->slots != 0 && wakes_next_ms(wakes) <= now_ms) {
        wakes->slots &= wakes->slots - 1; // the lowest bit
        due = true;
    }
    return due;
}
