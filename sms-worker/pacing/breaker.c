#include "sms-worker/pacing/breaker.h"

enum {
    SAMPLES_LEAST = 10,
    BAD_PERCENT = 70,
    OPEN_FIRST_MS = 30 * 1000,
    OPEN_LAST_MS = 15 * 60 * 1000
};

void breaker_reset(struct breaker *breaker)
{
    *breaker = (struct breaker){0};
}

static bool mostly_bad(const struct breaker *breaker, int64_t slot)
{
    unsigned good = 0;
    unsigned bad = 0;
    for (int i = 0; i < BREAKER_SLOTS; i++) {
        if (slot - breaker->slots[i].slot >= BREAKER_SLOTS)
            continue;
        good += breaker->slots[i].good;
        bad += breaker->slots[i].bad;
    }
    return good + bad >= SAMPLES_LEAST && bad * 100 >= (good + bad) * BAD_PERCENT;
}

bool breaker_note(struct breaker *breaker, enum breaker_sample sample, unsigned window,
                  int64_t now_ms)
{
    int64_t slot = now_ms / BREAKER_SLOT_MS;
    int index = (int)(slot % BREAKER_SLOTS);
    if (breaker->slots[index].slot != slot) {
        breaker->slots[index].slot = slot;
        breaker->slots[index].good = breaker->slots[index].bad = 0;
    }

    if (sample == BREAKER_GOOD) {
        breaker->slots[index].good++;
        breaker->connect_failures = 0;
        return false;
    }
    breaker->slots[index].bad++;
    if (sample == BREAKER_CONNECT_FAILURE)
        breaker->connect_failures++;
    else
        breaker->connect_failures = 0;
    return breaker->connect_failures >= window || mostly_bad(breaker, slot);
}

int64_t breaker_delay_ms(unsigned openings, struct random *random)
{
    int64_t delay_ms = OPEN_FIRST_MS;
    for (unsigned i = 0; i < openings && delay_ms < OPEN_LAST_MS; i++)
        delay_ms *= 2;
    if (delay_ms > OPEN_LAST_MS)
        delay_ms = OPEN_LAST_MS;
    return (int64_t)((double)delay_ms * (0.75 + random_unit(random) / 2));
}
