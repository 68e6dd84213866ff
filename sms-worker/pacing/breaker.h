// breaker: when a destination is left alone. It opens when, of at least 10 answers within 60 s,
// 70 % were failures, or when a whole window of connections failed in a row. It is open for 30 s,
// then twice as long each time a probe fails, up to 15 minutes, with jitter.
//
// Whether it is open, and how often it opened, is stored in the destination's row for all workers;
// this file only decides. No I/O, no clock.
#pragma once

#include "base/random.h"

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_SLOTS = 6, BREAKER_SLOT_MS = 10 * 1000 };

struct breaker {
    struct {
        int64_t slot; // which 10 s it counts
        unsigned good, bad;
    } slots[BREAKER_SLOTS];
    unsigned connect_failures; // in a row
};

enum breaker_sample { BREAKER_GOOD, BREAKER_BAD, BREAKER_CONNECT_FAILURE };

void breaker_reset(struct breaker *breaker);
// Notes one answer; true when the breaker should open now.
bool breaker_note(struct breaker *breaker, enum breaker_sample sample, unsigned window,
                  int64_t now_ms);
// How long, after `openings` in a row before this one.
int64_t breaker_delay_ms(unsigned openings, struct random *random);
